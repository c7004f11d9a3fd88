/*
 * The folders of a project under "/" that root makes: its home and its state, which are the user's,
 * and .ssh, which is not: keys are root's to add. What is inside the first two is made as the user.
 */
#ifndef HK_HOST_FOLDERS_H
#define HK_HOST_FOLDERS_H

#include <host/host.h>

/*
 * hp->uid and hp->gid must be known. HK_E_NAME_TAKEN for a folder that belongs to somebody else; an
 * empty one of root's, which a run that was killed may have left, is taken.
 */
int hk_host_home_make(const struct hk_host_project *hp, bool *ret_made,
		      struct hk_error *err) HK_MUST_CHECK;
int hk_host_state_make(const struct hk_host_project *hp, bool *ret_made,
		       struct hk_error *err) HK_MUST_CHECK;
int hk_host_ssh_make(const struct hk_host_project *hp, bool *ret_made,
		     struct hk_error *err) HK_MUST_CHECK;

/*
 * With all that is in them, without following a link; nothing of the user's may run any more. A
 * folder that an administrator keeps elsewhere, behind a link, loses the link only, as a note says.
 */
int hk_host_home_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;
int hk_host_state_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;

/* Takes the keys away, and .ssh with them when it is empty then. */
int hk_host_ssh_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;

/*
 * What the user has left where every user may write, and in the spools of cron, at and mail:
 * whoever gets its number next would own it, or have it run. What cannot be removed is a note.
 */
void hk_host_leftovers_remove(const struct hk_host_project *hp);

#endif
