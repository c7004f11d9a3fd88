/*
 * The options for hostkit.ini(5), in man(7) markup.
 */
#include <conf/conf.h>

#include <string.h>

#include <base/roff.h>
#include <conf/options.h>
#include <conf/parse.h>

static const char *where(const struct hk_conf_option *o)
{
	switch (o->scope) {
	case HK_CONF_PROJECT:
		return "Only in a project's own file.";
	case HK_CONF_DEFAULTS:
		return "Only in hostkit.ini.";
	case HK_CONF_PROJECT | HK_CONF_PUSHED:
		return "Not in the defaults for all projects; also in the pushed hostkit.ini.";
	default:
		return o->scope & HK_CONF_PUSHED ? "Also in the pushed hostkit.ini." : "";
	}
}

static void add_option(const struct hk_conf_option *o, struct hk_buf *out)
{
	hk_auto_buf takes = HK_BUF_INIT;

	hk_conf_value_describe(o, &takes);
	hk_buf_addstr(out, ".TP\n.B ");
	hk_roff_text(out, o->key);
	hk_buf_addch(out, '\n');
	hk_roff_text(out, o->help);
	hk_buf_addstr(out, "\n.br\n");
	takes.data[0] = (char)(takes.data[0] - 'a' + 'A');
	hk_roff_text(out, takes.data);
	if (*o->def) {
		hk_buf_addstr(out, "; default\n.BR \"\\%"); /* \\%: no hyphens in a value */
		hk_roff_text(out, o->def);
		hk_buf_addstr(out, "\" .\n");
	} else {
		hk_buf_addstr(out, "; not set by default.\n");
	}
	if (*where(o)) {
		hk_roff_text(out, where(o));
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
