/*
 * INI files through inih, which reports at most one error and is silent about much: it cuts a line
 * that is longer than its buffer (200 bytes in Debian's build, so 198 of text), a value at a NUL
 * byte or at a blank followed by ';', and takes every indented line for more of the value before.
 * So a reader of our own hands it one checked line at a time, knows each line's number, and gives
 * it an empty line in place of a bad one.
 */
#include <conf/file.h>

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/words.h>
#include <conf/parse.h>

#define FILE_MAX (256 * 1024)
#define BOM "\xef\xbb\xbf"
#define BLANKS " \t"

/* What an indented line would continue. */
enum previous {
	NOTHING,
	A_LIST,
	NO_LIST,
	A_BAD_LINE, /* it belongs to a line that was refused, and goes with it */
};

struct reader {
	struct hk_conf_file *file;
	const char *next; /* of the text */
	size_t left;
	const char *text; /* the line that is being parsed, without its end */
	size_t len;
	int line;
	const struct hk_conf_option *option; /* the last key's; NULL when it is unknown */
	enum previous previous;
	bool skip;	/* in a section that was refused */
	bool continued; /* the line continues the entry before */
	bool pending;	/* the line has to reach take_pair, or it is no "key = value" */
};

void hk_conf_file_release(struct hk_conf_file *f)
{
	for (size_t i = 0; i < f->len; i++)
		free(f->entries[i].value);
	for (size_t i = 0; i < f->problems_len; i++) {
		free(f->problems[i].text);
		free(f->problems[i].hint);
	}
	free(f->entries);
	free(f->problems);
	f->entries = NULL;
	f->problems = NULL;
	f->len = f->cap = f->problems_len = f->problems_cap = 0;
}

void hk_conf_file_problem(struct hk_conf_file *f, int line, const struct hk_conf_option *o,
			  const char *hint, const char *fmt, ...)
{
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_free char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (o)
		hk_buf_addf(&text, "[%s] %s: ", o->section, o->key);
	hk_buf_addstr(&text, what);
	if (f->problems_len == f->problems_cap) {
		f->problems_cap = f->problems_cap ? f->problems_cap * 2 : 8;
		f->problems = hk_xreallocarray(f->problems, f->problems_cap, sizeof(*f->problems));
	}
	f->problems[f->problems_len++] = (struct hk_conf_problem){
		.line = line,
		.text = hk_buf_detach(&text),
		.hint = hk_xstrdup(hint ? hint : ""),
	};
}

/* A line has one problem at most. */
static int compare(const void *a, const void *b)
{
	const struct hk_conf_problem *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

void hk_conf_file_sort(struct hk_conf_file *f)
{
	if (f->problems_len > 1)
		qsort(f->problems, f->problems_len, sizeof(*f->problems), compare);
}

static void add_entry(struct hk_conf_file *f, const struct hk_conf_option *o, const char *value,
		      int line)
{
	if (f->len == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 32;
		f->entries = hk_xreallocarray(f->entries, f->cap, sizeof(*f->entries));
	}
	f->entries[f->len++] = (struct hk_conf_entry){
		.option = o,
		.value = hk_xstrdup(value),
		.line = line,
	};
}

static const struct hk_conf_entry *find_entry(const struct hk_conf_file *f,
					      const struct hk_conf_option *o)
{
	for (size_t i = 0; i < f->len; i++)
		if (f->entries[i].option == o)
			return &f->entries[i];
	return NULL;
}

/* A list goes on: the line end stands for a comma, unless one is there. */
static void continue_entry(struct hk_conf_entry *e, const char *value)
{
	size_t len = strlen(e->value), keep = strlen(value);
	char *joined;

	/* Not every version of the library cuts comments from continuation lines. */
	for (size_t i = 1; i < keep; i++)
		if (value[i] == ';' && strchr(BLANKS, value[i - 1]))
			keep = i;
	while (keep && strchr(BLANKS, value[keep - 1]))
		keep--;
	joined = hk_xasprintf("%s%s%.*s", e->value, len && e->value[len - 1] != ',' ? "," : "",
			      (int)keep, value);
	free(e->value);
	e->value = joined;
}

static void refuse_scope(struct reader *r, const struct hk_conf_option *o)
{
	if (r->file->scope == HK_CONF_PUSHED)
		hk_conf_file_problem(r->file, r->line, o,
				     "the administrator sets it in the project's INI file on the "
				     "server",
				     "cannot be set by what is pushed");
	else if (o->scope & HK_CONF_PROJECT)
		hk_conf_file_problem(r->file, r->line, o, "move it to the project's own file",
				     "cannot be set for all projects at once");
	else
		hk_conf_file_problem(r->file, r->line, o, "move it to hostkit.ini",
				     "cannot be set by a project");
}

/* Says why an option is refused, or returns false. */
static bool refuse_option(struct reader *r, const struct hk_conf_option *o)
{
	const struct hk_conf_entry *first = find_entry(r->file, o);
	hk_auto_free char *line = hk_xstrndup(r->text, r->len);

	if (!(o->scope & r->file->scope))
		refuse_scope(r, o);
	else if (first)
		hk_conf_file_problem(r->file, r->line, o, NULL, "already set in line %d",
				     first->line);
	else if (o->type == HK_CONF_COMMAND && hk_conf_has_comment(line, ';'))
		hk_conf_file_problem(
			r->file, r->line, o,
			"write it without the blank in front: sh: first; second",
			"a blank followed by ';' begins a comment, and the command would "
			"end there");
	else
		return false;
	return true;
}

static void refuse_unknown(struct reader *r, const char *section, const char *name)
{
	hk_auto_buf more = HK_BUF_INIT;

	hk_conf_suggest_key(section, name, &more);
	if (!*section)
		hk_conf_file_problem(r->file, r->line, NULL, NULL,
				     "'%s' stands in front of the first section%s", name,
				     more.data);
	else if (!*name)
		hk_conf_file_problem(r->file, r->line, NULL, NULL, "[%s] has a value without a key",
				     section);
	else
		hk_conf_file_problem(r->file, r->line, NULL, NULL, "[%s] %s: unknown key%s",
				     section, name, more.data);
}

/* The library's handler: called at most once for each line that read_line handed over. */
static int take_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reader *r = user;

	r->pending = false;
	if (r->skip)
		return 1;
	if (r->continued) {
		continue_entry(&r->file->entries[r->file->len - 1], value);
		return 1;
	}
	r->option = hk_conf_option_find(section, name);
	if (!r->option) {
		refuse_unknown(r, section, name);
	} else if (!refuse_option(r, r->option)) {
		add_entry(r->file, r->option, value, r->line);
		r->previous = r->option->type == HK_CONF_LIST ? A_LIST : NO_LIST;
	}
	return 1;
}

/* Takes the next line off the text; false at its end. */
static bool next_line(struct reader *r)
{
	const char *end;

	if (!r->left)
		return false;
	end = memchr(r->next, '\n', r->left);
	r->text = r->next;
	r->len = end ? (size_t)(end - r->next) : r->left;
	r->next += r->len + (end ? 1 : 0);
	r->left -= r->len + (end ? 1 : 0);
	if (r->len && r->text[r->len - 1] == '\r')
		r->len--;
	r->line++;
	return true;
}

/* Refuses a line with bytes that the library would stop at or that no editor shows. */
static bool check_bytes(struct reader *r)
{
	for (size_t i = 0; i < r->len; i++) {
		unsigned char c = (unsigned char)r->text[i];

		if ((c >= 0x20 && c != 0x7f) || c == '\t')
			continue;
		hk_conf_file_problem(r->file, r->line, NULL, NULL,
				     c ? "the line has a control character (0x%02x)"
				       : "the line has a NUL byte (0x%02x)",
				     c);
		return false;
	}
	return true;
}

static void check_section(struct reader *r)
{
	const char *end = memchr(r->text, ']', r->len);
	size_t len = end ? (size_t)(end - r->text) - 1 : 0;
	hk_auto_free char *name = hk_xstrndup(r->text + 1, len);
	hk_auto_buf more = HK_BUF_INIT;
	size_t rest = end ? (size_t)(end - r->text) + 1 : r->len;

	while (rest < r->len && strchr(BLANKS, r->text[rest]))
		rest++;
	r->previous = NOTHING;
	r->skip = true;
	hk_conf_suggest_section(name, &more);
	if (!end)
		hk_conf_file_problem(r->file, r->line, NULL, NULL, "a section without its ']'");
	else if (!hk_conf_section_known(name))
		hk_conf_file_problem(r->file, r->line, NULL, NULL, "[%s]: unknown section%s", name,
				     more.data);
	else if (rest < r->len && !strchr("#;", r->text[rest]))
		hk_conf_file_problem(r->file, r->line, NULL, "begin a new line",
				     "[%s] is followed by text", name);
	else
		r->skip = false;
}

/* Whether an indented line reads "key = value" with a key that its section has. */
static bool is_known_key(const struct reader *r, const char *s, size_t len)
{
	hk_auto_free char *name = NULL;
	size_t n = 0;

	while (n < len && s[n] != '=' && s[n] != ':' && !strchr(BLANKS, s[n]))
		n++;
	name = hk_xstrndup(s, n);
	while (n < len && strchr(BLANKS, s[n]))
		n++;
	return n < len && (s[n] == '=' || s[n] == ':') &&
	       hk_conf_option_find(r->option->section, name);
}

/* An indented line behind a key; indent is the length of its blanks. */
static bool check_continuation(struct reader *r, size_t indent)
{
	if (r->previous == A_BAD_LINE || r->skip)
		return false;
	if (r->previous == A_LIST && !is_known_key(r, r->text + indent, r->len - indent)) {
		r->continued = true;
		return true;
	}
	hk_conf_file_problem(r->file, r->line, r->option,
			     "remove the blanks at the beginning of the line",
			     "an indented line continues the value above it, and only lists can be "
			     "continued");
	return false;
}

/* Whether the library gets the line; max is what fits its buffer. */
static bool check_line(struct reader *r, size_t max)
{
	size_t indent = 0;

	while (indent < r->len && strchr(BLANKS, r->text[indent]))
		indent++;
	if (!check_bytes(r))
		r->previous = A_BAD_LINE;
	else if (indent == r->len || strchr("#;", r->text[indent]))
		return false;
	else if (r->len > max) {
		hk_conf_file_problem(
			r->file, r->line, NULL,
			"continue a list on an indented line; put a long command into a "
			"script",
			"the line has %zu bytes, and %zu is the limit", r->len, max);
		r->previous = A_BAD_LINE;
	} else if (indent && r->previous != NOTHING) {
		return check_continuation(r, indent);
	} else if (r->text[indent] == '[') {
		check_section(r);
		return !r->skip;
	} else {
		r->previous = A_BAD_LINE; /* until take_pair knows better */
		r->pending = true;
		return true;
	}
	return false;
}

/* The line before did not reach take_pair. */
static void end_line(struct reader *r)
{
	if (r->pending)
		hk_conf_file_problem(r->file, r->line, NULL, NULL, "the line is no 'key = value'");
	r->pending = false;
	r->continued = false;
}

/* The library's reader, like fgets(3): a line that is not for the library is handed over empty. */
static char *read_line(char *out, int size, void *stream)
{
	struct reader *r = stream;
	size_t len;

	end_line(r);
	if (!next_line(r))
		return NULL;
	len = check_line(r, (size_t)size - sizeof("\n")) ? r->len : 0;
	memcpy(out, r->text, len);
	memcpy(out + len, "\n", sizeof("\n"));
	return out;
}

void hk_conf_file_parse(struct hk_conf_file *f, const char *text, size_t len)
{
	size_t skip = len >= sizeof(BOM) - 1 && !memcmp(text, BOM, sizeof(BOM) - 1) ? 3 : 0;
	struct reader r = { .file = f, .next = text + skip, .left = len - skip };
	int line;

	line = ini_parse_stream(read_line, &r, take_pair, &r);
	if (line && !f->problems_len)
		hk_conf_file_problem(f, line, NULL, NULL, "the line is not understood");
}

static int check_owner(const char *path, const struct stat *st, struct hk_error *err)
{
	hk_auto_buf quoted = HK_BUF_INIT;

	hk_words_quote(&quoted, path);
	if (!S_ISREG(st->st_mode))
		return hk_error_set(err, HK_E_IO, "'%s' is not a regular file", path);
	if (st->st_uid && st->st_uid != geteuid()) {
		hk_error_set(err, HK_E_PERMISSION,
			     "'%s' names commands to run, but belongs to another user (uid %u)",
			     path, (unsigned)st->st_uid);
		return hk_error_hint(err, "check what it says, then: chown %u %s",
				     (unsigned)geteuid(), quoted.data);
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		hk_error_set(err, HK_E_PERMISSION,
			     "'%s' names commands to run, but others may write it (mode %03o)",
			     path, (unsigned)st->st_mode & 0777);
		return hk_error_hint(err, "check what it says, then: chmod go-w %s", quoted.data);
	}
	return 0;
}

static int read_all(int fd, const char *path, struct hk_buf *out, struct hk_error *err)
{
	char chunk[8192];
	ssize_t n;

	while (out->len <= FILE_MAX) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot read '%s'", path);
		if (!n)
			return 0;
		hk_buf_add(out, chunk, (size_t)n);
	}
	return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' is larger than %d KiB", path,
			    FILE_MAX / 1024);
}

int hk_conf_file_read(struct hk_conf_file *f, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_close int fd = -1;
	struct stat st;
	int r;

	/* O_NONBLOCK: a FIFO in its place must not hang the deployment. */
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open '%s'", f->path);
	if (fstat(fd, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s'", f->path);
	r = check_owner(f->path, &st, err);
	if (r < 0)
		return r;
	r = read_all(fd, f->path, &text, err);
	if (r < 0)
		return r;
	hk_conf_file_parse(f, text.data, text.len);
	return 0;
}
