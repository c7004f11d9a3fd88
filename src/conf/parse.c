/*
 * Values of every type, both ways.
 *
 * What is formatted has to survive the INI format: a blank followed by ';' starts a comment there,
 * and blanks at the ends are lost.
 */
#include <conf/parse.h>

#include <ctype.h>
#include <regex.h>
#include <string.h>

#include <base/alloc.h>
#include <base/human.h>
#include <base/words.h>
#include <conf/relpath.h>

#define SHELL_PREFIX "sh:"

typedef int parse_number_fn(const char *s, int64_t *ret, struct hk_error *err);

struct type {
	const char *noun; /* what it takes, for people */
	int (*parse)(const struct hk_conf_option *o, const char *text, void *member,
		     struct hk_error *err);
	void (*format)(const void *member, struct hk_buf *out);
	void (*release)(void *member);
};

struct unit {
	const char *suffix;
	int64_t factor;
};

static int invalid(struct hk_error *err)
{
	err->code = HK_E_CONFIG_INVALID; /* the parsers of base know only of wrong usage */
	return err->code;
}

static bool in_range_names(const char *range, const char *text)
{
	size_t len = strlen(text), n;

	for (const char *p = range;; p += n + 1) {
		n = strcspn(p, "|");
		if (n == len && !memcmp(p, text, n))
			return true;
		if (!p[n])
			return false;
	}
}

/* The names of a range "a|b|c"; the caller frees *copy, which they point into. */
static size_t split_names(const char *range, char **copy, const char **names, size_t max)
{
	size_t n = 0;
	char *name;

	*copy = hk_xstrdup(range);
	for (char *rest = *copy; rest && n < max;) {
		name = strsep(&rest, "|");
		names[n++] = name;
	}
	return n;
}

/* Says which names a range has, and the one that was probably meant. */
static int none_of(const char *range, const char *text, struct hk_error *err)
{
	hk_auto_free char *copy = NULL;
	hk_auto_buf more = HK_BUF_INIT;
	const char *names[64];
	size_t n = split_names(range, &copy, names, HK_ARRAY_LEN(names));

	for (size_t i = 0; i < n; i++)
		hk_buf_addf(&more, "%s%s", i ? ", " : "", names[i]);
	hk_conf_suggest(text, names, n, &more);
	return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' is none of %s", text, more.data);
}

static const struct {
	const char *word;
	bool value;
} bool_words[] = {
	{ "yes", true }, { "no", false },  { "true", true }, { "false", false },
	{ "on", true },	 { "off", false }, { "1", true },    { "0", false },
};

static bool find_bool(const char *text, bool *ret)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(bool_words); i++)
		if (!strcasecmp(bool_words[i].word, text)) {
			*ret = bool_words[i].value;
			return true;
		}
	return false;
}

static int parse_bool(const struct hk_conf_option *o HK_UNUSED, const char *text, void *member,
		      struct hk_error *err)
{
	if (find_bool(text, member))
		return 0;
	return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' is neither yes nor no", text);
}

static void format_bool(const void *member, struct hk_buf *out)
{
	hk_buf_addstr(out, *(const bool *)member ? "yes" : "no");
}

static int parse_auto(const struct hk_conf_option *o HK_UNUSED, const char *text, void *member,
		      struct hk_error *err)
{
	enum hk_auto *value = member;
	bool yes;

	if (!strcasecmp(text, "auto"))
		*value = HK_AUTO;
	else if (find_bool(text, &yes))
		*value = yes ? HK_YES : HK_NO;
	else
		return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' is none of yes, no, auto",
				    text);
	return 0;
}

static void format_auto(const void *member, struct hk_buf *out)
{
	static const char *const names[] = { [HK_NO] = "no", [HK_YES] = "yes", [HK_AUTO] = "auto" };

	hk_buf_addstr(out, names[*(const enum hk_auto *)member]);
}

/* Cuts "MIN..MAX" in two; false for no range. */
static bool split_range(const char *range, char **copy, const char **min, const char **max)
{
	char *dots;

	*copy = hk_xstrdup(range);
	dots = strstr(*copy, "..");
	if (!dots)
		return false;
	*dots = '\0';
	*min = *copy;
	*max = dots + 2;
	return true;
}

static int parse_in_range(const struct hk_conf_option *o, const char *text, parse_number_fn *parse,
			  int64_t *ret, struct hk_error *err)
{
	hk_auto_free char *copy = NULL;
	const char *min, *max;
	int64_t v, low, high;

	if (parse(text, &v, err) < 0)
		return invalid(err);
	if (split_range(o->range, &copy, &min, &max)) {
		if (parse(min, &low, err) < 0 || parse(max, &high, err) < 0)
			return invalid(err);
		if (v < low || v > high)
			return hk_error_set(err, HK_E_CONFIG_INVALID,
					    "'%s' is out of range: %s to %s", text, min, max);
	}
	*ret = v;
	return 0;
}

static int parse_any_int(const char *s, int64_t *ret, struct hk_error *err)
{
	return hk_human_parse_int(s, INT64_MIN, INT64_MAX, ret, err);
}

static int parse_int(const struct hk_conf_option *o, const char *text, void *member,
		     struct hk_error *err)
{
	return parse_in_range(o, text, parse_any_int, member, err);
}

static void format_int(const void *member, struct hk_buf *out)
{
	hk_buf_addf(out, "%lld", (long long)*(const int64_t *)member);
}

/* Writes v in the largest unit that keeps it whole; the last unit has the factor 1. */
static void format_unit(int64_t v, const struct unit *units, struct hk_buf *out)
{
	while (units->factor > 1 && (!v || v % units->factor))
		units++;
	hk_buf_addf(out, "%lld%s", (long long)(v / units->factor), units->suffix);
}

static int parse_duration(const struct hk_conf_option *o, const char *text, void *member,
			  struct hk_error *err)
{
	return parse_in_range(o, text, hk_human_parse_duration, member, err);
}

static void format_duration(const void *member, struct hk_buf *out)
{
	static const struct unit units[] = {
		{ "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
	};

	format_unit(*(const int64_t *)member, units, out);
}

static int parse_size(const struct hk_conf_option *o, const char *text, void *member,
		      struct hk_error *err)
{
	return parse_in_range(o, text, hk_human_parse_size, member, err);
}

static void format_size(const void *member, struct hk_buf *out)
{
	static const struct unit units[] = {
		{ "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 }
	};

	format_unit(*(const int64_t *)member, units, out);
}

static void set_string(void *member, const char *text)
{
	char **s = member;

	free(*s);
	*s = hk_xstrdup(text);
}

static int parse_string(const struct hk_conf_option *o, const char *text, void *member,
			struct hk_error *err)
{
	regex_t re;
	int r;

	if (*o->range) {
		if (regcomp(&re, o->range, REG_EXTENDED | REG_NOSUB))
			return hk_error_set(err, HK_E_INTERNAL, "'%s' is no regular expression",
					    o->range);
		r = regexec(&re, text, 0, NULL, 0);
		regfree(&re);
		if (r)
			return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' does not match %s",
					    text, o->range);
	}
	set_string(member, text);
	return 0;
}

static void format_string(const void *member, struct hk_buf *out)
{
	const char *s = *(char *const *)member;

	hk_buf_addstr(out, s ? s : "");
}

static void release_string(void *member)
{
	char **s = member;

	free(*s);
	*s = NULL;
}

/* Whether a folder above is named: such a path can lead out of where it seems to be. */
static bool has_dotdot(const char *path)
{
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			return true;
		p += n;
	}
	return false;
}

static int check_absolute(const char *path, struct hk_error *err)
{
	if (*path != '/')
		return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' is not an absolute path", path);
	if (has_dotdot(path))
		return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' goes through '..'", path);
	return 0;
}

static int parse_path(const struct hk_conf_option *o HK_UNUSED, const char *text, void *member,
		      struct hk_error *err)
{
	if (*text && check_absolute(text, err) < 0)
		return err->code;
	set_string(member, text);
	return 0;
}

/* One that is taken as it is written: it is compared with names, and nothing resolves it. */
static int parse_subpath(const struct hk_conf_option *o HK_UNUSED, const char *text, void *member,
			 struct hk_error *err)
{
	if (*text && hk_relpath_check(text, err) < 0)
		return err->code;
	set_string(member, text);
	return 0;
}

/* The next item of a list, without blanks around it; *text moves behind its comma. */
static char *next_item(const char **text)
{
	size_t n = strcspn(*text, ","), len = n;
	const char *s = *text;

	*text = s[n] ? s + n + 1 : NULL;
	while (len && isblank((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len && isblank((unsigned char)s[len - 1]))
		len--;
	return hk_xstrndup(s, len);
}

static bool is_of_paths(const struct hk_conf_option *o)
{
	return o->type == HK_CONF_LIST && !strcmp(o->range, "paths");
}

static bool is_of_absolute(const struct hk_conf_option *o)
{
	return o->type == HK_CONF_LIST && !strcmp(o->range, "absolute");
}

static int check_path(const char *item, const struct hk_strlist *before, struct hk_error *err)
{
	if (hk_relpath_check(item, err) < 0)
		return err->code;
	for (size_t i = 0; i < before->len; i++) {
		const char *other = before->items[i];

		if (!strcmp(item, other))
			return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' is there twice", item);
		if (hk_relpath_overlap(item, other))
			return hk_error_set(err, HK_E_CONFIG_INVALID,
					    "of '%s' and '%s' one lies in the other", other, item);
	}
	return 0;
}

static int check_item(const struct hk_conf_option *o, const char *item, const char *text,
		      const struct hk_strlist *before, struct hk_error *err)
{
	if (!*item)
		return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' has an empty item", text);
	if (*item == '#' || *item == ';')
		return hk_error_set(err, HK_E_CONFIG_INVALID, "the item '%s' begins with '%c'",
				    item, *item);
	if (is_of_paths(o))
		return check_path(item, before, err);
	if (is_of_absolute(o))
		return check_absolute(item, err);
	return *o->range && !in_range_names(o->range, item) ? none_of(o->range, item, err) : 0;
}

static int parse_list(const struct hk_conf_option *o, const char *text, void *member,
		      struct hk_error *err)
{
	hk_auto_strlist list = HK_STRLIST_INIT;
	struct hk_strlist *value = member;
	int r;

	for (const char *rest = *text ? text : NULL; rest;) {
		hk_auto_free char *item = next_item(&rest);

		r = check_item(o, item, text, &list, err);
		if (r < 0)
			return r;
		hk_strlist_add(&list, item);
	}
	hk_strlist_release(value);
	*value = list;
	list = (struct hk_strlist)HK_STRLIST_INIT;
	return 0;
}

static void format_list(const void *member, struct hk_buf *out)
{
	const struct hk_strlist *list = member;

	for (size_t i = 0; i < list->len; i++)
		hk_buf_addf(out, "%s%s", i ? ", " : "", list->items[i]);
}

static void release_list(void *member)
{
	hk_strlist_release(member);
}

static int split_command(const char *text, struct hk_strlist *argv, struct hk_error *err)
{
	if (strncmp(text, SHELL_PREFIX, sizeof(SHELL_PREFIX) - 1))
		return hk_words_split(text, argv, err) < 0 ? invalid(err) : 0;
	text += sizeof(SHELL_PREFIX) - 1;
	text += strspn(text, " \t");
	if (!*text)
		return hk_error_set(err, HK_E_CONFIG_INVALID, "no shell line behind '%s'",
				    SHELL_PREFIX);
	hk_strlist_add(argv, "/bin/sh");
	hk_strlist_add(argv, "-c");
	hk_strlist_add(argv, text);
	return 0;
}

static int parse_command(const struct hk_conf_option *o, const char *text, void *member,
			 struct hk_error *err)
{
	struct hk_command *command = member;
	hk_auto_strlist argv = HK_STRLIST_INIT;
	bool is_auto = !strcmp(text, "auto");
	int r;

	if (is_auto && strcmp(o->def, "auto") && !in_range_names(o->range, "auto"))
		return hk_error_set(err, HK_E_CONFIG_INVALID,
				    "'auto' means nothing here: there is no default command");
	r = is_auto ? 0 : split_command(text, &argv, err);
	if (r < 0)
		return r;
	if (argv.len && !*argv.items[0])
		return hk_error_set(err, HK_E_CONFIG_INVALID, "the program's name is empty");
	hk_strlist_release(&command->argv);
	command->is_auto = is_auto;
	command->argv = argv;
	argv = (struct hk_strlist)HK_STRLIST_INIT;
	return 0;
}

/* Whether argv is /bin/sh -c LINE with a line that "sh: LINE" would bring back. */
static bool is_shell_line(const struct hk_strlist *argv)
{
	const char *line;

	if (argv->len != 3 || strcmp(argv->items[0], "/bin/sh") || strcmp(argv->items[1], "-c"))
		return false;
	line = argv->items[2];
	return *line && *line != ';' && !isblank((unsigned char)*line) &&
	       !isblank((unsigned char)line[strlen(line) - 1]) && !hk_conf_has_comment(line, ';');
}

static void format_words(const struct hk_strlist *argv, struct hk_buf *out)
{
	hk_auto_buf line = HK_BUF_INIT;

	for (size_t i = 0; i < argv->len; i++) {
		const char *word = argv->items[i];
		/* As the first word these would be read as something else. */
		bool special = !i && (!strcmp(word, "auto") ||
				      !strncmp(word, SHELL_PREFIX, sizeof(SHELL_PREFIX) - 1));

		if (i)
			hk_buf_addch(&line, ' ');
		if (special)
			hk_buf_addstr(&line, "''");
		hk_words_quote(&line, word);
	}
	/* A blank followed by ';' is within quotes: '' between them makes it no comment. */
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == ';' && i && isblank((unsigned char)line.data[i - 1]))
			hk_buf_addstr(out, "''");
		hk_buf_addch(out, line.data[i]);
	}
}

static void format_command(const void *member, struct hk_buf *out)
{
	const struct hk_command *command = member;

	if (command->is_auto)
		hk_buf_addstr(out, "auto");
	else if (is_shell_line(&command->argv))
		hk_buf_addf(out, "%s %s", SHELL_PREFIX, command->argv.items[2]);
	else
		format_words(&command->argv, out);
}

static void release_command(void *member)
{
	struct hk_command *command = member;

	hk_strlist_release(&command->argv);
	command->is_auto = false;
}

static int parse_enum(const struct hk_conf_option *o, const char *text, void *member,
		      struct hk_error *err)
{
	if (!in_range_names(o->range, text))
		return none_of(o->range, text, err);
	set_string(member, text);
	return 0;
}

/* "304" or "200-299" */
static int parse_status_range(const char *item, int *from, int *to, struct hk_error *err)
{
	size_t n = strcspn(item, "-");
	hk_auto_free char *first = hk_xstrndup(item, n);
	int64_t low, high;

	first[strcspn(first, " \t")] = '\0';
	if (hk_human_parse_int(first, 100, 599, &low, err) < 0)
		return invalid(err);
	high = low;
	if (item[n] && hk_human_parse_int(item + n + 1 + strspn(item + n + 1, " \t"), 100, 599,
					  &high, err) < 0)
		return invalid(err);
	if (low > high)
		return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' ends before it begins", item);
	*from = (int)low;
	*to = (int)high;
	return 0;
}

static int parse_statuses(const struct hk_conf_option *o HK_UNUSED, const char *text, void *member,
			  struct hk_error *err)
{
	struct hk_statuses s = { .len = 0 };
	int r;

	for (const char *rest = text; rest; s.len++) {
		hk_auto_free char *item = next_item(&rest);

		if (!*item)
			return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' has an empty item",
					    text);
		if (s.len == HK_ARRAY_LEN(s.ranges))
			return hk_error_set(err, HK_E_CONFIG_INVALID, "more than %d ranges",
					    (int)HK_ARRAY_LEN(s.ranges));
		r = parse_status_range(item, &s.ranges[s.len].from, &s.ranges[s.len].to, err);
		if (r < 0)
			return r;
	}
	*(struct hk_statuses *)member = s;
	return 0;
}

static void format_statuses(const void *member, struct hk_buf *out)
{
	hk_statuses_format(member, out);
}

static const struct type types[] = {
	[HK_CONF_BOOL] = { "yes or no", parse_bool, format_bool, NULL },
	[HK_CONF_AUTO] = { "yes, no or auto", parse_auto, format_auto, NULL },
	[HK_CONF_INT] = { "a number", parse_int, format_int, NULL },
	[HK_CONF_DURATION] = { "a duration", parse_duration, format_duration, NULL },
	[HK_CONF_SIZE] = { "a size", parse_size, format_size, NULL },
	[HK_CONF_STRING] = { "text", parse_string, format_string, release_string },
	[HK_CONF_PATH] = { "an absolute path", parse_path, format_string, release_string },
	[HK_CONF_SUBPATH] = { "a relative path", parse_subpath, format_string, release_string },
	[HK_CONF_LIST] = { "a list", parse_list, format_list, release_list },
	[HK_CONF_COMMAND] = { "a command", parse_command, format_command, release_command },
	[HK_CONF_ENUM] = { "one of", parse_enum, format_string, release_string },
	[HK_CONF_STATUSES] = { "a list of statuses", parse_statuses, format_statuses, NULL },
};

bool hk_statuses_match(const struct hk_statuses *s, int status)
{
	for (size_t i = 0; i < s->len; i++)
		if (status >= s->ranges[i].from && status <= s->ranges[i].to)
			return true;
	return false;
}

void hk_statuses_format(const struct hk_statuses *s, struct hk_buf *out)
{
	for (size_t i = 0; i < s->len; i++) {
		hk_buf_addf(out, "%s%d", i ? ", " : "", s->ranges[i].from);
		if (s->ranges[i].to != s->ranges[i].from)
			hk_buf_addf(out, "-%d", s->ranges[i].to);
	}
}

bool hk_conf_has_comment(const char *text, char c)
{
	for (const char *p = strchr(text, c); p; p = strchr(p + 1, c))
		if (p > text && isblank((unsigned char)p[-1]))
			return true;
	return false;
}

size_t hk_conf_find_userinfo(const char *text, size_t *ret_start)
{
	const char *scheme = strstr(text, "://"), *end = NULL;

	if (!scheme)
		return 0;
	scheme += 3;
	for (size_t i = 0, n = strcspn(scheme, "/?#"); i < n; i++)
		if (scheme[i] == '@')
			end = scheme + i;
	*ret_start = (size_t)(scheme - text);
	return end ? (size_t)(end - scheme) : 0;
}

static int parse_value(const struct hk_conf_option *o, const char *text, struct hk_conf *conf,
		       struct hk_error *err)
{
	/* In a command both can be meant, and the shell or the words decide. */
	if (o->type != HK_CONF_COMMAND && (*text == ';' || hk_conf_has_comment(text, '#'))) {
		hk_error_set(err, HK_E_CONFIG_INVALID,
			     "'%s' has a comment that would be part of the value", text);
		return hk_error_hint(err, "write the comment on a line of its own");
	}
	return types[o->type].parse(o, text, (char *)conf + o->offset, err);
}

int hk_conf_value_parse(const struct hk_conf_option *o, const char *text, struct hk_conf *conf,
			struct hk_error *err)
{
	hk_auto_buf takes = HK_BUF_INIT;
	int r = parse_value(o, text, conf, err);
	size_t at;

	/* Messages reach the pusher: a secret is not quoted in them. */
	if (r < 0 && (o->secret || hk_conf_find_userinfo(text, &at))) {
		hk_conf_value_describe(o, &takes);
		return hk_error_set(err, err->code, "the value is not %s", takes.data);
	}
	return r;
}

void hk_conf_value_format(const struct hk_conf_option *o, const struct hk_conf *conf,
			  struct hk_buf *out)
{
	types[o->type].format((const char *)conf + o->offset, out);
}

void hk_conf_value_release(const struct hk_conf_option *o, struct hk_conf *conf)
{
	if (types[o->type].release)
		types[o->type].release((char *)conf + o->offset);
}

void hk_conf_value_describe(const struct hk_conf_option *o, struct hk_buf *out)
{
	hk_auto_free char *copy = NULL;
	const char *min, *max;
	size_t n;

	hk_buf_addstr(out, types[o->type].noun);
	if (o->type == HK_CONF_STRING && *o->range) {
		hk_buf_addf(out, " that matches %s", o->range);
	} else if (is_of_paths(o)) {
		hk_buf_addstr(out, " of relative paths");
	} else if (is_of_absolute(o)) {
		hk_buf_addstr(out, " of absolute paths");
	} else if (*o->range && (o->type == HK_CONF_ENUM || o->type == HK_CONF_LIST)) {
		if (o->type == HK_CONF_LIST)
			hk_buf_addstr(out, " of");
		for (const char *p = o->range; *p; p += n + (p[n] == '|')) {
			n = strcspn(p, "|");
			hk_buf_addf(out, "%s%.*s", p == o->range ? " " : ", ", (int)n, p);
		}
	} else if (split_range(o->range, &copy, &min, &max)) {
		hk_buf_addf(out, ", %s to %s", min, max);
	}
}
