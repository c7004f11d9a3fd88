/*
 * Release names.
 */
#include <deploy/release.h>

#include <ctype.h>
#include <string.h>

#include <base/clock.h>
#include <sys/fs.h>

bool hk_release_is_name(const char *name)
{
	if (strlen(name) != HK_RELEASE_NAME_LEN - 1)
		return false;
	for (size_t i = 0; name[i]; i++)
		if (i == 8 ? name[i] != '-' : !isdigit((unsigned char)name[i]))
			return false;
	return true;
}

static int is_known(struct hk_ledger *l, const char *name, bool *ret, struct hk_error *err)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	struct hk_error found = HK_ERROR_INIT;
	int code = hk_ledger_get_release(l, name, &row, &found);

	hk_release_row_release(&row);
	*ret = !code;
	if (!code || code == HK_E_RELEASE_FAILED)
		return 0;
	*err = found;
	return err->code;
}

int hk_release_choose_name(int releases_fd, struct hk_ledger *l, int64_t wall_ms,
			   char ret[HK_RELEASE_NAME_LEN], struct hk_error *err)
{
	char label[HK_CLOCK_LABEL_LEN];

	for (int ahead = 0; ahead < 86400; ahead++) {
		bool known;

		hk_clock_label(wall_ms + (int64_t)ahead * 1000, label);
		if (is_known(l, label, &known, err))
			return err->code;
		if (known || hk_fs_exists(releases_fd, label))
			continue;
		memcpy(ret, label, HK_RELEASE_NAME_LEN);
		return 0;
	}
	return hk_error_set(err, HK_E_RELEASE_FAILED, "no release name is free up to '%s'", label);
}
