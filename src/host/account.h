/*
 * The Unix user and group of a project under "/": a system account that is called like the project
 * and that nobody can log in to but by a key. That it is hostkit's is told by its comment in
 * passwd(5), "hostkit project NAME".
 */
#ifndef HK_HOST_ACCOUNT_H
#define HK_HOST_ACCOUNT_H

#include <host/host.h>
#include <sys/user.h>

/* Looks the user up; *ret is filled when *ret_found. HK_E_NAME_TAKEN when it is not ours. */
int hk_host_account_find(const char *name, bool *ret_found, struct hk_user *ret,
			 struct hk_error *err) HK_MUST_CHECK;

/* HK_E_NAME_TAKEN when there is a user or a group of that name that is not ours. */
int hk_host_account_check(const char *name, struct hk_error *err) HK_MUST_CHECK;

/* Also completes one that was left half-made by a useradd that was killed. */
int hk_host_account_make(const struct hk_host_project *hp, bool *ret_made,
			 struct hk_error *err) HK_MUST_CHECK;

/* The user and the group of that name with gid; not there is success. */
int hk_host_account_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;

#endif
