/*
 * hostkit env list, get, set, unset, import: the project's .env.
 */
#include <cli/cli.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <cli/open.h>
#include <cli/service.h>
#include <deploy/environment.h>
#include <deploy/secrets.h>
#include <deploy/snapshot.h>
#include <store/dotenv.h>
#include <sys/fs.h>
#include <sys/lock.h>

#define FILE_NAME ".env"
#define HIDDEN "(hidden)"

struct env {
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_lock lock; /* of the file, against another of these commands */
	char *path;
	struct hk_buf text;
};

#define ENV_INIT                                                 \
	{                                                        \
		.project = HK_PROJECT_INIT, .lock = HK_LOCK_INIT \
	}
#define hk_auto_env HK_CLEANUP(close_env) struct env

static void close_env(struct env *e)
{
	hk_lock_release(&e->lock);
	hk_buf_release(&e->text);
	free(e->path);
	hk_ledger_close(e->ledger);
	hk_project_close(&e->project);
}

static int open_env(struct hk_cli_call *call, bool to_write, struct env *e, struct hk_error *err)
{
	e->text = (struct hk_buf)HK_BUF_INIT;
	if (hk_cli_open(call, &e->project, &e->ledger, err) ||
	    (to_write && hk_lock_wait(&e->lock, e->project.state_fd, "env.lock", err)))
		return err->code;
	e->path = hk_xasprintf("%s/" FILE_NAME, e->project.home_path);
	return hk_secrets_read_dotenv(&e->project, &e->text, err);
}

static int run_list(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_env e = ENV_INIT;
	hk_auto_strlist entries = HK_STRLIST_INIT;
	struct hk_json *list = NULL;

	if (open_env(call, false, &e, err) ||
	    hk_dotenv_parse(e.text.data, e.text.len, e.path, &entries, err))
		return err->code;
	if (call->json) {
		call->data = hk_json_object();
		list = hk_json_object();
		hk_json_set(call->data, "env", list);
	}
	for (size_t i = 0; i < entries.len; i++) {
		char *value = strchr(entries.items[i], '=');
		bool hidden =
			!hk_cli_has(call, "show") && hk_environment_is_secret(entries.items[i]);

		*value++ = '\0';
		if (list)
			hk_json_set(list, entries.items[i],
				    hidden ? hk_json_null() : hk_json_string(value));
		else
			printf("%s=%s\n", entries.items[i], hidden ? HIDDEN : value);
	}
	return 0;
}

static int not_set(const struct env *e, const char *name, struct hk_error *err)
{
	hk_error_set(err, HK_E_USAGE, "'%.100s' is not set in '%s'", name, e->path);
	return hk_error_hint(err, "see what is: hostkit env list %s", e->project.name);
}

static int run_get(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_env e = ENV_INIT;
	hk_auto_strlist entries = HK_STRLIST_INIT;
	const char *name = call->operands[1];
	size_t len = strlen(name);

	if (open_env(call, false, &e, err) ||
	    hk_dotenv_parse(e.text.data, e.text.len, e.path, &entries, err))
		return err->code;
	for (size_t i = 0; i < entries.len; i++) {
		const char *entry = entries.items[i];

		if (strncmp(entry, name, len) || entry[len] != '=')
			continue;
		if (call->json) {
			call->data = hk_json_object();
			hk_json_set(call->data, "value", hk_json_string(entry + len + 1));
		} else {
			puts(entry + len + 1);
		}
		return 0;
	}
	return not_set(&e, name, err);
}

static int bad_name(const char *name, struct hk_error *err)
{
	hk_error_set(err, HK_E_USAGE, "'%.100s' is not the name of a variable", name);
	return hk_error_hint(err, "letters, digits and '_', not beginning with a digit");
}

/* What was changed is on disk, whole, before anybody is told. */
static int finish(struct hk_cli_call *call, struct env *e, const struct hk_strlist *names,
		  const char *verb, struct hk_error *err)
{
	hk_auto_buf list = HK_BUF_INIT;
	bool restart = hk_cli_has(call, "restart");

	if (hk_secrets_write_dotenv(&e->project, &e->text, err))
		return err->code;
	hk_lock_release(&e->lock);
	for (size_t i = 0; i < names->len; i++)
		hk_buf_addf(&list, "%s%s", i ? ", " : "", names->items[i]);
	if (!call->json)
		printf("%s %s in %s\n", verb, list.len ? list.data : "nothing", e->path);
	if (restart)
		return hk_cli_service_restart(call, err);
	if (!call->json)
		hk_cli_say("The service has it after: hostkit service restart %s\n",
			   e->project.name);
	else
		call->data = hk_json_object();
	return 0;
}

/* All pairs are looked at before the first is taken. */
static int check_pairs(struct hk_cli_call *call, struct hk_error *err)
{
	for (int i = 1; i < call->n_operands; i++) {
		const char *equals = strchr(call->operands[i], '=');
		hk_auto_free char *name = NULL;

		if (!equals) {
			hk_error_set(err, HK_E_USAGE, "'%.100s' is no KEY=VALUE",
				     call->operands[i]);
			return hk_error_hint(err, "for an empty value: %.100s=", call->operands[i]);
		}
		name = hk_xstrndup(call->operands[i], (size_t)(equals - call->operands[i]));
		if (!hk_dotenv_is_name(name))
			return bad_name(name, err);
	}
	return 0;
}

static int set_pair(struct env *e, const char *pair, struct hk_strlist *names, struct hk_error *err)
{
	const char *equals = strchr(pair, '=');
	hk_auto_free char *name = hk_xstrndup(pair, (size_t)(equals - pair));

	if (hk_dotenv_set(&e->text, name, equals + 1, e->path, err))
		return err->code;
	if (!hk_strlist_has(names, name))
		hk_strlist_add(names, name);
	return 0;
}

static int run_set(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_env e = ENV_INIT;
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (check_pairs(call, err) || open_env(call, true, &e, err))
		return err->code;
	for (int i = 1; i < call->n_operands; i++)
		if (set_pair(&e, call->operands[i], &names, err))
			return err->code;
	return finish(call, &e, &names, "set", err);
}

static int run_unset(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_env e = ENV_INIT;
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (open_env(call, true, &e, err))
		return err->code;
	for (int i = 1; i < call->n_operands; i++) {
		const char *name = call->operands[i];
		bool found;

		if (!hk_dotenv_is_name(name))
			return bad_name(name, err);
		if (hk_dotenv_unset(&e.text, name, e.path, &found, err))
			return err->code;
		if (!found)
			return not_set(&e, name, err);
		hk_strlist_add(&names, name);
	}
	return finish(call, &e, &names, "unset", err);
}

static int read_stdin(struct hk_buf *out, struct hk_error *err)
{
	int failed = hk_fs_read_all(STDIN_FILENO, HK_DOTENV_MAX, out);

	if (failed == EFBIG)
		return hk_error_set(err, HK_E_CONFIG_INVALID, "standard input has more than 1 MiB");
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read standard input");
	return 0;
}

static int run_import(struct hk_cli_call *call, struct hk_error *err)
{
	const char *file = call->operands[1];
	bool from_stdin = !strcmp(file, "-");
	hk_auto_env e = ENV_INIT;
	hk_auto_strlist names = HK_STRLIST_INIT, entries = HK_STRLIST_INIT;
	hk_auto_buf text = HK_BUF_INIT;

	if ((from_stdin ? read_stdin(&text, err)
			: hk_fs_read_file(AT_FDCWD, file, HK_DOTENV_MAX, &text, err)) ||
	    hk_dotenv_parse(text.data, text.len, from_stdin ? "standard input" : file, &entries,
			    err) ||
	    open_env(call, true, &e, err))
		return err->code;
	for (size_t i = 0; i < entries.len; i++)
		if (set_pair(&e, entries.items[i], &names, err))
			return err->code;
	return finish(call, &e, &names, "set", err);
}

/* --- What has changed since a deployment */

struct diff {
	struct hk_json *list; /* NULL: as text */
	bool values;
	size_t n;
};

static void print_value(const char *sign, const char *name, const char *value)
{
	if (value)
		printf("%s %s=%s\n", sign, name, value);
}

static void take_change(void *ctx, const char *name, enum hk_env_change change, const char *old,
			const char *now)
{
	static const struct {
		const char *word, *sign;
	} changes[] = {
		[HK_ENV_ADDED] = { "added", "+" },
		[HK_ENV_REMOVED] = { "removed", "-" },
		[HK_ENV_CHANGED] = { "changed", "~" },
	};
	struct diff *d = ctx;
	struct hk_json *j;

	d->n++;
	if (d->list) {
		j = hk_json_object();
		hk_json_set(j, "name", hk_json_string(name));
		hk_json_set(j, "change", hk_json_string(changes[change].word));
		hk_json_set(j, "old", d->values ? hk_json_string(old) : hk_json_null());
		hk_json_set(j, "new", d->values ? hk_json_string(now) : hk_json_null());
		hk_json_append(d->list, j);
	} else if (d->values) {
		print_value("-", name, old);
		print_value("+", name, now);
	} else {
		printf("%s %s\n", changes[change].sign, name);
	}
}

static int run_diff(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_snapshot_release) struct hk_snapshot s = HK_SNAPSHOT_INIT;
	struct diff d = { .values = hk_cli_has(call, "values") };
	hk_auto_env e = ENV_INIT;
	int64_t id = 0;

	if ((call->n_operands > 1 &&
	     hk_human_parse_int(call->operands[1], 1, INT64_MAX, &id, err)) ||
	    open_env(call, false, &e, err) || hk_snapshot_read(&e.project, id, &s, err))
		return err->code;
	if (call->json) {
		d.list = hk_json_array();
		call->data = hk_json_object();
		hk_json_set(call->data, "deployment", hk_json_int(s.deployment));
		hk_json_set(call->data, "changes", d.list);
	}
	if (hk_snapshot_compare(&e.project, &s, take_change, &d, err))
		return err->code;
	if (!d.list && !d.n)
		printf("the same as before deployment %lld\n", (long long)s.deployment);
	return 0;
}

#define RESTART                                                       \
	{                                                             \
		"restart", 0, NULL, "Restart the service afterwards." \
	}

const struct hk_cli_command hk_cli_env_commands[] = {
	{ .group = "env",
	  .verb = "list",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show the variables of the project's .env.",
	  .help = "Values of names that look like secrets are hidden.",
	  .options = { { "show", 0, NULL, "Show them too." } },
	  .run = run_list },
	{ .group = "env",
	  .verb = "get",
	  .operands = "NAME KEY",
	  .min = 2,
	  .max = 2,
	  .remote = true,
	  .summary = "Print the value of one.",
	  .run = run_get },
	{ .group = "env",
	  .verb = "set",
	  .operands = "NAME KEY=VALUE...",
	  .min = 2,
	  .max = 1024,
	  .remote = true,
	  .summary = "Set variables.",
	  .help = "Comments and order of the file are kept, and any value survives as it is. The file is\n"
		  "replaced as a whole, readable for its owner only.",
	  .options = { RESTART },
	  .run = run_set },
	{ .group = "env",
	  .verb = "unset",
	  .operands = "NAME KEY...",
	  .min = 2,
	  .max = 1024,
	  .remote = true,
	  .summary = "Remove variables.",
	  .options = { RESTART },
	  .run = run_unset },
	{ .group = "env",
	  .verb = "import",
	  .operands = "NAME FILE|-",
	  .min = 2,
	  .max = 2,
	  .remote = true,
	  .summary = "Set what a file in .env form has.",
	  .options = { RESTART },
	  .run = run_import },
	{ .group = "env",
	  .verb = "diff",
	  .operands = "NAME [ID]",
	  .min = 1,
	  .max = 2,
	  .remote = true,
	  .summary = "Show what has changed since before a deployment.",
	  .help = "Compares .env with what it was just before deployment ID, or the newest one: '+' is a\n"
		  "name that is new, '-' one that is gone, '~' one with another value.",
	  .options = { { "values", 0, NULL, "Show the values as well." } },
	  .run = run_diff },
	{ .group = NULL },
};
