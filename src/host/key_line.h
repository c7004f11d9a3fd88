/*
 * One line of authorized_keys (sshd(8)), as far as it is ours (private to the keys' files).
 */
#ifndef HK_HOST_KEY_LINE_H
#define HK_HOST_KEY_LINE_H

#include <host/keys.h>

/* Whether the line is one that hk_key_line_write has written; fills ret then, which is released by
 * hk_key_release. Its fingerprint is found too. */
bool hk_key_line_read(const char *line, struct hk_key *ret);

/* Appends the line with its end. HK_E_NOT_SUPPORTED for a path that no such line can hold. */
int hk_key_line_write(const struct hk_keys_of *of, const struct hk_key *key, const char *program,
		      struct hk_buf *out, struct hk_error *err) HK_MUST_CHECK;

void hk_key_release(struct hk_key *k);

/* Takes key over. */
void hk_keys_append(struct hk_keys *k, struct hk_key *key);

#endif
