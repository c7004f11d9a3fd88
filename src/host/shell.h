/*
 * What a client of `hostkit shell` asks for: SSH_ORIGINAL_COMMAND, taken apart. Nothing of it ever
 * gets to a shell, and nothing that would need one is accepted: it is words, of git's two commands
 * on the project's own repository, or of hostkit.
 */
#ifndef HK_HOST_SHELL_H
#define HK_HOST_SHELL_H

#include <base/error.h>
#include <base/strlist.h>

#define HK_SHELL_MAX (64 << 10) /* bytes of a command */

/* What the client may mean by its own. */
struct hk_shell_own {
	const char *project;
	const char *repo_path;
};

/* Release with hk_shell_request_release. */
struct hk_shell_request {
	/* "git-receive-pack" or "git-upload-pack", on the own repository; NULL: words. */
	const char *git;
	struct hk_strlist words; /* of a command of hostkit, without "hostkit" in front */
};

#define HK_SHELL_REQUEST_INIT \
	{                     \
		.git = NULL   \
	}
void hk_shell_request_release(struct hk_shell_request *r);

/*
 * The repository may be named by its path, as NAME, NAME.git or repo.git, each also behind "/",
 * "~/",
 * "~NAME/" and before a "/": texts that are compared, so that no link and no ".." leads elsewhere.
 * HK_E_NOT_ALLOWED with what is wrong, without a hint: another program or repository, more words
 * than one behind git's, shell syntax, control characters, no UTF-8, no command at all. Whether
 * hostkit has the command, and the client may use it, is not looked at.
 */
int hk_shell_parse(const char *text, const struct hk_shell_own *own, struct hk_shell_request *ret,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
