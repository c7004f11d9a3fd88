/*
 * Commands as words, the way sh(1) splits them, without its expansions.
 */
#include <base/words.h>

#include <stdbool.h>
#include <string.h>

/* Unquoted, these mean something to a shell that is not done here. */
#define SHELL_ONLY "|&;<>()$`\n"
#define PATTERNS "*?"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-"

/* As the first word of a line, a shell does not take these for a program. */
static const char *const reserved[] = {
	"case", "do", "done", "elif", "else",  "esac",	"fi",
	"for",	"if", "in",   "then", "until", "while",
};

struct splitter {
	const char *s;	     /* the next byte */
	const char *refused; /* unquoted */
	bool was_read;	     /* by the client's shell */
	struct hk_buf word;
	bool in_word; /* also true for '' */
	struct hk_strlist words;
};

static void splitter_release(struct splitter *sp)
{
	hk_buf_release(&sp->word);
	hk_strlist_release(&sp->words);
}

static void end_word(struct splitter *sp)
{
	if (sp->in_word)
		hk_strlist_add(&sp->words, sp->word.data);
	hk_buf_reset(&sp->word);
	sp->in_word = false;
}

static int take_single(struct splitter *sp, struct hk_error *err)
{
	const char *end = strchr(sp->s, '\'');

	if (!end)
		return hk_error_set(err, HK_E_USAGE, "a single quote has no end");
	hk_buf_add(&sp->word, sp->s, (size_t)(end - sp->s));
	sp->s = end + 1;
	return 0;
}

static int take_double(struct splitter *sp, struct hk_error *err)
{
	while (*sp->s && *sp->s != '"') {
		if (*sp->s == '\\' && sp->s[1] && strchr("\"\\$`", sp->s[1]))
			sp->s++;
		hk_buf_addch(&sp->word, *sp->s++);
	}
	if (!*sp->s)
		return hk_error_set(err, HK_E_USAGE, "a double quote has no end");
	sp->s++;
	return 0;
}

static int refuse_shell(const struct splitter *sp, char c, const char *line, struct hk_error *err)
{
	if (c == '\n') {
		hk_error_set(err, HK_E_USAGE, "a command is one line");
		return hk_error_hint(err, "quote the line end, or put the lines into a script");
	}
	hk_error_set(err, HK_E_USAGE, "'%c' needs a shell", c);
	if (sp->was_read)
		return hk_error_hint(err, "inside of a word, quote it twice: \"'a%cb'\"", c);
	return hk_error_hint(err, "quote it, or write a shell line: sh: %s", line);
}

static int take(struct splitter *sp, const char *line, struct hk_error *err)
{
	char c = *sp->s++;

	if (c == ' ' || c == '\t') {
		end_word(sp);
		return 0;
	}
	if (strchr(sp->refused, c))
		return refuse_shell(sp, c, line, err);
	sp->in_word = true;
	if (c == '\'')
		return take_single(sp, err);
	if (c == '"')
		return take_double(sp, err);
	if (c == '\\') {
		c = *sp->s;
		if (!c)
			return hk_error_set(err, HK_E_USAGE,
					    "a backslash at the end quotes nothing");
		sp->s++;
	}
	hk_buf_addch(&sp->word, c);
	return 0;
}

static int split(const char *s, bool was_read, struct hk_strlist *ret, struct hk_error *err)
{
	HK_CLEANUP(splitter_release)
	struct splitter sp = { .s = s,
			       .refused = was_read ? SHELL_ONLY : SHELL_ONLY PATTERNS,
			       .was_read = was_read,
			       .word = HK_BUF_INIT,
			       .words = HK_STRLIST_INIT };
	int r;

	while (*sp.s) {
		r = take(&sp, s, err);
		if (r < 0)
			return r;
	}
	end_word(&sp);
	hk_strlist_add_list(ret, &sp.words);
	return 0;
}

int hk_words_split(const char *s, struct hk_strlist *ret, struct hk_error *err)
{
	return split(s, false, ret, err);
}

int hk_words_split_read(const char *s, struct hk_strlist *ret, struct hk_error *err)
{
	return split(s, true, ret, err);
}

static bool is_plain(const char *word)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(reserved); i++)
		if (!strcmp(word, reserved[i]))
			return false;
	/* "name=value" in front would be an assignment; an option's "--name=value" is none. */
	return *word && !word[strspn(word, *word == '-' ? PLAIN "=" : PLAIN)];
}

void hk_words_quote(struct hk_buf *out, const char *word)
{
	if (is_plain(word)) {
		hk_buf_addstr(out, word);
		return;
	}
	hk_buf_addch(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			hk_buf_addstr(out, "'\\''");
		else
			hk_buf_addch(out, *word);
	}
	hk_buf_addch(out, '\'');
}
