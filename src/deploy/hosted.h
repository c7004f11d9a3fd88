/*
 * A project as the machine's configuration sees it (host/host.h), from its name and settings.
 */
#ifndef HK_DEPLOY_HOSTED_H
#define HK_DEPLOY_HOSTED_H

#include <stdbool.h>

#include <host/host.h>
#include <sys/user.h>

struct hk_hosted {
	char *home, *state;
	struct hk_user user; /* name is NULL while there is none */
	struct hk_host_project hp;
};

#define HK_HOSTED_INIT       \
	{                    \
		.home = NULL \
	}
#define hk_auto_hosted HK_CLEANUP(hk_hosted_release) struct hk_hosted

/*
 * conf (may be NULL) and notes are borrowed. HK_E_NAME_TAKEN when there is a user of that name who
 * is not the project's; one that is missing is no error.
 */
int hk_hosted_init(struct hk_hosted *h, const char *name, const struct hk_conf *conf,
		   struct hk_strlist *notes, struct hk_error *err) HK_MUST_CHECK;

/* Looks the user up again, after it was made. */
int hk_hosted_find_user(struct hk_hosted *h, struct hk_error *err) HK_MUST_CHECK;

void hk_hosted_release(struct hk_hosted *h);

#endif
