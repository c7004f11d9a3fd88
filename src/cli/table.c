/*
 * The list of commands, finding one, and the texts that follow from the rows.
 */
#include <cli/table.h>

#include <string.h>

#include <base/roff.h>
#include <cli/remote.h>

static const struct hk_cli_command *const tables[] = {
	hk_cli_project_commands, hk_cli_key_commands,	     hk_cli_config_commands,
	hk_cli_deploy_commands,	 hk_cli_deployment_commands, hk_cli_health_commands,
	hk_cli_service_commands, hk_cli_logs_commands,	     hk_cli_env_commands,
	hk_cli_secrets_commands, hk_cli_checkpoint_commands, hk_cli_rollback_commands,
	hk_cli_pause_commands,	 hk_cli_ratelimit_commands,  hk_cli_recover_commands,
	hk_cli_doctor_commands,	 hk_cli_shell_commands,	     hk_cli_start_commands,
};

const struct hk_cli_option hk_cli_global_options[] = {
	{ "root", 0, "DIR", "The installation to work on. Default: $HOSTKIT_ROOT, or /." },
	{ "json", 0, NULL, "Print one JSON object instead of text." },
	{ "help", 'h', NULL, "Show the help of the command." },
	{ "version", 0, NULL, "Show the version." },
	{ NULL, 0, NULL, NULL },
};

void hk_cli_each_command(hk_cli_command_fn *fn, void *ctx)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(tables); i++)
		for (const struct hk_cli_command *c = tables[i]; c->group; c++)
			fn(ctx, c);
}

struct search {
	const char *group;
	const char *verb; /* NULL: looking for a command of one word */
	const struct hk_cli_command *found;
	struct hk_buf verbs; /* of the group, for the message */
};

static void compare(void *ctx, const struct hk_cli_command *c)
{
	struct search *s = ctx;

	if (strcmp(c->group, s->group))
		return;
	if (c->verb)
		hk_buf_addf(&s->verbs, "%s%s", s->verbs.len ? ", " : "", c->verb);
	if (s->verb ? c->verb && !strcmp(c->verb, s->verb) : !c->verb)
		s->found = c;
}

const struct hk_cli_command *hk_cli_find(int argc, char *const *argv, int *ret_words,
					 struct hk_error *err)
{
	struct search s = { .group = argv[0], .verb = argc > 1 ? argv[1] : NULL };

	s.verbs = (struct hk_buf)HK_BUF_INIT;
	*ret_words = 2;
	if (s.verb)
		hk_cli_each_command(compare, &s);
	if (!s.found) {
		*ret_words = 1;
		s.verb = NULL;
		hk_buf_reset(&s.verbs);
		hk_cli_each_command(compare, &s);
	}
	if (!s.found && !s.verbs.len) {
		hk_error_set(err, HK_E_USAGE, "there is no command '%s'", argv[0]);
		hk_error_hint(err, "see: hostkit help");
	} else if (!s.found && argc > 1) {
		hk_error_set(err, HK_E_USAGE, "there is no command '%s %s'", argv[0], argv[1]);
		hk_error_hint(err, "behind %s comes one of: %s", argv[0], s.verbs.data);
	} else if (!s.found) {
		hk_error_set(err, HK_E_USAGE, "'%s' needs a word behind it", argv[0]);
		hk_error_hint(err, "one of: %s", s.verbs.data);
	}
	hk_buf_release(&s.verbs);
	return s.found;
}

static int option_index(const struct hk_cli_call *call, const char *option)
{
	for (int i = 0; i < HK_CLI_OPTIONS_MAX && call->command->options[i].name; i++)
		if (!strcmp(call->command->options[i].name, option))
			return i;
	return -1;
}

const char *hk_cli_value(const struct hk_cli_call *call, const char *option)
{
	int i = option_index(call, option);

	return i < 0 ? NULL : call->values[i];
}

bool hk_cli_has(const struct hk_cli_call *call, const char *option)
{
	return hk_cli_value(call, option) != NULL;
}

static void add_name(const struct hk_cli_command *c, struct hk_buf *out)
{
	hk_buf_addf(out, "%s%s%s", c->group, c->verb ? " " : "", c->verb ? c->verb : "");
}

void hk_cli_usage(const struct hk_cli_command *c, struct hk_buf *out)
{
	hk_buf_addstr(out, "hostkit ");
	add_name(c, out);
	if (*c->operands)
		hk_buf_addf(out, " %s", c->operands);
	for (int i = 0; i < HK_CLI_OPTIONS_MAX && c->options[i].name; i++)
		hk_buf_addf(out, " [--%s%s%s]", c->options[i].name, c->options[i].arg ? " " : "",
			    c->options[i].arg ? c->options[i].arg : "");
}

static void add_option(const struct hk_cli_option *o, struct hk_buf *out)
{
	struct hk_buf left = HK_BUF_INIT;

	if (o->letter)
		hk_buf_addf(&left, "-%c, ", o->letter);
	hk_buf_addf(&left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	hk_buf_addf(out, "  %-22s %s\n", left.data, o->help);
	hk_buf_release(&left);
}

void hk_cli_help(const struct hk_cli_command *c, struct hk_buf *out)
{
	hk_buf_addstr(out, "usage: ");
	hk_cli_usage(c, out);
	hk_buf_addf(out, "\n\n%s\n", c->summary);
	if (c->help)
		hk_buf_addf(out, "\n%s\n", c->help);
	hk_buf_addstr(out, "\n");
	for (int i = 0; i < HK_CLI_OPTIONS_MAX && c->options[i].name; i++)
		add_option(&c->options[i], out);
	for (const struct hk_cli_option *o = hk_cli_global_options; o->name; o++)
		add_option(o, out);
}

struct overview {
	struct hk_buf *out;
	const struct hk_key_reader *reader;
};

static void add_overview_line(void *ctx, const struct hk_cli_command *c)
{
	const struct overview *o = ctx;
	struct hk_buf *out = o->out;
	struct hk_buf left = HK_BUF_INIT;

	if (*o->reader->to && !hk_cli_remote_may(c, &o->reader->commands))
		return;
	add_name(c, &left);
	if (*c->operands)
		hk_buf_addf(&left, " %s", c->operands);
	hk_buf_addf(out, "  %-25s %s\n", left.data, c->summary);
	hk_buf_release(&left);
}

void hk_cli_overview(const struct hk_key_reader *reader, struct hk_buf *out)
{
	struct overview all = { .out = out, .reader = reader };

	if (*reader->to)
		hk_buf_addf(out, "usage: ssh %s [--json] COMMAND ...\n\n", reader->to);
	else
		hk_buf_addstr(out, "usage: hostkit [--root DIR] [--json] COMMAND ...\n\n");
	hk_cli_each_command(add_overview_line, &all);
	hk_buf_addstr(out, "  help [COMMAND]            Show this, or the help of a command.\n\n");
	if (*reader->to) {
		hk_buf_addstr(out, "NAME, the project's, may be left out.\n");
		return;
	}
	for (const struct hk_cli_option *o = hk_cli_global_options; o->name; o++)
		add_option(o, out);
	hk_buf_addstr(out, "\nA first project: hostkit --root ~/hostkit project create demo\n");
}

static void add_man_option(struct hk_buf *out, const struct hk_cli_option *o)
{
	hk_buf_addstr(out, ".RS\n.TP\n");
	if (o->letter)
		hk_buf_addf(out, "\\fB\\-%c\\fR, ", o->letter);
	hk_buf_addstr(out, "\\fB\\-\\-");
	hk_roff_text(out, o->name);
	hk_buf_addf(out, "\\fR%s%s%s\n", o->arg ? " \\fI" : "", o->arg ? o->arg : "",
		    o->arg ? "\\fR" : "");
	hk_roff_text(out, o->help);
	hk_buf_addstr(out, "\n.RE\n");
}

static void add_man_command(void *ctx, const struct hk_cli_command *c)
{
	struct hk_buf *out = ctx;

	hk_buf_addstr(out, ".TP\n\\fBhostkit ");
	add_name(c, out);
	hk_buf_addstr(out, "\\fR ");
	hk_roff_text(out, c->operands);
	hk_buf_addstr(out, "\n");
	hk_roff_text(out, c->summary);
	hk_buf_addstr(out, "\n");
	if (c->help) {
		hk_roff_text(out, c->help);
		hk_buf_addstr(out, "\n");
	}
	for (int i = 0; i < HK_CLI_OPTIONS_MAX && c->options[i].name; i++)
		add_man_option(out, &c->options[i]);
}

void hk_cli_man(struct hk_buf *out)
{
	hk_cli_each_command(add_man_command, out);
	hk_buf_addstr(out, ".SS Options of every command\n");
	for (const struct hk_cli_option *o = hk_cli_global_options; o->name; o++)
		add_man_option(out, o);
}

void hk_cli_man_codes(struct hk_buf *out)
{
	static const enum hk_code codes[] = {
		HK_OK,
#define HK_CODE(name, status, text) HK_E_##name,
#include <base/codes.def>
#undef HK_CODE
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(codes); i++) {
		hk_buf_addf(out, ".TP\n%d \\fB%s\\fR\n", hk_code_exit(codes[i]),
			    hk_code_name(codes[i]));
		hk_roff_text(out, hk_code_text(codes[i]));
		hk_buf_addstr(out, "\n");
	}
}
