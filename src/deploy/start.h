/*
 * The start command of a release: what [service] start names, or what its kind of application has.
 */
#ifndef HK_DEPLOY_START_H
#define HK_DEPLOY_START_H

#include <conf/conf.h>
#include <deploy/detect.h>

/*
 * Appends the words of the command; none when there is nothing to start, or when the configured
 * driver does not use one. HK_E_TYPE_UNKNOWN when the release has nothing that could be started.
 */
int hk_start_choose(const struct hk_conf *conf, int release_fd, const struct hk_detected *detected,
		    struct hk_strlist *ret, struct hk_error *err) HK_MUST_CHECK;

/* As the ledger keeps it: a JSON array, the caller's to free; NULL for no words. */
char *hk_start_to_text(const struct hk_strlist *words);

#endif
