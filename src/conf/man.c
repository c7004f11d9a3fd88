/*
 * The options for hostkit.ini(5), in man(7) markup.
 */
#include <conf/conf.h>

#include <string.h>

#include <conf/options.h>
#include <conf/parse.h>

/* Characters that roff takes for something else, and how it is told not to. */
static const struct {
	char c;
	const char *text;
} escapes[] = {
	{ '\\', "\\(rs" }, { '-', "\\-" },   { '^', "\\(ha" }, { '~', "\\(ti" },
	{ '\'', "\\(aq" }, { '`', "\\(ga" }, { '"', "\\(dq" },
};

static void add_text(const char *text, struct hk_buf *out)
{
	const char *escape;

	if (*text == '.')
		hk_buf_addstr(out, "\\&"); /* not a request */
	for (; *text; text++) {
		escape = NULL;
		for (size_t i = 0; i < HK_ARRAY_LEN(escapes); i++)
			if (*text == escapes[i].c)
				escape = escapes[i].text;
		if (escape)
			hk_buf_addstr(out, escape);
		else
			hk_buf_addch(out, *text);
	}
}

static const char *where(const struct hk_conf_option *o)
{
	if (o->scope == HK_CONF_PROJECT)
		return "Only in a project's own file.";
	return o->scope == HK_CONF_DEFAULTS ? "Only in hostkit.ini." : "";
}

static void add_option(const struct hk_conf_option *o, struct hk_buf *out)
{
	hk_auto_buf takes = HK_BUF_INIT;

	hk_conf_value_describe(o, &takes);
	hk_buf_addstr(out, ".TP\n.B ");
	add_text(o->key, out);
	hk_buf_addch(out, '\n');
	add_text(o->help, out);
	hk_buf_addstr(out, "\n.br\n");
	takes.data[0] = (char)(takes.data[0] - 'a' + 'A');
	add_text(takes.data, out);
	if (*o->def) {
		hk_buf_addstr(out, "; default\n.BR \"\\%"); /* \\%: no hyphens in a value */
		add_text(o->def, out);
		hk_buf_addstr(out, "\" .\n");
	} else {
		hk_buf_addstr(out, "; not set by default.\n");
	}
	if (*where(o)) {
		add_text(where(o), out);
		hk_buf_addch(out, '\n');
	}
	if (o->secret)
		hk_buf_addstr(out, "Never shown.\n");
}

void hk_conf_man(struct hk_buf *out)
{
	const char *section = "";

	hk_buf_addstr(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		if (strcmp(section, hk_conf_options[i].section))
			hk_buf_addf(out, ".SS [%s]\n", hk_conf_options[i].section);
		section = hk_conf_options[i].section;
		add_option(&hk_conf_options[i], out);
	}
}
