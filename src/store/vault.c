/*
 * The vault (contract in vault.h).
 *
 * What is encrypted is "NAME\0VALUE\0MS\0" for each secret, sorted by name. In memory it stays in
 * that form, in one block of sodium_malloc, so that no value is ever copied to where it is not
 * wiped.
 */
#include <store/vault.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/clock.h>
#include <base/strlist.h>
#include <sys/failpoint.h>
#include <sys/fs.h>
#include <sys/lock.h>

#define FOLDER "vault"
#define FILE_NAME "secrets"
#define MAGIC "HKV1"
#define MAGIC_LEN 4
#define ID_LEN 8
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define HEAD_LEN (MAGIC_LEN + ID_LEN + NONCE_LEN)
#define KEY_PREFIX "key-"

struct hk_vault {
	int fd; /* of the folder; -1 while there is none */
	char *project;
	struct hk_lock lock;
	unsigned char id[ID_LEN]; /* of the key */
	unsigned char *key;	  /* NULL: none yet */
	char *text;		  /* the records */
	size_t len;
};

char *hk_vault_alloc(size_t len)
{
	return sodium_init() < 0 ? NULL : sodium_malloc(len ? len : 1);
}

void hk_vault_free(char *secret)
{
	sodium_free(secret);
}

static int no_memory(struct hk_error *err)
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

/* --- Files */

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

static char *key_name(const unsigned char id[ID_LEN])
{
	char hex[ID_LEN * 2 + 1];

	sodium_bin2hex(hex, sizeof(hex), id, ID_LEN);
	return hk_xasprintf(KEY_PREFIX "%s", hex);
}

static int read_key(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_free char *name = key_name(v->id);
	hk_auto_close int fd = -1;

	if (open_file(v, name, &fd, err))
		return err->code;
	if (fd < 0)
		return damaged(v, "its key is not there", err);
	v->key = sodium_malloc(KEY_LEN);
	if (!v->key)
		return no_memory(err);
	if (read(fd, v->key, KEY_LEN) != KEY_LEN)
		return damaged(v, "its key is cut off", err);
	return 0;
}

static int make_key(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_free char *name = NULL;

	sodium_free(v->key);
	v->key = sodium_malloc(KEY_LEN);
	if (!v->key)
		return no_memory(err);
	randombytes_buf(v->key, KEY_LEN);
	randombytes_buf(v->id, ID_LEN);
	name = key_name(v->id);
	return hk_fs_write_file(v->fd, name, v->key, KEY_LEN, 0600, err);
}

static void associated(const struct hk_vault *v, struct hk_buf *out)
{
	hk_buf_addf(out, "hostkit vault 1 %s", v->project);
}

static int decrypt(struct hk_vault *v, const struct hk_buf *file, struct hk_error *err)
{
	const unsigned char *data = (const unsigned char *)file->data;
	hk_auto_buf ad = HK_BUF_INIT;
	unsigned long long len;

	if (file->len < HEAD_LEN + TAG_LEN || memcmp(data, MAGIC, MAGIC_LEN))
		return damaged(v, "it is no vault of this version", err);
	memcpy(v->id, data + MAGIC_LEN, ID_LEN);
	if (HK_FAILPOINT(vault_read, err) || read_key(v, err))
		return err->code;
	v->text = sodium_malloc(file->len - HEAD_LEN - TAG_LEN + 1);
	if (!v->text)
		return no_memory(err);
	associated(v, &ad);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)v->text, &len, NULL,
						       data + HEAD_LEN, file->len - HEAD_LEN,
						       (const unsigned char *)ad.data, ad.len,
						       data + MAGIC_LEN + ID_LEN, v->key))
		return damaged(v, "it was changed, or is another project's", err);
	v->len = (size_t)len;
	return 0;
}

static int load_once(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_close int fd = -1;
	hk_auto_buf file = HK_BUF_INIT;
	int failed;

	if (open_file(v, FILE_NAME, &fd, err) || fd < 0)
		return err->code;
	failed = hk_fs_read_all(fd, HK_VAULT_MAX * 2, &file);
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read the vault of '%s'",
					  v->project);
	return decrypt(v, &file, err);
}

/* Readers take no lock, so a rotation may put both in the place of others between file and key. */
static int load(struct hk_vault *v, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;

	if (!load_once(v, &failed))
		return 0;
	if (!v->key)
		return load_once(v, err);
	*err = failed;
	return err->code;
}

/* Nobody reads a secret out of a core file, or attaches to this process, unless it is root. */
static void keep_to_ourselves(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static int open_folder(struct hk_vault *v, int state_fd, bool to_write, struct hk_error *err)
{
	if (to_write && hk_fs_mkdir_p(state_fd, FOLDER, 0700, err))
		return err->code;
	if (!to_write && !hk_fs_exists(state_fd, FOLDER))
		return 0;
	if (hk_fs_open_dir(state_fd, FOLDER, &v->fd, err))
		return err->code;
	return to_write ? hk_lock_wait(&v->lock, v->fd, "lock", err) : 0;
}

int hk_vault_open(int state_fd, const char *project, bool to_write, struct hk_vault **ret,
		  struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_vault) struct hk_vault *v = hk_xcalloc(1, sizeof(*v));

	v->fd = -1;
	v->lock = (struct hk_lock)HK_LOCK_INIT;
	v->project = hk_xstrdup(project);
	if (sodium_init() < 0)
		return hk_error_set(err, HK_E_INTERNAL, "cannot set up libsodium");
	keep_to_ourselves();
	if (open_folder(v, state_fd, to_write, err) || (v->fd >= 0 && load(v, err)))
		return err->code;
	*ret = hk_steal_ptr(v);
	return 0;
}

void hk_vault_close(struct hk_vault *v)
{
	if (!v)
		return;
	sodium_free(v->key);
	sodium_free(v->text);
	hk_lock_release(&v->lock);
	hk_cleanup_close(&v->fd);
	free(v->project);
	free(v);
}

void hk_cleanup_vault(struct hk_vault **v)
{
	hk_vault_close(*v);
}

/* --- Records */

/* The record that begins at p; returns the next one. */
static const char *read_record(const char *p, struct hk_secret *ret)
{
	ret->name = p;
	ret->value = p + strlen(p) + 1;
	p = ret->value + strlen(ret->value) + 1;
	ret->set_at = 0;
	for (const char *digit = p; *digit >= '0' && *digit <= '9'; digit++)
		ret->set_at = ret->set_at * 10 + (*digit - '0');
	return p + strlen(p) + 1;
}

size_t hk_vault_len(const struct hk_vault *v)
{
	struct hk_secret s;
	size_t n = 0;

	for (const char *p = v->text; p && p < v->text + v->len; n++)
		p = read_record(p, &s);
	return n;
}

struct hk_secret hk_vault_at(const struct hk_vault *v, size_t i)
{
	const char *p = v->text;
	struct hk_secret s;

	do
		p = read_record(p, &s);
	while (i--);
	return s;
}

/* Where a record of that name is, or belongs; *ret_end is where it ends. */
static size_t find(const struct hk_vault *v, const char *name, size_t *ret_end)
{
	size_t at = 0;

	while (at < v->len) {
		struct hk_secret s;
		size_t next = (size_t)(read_record(v->text + at, &s) - v->text);
		int order = strcmp(s.name, name);

		*ret_end = next;
		if (!order)
			return at;
		if (order > 0)
			break;
		at = next;
	}
	*ret_end = at;
	return at;
}

bool hk_vault_has(const struct hk_vault *v, const char *name)
{
	size_t end, at = find(v, name, &end);

	return end > at;
}

/* Puts a record (NULL: none) in the place of [at, end). */
static int replace(struct hk_vault *v, size_t at, size_t end, const char *name, const char *value,
		   struct hk_error *err)
{
	char ms[24];
	size_t n = name ? strlen(name) + 1 : 0, k = value ? strlen(value) + 1 : 0, m = 0;
	char *text, *p;

	if (name) {
		snprintf(ms, sizeof(ms), "%lld", (long long)hk_clock_wall_ms());
		m = strlen(ms) + 1;
	}
	text = sodium_malloc(v->len - (end - at) + n + k + m + 1);
	if (!text)
		return no_memory(err);
	p = text;
	if (at)
		memcpy(p, v->text, at);
	p += at;
	if (name) {
		memcpy(p, name, n);
		memcpy(p + n, value, k);
		memcpy(p + n + k, ms, m);
		p += n + k + m;
	}
	if (v->len > end)
		memcpy(p, v->text + end, v->len - end);
	v->len = v->len - (end - at) + n + k + m;
	sodium_free(v->text);
	v->text = text;
	return 0;
}

int hk_vault_set(struct hk_vault *v, const char *name, const char *value, struct hk_error *err)
{
	size_t end, at = find(v, name, &end);

	if (strlen(value) > HK_VAULT_VALUE_MAX ||
	    v->len + strlen(name) + strlen(value) + 32 > HK_VAULT_MAX)
		return hk_error_set(err, HK_E_USAGE, "the value of '%s' is too long for the vault",
				    name);
	return replace(v, at, end, name, value, err);
}

bool hk_vault_unset(struct hk_vault *v, const char *name)
{
	size_t end, at = find(v, name, &end);
	struct hk_error ignored;

	return end > at && !replace(v, at, end, NULL, NULL, &ignored);
}

/* --- Saving */

static int write_secrets(struct hk_vault *v, struct hk_error *err)
{
	size_t len = HEAD_LEN + v->len + TAG_LEN;
	hk_auto_free unsigned char *file = hk_xmalloc(len);
	hk_auto_buf ad = HK_BUF_INIT;
	unsigned long long written;

	memcpy(file, MAGIC, MAGIC_LEN);
	memcpy(file + MAGIC_LEN, v->id, ID_LEN);
	randombytes_buf(file + MAGIC_LEN + ID_LEN, NONCE_LEN);
	associated(v, &ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD_LEN, &written,
						   (const unsigned char *)(v->text ? v->text : ""),
						   v->len, (const unsigned char *)ad.data, ad.len,
						   NULL, file + MAGIC_LEN + ID_LEN, v->key);
	return hk_fs_write_file(v->fd, FILE_NAME, file, HEAD_LEN + (size_t)written, 0600, err);
}

int hk_vault_save(struct hk_vault *v, struct hk_error *err)
{
	if (!v->key && make_key(v, err))
		return err->code;
	return write_secrets(v, err);
}

/* Keys that no file has: of a rotation, or one that died. */
static int remove_other_keys(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_free char *own = key_name(v->id);
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_fs_list(v->fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];

		if (strncmp(name, KEY_PREFIX, sizeof(KEY_PREFIX) - 1) || !strcmp(name, own))
			continue;
		if (hk_fs_remove_tree(v->fd, name, err))
			return err->code;
	}
	return hk_fs_sync_dir(v->fd, err);
}

int hk_vault_rotate(struct hk_vault *v, struct hk_error *err)
{
	if (make_key(v, err) || write_secrets(v, err))
		return err->code;
	return remove_other_keys(v, err);
}
