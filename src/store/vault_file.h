/*
 * The files of a vault's folder and their keys: private to the vault's own files.
 */
#ifndef HK_STORE_VAULT_FILE_H
#define HK_STORE_VAULT_FILE_H

#include <store/vault.h>
#include <sys/lock.h>

#define HK_VAULT_SECRETS "secrets" /* the file with the records */
#define HK_VAULT_KEY_PREFIX "key-"
#define HK_VAULT_ID_LEN 8

struct hk_vault_key {
	unsigned char id[HK_VAULT_ID_LEN];
	unsigned char *bytes; /* NULL: none yet */
};

struct hk_vault {
	int fd; /* of the folder; -1 while there is none */
	char *project;
	struct hk_lock lock;
	struct hk_vault_key key; /* of the file with the records */
	char *text;		 /* the records */
	size_t len;
};

void hk_vault_key_release(struct hk_vault_key *k);

/* The name of its file; the caller frees. */
char *hk_vault_key_name(const struct hk_vault_key *k);

/* Makes a new key the vault's, on disk as well. */
int hk_vault_make_key(struct hk_vault *v, struct hk_error *err) HK_MUST_CHECK;

/*
 * Decrypts a file with the key that it names. *ret is hk_vault_alloc's, with a NUL behind it, NULL
 * when there is no such file; ret_key, released first, gets the key.
 */
int hk_vault_read_file(const struct hk_vault *v, const char *name, struct hk_vault_key *ret_key,
		       char **ret, size_t *ret_len, struct hk_error *err) HK_MUST_CHECK;

/* Encrypts with the vault's key, and replaces the file in one step. */
int hk_vault_write_file(const struct hk_vault *v, const char *name, const char *text, size_t len,
			struct hk_error *err) HK_MUST_CHECK;

int hk_vault_no_memory(struct hk_error *err);

/* For a rotation: everything else than the records, under the vault's new key. */
int hk_vault_rewrite_texts(struct hk_vault *v, struct hk_error *err) HK_MUST_CHECK;

#endif
