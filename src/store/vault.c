/*
 * The vault (contract in vault.h).
 *
 * What is encrypted is "NAME\0VALUE\0MS\0" for each secret, sorted by name. In memory it stays in
 * that form, in one block of sodium_malloc, so that no value is ever copied to where it is not
 * wiped.
 */
#include <store/vault_file.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/strlist.h>
#include <sys/dumps.h>
#include <sys/fs.h>

#define FOLDER "vault"

char *hk_vault_alloc(size_t len)
{
	return sodium_init() < 0 ? NULL : sodium_malloc(len ? len : 1);
}

void hk_vault_free(char *secret)
{
	sodium_free(secret);
}

/* --- Opening */

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
	hk_dumps_prevent();
	if (open_folder(v, state_fd, to_write, err) ||
	    (v->fd >= 0 &&
	     hk_vault_read_file(v, HK_VAULT_SECRETS, &v->key, &v->text, &v->len, err)))
		return err->code;
	*ret = hk_steal_ptr(v);
	return 0;
}

void hk_vault_close(struct hk_vault *v)
{
	if (!v)
		return;
	hk_vault_key_release(&v->key);
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
		return hk_vault_no_memory(err);
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

static int write_secrets(const struct hk_vault *v, struct hk_error *err)
{
	return hk_vault_write_file(v, HK_VAULT_SECRETS, v->text ? v->text : "", v->len, err);
}

int hk_vault_save(struct hk_vault *v, struct hk_error *err)
{
	if (!v->key.bytes && hk_vault_make_key(v, err))
		return err->code;
	return write_secrets(v, err);
}

/* Keys that no file has: of a rotation, or one that died. */
static int remove_other_keys(struct hk_vault *v, struct hk_error *err)
{
	hk_auto_free char *own = hk_vault_key_name(&v->key);
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_fs_list(v->fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];

		if (strncmp(name, HK_VAULT_KEY_PREFIX, sizeof(HK_VAULT_KEY_PREFIX) - 1) ||
		    !strcmp(name, own))
			continue;
		if (hk_fs_remove_tree(v->fd, name, err))
			return err->code;
	}
	return hk_fs_sync_dir(v->fd, err);
}

int hk_vault_rotate(struct hk_vault *v, struct hk_error *err)
{
	if (hk_vault_make_key(v, err) || hk_vault_rewrite_texts(v, err) || write_secrets(v, err))
		return err->code;
	return remove_other_keys(v, err);
}
