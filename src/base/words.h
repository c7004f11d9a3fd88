/*
 * Splitting a configured command into words, as a POSIX shell splits a simple command, but without
 * any expansion: blanks separate, '…' is literal, "…" is literal except for backslash before
 * " \ $ `, a backslash outside quotes takes the next character literally.
 */
#ifndef HK_BASE_WORDS_H
#define HK_BASE_WORDS_H

#include <base/buf.h>
#include <base/error.h>
#include <base/strlist.h>

/*
 * Appends the words of s to ret (which is unchanged on failure). Fails with HK_E_USAGE on an
 * unfinished quote or a trailing backslash, and on an unquoted character that only means something
 * to a shell (| & ; < > ( ) $ ` * ? newline): the hint then says how to write a shell line.
 */
int hk_words_split(const char *s, struct hk_strlist *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * The same for a line that the client's own shell has read, and ssh has joined: * and ? are
 * themselves, since there is nothing to match, and the hint says how to quote for both sides.
 */
int hk_words_split_read(const char *s, struct hk_strlist *ret, struct hk_error *err) HK_MUST_CHECK;

/* Appends one word to out, quoted so that hk_words_split and sh(1) read it back unchanged. */
void hk_words_quote(struct hk_buf *out, const char *word);

#endif
