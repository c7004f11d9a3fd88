/*
 * Parsing a command line and running its command; the one place that prints results and errors.
 */
#include <cli/table.h>

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <cli/become.h>
#include <deploy/key_reader.h>
#include <sys/signals.h>

#define GLOBALS 4
#define LETTER_BASE 256

static void add_getopt(struct option *o, const struct hk_cli_option *row, int value)
{
	*o = (struct option){ row->name, row->arg ? required_argument : no_argument, NULL, value };
}

/* The option tables of getopt_long(3), from the rows: globals first, then the command's own. */
static void build_getopt(const struct hk_cli_command *c, struct option *longs, char *shorts)
{
	size_t n = 0, s = 0;

	shorts[s++] = ':';
	for (const struct hk_cli_option *o = hk_cli_global_options; o->name; o++, n++) {
		add_getopt(&longs[n], o, LETTER_BASE + (int)n);
		if (o->letter)
			shorts[s++] = o->letter;
	}
	for (int i = 0; c && i < HK_CLI_OPTIONS_MAX && c->options[i].name; i++, n++) {
		add_getopt(&longs[n], &c->options[i], LETTER_BASE + (int)n);
		if (!c->options[i].letter)
			continue;
		shorts[s++] = c->options[i].letter;
		if (c->options[i].arg)
			shorts[s++] = ':';
	}
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
	shorts[s] = '\0';
}

static int by_letter(const struct hk_cli_command *c, int letter)
{
	int n = 0;

	for (const struct hk_cli_option *o = hk_cli_global_options; o->name; o++, n++)
		if (o->letter == letter)
			return LETTER_BASE + n;
	for (int i = 0; c && i < HK_CLI_OPTIONS_MAX && c->options[i].name; i++, n++)
		if (c->options[i].letter == letter)
			return LETTER_BASE + n;
	return 0;
}

static int bad_option(const struct hk_cli_command *c, int kind, char *const *argv,
		      struct hk_error *err)
{
	const char *word = argv[optind - 1];

	if (kind == ':')
		hk_error_set(err, HK_E_USAGE, "option '%s' needs a value", word);
	else
		hk_error_set(err, HK_E_USAGE, "there is no option '%s'", word);
	if (!c)
		return hk_error_hint(err, "see: hostkit help");
	return hk_error_hint(err, "see: hostkit %s%s%s --help", c->group, c->verb ? " " : "",
			     c->verb ? c->verb : "");
}

static void take_option(struct hk_cli_invocation *in, int index)
{
	switch (index) {
	case 0:
		in->root = optarg;
		return;
	case 1:
		in->json = true;
		return;
	case 2:
		in->help = true;
		return;
	case 3:
		in->version = true;
		return;
	default:
		in->call.values[index - GLOBALS] = optarg ? optarg : "";
	}
}

/* stop_early: up to the first word that is no option, which begins the command. */
static int parse_options(struct hk_cli_invocation *in, int argc, char **argv, bool stop_early,
			 struct hk_error *err)
{
	struct option longs[GLOBALS + HK_CLI_OPTIONS_MAX + 1];
	char shorts[4 + 2 * HK_CLI_OPTIONS_MAX + 3];
	char spec[sizeof(shorts) + 1];
	int got;

	build_getopt(in->call.command, longs, shorts);
	snprintf(spec, sizeof(spec), "%s%s", stop_early ? "+" : "", shorts);
	opterr = 0;
	optind = 0; /* a GNU extension: start over, reading the mode from spec again */
	while ((got = getopt_long(argc, argv, spec, longs, NULL)) != -1) {
		if (got == '?' || got == ':')
			return bad_option(in->call.command, got, argv, err);
		if (got < LETTER_BASE)
			got = by_letter(in->call.command, got);
		take_option(in, got - LETTER_BASE);
	}
	return 0;
}

static int check_operands(const struct hk_cli_call *call, struct hk_error *err)
{
	const struct hk_cli_command *c = call->command;
	hk_auto_buf usage = HK_BUF_INIT;

	if (call->n_operands >= c->min && call->n_operands <= c->max)
		return 0;
	hk_cli_usage(c, &usage);
	if (call->n_operands < c->min)
		hk_error_set(err, HK_E_USAGE, "%s%s%s needs %s", c->group, c->verb ? " " : "",
			     c->verb ? c->verb : "", c->operands);
	else
		hk_error_set(err, HK_E_USAGE, "'%s' is one word too many", call->operands[c->max]);
	return hk_error_hint(err, "usage: %s", usage.data);
}

static int find_root(struct hk_cli_invocation *in, char **ret, struct hk_error *err)
{
	const char *root = in->root;

	if (!root && !in->call.command->only_option)
		root = getenv("HOSTKIT_ROOT");
	if (!root || !*root)
		root = "/";
	*ret = realpath(root, NULL);
	if (*ret)
		return 0;
	if (errno == ENOENT && in->call.command->makes_root) {
		hk_auto_free char *cwd = *root == '/' ? NULL : getcwd(NULL, 0);

		*ret = hk_xasprintf("%s%s%s", cwd ? cwd : "", cwd ? "/" : "", root);
		return 0;
	}
	hk_error_set_errno(err, HK_E_USAGE, errno, "cannot use root '%s'", root);
	return hk_error_hint(err, "name an existing folder with --root or HOSTKIT_ROOT");
}

static void print(const struct hk_buf *out)
{
	fwrite(out->data, 1, out->len, stdout);
}

static int show_help(const struct hk_cli_command *c)
{
	HK_CLEANUP(hk_key_reader_release) struct hk_key_reader reader = HK_KEY_READER_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	hk_key_reader_find(&reader);
	if (c)
		hk_cli_help(c, &out);
	else
		hk_cli_overview(&reader, &out);
	print(&out);
	return 0;
}

static int no_command(struct hk_error *err)
{
	hk_error_set(err, HK_E_USAGE, "no command");
	return hk_error_hint(err, "see: hostkit help");
}

int hk_cli_parse(struct hk_cli_invocation *in, int argc, char **argv, struct hk_error *err)
{
	int words, first;

	if (parse_options(in, argc, argv, true, err))
		return err->code;
	first = optind;
	if (first < argc && !strcmp(argv[first], "help")) {
		in->help = true;
		first++;
	}
	if (first >= argc || in->version)
		return 0;
	in->call.command = hk_cli_find(argc - first, argv + first, &words, err);
	if (!in->call.command)
		return err->code;
	/* getopt takes the word before its first argument for the program's name. */
	argv += first + words - 1;
	argc -= first + words - 1;
	if (parse_options(in, argc, argv, false, err))
		return err->code;
	in->call.operands = argv + optind;
	in->call.n_operands = argc - optind;
	return 0;
}

/* *ret_done: something was shown, no command runs. */
static int parse(struct hk_cli_invocation *in, int argc, char **argv, bool *ret_done,
		 struct hk_error *err)
{
	*ret_done = true;
	if (hk_cli_parse(in, argc, argv, err))
		return err->code;
	if (in->version) {
		puts("hostkit " PACKAGE_VERSION);
		return 0;
	}
	if (in->help)
		return show_help(in->call.command);
	if (!in->call.command)
		return no_command(err);
	*ret_done = false;
	return check_operands(&in->call, err);
}

static struct hk_json *error_json(const struct hk_error *err)
{
	struct hk_json *error = hk_json_object();

	hk_json_set(error, "code", hk_json_string(hk_code_name(err->code)));
	hk_json_set(error, "message", hk_json_string(err->message));
	hk_json_set(error, "hint", *err->hint ? hk_json_string(err->hint) : hk_json_null());
	return error;
}

/* The caller frees. */
static char *for_caller(const char *text)
{
	HK_CLEANUP(hk_key_reader_release) struct hk_key_reader reader = HK_KEY_READER_INIT;

	hk_key_reader_find(&reader);
	return hk_key_reader_say(&reader, text);
}

void hk_cli_print_hint(FILE *to, const char *indent, const char *hint)
{
	hk_auto_free char *text = for_caller(hint);

	fprintf(to, "%shint: %s\n", indent, text);
}

void hk_cli_say(const char *fmt, ...)
{
	char text[1024];
	hk_auto_free char *put = NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put = for_caller(text);
	fputs(put, stdout);
}

static void finish(struct hk_cli_invocation *in, int failed, const struct hk_error *err)
{
	hk_auto_buf out = HK_BUF_INIT;

	if (in->json) {
		hk_auto_json *answer = hk_json_object();

		hk_json_set(answer, "success", hk_json_bool(!failed));
		if (failed)
			hk_json_set(answer, "error", error_json(err));
		if (!failed || in->call.answers)
			hk_json_set(answer, "data",
				    in->call.data ? hk_steal_ptr(in->call.data) : hk_json_object());
		hk_json_write(answer, &out);
		hk_buf_addch(&out, '\n');
		print(&out);
	} else if (failed && !in->call.told) {
		fflush(stdout);
		fprintf(stderr, "error: %s\n", err->message);
		if (*err->hint)
			hk_cli_print_hint(stderr, "", err->hint);
	}
	hk_json_free(in->call.data);
}

int hk_cli_main(int argc, char **argv)
{
	struct hk_cli_invocation in = { .root = NULL };
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_free char *root = NULL;
	bool done = false;
	int ret;

	hk_signals_ignore_pipe();
	ret = parse(&in, argc, argv, &done, &err);
	if (!ret && done)
		return 0;
	if (!ret)
		ret = find_root(&in, &root, &err);
	if (!ret) {
		in.call.root = root;
		in.call.json = in.json;
		ret = hk_cli_become(&in.call, in.call.command->as, &err);
	}
	if (!ret)
		ret = in.call.command->run(&in.call, &err);
	/* A usage error before --json was read is still answered in the form that was asked for. */
	for (int i = 1; ret && i < argc; i++)
		in.json |= !strcmp(argv[i], "--json");
	finish(&in, ret, &err);
	if (fflush(stdout) && !ret)
		return hk_code_exit(HK_E_IO);
	return hk_code_exit(ret);
}
