/*
 * The repository's settings for [push] mode, as a hook can follow them.
 */
#ifndef HK_HOOK_STRICT_H
#define HK_HOOK_STRICT_H

#include <deploy/project.h>

/*
 * Makes the repository's hook settings what the INI file says, when they are not (hostkit-worker
 * does it). receive-pack has read them before it ran this hook, so the push that comes with a mode
 * that has just become strict is refused with HK_E_NOT_ALLOWED: the same push again is served in
 * it.
 */
int hk_strict_follow(const struct hk_project *p, struct hk_error *err) HK_MUST_CHECK;

#endif
