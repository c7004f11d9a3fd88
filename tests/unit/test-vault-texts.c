/*
 * Texts under the vault's key, also over rotations, and ones that died.
 */
#include "ledger-fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <store/vault.h>
#include <sys/fs.h>

static int folder_fd;

static struct hk_vault *open_vault(bool to_write)
{
	struct hk_vault *v = NULL;

	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OK(hk_vault_open(folder_fd, "site", to_write, &v, &err));
	return v;
}

static void close_vault(struct hk_vault *v)
{
	hk_vault_close(v);
	close(folder_fd);
}

static void expect(const struct hk_vault *v, const char *name, const char *want)
{
	char *text;
	size_t len;

	OK(hk_vault_read_text(v, name, &text, &len, &err));
	if (!want) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_int_equal(len, strlen(want));
	assert_string_equal(text, want);
	hk_vault_free(text);
}

static size_t count_files(const char *prefix)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	size_t n = 0;

	OK(hk_fs_list(folder_fd, "vault", &names, &err));
	for (size_t i = 0; i < names.len; i++)
		n += !strncmp(names.items[i], prefix, strlen(prefix));
	return n;
}

static void write_text(const char *name, const char *text)
{
	struct hk_vault *v = open_vault(true);

	OK(hk_vault_write_text(v, name, text, strlen(text), &err));
	close_vault(v);
}

static void test_texts(void **state)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_vault *v = open_vault(false);

	(void)state;
	expect(v, "env-1", NULL);
	OK(hk_vault_list_texts(v, &names, &err));
	assert_int_equal(names.len, 0);
	close_vault(v);
	write_text("env-1", "A=1\n");
	write_text("env-2", "");
	write_text("env-1", "A=2\n");
	v = open_vault(true);
	expect(v, "env-1", "A=2\n");
	expect(v, "env-2", "");
	assert_int_equal(hk_vault_len(v), 0);
	/* However many are written, there is one key. */
	assert_int_equal(count_files("key-"), 1);
	OK(hk_vault_list_texts(v, &names, &err));
	assert_int_equal(names.len, 2);
	assert_string_equal(names.items[0], "env-1");
	OK(hk_vault_remove_text(v, "env-1", &err));
	OK(hk_vault_remove_text(v, "env-1", &err));
	expect(v, "env-1", NULL);
	close_vault(v);
}

static void test_encrypted(void **state)
{
	hk_auto_free char *name = hk_xasprintf("%s/vault/text-env-1", folder);
	hk_auto_free char *other = hk_xasprintf("%s/vault/text-env-2", folder);
	hk_auto_buf file = HK_BUF_INIT;
	struct hk_vault *v;
	struct stat st;
	char *text;
	size_t len;

	(void)state;
	write_text("env-1", "TOKEN=canary-canary\n");
	OK(hk_fs_read_file(AT_FDCWD, name, 10000, &file, &err));
	assert_null(memmem(file.data, file.len, "canary", 6));
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* One text cannot stand for another. */
	assert_int_equal(rename(name, other), 0);
	v = open_vault(false);
	FAILS(HK_E_VAULT_FAILED, hk_vault_read_text(v, "env-2", &text, &len, &err));
	close_vault(v);
}

static void test_rotate(void **state)
{
	struct hk_vault *v;

	(void)state;
	write_text("env-1", "A=1\n");
	v = open_vault(true);
	OK(hk_vault_set(v, "TOKEN", "value", &err));
	OK(hk_vault_save(v, &err));
	OK(hk_vault_rotate(v, &err));
	assert_int_equal(count_files("key-"), 1);
	close_vault(v);
	v = open_vault(false);
	expect(v, "env-1", "A=1\n");
	assert_true(hk_vault_has(v, "TOKEN"));
	close_vault(v);
}

/* A rotation that has written the texts but not the records: two keys, each with files. */
static void test_rotation_died(void **state)
{
	hk_auto_free char *secrets = hk_xasprintf("%s/vault/secrets", folder);
	hk_auto_free char *kept = hk_xasprintf("%s/kept", folder);
	hk_auto_free char *keys = hk_xasprintf("%s/keys", folder);
	hk_auto_free char *vault = hk_xasprintf("%s/vault", folder);
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_vault *v;

	(void)state;
	write_text("env-1", "A=1\n");
	assert_int_equal(mkdir(keys, 0700), 0);
	OK(hk_fs_list(AT_FDCWD, vault, &names, &err));
	OK(hk_fs_copy_tree(AT_FDCWD, secrets, AT_FDCWD, kept, &err));
	for (size_t i = 0; i < names.len; i++) {
		hk_auto_free char *a = hk_xasprintf("%s/%s", vault, names.items[i]);
		hk_auto_free char *b = hk_xasprintf("%s/%s", keys, names.items[i]);

		if (!strncmp(names.items[i], "key-", 4))
			OK(hk_fs_copy_tree(AT_FDCWD, a, AT_FDCWD, b, &err));
	}
	v = open_vault(true);
	OK(hk_vault_rotate(v, &err));
	close_vault(v);
	assert_int_equal(rename(kept, secrets), 0);
	OK(hk_fs_copy_tree(AT_FDCWD, keys, AT_FDCWD, vault, &err));
	v = open_vault(true);
	assert_int_equal(count_files("key-"), 2);
	expect(v, "env-1", "A=1\n");
	OK(hk_vault_write_text(v, "env-2", "B=2\n", 4, &err));
	OK(hk_vault_rotate(v, &err));
	assert_int_equal(count_files("key-"), 1);
	expect(v, "env-1", "A=1\n");
	expect(v, "env-2", "B=2\n");
	close_vault(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_texts), TEST(test_encrypted),
					    TEST(test_rotate), TEST(test_rotation_died) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
