/*
 * The configuration as text and JSON, and the example files.
 */
#include <conf/show.h>

#include <string.h>

#include <conf/parse.h>

#define LINE_MAX_LEN 150 /* lists are continued on a new line before the library's limit */
#define COMMENT_WIDTH 78
#define EXAMPLE_WIDTH 99

/* "key = a, b," and the rest of a long list on indented lines. */
static void add_assignment(const struct hk_conf_option *o, const char *value, size_t width,
			   struct hk_buf *out)
{
	size_t column, n;

	hk_buf_addf(out, "%s =", o->key);
	if (o->type != HK_CONF_LIST) {
		hk_buf_addf(out, "%s%s\n", *value ? " " : "", value);
		return;
	}
	column = strlen(o->key) + 2;
	for (const char *p = value; *p; p += n) {
		n = strcspn(p, ",");
		if (column + n + 2 > width && p != value) {
			hk_buf_addstr(out, "\n\t");
			column = 1;
			n -= 1; /* the blank behind the comma */
			p += 1;
		} else if (p == value) {
			hk_buf_addch(out, ' ');
		}
		n += p[n] == ',';
		hk_buf_add(out, p, n);
		column += n;
	}
	hk_buf_addch(out, '\n');
}

/* The value as it is for people; returns whether a part of it is hidden. */
static bool format_shown(const struct hk_conf_option *o, const struct hk_conf *conf,
			 struct hk_buf *out)
{
	hk_auto_buf value = HK_BUF_INIT;
	size_t start, len;

	hk_conf_value_format(o, conf, &value);
	len = o->type == HK_CONF_STRING ? hk_conf_find_userinfo(value.data, &start) : 0;
	if (len)
		hk_buf_addf(out, "%.*s*%s", (int)start, value.data, value.data + start + len);
	else
		hk_buf_addstr(out, value.data);
	return len > 0;
}

void hk_conf_show_option(const struct hk_conf_option *o, const struct hk_conf *conf,
			 const char *origin, struct hk_buf *out)
{
	hk_auto_buf value = HK_BUF_INIT;

	if (o->secret) {
		hk_buf_addf(out, "# %s; secret, not shown\n# %s =\n", origin, o->key);
		return;
	}
	hk_buf_addf(out, "# %s%s\n", origin,
		    format_shown(o, conf, &value) ? "; user and password not shown" : "");
	add_assignment(o, value.data, LINE_MAX_LEN, out);
}

void hk_conf_show(const struct hk_conf *conf, struct hk_buf *out)
{
	const char *section = "";

	for (size_t i = 0; i < hk_conf_options_len; i++) {
		const struct hk_conf_option *o = &hk_conf_options[i];

		if (strcmp(section, o->section))
			hk_buf_addf(out, "%s[%s]\n", *section ? "\n" : "", o->section);
		section = o->section;
		hk_conf_show_option(o, conf, conf->origins[i], out);
	}
}

struct hk_json *hk_conf_option_to_json(const struct hk_conf_option *o, const struct hk_conf *conf,
				       const char *origin)
{
	struct hk_json *j = hk_json_object();
	hk_auto_buf value = HK_BUF_INIT;

	format_shown(o, conf, &value);
	hk_json_set(j, "value", hk_json_string(o->secret ? NULL : value.data));
	hk_json_set(j, "origin", hk_json_string(origin));
	if (o->secret)
		hk_json_set(j, "secret", hk_json_bool(true));
	return j;
}

struct hk_json *hk_conf_to_json(const struct hk_conf *conf)
{
	struct hk_json *j = hk_json_object(), *section = NULL;
	const char *name = "";

	for (size_t i = 0; i < hk_conf_options_len; i++) {
		const struct hk_conf_option *o = &hk_conf_options[i];

		if (strcmp(name, o->section)) {
			section = hk_json_object();
			hk_json_set(j, o->section, section);
		}
		name = o->section;
		hk_json_set(section, o->key, hk_conf_option_to_json(o, conf, conf->origins[i]));
	}
	return j;
}

/* Wraps text into comment lines. */
static void add_comment(const char *text, struct hk_buf *out)
{
	size_t column = 0, n;

	for (const char *p = text; *p; p += n + strspn(p + n, " ")) {
		n = strcspn(p, " ");
		if (column && column + 1 + n > COMMENT_WIDTH) {
			hk_buf_addch(out, '\n');
			column = 0;
		}
		hk_buf_addf(out, "%s%.*s", column ? " " : "# ", (int)n, p);
		column += n + (column ? 1 : 2);
	}
	hk_buf_addch(out, '\n');
}

/* The default, each line of it behind a # that is to be removed. */
static void add_commented(const struct hk_conf_option *o, struct hk_buf *out)
{
	hk_auto_buf text = HK_BUF_INIT;

	add_assignment(o, o->def, EXAMPLE_WIDTH, &text);
	for (const char *p = text.data; *p;) {
		int n = (int)strcspn(p, "\n");

		hk_buf_addf(out, "#%.*s\n", n, p);
		p += n + 1;
	}
}

void hk_conf_example(bool for_project, struct hk_buf *out)
{
	static const char *const heads[] = {
		"Defaults for all projects: etc/hostkit/hostkit.ini. What a project's own file "
		"sets wins over this one.",
		"One project: etc/hostkit/projects/NAME.ini. What is set here wins over "
		"hostkit.ini.",
	};
	unsigned scope = for_project ? HK_CONF_PROJECT : HK_CONF_DEFAULTS;
	const char *section = "";

	add_comment(heads[for_project], out);
	add_comment("Every option is here with its default: remove the # in front of a key to "
		    "change it. A comment has a line of its own or begins with a blank and ';'. A "
		    "long list goes on in indented lines. See hostkit.ini(5).",
		    out);
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		const struct hk_conf_option *o = &hk_conf_options[i];
		hk_auto_buf takes = HK_BUF_INIT;

		if (!(o->scope & scope))
			continue;
		if (strcmp(section, o->section))
			hk_buf_addf(out, "\n[%s]\n", o->section);
		section = o->section;
		hk_buf_addch(out, '\n');
		add_comment(o->help, out);
		hk_buf_addch(&takes, '(');
		hk_conf_value_describe(o, &takes);
		hk_buf_addch(&takes, ')');
		add_comment(takes.data, out);
		add_commented(o, out);
	}
}
