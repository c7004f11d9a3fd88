/*
 * What a key is called: its label, and the look of a fingerprint. Apart from keys.h, since the
 * hooks need no more than this.
 */
#ifndef HK_HOST_LABEL_H
#define HK_HOST_LABEL_H

#include <stdbool.h>

#include <base/error.h>

#define HK_LABEL_LEN 65

/* 1 to 64 letters, digits and "._@-", the first one a letter or digit. */
bool hk_label_is_valid(const char *label);

/* The same, with what is wrong: HK_E_USAGE. */
int hk_label_check(const char *label, struct hk_error *err) HK_MUST_CHECK;

/* A label from a key's comment, with "-" for what it cannot have; "" when nothing is left. */
void hk_label_from(const char *comment, char ret[HK_LABEL_LEN]);

/* Whether a text looks like a fingerprint of store/fingerprint.h. */
bool hk_label_is_fingerprint(const char *text);

#endif
