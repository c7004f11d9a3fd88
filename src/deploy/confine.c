/*
 * The walk over a copied tree (contract in confine.h).
 */
#include <deploy/confine.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/buf.h>
#include <base/clock.h>
#include <repo/entry_name.h>
#include <sys/fs.h>

#define MAX_DEPTH 512

struct walker {
	int root_fd;
	int cancel_fd;
	int64_t deadline;
	struct hk_buf path; /* of the entry at hand, below the root */
	int depth;
	struct hk_confined *result;
};

static int walk(struct walker *w, int dirfd, struct hk_error *err);

static int refuse(const struct walker *w, const char *reason, struct hk_error *err)
{
	char label[HK_ENTRY_LABEL_LEN];

	hk_error_set(err, HK_E_TREE_REFUSED, "entry '%s' %s", hk_entry_label(w->path.data, label),
		     reason);
	return hk_error_hint(err, "remove or rename it in the folder, and deploy it again");
}

static int failed(const struct walker *w, struct hk_error *err)
{
	char label[HK_ENTRY_LABEL_LEN];

	return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s'",
				  hk_entry_label(w->path.data, label));
}

static int interrupted(const struct walker *w, struct hk_error *err)
{
	struct pollfd pfd = { .fd = w->cancel_fd, .events = POLLIN };

	if (poll(&pfd, 1, 0) > 0)
		return hk_error_set(err, HK_E_CANCELLED, "it was cancelled");
	if (!hk_clock_left(w->deadline))
		return hk_error_set(err, HK_E_STAGE_TIMEOUT,
				    "the time is over before every file was looked at");
	return 0;
}

/* Exactly as the kernel would follow it for the application. */
static bool leads_out(const struct walker *w)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, w->root_fd, w->path.data, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	if (fd >= 0)
		close((int)fd);
	/* One that leads nowhere, or in a circle, is no way out. */
	return fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
}

static int check_link(struct walker *w, int dirfd, const char *name, struct hk_error *err)
{
	char label[HK_ENTRY_LABEL_LEN];

	if (!leads_out(w)) {
		w->result->files++;
		return 0;
	}
	if (unlinkat(dirfd, name, 0))
		return failed(w, err);
	hk_strlist_add(&w->result->removed, hk_entry_label(w->path.data, label));
	return 0;
}

static int check_dir(struct walker *w, int dirfd, const char *name, struct hk_error *err)
{
	hk_auto_close int fd = -1;
	int ret;

	if (w->depth >= MAX_DEPTH)
		return refuse(w, "is nested too deep", err);
	if (hk_fs_open_dir(dirfd, name, &fd, err))
		return err->code;
	w->depth++;
	ret = walk(w, fd, err);
	w->depth--;
	return ret;
}

static int check_entry(struct walker *w, int dirfd, const char *name, struct hk_error *err)
{
	const char *reason;
	struct stat st;

	if (interrupted(w, err))
		return err->code;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return failed(w, err);
	reason = hk_entry_name_refusal(name, strlen(name), S_ISLNK(st.st_mode));
	if (reason)
		return refuse(w, reason, err);
	if (S_ISLNK(st.st_mode))
		return check_link(w, dirfd, name, err);
	if (S_ISDIR(st.st_mode))
		return check_dir(w, dirfd, name, err);
	if (!S_ISREG(st.st_mode))
		return refuse(w, "is no file, folder or link", err);
	w->result->files++;
	w->result->bytes += st.st_size;
	return 0;
}

static int walk(struct walker *w, int dirfd, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	size_t base = w->path.len;
	int ret = hk_fs_list(dirfd, ".", &names, err);

	for (size_t i = 0; !ret && i < names.len; i++) {
		hk_buf_addf(&w->path, "%s%s", base ? "/" : "", names.items[i]);
		ret = check_entry(w, dirfd, names.items[i], err);
		hk_buf_cut(&w->path, base);
	}
	return ret;
}

int hk_confine_tree(int root_fd, int cancel_fd, int64_t deadline, struct hk_confined *ret,
		    struct hk_error *err)
{
	struct walker w = {
		.root_fd = root_fd,
		.cancel_fd = cancel_fd,
		.deadline = deadline,
		.path = HK_BUF_INIT,
		.result = ret,
	};
	int code;

	*ret = (struct hk_confined){ .removed = HK_STRLIST_INIT };
	code = walk(&w, root_fd, err);
	hk_buf_release(&w.path);
	return code;
}
