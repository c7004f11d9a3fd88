/*
 * Reading and editing .env files. The grammar, line by line (lines end in LF or CR LF; blanks are
 * space and TAB):
 *
 *   empty lines and lines whose first character (after blanks) is '#' are comments;
 *   [export] NAME=VALUE, NAME is [A-Za-z_][A-Za-z0-9_]*, no blanks around '=';
 *   VALUE unquoted: to the end of the line, outer blanks stripped; " #" starts a comment;
 *   VALUE '…': literal, may span lines;
 *   VALUE "…": may span lines; \n \r \t \\ \" \$ \` are escapes, any other backslash is literal;
 *   behind a closing quote only blanks and a comment may stand. Nothing is ever expanded.
 */
#ifndef HK_STORE_DOTENV_H
#define HK_STORE_DOTENV_H

#include <stdbool.h>

#include <base/buf.h>
#include <base/error.h>
#include <base/strlist.h>

#define HK_DOTENV_MAX (1 << 20)
#define HK_DOTENV_NAMES_MAX 4096

/*
 * Appends NAME=value for every assignment, in order, a later one replacing an earlier one of the
 * same name in its place. Fails with HK_E_CONFIG_INVALID and "what:line: …" on a line outside the
 * grammar, a NUL byte, a text over HK_DOTENV_MAX bytes, or more than HK_DOTENV_NAMES_MAX names; ret
 * is unchanged then.
 */
int hk_dotenv_parse(const char *text, size_t len, const char *what, struct hk_strlist *ret,
		    struct hk_error *err) HK_MUST_CHECK;

/* An assignment as it stands in the text; offsets in bytes. */
struct hk_dotenv_entry {
	const char *assignment; /* NAME=value, the value as it is meant; borrowed */
	size_t name_len;
	size_t line;		       /* from 1 */
	size_t start, end;	       /* of its line or lines, with the last line's end */
	size_t value_start, value_end; /* with its quotes, without blanks and a comment behind it */
};
typedef int hk_dotenv_fn(void *ctx, const struct hk_dotenv_entry *e, struct hk_error *err);

/* Calls fn for every assignment, in order, also for those that a later one replaces. */
int hk_dotenv_scan(const char *text, size_t len, const char *what, hk_dotenv_fn *fn, void *ctx,
		   struct hk_error *err) HK_MUST_CHECK;

/* Whether a text is a NAME. */
bool hk_dotenv_is_name(const char *name);

/*
 * Gives a name a value, in place: everything else (comments, order, what follows on the line) stays
 * as it is. A new name goes to the end. The value is written so that reading it gives it back, byte
 * by byte, whatever is in it. text is unchanged on failure: HK_E_CONFIG_INVALID when it is outside
 * the grammar.
 */
int hk_dotenv_set(struct hk_buf *text, const char *name, const char *value, const char *what,
		  struct hk_error *err) HK_MUST_CHECK;

/* Removes every assignment of a name, with its lines. *ret_found tells whether there was one. */
int hk_dotenv_unset(struct hk_buf *text, const char *name, const char *what, bool *ret_found,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
