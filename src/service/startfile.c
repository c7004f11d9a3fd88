/*
 * Start files (contract in startfile.h).
 */
#include <service/startfile.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/buf.h>
#include <base/json.h>
#include <sys/fs.h>

#define FOLDER ".hostkit"
#define NAME "start"
#define SIZE_MAX_BYTES (256 << 10)

static int open_folder(int release_fd, int *ret_fd, struct hk_error *err)
{
	if (!hk_fs_is_dir(release_fd, FOLDER)) {
		if (hk_fs_remove_tree(release_fd, FOLDER, err))
			return err->code;
		if (mkdirat(release_fd, FOLDER, 0755))
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s'",
						  FOLDER);
		if (hk_fs_sync_dir(release_fd, err))
			return err->code;
	}
	return hk_fs_open_dir(release_fd, FOLDER, ret_fd, err);
}

static void compose(const struct hk_strlist *argv, const struct hk_strlist *facts,
		    struct hk_buf *ret)
{
	static const struct hk_strlist none = HK_STRLIST_INIT;
	hk_auto_json *j = hk_json_object();

	hk_json_set(j, "argv", hk_json_strlist(argv));
	hk_json_set(j, "env", hk_json_strlist(facts ? facts : &none));
	hk_json_write(j, ret);
	hk_buf_addch(ret, '\n');
}

int hk_startfile_write(int release_fd, const struct hk_strlist *argv,
		       const struct hk_strlist *facts, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT, present = HK_BUF_INIT;
	hk_auto_close int folder = -1;
	struct hk_error unreadable;

	if (open_folder(release_fd, &folder, err))
		return err->code;
	compose(argv, facts, &text);
	if (!hk_fs_read_file(folder, NAME, SIZE_MAX_BYTES, &present, &unreadable) &&
	    present.len == text.len && !memcmp(present.data, text.data, text.len))
		return 0;
	if (hk_fs_is_dir(folder, NAME) && hk_fs_remove_tree(folder, NAME, err))
		return err->code;
	return hk_fs_write_file(folder, NAME, text.data, text.len, 0644, err);
}

static int broken(struct hk_error *err)
{
	return hk_error_set(err, HK_E_SERVICE_FAILED,
			    "the start file '" FOLDER "/" NAME "' of the release is broken");
}

int hk_startfile_read(int release_fd, struct hk_strlist *ret_argv, struct hk_strlist *ret_facts,
		      struct hk_error *err)
{
	hk_auto_strlist argv = HK_STRLIST_INIT, facts = HK_STRLIST_INIT;
	struct hk_error why = HK_ERROR_INIT;
	hk_auto_close int folder = -1;
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_json *j = NULL;

	if (hk_fs_open_dir(release_fd, FOLDER, &folder, &why) ||
	    hk_fs_read_file(folder, NAME, SIZE_MAX_BYTES, &text, &why)) {
		hk_error_set(err, HK_E_SERVICE_FAILED, "the release has no start file: %s",
			     why.message);
		err->sys_errno = why.sys_errno;
		return err->code;
	}
	if (hk_json_parse(text.data, text.len, FOLDER "/" NAME, HK_E_SERVICE_FAILED, &j, err))
		return err->code;
	if (!hk_json_to_strlist(hk_json_get(j, "argv"), &argv) ||
	    !hk_json_to_strlist(hk_json_get(j, "env"), &facts))
		return broken(err);
	hk_strlist_add_list(ret_argv, &argv);
	hk_strlist_add_list(ret_facts, &facts);
	return 0;
}
