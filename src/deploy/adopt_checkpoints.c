/*
 * A lost ledger (contract in adopt.h): the checkpoints whose dumps are still there.
 */
#include <deploy/adopt.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <store/checkpoints.h>
#include <store/digest.h>
#include <sys/fs.h>

#define FOLDER "checkpoints"
#define SUFFIX ".dump"
#define LABEL "found when the ledger was lost"

struct finding {
	const struct hk_project *p;
	struct hk_ledger *l, *old;
	int dir_fd;
};

/* The number in "7.dump"; 0 for any other name. */
static int64_t id_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	hk_auto_free char *number = hk_xstrndup(name, digits);
	struct hk_error ignored;
	int64_t id;

	if (strcmp(name + digits, SUFFIX) ||
	    hk_human_parse_int(number, 1, INT64_MAX - 1, &id, &ignored))
		return 0;
	return id;
}

/* What the old ledger has of it counts, its digest first of all; the deployment's id does not. */
static int adopt_recorded(const struct finding *f, int64_t id, bool *ret_done, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint row = HK_CHECKPOINT_INIT;
	struct hk_error ignored;

	*ret_done = f->old && !hk_ledger_get_checkpoint(f->old, id, &row, &ignored);
	return *ret_done ? hk_ledger_adopt_checkpoint(f->l, &row, err) : 0;
}

/* Of what kind it is, only the settings tell; what it is not is refused when it is restored. */
static int adopt_found(const struct finding *f, int64_t id, const char *name, struct hk_error *err)
{
	hk_auto_close int fd =
		openat(f->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char digest[HK_SHA256_HEX_LEN], label[] = LABEL;
	struct hk_checkpoint row = { .id = id, .label = label, .sha256 = digest };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (hk_digest_file(fd, digest, &row.size, err))
		return hk_error_prefix(err, "'" FOLDER "/%s'", name);
	row.kind = f->p->conf.database_kind;
	row.created_at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return hk_ledger_adopt_checkpoint(f->l, &row, err);
}

static int adopt_all(const struct finding *f, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_fs_list(f->dir_fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		int64_t id = id_of(names.items[i]);
		bool done;

		if (!id)
			continue;
		if (adopt_recorded(f, id, &done, err) ||
		    (!done && adopt_found(f, id, names.items[i], err)))
			return err->code;
	}
	return 0;
}

int hk_adopt_checkpoints(const struct hk_project *p, struct hk_ledger *l, struct hk_ledger *old,
			 struct hk_error *err)
{
	struct finding f = { .p = p, .l = l, .old = old, .dir_fd = -1 };
	int ret;

	if (!strcmp(p->conf.database_kind, "none") || !hk_fs_is_dir(p->state_fd, FOLDER))
		return 0;
	if (hk_fs_open_dir(p->state_fd, FOLDER, &f.dir_fd, err))
		return err->code;
	ret = adopt_all(&f, err);
	hk_cleanup_close(&f.dir_fd);
	return ret;
}
