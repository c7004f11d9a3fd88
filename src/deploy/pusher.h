/*
 * Who asks for a deployment: the label of the ssh key that `hostkit shell` was called with, or else
 * the account.
 */
#ifndef HK_DEPLOY_PUSHER_H
#define HK_DEPLOY_PUSHER_H

#include <base/buf.h>

struct hk_pusher {
	char name[65]; /* "": not known */
	char key[64];  /* fingerprint of the key, "SHA256:…"; "" when it was none */
};

/*
 * From HOSTKIT_KEY and HOSTKIT_KEY_FINGERPRINT, which `hostkit shell` sets and nobody is believed
 * about who is not the project's user already; and from the account.
 */
struct hk_pusher hk_pusher_find(void);

/*
 * Before root becomes the project's user: its name, or that of whoever called sudo(8), is the one
 * to find afterwards.
 */
void hk_pusher_remember(void);

/* For a row of the ledger: NULL for what is not known. */
const char *hk_pusher_name(const struct hk_pusher *p);
const char *hk_pusher_key(const struct hk_pusher *p);

/* "ann (SHA256:nThbg6kX…)"; key may be NULL. */
void hk_pusher_describe(const char *name, const char *key, struct hk_buf *out);

#endif
