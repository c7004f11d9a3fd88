/*
 * hostkit shell: the forced command of a project's keys. What the client asks for takes this
 * process's place, so that git finds out by its parent when the client is gone.
 */
#include <cli/cli.h>

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <cli/remote.h>
#include <deploy/project.h>
#include <host/keys.h>
#include <host/label.h>
#include <host/shell.h>
#include <sys/exec.h>
#include <sys/self.h>
#include <sys/signals.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-"

struct session {
	const char *root;
	const char *label;
	struct hk_project project;
	char fingerprint[HK_FINGERPRINT_LEN];
};

static bool is_private(const struct session *s)
{
	return strcmp(s->root, "/") != 0;
}

static int find_project(const struct hk_cli_call *call, struct session *s, struct hk_error *err)
{
	const char *name = hk_cli_value(call, "project");
	struct passwd *pw;

	if (is_private(s) && name)
		return hk_project_open(s->root, name, &s->project, err);
	if (is_private(s) || name)
		return hk_error_set(err, HK_E_USAGE,
				    "--project goes with --root, and --root with it");
	if (!geteuid())
		return hk_error_set(err, HK_E_NOT_ALLOWED,
				    "a project's keys are for its user, and this is root");
	pw = getpwuid(geteuid());
	if (!pw)
		return hk_error_set(err, HK_E_NOT_ALLOWED, "the user %u has no name",
				    (unsigned)geteuid());
	return hk_project_open(s->root, pw->pw_name, &s->project, err);
}

/* A line that somebody copied elsewhere, or a session of before, outlives its key. */
static int find_key(struct session *s, struct hk_error *err)
{
	const struct hk_keys_of of = { .root = s->root,
				       .project = s->project.name,
				       .home = s->project.home_path };
	hk_auto_keys keys = HK_KEYS_INIT;
	const struct hk_key *key;

	if (hk_keys_list(&of, &keys, err))
		return err->code;
	key = hk_keys_find(&keys, s->label);
	if (!key) {
		hk_error_set(err, HK_E_NOT_ALLOWED, "the key '%s' is no longer known", s->label);
		return hk_error_hint(err,
				     "ask the administrator to add it: hostkit key add %s FILE",
				     s->project.name);
	}
	memcpy(s->fingerprint, key->fingerprint, sizeof(s->fingerprint));
	return 0;
}

static void set(struct hk_strlist *env, const char *name, const char *value)
{
	hk_strlist_addf(env, "%s=%s", name, value);
}

/* One that the client may choose, when it is plain. */
static void set_plain(struct hk_strlist *env, const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	if (!value || !*value || strlen(value) > 64 || value[strspn(value, PLAIN)])
		value = otherwise;
	if (value)
		set(env, name, value);
}

static void build_environment(const struct session *s, struct hk_strlist *env)
{
	struct passwd *pw = getpwuid(geteuid());
	const char *user = pw ? pw->pw_name : s->project.name;
	const char *protocol = getenv("GIT_PROTOCOL");
	hk_auto_buf commands = HK_BUF_INIT;

	set(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set(env, "HOME", s->project.home_path);
	set(env, "USER", user);
	set(env, "LOGNAME", user);
	set_plain(env, "LANG", "C.UTF-8");
	set_plain(env, "TERM", NULL);
	if (protocol && strlen(protocol) == 9 && !strncmp(protocol, "version=", 8) &&
	    protocol[8] >= '0' && protocol[8] <= '9')
		set(env, "GIT_PROTOCOL", protocol);
	if (is_private(s))
		set(env, "HOSTKIT_ROOT", s->root);
	set(env, "HOSTKIT_KEY", s->label);
	set(env, "HOSTKIT_KEY_FINGERPRINT", s->fingerprint);
	hk_cli_remote_list(&s->project.conf, &commands);
	set(env, "HOSTKIT_KEY_COMMANDS", commands.data);
}

static int find_command(const struct session *s, struct hk_strlist *argv, struct hk_error *err)
{
	HK_CLEANUP(hk_shell_request_release)
	struct hk_shell_request request = HK_SHELL_REQUEST_INIT;
	const struct hk_shell_own own = { s->project.name, s->project.repo_path };
	const char *text = getenv("SSH_ORIGINAL_COMMAND");
	hk_auto_free char *program = NULL;

	if (hk_shell_parse(text ? text : "", &own, &request, err))
		return err->code;
	if (request.git) {
		hk_strlist_add(argv, request.git);
		hk_strlist_add(argv, s->project.repo_path);
		return 0;
	}
	if (hk_self_program("hostkit", &program, err))
		return err->code;
	hk_strlist_add(argv, program);
	return hk_cli_remote(&request.words, s->project.name, &s->project.conf, argv, err);
}

static int say_what_is_possible(const struct session *s, struct hk_error *err)
{
	hk_auto_buf commands = HK_BUF_INIT;

	if (err->code != HK_E_NOT_ALLOWED || *err->hint)
		return err->code;
	hk_cli_remote_list(&s->project.conf, &commands);
	return hk_error_hint(err, "possible are git push and git fetch of '%s'%s%s",
			     s->project.name, commands.len ? ", and of hostkit: " : "",
			     commands.data);
}

static void session_release(struct session *s)
{
	hk_project_close(&s->project);
}

static int run_shell(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(session_release)
	struct session s = { .root = call->root,
			     .label = hk_cli_value(call, "key"),
			     .project = HK_PROJECT_INIT };
	hk_auto_strlist argv = HK_STRLIST_INIT, env = HK_STRLIST_INIT;

	if (!s.label)
		return hk_error_set(err, HK_E_USAGE, "--key is missing");
	if (hk_label_check(s.label, err) || find_project(call, &s, err) || find_key(&s, err))
		return err->code;
	if (find_command(&s, &argv, err))
		return say_what_is_possible(&s, err);
	build_environment(&s, &env);
	if (fchdir(s.project.home_fd))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot enter '%s'",
					  s.project.home_path);
	hk_signals_default_pipe();
	return hk_exec(hk_strlist_argv(&argv), hk_strlist_argv(&env), err);
}

const struct hk_cli_command hk_cli_shell_commands[] = {
	{ .group = "shell",
	  .operands = "",
	  .only_option = true,
	  .as = HK_CLI_AS_CALLER,
	  .summary = "What sshd runs for the keys of hostkit key.",
	  .help = "Does what the client asks for (SSH_ORIGINAL_COMMAND): git push and git fetch of the\n"
		  "project's own repository, and the commands of hostkit that [project] shell names,\n"
		  "where the project's name may be left out. Everything else is refused; nothing is\n"
		  "given to a shell.",
	  .options = { { "key", 0, "LABEL", "The key that the client has." },
		       { "project", 0, "NAME",
			 "The project, with --root. Under / it is the user's." } },
	  .run = run_shell },
	{ .group = NULL },
};
