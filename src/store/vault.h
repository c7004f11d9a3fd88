/*
 * A project's secrets, encrypted at rest: XChaCha20-Poly1305 by libsodium, with the project's name
 * and the format's version as associated data. The only place that knows libsodium, with hmac.c and
 * digest.c and fingerprint.c.
 *
 *   vault/secrets   "HKV1", the key's id (8 bytes), nonce, ciphertext; 0600
 *   vault/text-NAME likewise: other texts that are secret
 *   vault/key-ID    32 random bytes; 0600, made on first use
 *
 * A file that others than its owner may read, or that belongs to somebody else, is refused. What is
 * decrypted lies in locked memory that is wiped when the vault is closed; the process makes no core
 * dumps from the first opening on. Values are bytes without NUL. Errors are HK_E_VAULT_FAILED
 * (damaged, another key, another project's), HK_E_PERMISSION, HK_E_NO_SPACE and HK_E_IO, and never
 * have a value.
 */
#ifndef HK_STORE_VAULT_H
#define HK_STORE_VAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <base/strlist.h>

#define HK_VAULT_VALUE_MAX (64 << 10)
#define HK_VAULT_MAX (1 << 20) /* all of them */

struct hk_vault;

/*
 * Opens the vault of a project whose state folder this is; a missing one is empty. to_write takes
 * its lock, and waits for another's.
 */
int hk_vault_open(int state_fd, const char *project, bool to_write, struct hk_vault **ret,
		  struct hk_error *err) HK_MUST_CHECK;
void hk_vault_close(struct hk_vault *v);
void hk_cleanup_vault(struct hk_vault **v);

/* Borrowed until the vault is changed or closed. */
struct hk_secret {
	const char *name, *value;
	int64_t set_at; /* wall ms */
};

size_t hk_vault_len(const struct hk_vault *v);
struct hk_secret hk_vault_at(const struct hk_vault *v, size_t i); /* in the order of their names */
bool hk_vault_has(const struct hk_vault *v, const char *name);

/* Changes are in memory until hk_vault_save. HK_E_USAGE when it would become too large. */
int hk_vault_set(struct hk_vault *v, const char *name, const char *value,
		 struct hk_error *err) HK_MUST_CHECK;
bool hk_vault_unset(struct hk_vault *v, const char *name);

/* Replaces the file in one step; a vault that was opened to write. */
int hk_vault_save(struct hk_vault *v, struct hk_error *err) HK_MUST_CHECK;

/*
 * Encrypts all of it under a new key, and removes the old one. At every instant the file that is
 * there has its key beside it.
 */
int hk_vault_rotate(struct hk_vault *v, struct hk_error *err) HK_MUST_CHECK;

/*
 * Other texts under the vault's key, each in a file of its own, which is replaced in one step. A
 * name has letters, digits and hyphens. To write or remove one takes a vault that was opened to
 * write. *ret is hk_vault_free's, with a NUL behind it, and NULL when there is no such text.
 */
int hk_vault_write_text(struct hk_vault *v, const char *name, const char *text, size_t len,
			struct hk_error *err) HK_MUST_CHECK;
int hk_vault_read_text(const struct hk_vault *v, const char *name, char **ret, size_t *ret_len,
		       struct hk_error *err) HK_MUST_CHECK;
int hk_vault_list_texts(const struct hk_vault *v, struct hk_strlist *ret,
			struct hk_error *err) HK_MUST_CHECK;
int hk_vault_remove_text(struct hk_vault *v, const char *name, struct hk_error *err) HK_MUST_CHECK;

/* Memory for a secret on its way: locked, wiped when it is freed. NULL: none is left. */
char *hk_vault_alloc(size_t len);
void hk_vault_free(char *secret);

#endif
