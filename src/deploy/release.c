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

int hk_release_choose_name(int releases_fd, int64_t wall_ms, char ret[HK_RELEASE_NAME_LEN],
			   struct hk_error *err)
{
	char label[HK_CLOCK_LABEL_LEN];

	for (int ahead = 0; ahead < 3600; ahead++) {
		hk_clock_label(wall_ms + (int64_t)ahead * 1000, label);
		if (hk_fs_exists(releases_fd, label))
			continue;
		memcpy(ret, label, HK_RELEASE_NAME_LEN);
		return 0;
	}
	return hk_error_set(err, HK_E_RELEASE_FAILED, "no release name is free after '%s'", label);
}
