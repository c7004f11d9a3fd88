/*
 * hostkit key add, list, remove: who may push, and be asked for a project over ssh.
 */
#include <cli/key.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/words.h>
#include <cli/cli.h>
#include <deploy/project.h>
#include <sys/fs.h>

#define INPUT_MAX (1 << 20)

int hk_cli_read_keys(const char *file, const char *label, struct hk_keys *ret, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	bool from_stdin = !strcmp(file, "-");
	int failed;

	if (!from_stdin) {
		if (hk_fs_read_file(AT_FDCWD, file, INPUT_MAX, &text, err))
			return err->code;
		return hk_keys_read(text.data, text.len, file, label, ret, err);
	}
	failed = hk_fs_read_all(STDIN_FILENO, INPUT_MAX, &text);
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read standard input");
	return hk_keys_read(text.data, text.len, "standard input", label, ret, err);
}

/* A key can be taken away also while the settings are broken. */
static int check_project(const char *root, const char *name, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;
	hk_auto_conf conf = HK_CONF_INIT;

	if (!hk_project_load_conf(root, name, &conf, NULL, &failed) ||
	    (failed.code != HK_E_PROJECT_NOT_FOUND && failed.code != HK_E_NAME_INVALID))
		return 0;
	*err = failed;
	return err->code;
}

/* The caller frees home, which ret borrows. */
static struct hk_keys_of keys_of(const char *root, const char *project, char **home)
{
	hk_auto_free char *homes = hk_project_root_path(root, "home");

	*home = hk_xasprintf("%s/%s", homes, project);
	return (struct hk_keys_of){ .root = root, .project = project, .home = *home };
}

int hk_cli_add_keys(const char *root, const char *project, const struct hk_keys *keys,
		    struct hk_error *err)
{
	hk_auto_free char *home = NULL;
	struct hk_keys_of of = keys_of(root, project, &home);

	return hk_keys_add(&of, keys, err);
}

static struct hk_json *keys_json(const struct hk_keys *keys)
{
	struct hk_json *list = hk_json_array();

	for (size_t i = 0; i < keys->len; i++) {
		struct hk_json *key = hk_json_object();

		hk_json_set(key, "label", hk_json_string(keys->items[i].label));
		hk_json_set(key, "type", hk_json_string(keys->items[i].type));
		hk_json_set(key, "fingerprint", hk_json_string(keys->items[i].fingerprint));
		hk_json_append(list, key);
	}
	return list;
}

static int answer(struct hk_cli_call *call, const struct hk_keys *keys)
{
	call->data = hk_json_object();
	hk_json_set(call->data, "keys", keys_json(keys));
	return 0;
}

/* Under "/" the file is where sshd looks for the keys of the project's user. */
static void say_private(const char *root, const char *home)
{
	hk_auto_free char *path = hk_xasprintf("%s/.ssh/authorized_keys", home);
	hk_auto_buf quoted = HK_BUF_INIT;

	if (!strcmp(root, "/"))
		return;
	hk_words_quote(&quoted, path);
	printf("in sshd_config, for your account's sshd does not look there by itself:\n"
	       "  AuthorizedKeysFile .ssh/authorized_keys %s\n",
	       quoted.data);
}

static int run_add(struct hk_cli_call *call, struct hk_error *err)
{
	const char *project = call->operands[0];
	hk_auto_free char *home = NULL;
	struct hk_keys_of of = keys_of(call->root, project, &home);
	hk_auto_keys keys = HK_KEYS_INIT;

	if (check_project(call->root, project, err) ||
	    hk_cli_read_keys(call->operands[1], hk_cli_value(call, "label"), &keys, err) ||
	    hk_keys_add(&of, &keys, err))
		return err->code;
	if (call->json)
		return answer(call, &keys);
	for (size_t i = 0; i < keys.len; i++)
		printf("key %s (%s) may push to %s\n", keys.items[i].label,
		       keys.items[i].fingerprint, project);
	say_private(call->root, home);
	return 0;
}

static int run_list(struct hk_cli_call *call, struct hk_error *err)
{
	const char *project = call->operands[0];
	hk_auto_free char *home = NULL;
	struct hk_keys_of of = keys_of(call->root, project, &home);
	hk_auto_keys keys = HK_KEYS_INIT;

	if (check_project(call->root, project, err) || hk_keys_list(&of, &keys, err))
		return err->code;
	if (call->json)
		return answer(call, &keys);
	for (size_t i = 0; i < keys.len; i++)
		printf("%-20s  %-20s  %s\n", keys.items[i].label, keys.items[i].type,
		       keys.items[i].fingerprint);
	if (!keys.len)
		fprintf(stderr, "no keys; add one with: hostkit key add %s FILE\n", project);
	if (keys.others)
		fprintf(stderr, "warning: %zu line%s of %s/.ssh/authorized_keys %s not hostkit's\n",
			keys.others, keys.others == 1 ? "" : "s", home,
			keys.others == 1 ? "is" : "are");
	return 0;
}

static int run_remove(struct hk_cli_call *call, struct hk_error *err)
{
	const char *project = call->operands[0], *label = call->operands[1];
	hk_auto_free char *home = NULL;
	struct hk_keys_of of = keys_of(call->root, project, &home);

	if (check_project(call->root, project, err) || hk_keys_remove(&of, label, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		printf("key %s is removed; nobody logs in to %s with it any more\n", label,
		       project);
	return 0;
}

const struct hk_cli_command hk_cli_key_commands[] = {
	{ .group = "key",
	  .verb = "add",
	  .operands = "NAME FILE|-",
	  .min = 2,
	  .max = 2,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Let a public ssh key push to it.",
	  .help = "FILE has one public key per line, as id_ed25519.pub does; - reads them from standard\n"
		  "input. The key may push and fetch, and run the commands of [project] shell, as\n"
		  "hostkit shell says; it gets no shell and no forwarding. Its label tells in the\n"
		  "history who pushed.",
	  .options = { { "label", 0, "L",
			 "What the key is called: letters, digits and . _ @ -. Default: its "
			 "comment." } },
	  .run = run_add },
	{ .group = "key",
	  .verb = "list",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .summary = "List its keys, with label, type and fingerprint.",
	  .run = run_list },
	{ .group = "key",
	  .verb = "remove",
	  .operands = "NAME LABEL",
	  .min = 2,
	  .max = 2,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Take a key away.",
	  .run = run_remove },
	{ .group = NULL },
};
