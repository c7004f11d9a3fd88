/*
 * Reading .env files. The grammar, line by line (lines end in LF or CR LF; blanks are space and
 * TAB):
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

#endif
