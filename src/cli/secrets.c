/*
 * hostkit secrets set, list, unset, import, verify, rotate: the project's vault.
 */
#include <cli/cli.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <cli/open.h>
#include <cli/secrets_input.h>
#include <deploy/secrets.h>
#include <store/dotenv.h>
#include <store/vault.h>
#include <sys/fs.h>

struct secrets {
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_vault *vault;
};

#define hk_auto_secrets HK_CLEANUP(close_secrets) struct secrets

static void close_secrets(struct secrets *s)
{
	hk_vault_close(s->vault);
	hk_ledger_close(s->ledger);
	hk_project_close(&s->project);
}

static int open_secrets(struct hk_cli_call *call, bool to_write, struct secrets *s,
			struct hk_error *err)
{
	if (hk_cli_open(call, &s->project, &s->ledger, err))
		return err->code;
	return hk_vault_open(s->project.state_fd, s->project.name, to_write, &s->vault, err);
}

static int check_name(const char *name, struct hk_error *err)
{
	if (hk_dotenv_is_name(name))
		return 0;
	hk_error_set(err, HK_E_USAGE, "'%.100s' is not the name of a variable", name);
	if (strchr(name, '='))
		return hk_error_hint(err,
				     "a value does not belong on the command line, where others "
				     "see it: it is asked for, or read with --stdin");
	return hk_error_hint(err, "letters, digits and '_', not beginning with a digit");
}

static void say(struct hk_cli_call *call, const char *project, const char *what)
{
	if (call->json)
		call->data = hk_json_object();
	else
		hk_cli_say(
			"%s\nused by: hostkit deploy %s --inject-secrets, or [secrets] inject = yes\n",
			what, project);
}

static int run_set(struct hk_cli_call *call, struct hk_error *err)
{
	const char *name = call->operands[1];
	hk_auto_secrets s = { .project = HK_PROJECT_INIT };
	hk_auto_free char *what = hk_xasprintf("%s is set", name);
	char *value = NULL;
	int ret;

	/* First the value: nobody has to wait for whoever types it. */
	if (check_name(name, err) || hk_secrets_input(name, hk_cli_has(call, "stdin"), &value, err))
		return err->code;
	ret = open_secrets(call, true, &s, err);
	if (!ret)
		ret = hk_vault_set(s.vault, name, value, err);
	hk_vault_free(value);
	if (!ret)
		ret = hk_vault_save(s.vault, err);
	if (!ret)
		say(call, s.project.name, what);
	return ret;
}

static int run_list(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_secrets s = { .project = HK_PROJECT_INIT };
	struct hk_json *list = NULL;

	if (open_secrets(call, false, &s, err))
		return err->code;
	if (call->json) {
		list = hk_json_array();
		call->data = hk_json_object();
		hk_json_set(call->data, "secrets", list);
	}
	for (size_t i = 0; i < hk_vault_len(s.vault); i++) {
		struct hk_secret secret = hk_vault_at(s.vault, i);
		char when[HK_CLOCK_RFC3339_LEN];
		struct hk_json *j;

		hk_clock_rfc3339(secret.set_at, when);
		if (!list) {
			printf("%-32s %6zu bytes  %.10s %.8s\n", secret.name, strlen(secret.value),
			       when, when + 11);
			continue;
		}
		j = hk_json_object();
		hk_json_set(j, "name", hk_json_string(secret.name));
		hk_json_set(j, "length", hk_json_int((int64_t)strlen(secret.value)));
		hk_json_set(j, "set_at", hk_json_string(when));
		hk_json_append(list, j);
	}
	return 0;
}

static int run_unset(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_secrets s = { .project = HK_PROJECT_INIT };

	if (open_secrets(call, true, &s, err))
		return err->code;
	for (int i = 1; i < call->n_operands; i++) {
		if (hk_vault_unset(s.vault, call->operands[i]))
			continue;
		hk_error_set(err, HK_E_USAGE, "there is no secret '%.100s'", call->operands[i]);
		return hk_error_hint(err, "see what there is: hostkit secrets list %s",
				     s.project.name);
	}
	if (hk_vault_save(s.vault, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		hk_cli_say("removed from the vault; what is in .env stays: hostkit env unset\n");
	return 0;
}

static int read_import(const char *path, struct hk_buf *text, struct hk_error *err)
{
	int failed;

	if (strcmp(path, "-"))
		return hk_fs_read_file(AT_FDCWD, path, HK_DOTENV_MAX, text, err);
	failed = hk_fs_read_all(STDIN_FILENO, HK_DOTENV_MAX, text);
	return failed ? hk_error_set_errno(err, HK_E_IO, failed, "cannot read standard input") : 0;
}

static int import(struct secrets *s, struct hk_strlist *entries, struct hk_error *err)
{
	for (size_t i = 0; i < entries->len; i++) {
		char *value = strchr(entries->items[i], '=');

		*value++ = '\0';
		if (hk_vault_set(s->vault, entries->items[i], value, err))
			return err->code;
	}
	return hk_vault_save(s->vault, err);
}

static int run_import(struct hk_cli_call *call, struct hk_error *err)
{
	const char *path = call->operands[1];
	hk_auto_secrets s = { .project = HK_PROJECT_INIT };
	struct hk_strlist entries = HK_STRLIST_INIT;
	struct hk_buf text = HK_BUF_INIT;
	hk_auto_free char *what = NULL;
	int ret;

	ret = read_import(path, &text, err);
	if (!ret)
		ret = hk_dotenv_parse(text.data, text.len, path, &entries, err);
	hk_buf_wipe(&text);
	if (!ret)
		ret = open_secrets(call, true, &s, err);
	if (!ret)
		ret = import(&s, &entries, err);
	what = hk_xasprintf("%zu secrets are set", entries.len);
	hk_strlist_wipe(&entries);
	if (!ret)
		say(call, s.project.name, what);
	return ret;
}

/* The names that an example of the live release has: what the application asks for. */
static int add_examples(const struct hk_project *p, struct hk_strlist *names, struct hk_error *err)
{
	static const char example[] = ".env.example";
	hk_auto_strlist entries = HK_STRLIST_INIT;
	hk_auto_free char *active = NULL;
	hk_auto_close int release = -1;
	hk_auto_buf text = HK_BUF_INIT;

	if (hk_project_active(p, &active, err))
		return err->code;
	if (!active || hk_fs_open_dir(p->releases_fd, active, &release, err) ||
	    !hk_fs_is_file(release, example))
		return err->code;
	if (hk_fs_read_file(release, example, HK_DOTENV_MAX, &text, err) ||
	    hk_dotenv_parse(text.data, text.len, example, &entries, err))
		return err->code;
	for (size_t i = 0; i < entries.len; i++) {
		entries.items[i][strcspn(entries.items[i], "=")] = '\0';
		if (!hk_strlist_has(names, entries.items[i]))
			hk_strlist_add(names, entries.items[i]);
	}
	return 0;
}

static int run_verify(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_secrets s = { .project = HK_PROJECT_INIT };
	hk_auto_strlist names = HK_STRLIST_INIT, missing = HK_STRLIST_INIT;
	hk_auto_buf list = HK_BUF_INIT;

	if (open_secrets(call, false, &s, err))
		return err->code;
	hk_strlist_add_list(&names, &s.project.conf.secrets_required);
	if (add_examples(&s.project, &names, err) ||
	    hk_secrets_find_missing(&s.project, s.vault, &names, &missing, err))
		return err->code;
	for (size_t i = 0; i < missing.len; i++)
		hk_buf_addf(&list, "%s%s", i ? ", " : "", missing.items[i]);
	if (missing.len) {
		hk_error_set(err, HK_E_SECRET_MISSING, "neither in the vault nor in .env: %.400s",
			     list.data);
		return hk_error_hint(err, "hostkit secrets set %s %s", s.project.name,
				     missing.items[0]);
	}
	if (call->json)
		call->data = hk_json_object();
	else
		printf("all %zu names that [secrets] required and .env.example have are set\n",
		       names.len);
	return 0;
}

static int run_rotate(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_secrets s = { .project = HK_PROJECT_INIT };

	if (open_secrets(call, true, &s, err) || hk_vault_rotate(s.vault, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		printf("the vault of %s is encrypted under a new key\n", s.project.name);
	return 0;
}

const struct hk_cli_command hk_cli_secrets_commands[] = {
	{ .group = "secrets",
	  .verb = "set",
	  .operands = "NAME KEY",
	  .min = 2,
	  .max = 2,
	  .remote = true,
	  .summary = "Put a secret into the vault.",
	  .help = "The value is asked for, and not shown. The vault is encrypted; deployments with\n"
		  "--inject-secrets write it into .env.",
	  .options = { { "stdin", 0, NULL, "Read the value from standard input." } },
	  .run = run_set },
	{ .group = "secrets",
	  .verb = "list",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "List the names of secrets, their lengths and dates.",
	  .run = run_list },
	{ .group = "secrets",
	  .verb = "unset",
	  .operands = "NAME KEY...",
	  .min = 2,
	  .max = 1000,
	  .remote = true,
	  .summary = "Remove secrets from the vault.",
	  .run = run_unset },
	{ .group = "secrets",
	  .verb = "import",
	  .operands = "NAME FILE|-",
	  .min = 2,
	  .max = 2,
	  .remote = true,
	  .summary = "Put all of a file like .env into the vault.",
	  .run = run_import },
	{ .group = "secrets",
	  .verb = "verify",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Tell which required secrets are missing.",
	  .help = "Required is what [secrets] required names, and what .env.example of the live release\n"
		  "has.",
	  .run = run_verify },
	{ .group = "secrets",
	  .verb = "rotate",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Encrypt the vault under a new key.",
	  .run = run_rotate },
	{ .group = NULL },
};
