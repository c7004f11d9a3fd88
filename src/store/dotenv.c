/*
 * Reading .env files: a scanner over the whole text, since quoted values may span lines. The
 * grammar is the one of dotenv.h; what lies outside it is refused with its line, never guessed.
 */
#include <store/dotenv.h>

#include <ctype.h>

#include <base/alloc.h>
#include <base/buf.h>

struct scanner {
	const char *text;
	const char *at;
	const char *end;
	const char *value_end; /* of the last value, before what follows on its line */
	size_t line;
	const char *what;
};

/* The byte at an offset, or NUL at the end: the text itself holds none. */
static char peek(const struct scanner *s, size_t offset)
{
	return (size_t)(s->end - s->at) > offset ? s->at[offset] : '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_name(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static bool at_line_end(const struct scanner *s)
{
	return s->at == s->end || *s->at == '\n' || (*s->at == '\r' && peek(s, 1) == '\n');
}

static void skip_blanks(struct scanner *s)
{
	while (is_blank(peek(s, 0)))
		s->at++;
}

static void skip_comment(struct scanner *s)
{
	if (peek(s, 0) == '#')
		while (!at_line_end(s))
			s->at++;
}

static int wrong(const struct scanner *s, size_t line, const char *text, struct hk_error *err)
{
	return hk_error_set(err, HK_E_CONFIG_INVALID, "%s:%zu: %s", s->what, line, text);
}

static void next_line(struct scanner *s)
{
	if (peek(s, 0) == '\r')
		s->at++;
	if (s->at == s->end)
		return;
	s->at++;
	s->line++;
}

static void scan_unquoted(struct scanner *s, struct hk_buf *out)
{
	const char *from = s->at;
	const char *to;

	while (!at_line_end(s) && !(*s->at == '#' && s->at > from && is_blank(s->at[-1])))
		s->at++;
	for (to = s->at; to > from && is_blank(to[-1]); to--)
		;
	hk_buf_add(out, from, (size_t)(to - from));
	s->value_end = to;
	skip_comment(s);
}

/* What \c stands for in double quotes; NUL when the backslash is literal. */
static char escape(char c)
{
	static const struct {
		char c, means;
	} escapes[] = {
		{ 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { '\\', '\\' },
		{ '"', '"' },  { '$', '$' },  { '`', '`' },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(escapes); i++)
		if (escapes[i].c == c)
			return escapes[i].means;
	return '\0';
}

static int scan_quoted(struct scanner *s, struct hk_buf *out, struct hk_error *err)
{
	size_t opened = s->line;
	char quote = *s->at++;
	char c;

	for (; s->at < s->end && *s->at != quote; s->at++) {
		c = quote == '"' && *s->at == '\\' ? escape(peek(s, 1)) : '\0';
		if (c)
			s->at++;
		else
			c = *s->at;
		hk_buf_addch(out, c);
		if (*s->at == '\n')
			s->line++;
	}
	if (s->at == s->end)
		return wrong(s, opened, "the quote that opens here is never closed", err);
	s->at++;
	s->value_end = s->at;
	skip_blanks(s);
	skip_comment(s);
	if (!at_line_end(s))
		return wrong(s, s->line, "only a comment may stand behind a closing quote", err);
	return 0;
}

static int scan_value(struct scanner *s, struct hk_buf *out, struct hk_error *err)
{
	bool blank = is_blank(peek(s, 0));

	s->value_end = s->at;
	skip_blanks(s);
	if (at_line_end(s))
		return 0;
	if (blank && *s->at == '#') {
		skip_comment(s);
		return 0;
	}
	if (blank)
		return wrong(s, s->line, "no blanks may stand behind '='", err);
	if (*s->at == '\'' || *s->at == '"')
		return scan_quoted(s, out, err);
	scan_unquoted(s, out);
	return 0;
}

/* Scans up to the '=' and appends it too. */
static int scan_name(struct scanner *s, struct hk_buf *out, struct hk_error *err)
{
	static const char word[] = "export";
	const char *from;

	if ((size_t)(s->end - s->at) > sizeof(word) && !memcmp(s->at, word, sizeof(word) - 1) &&
	    is_blank(peek(s, sizeof(word) - 1))) {
		s->at += sizeof(word) - 1;
		skip_blanks(s);
	}
	from = s->at;
	while (is_name(peek(s, 0), s->at == from))
		s->at++;
	hk_buf_add(out, from, (size_t)(s->at - from));
	if (s->at > from && peek(s, 0) == '=') {
		hk_buf_addch(out, *s->at++);
		return 0;
	}
	if (s->at > from && is_blank(peek(s, 0))) {
		skip_blanks(s);
		if (peek(s, 0) == '=')
			return wrong(s, s->line, "no blanks may stand before '='", err);
	}
	wrong(s, s->line, "this is neither NAME=VALUE nor a comment", err);
	return hk_error_hint(err, "a name is made of letters, digits and '_', and does not begin "
				  "with a digit; a value that spans lines needs quotes");
}

/* The index of the assignment of the same name, or l->len. */
static size_t find(const struct hk_strlist *l, const char *assignment)
{
	size_t len = (size_t)(strchr(assignment, '=') - assignment) + 1;
	size_t i = 0;

	while (i < l->len && strncmp(l->items[i], assignment, len))
		i++;
	return i;
}

static void store(struct hk_strlist *l, const char *assignment)
{
	size_t i = find(l, assignment);

	if (i == l->len) {
		hk_strlist_add(l, assignment);
		return;
	}
	free(l->items[i]);
	l->items[i] = hk_xstrdup(assignment);
}

/* One assignment and the rest of its line, from whose start on the scanner has come. */
static int scan_assignment(struct scanner *s, const char *line_start, hk_dotenv_fn *fn, void *ctx,
			   struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_dotenv_entry e = { .line = s->line, .start = (size_t)(line_start - s->text) };

	if (scan_name(s, &text, err))
		return err->code;
	e.value_start = (size_t)(s->at - s->text);
	e.name_len = text.len - 1;
	if (scan_value(s, &text, err))
		return err->code;
	e.value_end = (size_t)(s->value_end - s->text);
	next_line(s);
	e.end = (size_t)(s->at - s->text);
	e.assignment = text.data;
	return fn(ctx, &e, err);
}

static size_t line_of(const char *text, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* Refuses what no grammar could make sense of. */
static int check_bytes(const struct scanner *s, struct hk_error *err)
{
	size_t len = (size_t)(s->end - s->at);
	const char *nul;

	if (len > HK_DOTENV_MAX)
		return wrong(s, line_of(s->at, HK_DOTENV_MAX), "the file is larger than 1 MiB",
			     err);
	nul = len ? memchr(s->at, '\0', len) : NULL;
	if (nul)
		return wrong(s, line_of(s->at, (size_t)(nul - s->at)), "there is a NUL byte", err);
	if (len >= 3 && !memcmp(s->at, "\xef\xbb\xbf", 3)) {
		wrong(s, 1, "the file begins with a byte-order mark", err);
		return hk_error_hint(err, "save it as UTF-8 without a byte-order mark");
	}
	return 0;
}

int hk_dotenv_scan(const char *text, size_t len, const char *what, hk_dotenv_fn *fn, void *ctx,
		   struct hk_error *err)
{
	struct scanner s = { .text = text, .at = text, .end = text + len, .line = 1, .what = what };

	if (check_bytes(&s, err))
		return err->code;
	while (s.at < s.end) {
		const char *line_start = s.at;
		int ret;

		skip_blanks(&s);
		skip_comment(&s);
		if (at_line_end(&s)) {
			next_line(&s);
			continue;
		}
		ret = scan_assignment(&s, line_start, fn, ctx, err);
		if (ret)
			return ret;
	}
	return 0;
}

struct parsing {
	const char *what;
	struct hk_strlist found;
};

static int take_entry(void *ctx, const struct hk_dotenv_entry *e, struct hk_error *err)
{
	struct parsing *p = ctx;

	store(&p->found, e->assignment);
	if (p->found.len <= HK_DOTENV_NAMES_MAX)
		return 0;
	return hk_error_set(err, HK_E_CONFIG_INVALID,
			    "%s:%zu: there are too many names: 4096 are allowed", p->what, e->line);
}

int hk_dotenv_parse(const char *text, size_t len, const char *what, struct hk_strlist *ret,
		    struct hk_error *err)
{
	struct parsing p = { .what = what, .found = HK_STRLIST_INIT };
	int code = hk_dotenv_scan(text, len, what, take_entry, &p, err);

	for (size_t i = 0; !code && i < p.found.len; i++)
		store(ret, p.found.items[i]);
	hk_strlist_release(&p.found);
	return code;
}
