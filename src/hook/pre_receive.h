/*
 * The pre-receive hook: refuses a push with one clear reason before git moves a ref. It never
 * builds. Thin like post-receive; what needs the objects is asked from hostkit-worker.
 */
#ifndef HK_HOOK_PRE_RECEIVE_H
#define HK_HOOK_PRE_RECEIVE_H

/* Reads ref updates from stdin and talks to the client on stderr. Not 0 refuses the push. */
int hk_pre_receive(void);

#endif
