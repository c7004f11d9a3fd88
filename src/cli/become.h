/*
 * Who a command runs as, under the root "/".
 */
#ifndef HK_CLI_BECOME_H
#define HK_CLI_BECOME_H

#include <cli/cli.h>
#include <deploy/apply.h>
#include <sys/user.h>

/*
 * The process becomes who the command runs as. Root becomes the project's user for good, so that it
 * neither writes into that one's folders nor leaves anything of its own there. HK_E_PERMISSION when
 * the caller is neither that user nor root, HK_E_PROJECT_NOT_FOUND. Nothing in a private root.
 */
int hk_cli_become(const struct hk_cli_call *call, enum hk_cli_as as,
		  struct hk_error *err) HK_MUST_CHECK;

/*
 * Changes settings of the project that is the call's first operand, for a command that runs as
 * root, and becomes its user afterwards. What is to be known is said on stderr.
 */
int hk_cli_change(const struct hk_cli_call *call, const struct hk_project_change *changes, size_t n,
		  struct hk_error *err) HK_MUST_CHECK;

/*
 * Whether the caller is root of a host, who looks at projects as their users: each in a process of
 * its own, by hk_user_run.
 */
bool hk_cli_is_host_root(const struct hk_cli_call *call);

/* The user of a project, to do so. */
int hk_cli_run_as_owner(const char *name, hk_user_fn *fn, void *ctx, struct hk_buf *out,
			struct hk_error *err) HK_MUST_CHECK;

#endif
