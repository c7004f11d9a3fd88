/*
 * The start file of a release, RELEASE/.hostkit/start: how to start it, for whoever starts it
 * without the ledger (hostkit run, in the unit of the project). A JSON object of "argv" and "env".
 *
 * The release's own tree may bring anything under that name. What is no folder is removed, no link
 * is followed, and the file is replaced as a whole, so that nothing of the tree is written through
 * or taken for ours.
 */
#ifndef HK_SERVICE_STARTFILE_H
#define HK_SERVICE_STARTFILE_H

#include <base/error.h>
#include <base/strlist.h>

/*
 * Makes the file say that, durably, unless it does already. facts (may be NULL) are NAME=value
 * entries.
 */
int hk_startfile_write(int release_fd, const struct hk_strlist *argv,
		       const struct hk_strlist *facts, struct hk_error *err) HK_MUST_CHECK;

/* Appends what it says. HK_E_SERVICE_FAILED; sys_errno ENOENT when there is none. */
int hk_startfile_read(int release_fd, struct hk_strlist *ret_argv, struct hk_strlist *ret_facts,
		      struct hk_error *err) HK_MUST_CHECK;

#endif
