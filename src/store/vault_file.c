/*
 * The vault's files (contract in vault_file.h): a head that names the key, then the ciphertext. The
 * name of the project, and of the file if it is not the one with the records, is associated data:
 * no file can stand for another one.
 */
#include <store/vault_file.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define MAGIC "HKV1"
#define MAGIC_LEN 4
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define HEAD_LEN (MAGIC_LEN + HK_VAULT_ID_LEN + NONCE_LEN)

int hk_vault_no_memory(struct hk_error *err)
{
	hk_error_set(err, HK_E_VAULT_FAILED, "no locked memory is left for secrets");
	return hk_error_hint(err, "see the limit: ulimit -l");
}

static int damaged(const struct hk_vault *v, const char *why, struct hk_error *err)
{
	hk_error_set(err, HK_E_VAULT_FAILED, "the vault of '%s' cannot be read: %s", v->project,
		     why);
	return hk_error_hint(err, "restore 'vault' of the project's state folder from a backup, or "
				  "move it away and set the secrets again");
}

/* A file of the folder, checked for who may read it. *ret is -1 when it is not there. */
static int open_file(const struct hk_vault *v, const char *name, int *ret, struct hk_error *err)
{
	hk_auto_close int fd = openat(v->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	*ret = -1;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return hk_error_set_errno(err, HK_E_IO, errno,
					  "cannot open '%s' of the vault of '%s'", name,
					  v->project);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077) {
		hk_error_set(err, HK_E_PERMISSION,
			     "'%s' of the vault of '%s' is not only for its owner", name,
			     v->project);
		return hk_error_hint(err, "see who can have read it, then: chmod 600, and chown");
	}
	*ret = hk_steal_fd(&fd);
	return 0;
}

/* --- Keys */

void hk_vault_key_release(struct hk_vault_key *k)
{
	sodium_free(k->bytes);
	k->bytes = NULL;
}

char *hk_vault_key_name(const struct hk_vault_key *k)
{
	char hex[HK_VAULT_ID_LEN * 2 + 1];

	sodium_bin2hex(hex, sizeof(hex), k->id, HK_VAULT_ID_LEN);
	return hk_xasprintf(HK_VAULT_KEY_PREFIX "%s", hex);
}

static int read_key(const struct hk_vault *v, struct hk_vault_key *k, struct hk_error *err)
{
	hk_auto_free char *name = hk_vault_key_name(k);
	hk_auto_close int fd = -1;

	if (open_file(v, name, &fd, err))
		return err->code;
	if (fd < 0)
		return damaged(v, "its key is not there", err);
	k->bytes = sodium_malloc(KEY_LEN);
	if (!k->bytes)
		return hk_vault_no_memory(err);
	if (read(fd, k->bytes, KEY_LEN) != KEY_LEN)
		return damaged(v, "its key is cut off", err);
	return 0;
}

int hk_vault_make_key(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_free char *name = NULL;

	hk_vault_key_release(&v->key);
	v->key.bytes = sodium_malloc(KEY_LEN);
	if (!v->key.bytes)
		return hk_vault_no_memory(err);
	randombytes_buf(v->key.bytes, KEY_LEN);
	randombytes_buf(v->key.id, HK_VAULT_ID_LEN);
	name = hk_vault_key_name(&v->key);
	return hk_fs_write_file(v->fd, name, v->key.bytes, KEY_LEN, 0600, err);
}

/* --- Files */

static void associated(const struct hk_vault *v, const char *name, struct hk_buf *out)
{
	hk_buf_addf(out, "hostkit vault 1 %s", v->project);
	if (strcmp(name, HK_VAULT_SECRETS))
		hk_buf_addf(out, " %s", name);
}

static int decrypt(const struct hk_vault *v, const char *name, const struct hk_buf *file,
		   struct hk_vault_key *key, char **ret, size_t *ret_len, struct hk_error *err)
{
	const unsigned char *data = (const unsigned char *)file->data;
	hk_auto_buf ad = HK_BUF_INIT;
	unsigned long long len;
	char *text;

	if (file->len < HEAD_LEN + TAG_LEN || memcmp(data, MAGIC, MAGIC_LEN))
		return damaged(v, "it is no vault of this version", err);
	memcpy(key->id, data + MAGIC_LEN, HK_VAULT_ID_LEN);
	if (HK_FAILPOINT(vault_read, err) || read_key(v, key, err))
		return err->code;
	text = sodium_malloc(file->len - HEAD_LEN - TAG_LEN + 1);
	if (!text)
		return hk_vault_no_memory(err);
	associated(v, name, &ad);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)text, &len, NULL,
						       data + HEAD_LEN, file->len - HEAD_LEN,
						       (const unsigned char *)ad.data, ad.len,
						       data + MAGIC_LEN + HK_VAULT_ID_LEN,
						       key->bytes)) {
		sodium_free(text);
		return damaged(v, "it was changed, or is another project's", err);
	}
	text[len] = '\0';
	*ret = text;
	*ret_len = (size_t)len;
	return 0;
}

static int read_once(const struct hk_vault *v, const char *name, struct hk_vault_key *key,
		     char **ret, size_t *ret_len, struct hk_error *err)
{
	hk_auto_close int fd = -1;
	hk_auto_buf file = HK_BUF_INIT;
	int failed;

	hk_vault_key_release(key);
	*ret = NULL;
	*ret_len = 0;
	if (open_file(v, name, &fd, err) || fd < 0)
		return err->code;
	failed = hk_fs_read_all(fd, HK_VAULT_MAX * 2, &file);
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read the vault of '%s'",
					  v->project);
	return decrypt(v, name, &file, key, ret, ret_len, err);
}

/* Readers take no lock, so a rotation may put both in the place of others between file and key. */
int hk_vault_read_file(const struct hk_vault *v, const char *name, struct hk_vault_key *ret_key,
		       char **ret, size_t *ret_len, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;

	if (!read_once(v, name, ret_key, ret, ret_len, &failed))
		return 0;
	if (!ret_key->bytes)
		return read_once(v, name, ret_key, ret, ret_len, err);
	*err = failed;
	return err->code;
}

int hk_vault_write_file(const struct hk_vault *v, const char *name, const char *text, size_t len,
			struct hk_error *err)
{
	hk_auto_free unsigned char *file = hk_xmalloc(HEAD_LEN + len + TAG_LEN);
	unsigned char *nonce = file + MAGIC_LEN + HK_VAULT_ID_LEN;
	hk_auto_buf ad = HK_BUF_INIT;
	unsigned long long written;

	memcpy(file, MAGIC, MAGIC_LEN);
	memcpy(file + MAGIC_LEN, v->key.id, HK_VAULT_ID_LEN);
	randombytes_buf(nonce, NONCE_LEN);
	associated(v, name, &ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD_LEN, &written,
						   (const unsigned char *)text, len,
						   (const unsigned char *)ad.data, ad.len, NULL,
						   nonce, v->key.bytes);
	return hk_fs_write_file(v->fd, name, file, HEAD_LEN + (size_t)written, 0600, err);
}

/* --- Texts */

#define TEXT_PREFIX "text-"

int hk_vault_write_text(struct hk_vault *v, const char *name, const char *text, size_t len,
			struct hk_error *err)
{
	hk_auto_free char *file = hk_xasprintf(TEXT_PREFIX "%s", name);

	if (len > HK_VAULT_MAX + 1)
		return hk_error_set(err, HK_E_USAGE, "'%s' is too long for the vault", name);
	/* The file with the records, even of none, is what tells the key next time. */
	if (!v->key.bytes && hk_vault_save(v, err))
		return err->code;
	return hk_vault_write_file(v, file, text, len, err);
}

int hk_vault_read_text(const struct hk_vault *v, const char *name, char **ret, size_t *ret_len,
		       struct hk_error *err)
{
	hk_auto_free char *file = hk_xasprintf(TEXT_PREFIX "%s", name);
	/* Of its own: it may be an older one than the vault's, of a rotation that died. */
	HK_CLEANUP(hk_vault_key_release) struct hk_vault_key key = { .bytes = NULL };

	*ret = NULL;
	*ret_len = 0;
	return v->fd < 0 ? 0 : hk_vault_read_file(v, file, &key, ret, ret_len, err);
}

int hk_vault_list_texts(const struct hk_vault *v, struct hk_strlist *ret, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	size_t n = sizeof(TEXT_PREFIX) - 1;

	if (v->fd < 0)
		return 0;
	if (hk_fs_list(v->fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++)
		if (!strncmp(names.items[i], TEXT_PREFIX, n) && !strchr(names.items[i] + n, '.'))
			hk_strlist_add(ret, names.items[i] + n);
	return 0;
}

int hk_vault_remove_text(struct hk_vault *v, const char *name, struct hk_error *err)
{
	hk_auto_free char *file = hk_xasprintf(TEXT_PREFIX "%s", name);

	return v->fd < 0 ? 0 : hk_fs_remove_tree(v->fd, file, err);
}

int hk_vault_rewrite_texts(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_vault_list_texts(v, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		char *text;
		size_t len;
		int ret;

		if (hk_vault_read_text(v, names.items[i], &text, &len, err))
			return err->code;
		ret = text ? hk_vault_write_text(v, names.items[i], text, len, err) : 0;
		hk_vault_free(text);
		if (ret)
			return ret;
	}
	return 0;
}
