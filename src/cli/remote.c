/*
 * A client's command line, checked against the table of commands.
 */
#include <cli/remote.h>

#include <string.h>

#include <base/alloc.h>
#include <base/lines.h>
#include <cli/table.h>
#include <deploy/project.h>
#include <deploy/request.h>

#define SHOWN_MAX 80

static int refuse(struct hk_error *err, const char *word, const char *why)
{
	hk_auto_buf shown = HK_BUF_INIT;

	hk_lines_plain(&shown, word, strlen(word), SHOWN_MAX);
	return hk_error_set(err, HK_E_NOT_ALLOWED, "'%s' %s", shown.data, why);
}

bool hk_cli_remote_may(const struct hk_cli_command *c, const struct hk_strlist *commands)
{
	hk_auto_free char *both = c->verb ? hk_xasprintf("%s %s", c->group, c->verb) : NULL;

	return c->remote &&
	       (hk_strlist_has(commands, c->group) || (both && hk_strlist_has(commands, both)));
}

void hk_cli_remote_list(const struct hk_conf *conf, struct hk_buf *out)
{
	for (size_t i = 0; i < conf->project_shell.len; i++)
		hk_buf_addf(out, "%s%s", i ? ", " : "", conf->project_shell.items[i]);
}

/* Whether a name is one of "a|b|c". */
static bool is_one_of(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; p && *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == len && !strncmp(p, name, len))
			return true;
	return false;
}

static int check_option(const struct hk_cli_command *c, const char *name,
			const struct hk_conf *conf, struct hk_error *err)
{
	if (is_one_of(c->local, name))
		return hk_error_set(err, HK_E_NOT_ALLOWED,
				    "--%s is only possible on the machine itself", name);
	/* What git push -o may not ask for cannot be asked for by another way in. */
	if (!hk_request_option_find(name) || hk_strlist_has(&conf->push_allow, name))
		return 0;
	hk_error_set(err, HK_E_NOT_ALLOWED, "the option '%s' is not allowed here", name);
	return hk_error_hint(err, "the administrator allows it: [push] allow");
}

static int add_options(const struct hk_cli_call *call, const struct hk_conf *conf,
		       struct hk_strlist *argv, struct hk_error *err)
{
	const struct hk_cli_command *c = call->command;

	for (int i = 0; i < HK_CLI_OPTIONS_MAX && c->options[i].name; i++) {
		if (!call->values[i])
			continue;
		if (check_option(c, c->options[i].name, conf, err))
			return err->code;
		if (c->options[i].arg)
			hk_strlist_addf(argv, "--%s=%s", c->options[i].name, call->values[i]);
		else
			hk_strlist_addf(argv, "--%s", c->options[i].name);
	}
	return 0;
}

static int other_project(const struct hk_cli_call *call, const char *project, struct hk_error *err)
{
	const struct hk_cli_command *c = call->command;

	hk_error_set(err, HK_E_NOT_ALLOWED, "this key is for the project '%s', not for '%s'",
		     project, call->operands[0]);
	return hk_error_hint(
		err, "if that is no project, put the own one's name before it: %s%s%s %s %s",
		c->group, c->verb ? " " : "", c->verb ? c->verb : "", project, call->operands[0]);
}

/*
 * The first operand is the project; one that was left out is put in. A word that could be a
 * project's name is never taken for something else: it would be done to the wrong project.
 */
static int add_operands(const struct hk_cli_call *call, const char *project,
			struct hk_strlist *argv, struct hk_error *err)
{
	const char *kinds = call->command->operands;
	const char *first = call->n_operands ? call->operands[0] : "";
	bool named = !strcmp(first, project);
	struct hk_error ignored;

	if (*first && !named && !hk_project_check_name(first, &ignored))
		return other_project(call, project, err);
	if (strstr(kinds, "FILE|-") && call->n_operands &&
	    strcmp(call->operands[call->n_operands - 1], "-"))
		return hk_error_set(err, HK_E_NOT_ALLOWED,
				    "from here, only standard input can be read: -");
	hk_strlist_add(argv, "--");
	if (!named && (!strncmp(kinds, "NAME", 4) || !strncmp(kinds, "[NAME]", 6)))
		hk_strlist_add(argv, project);
	for (int i = 0; i < call->n_operands; i++)
		hk_strlist_add(argv, call->operands[i]);
	return 0;
}

static void add_command(const struct hk_cli_command *c, struct hk_strlist *argv)
{
	hk_strlist_add(argv, c->group);
	if (c->verb)
		hk_strlist_add(argv, c->verb);
}

static int take(const struct hk_cli_invocation *in, const char *project, const struct hk_conf *conf,
		struct hk_strlist *argv, struct hk_error *err)
{
	const struct hk_cli_command *c = in->call.command;

	if (in->root)
		return hk_error_set(err, HK_E_NOT_ALLOWED,
				    "--root is only possible on the machine itself");
	if (in->version || in->help) {
		hk_strlist_add(argv, in->version ? "--version" : "help");
		if (c && !in->version)
			add_command(c, argv);
		return 0;
	}
	if (!c)
		return hk_error_set(err, HK_E_NOT_ALLOWED, "hostkit needs a command here");
	if (!hk_cli_remote_may(c, &conf->project_shell)) {
		hk_auto_free char *name = hk_xasprintf("%s%s%s", c->group, c->verb ? " " : "",
						       c->verb ? c->verb : "");

		return refuse(err, name, "is not possible with this key");
	}
	if (in->json)
		hk_strlist_add(argv, "--json");
	add_command(c, argv);
	if (add_options(&in->call, conf, argv, err))
		return err->code;
	return add_operands(&in->call, project, argv, err);
}

int hk_cli_remote(const struct hk_strlist *words, const char *project, const struct hk_conf *conf,
		  struct hk_strlist *ret_argv, struct hk_error *err)
{
	hk_auto_free char **argv = hk_xcalloc(words->len + 2, sizeof(*argv));
	struct hk_cli_invocation in = { .root = NULL };
	hk_auto_strlist line = HK_STRLIST_INIT;
	struct hk_error wrong = HK_ERROR_INIT;
	char name[] = "hostkit";

	argv[0] = name;
	for (size_t i = 0; i < words->len; i++)
		argv[i + 1] = words->items[i];
	if (hk_cli_parse(&in, (int)words->len + 1, argv, &wrong)) {
		if (!in.call.command)
			return refuse(err, words->items[0], "is not possible with this key");
		*err = wrong;
		return err->code;
	}
	if (take(&in, project, conf, &line, err))
		return err->code;
	hk_strlist_add_list(ret_argv, &line);
	return 0;
}
