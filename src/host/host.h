/*
 * What a project under "/" has of the machine: a user, a service unit with the right to restart it,
 * a site. Each part is made and undone by functions of one form, so that deploy/create.c and the
 * others walk tables of them:
 *
 *   int hk_host_X_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err);
 *   void hk_host_X_undo(const struct hk_host_project *hp);
 *
 * make is idempotent: *ret_made tells whether something was made or changed, also by a make that
 * failed halfway. undo takes away what make makes, tolerates that it is half-done or not there, and
 * touches nothing that is not ours. All of it is root's to do, and holds hk_installation_lock.
 */
#ifndef HK_HOST_HOST_H
#define HK_HOST_HOST_H

#include <sys/types.h>

#include <base/error.h>
#include <base/strlist.h>
#include <conf/conf.h>

/* All borrowed. Names are checked (hk_project_check_name), so that they can be parts of paths. */
struct hk_host_project {
	const char *name;	    /* also of the user and its group */
	const char *home;	    /* /home/NAME */
	const char *state;	    /* /var/lib/hostkit/NAME */
	const struct hk_conf *conf; /* NULL while there are no settings (any more) */
	uid_t uid;		    /* of the user, once it is there; else 0 */
	gid_t gid;
	struct hk_strlist
		*notes; /* gets what could not be done here and is no failure; never NULL */
};

#endif
