/*
 * The file of keys (contract in keys.h).
 */
#include <host/keys.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <host/key_line.h>
#include <sys/fs.h>
#include <sys/self.h>
#include <sys/user.h>

#define FOLDER ".ssh"
#define FILE_NAME "authorized_keys"
#define FILE_BYTES_MAX (1 << 20)

/* Whose folder and file are, and how they are made. */
struct owner {
	uid_t uid;
	gid_t gid; /* -1: as it comes */
	mode_t folder, file;
};

static bool is_whole(const char *root)
{
	return !strcmp(root, "/");
}

static int find_owner(const struct hk_keys_of *of, struct owner *ret, struct hk_error *err)
{
	hk_auto_user user = HK_USER_INIT;
	bool found;

	if (!is_whole(of->root)) {
		*ret = (struct owner){ geteuid(), (gid_t)-1, 0700, 0600 };
		return 0;
	}
	if (hk_user_find(of->project, &found, &user, err))
		return err->code;
	if (!found)
		return hk_error_set(err, HK_E_PERMISSION, "there is no user '%s'", of->project);
	*ret = (struct owner){ 0, user.gid, 0750, 0640 };
	return 0;
}

static int check_folder(const struct hk_keys_of *of, int fd, const struct owner *o,
			struct hk_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s/%s'", of->home,
					  FOLDER);
	if (st.st_uid == o->uid && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	hk_error_set(err, HK_E_PERMISSION, "'%s/%s' %s, and sshd reads keys there", of->home,
		     FOLDER,
		     st.st_uid == o->uid  ? "may be written by others"
		     : is_whole(of->root) ? "is not root's"
					  : "is somebody else's");
	return hk_error_hint(err, "see what is in it, then move it away: mv -T %s/%s %s/%s.old",
			     of->home, FOLDER, of->home, FOLDER);
}

/* *ret_fd is -1 when there is no folder. */
static int open_folder(const struct hk_keys_of *of, const struct owner *o, int *ret_fd,
		       struct hk_error *err)
{
	/* The home itself may be a link of the administrator's; what is in it is the user's. */
	hk_auto_close int home = open(of->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hk_auto_close int fd = -1;

	if (home < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", of->home);
	fd = openat(home, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		*ret_fd = -1;
		return 0;
	}
	if (fd < 0) {
		hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s/%s'", of->home,
				   FOLDER);
		return hk_error_hint(err, "it has to be a folder, and no link");
	}
	if (check_folder(of, fd, o, err))
		return err->code;
	*ret_fd = hk_steal_fd(&fd);
	return 0;
}

static int make_folder(const struct hk_keys_of *of, struct hk_error *err)
{
	hk_auto_close int home = open(of->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (home < 0 || (mkdirat(home, FOLDER, 0700) && errno != EEXIST))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s/%s'",
					  of->home, FOLDER);
	return hk_fs_sync_dir(home, err);
}

/* Takes the lock of who changes it; what others have put in its place is found by the check. */
static int open_to_write(const struct hk_keys_of *of, const struct owner *o, int *ret_fd,
			 struct hk_error *err)
{
	hk_auto_close int fd = -1;

	if (is_whole(of->root) && geteuid()) {
		hk_error_set(err, HK_E_PERMISSION, "only root changes the keys of '%s'",
			     of->project);
		return hk_error_hint(err, "run the command as root");
	}
	if (open_folder(of, o, &fd, err) ||
	    (fd < 0 && (make_folder(of, err) || open_folder(of, o, &fd, err))))
		return err->code;
	if (fd < 0)
		return hk_error_set(err, HK_E_IO, "'%s/%s' has gone", of->home, FOLDER);
	if (flock(fd, LOCK_EX) || (o->gid != (gid_t)-1 && fchown(fd, o->uid, o->gid)) ||
	    fchmod(fd, o->folder))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot set up '%s/%s'", of->home,
					  FOLDER);
	*ret_fd = hk_steal_fd(&fd);
	return 0;
}

static int read_text(const struct hk_keys_of *of, int fd, struct hk_buf *ret, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;

	if (fd < 0 || !hk_fs_read_file(fd, FILE_NAME, FILE_BYTES_MAX, ret, &failed) ||
	    failed.sys_errno == ENOENT)
		return 0;
	*err = failed;
	return hk_error_prefix(err, "in '%s/%s'", of->home, FOLDER);
}

/* ours is NULL for a line that is not, and else for fn to keep. The line is as it is in the file.
 */
typedef void line_fn(void *ctx, const char *line, size_t len, struct hk_key *ours);

static void each_line(const struct hk_buf *text, line_fn *fn, void *ctx)
{
	for (const char *p = text->data, *end = text->data + text->len; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop ? stop : end) - p);
		HK_CLEANUP(hk_key_release) struct hk_key key = { .label = NULL };
		hk_auto_free char *line = hk_xstrndup(p, len);
		bool ours = strlen(line) == len && hk_key_line_read(line, &key);

		fn(ctx, p, len, ours ? &key : NULL);
		p += len + 1;
	}
}

struct scan {
	struct hk_keys *keys;
	struct hk_buf others; /* lines that are not ours */
};

static void take_line(void *ctx, const char *line, size_t len, struct hk_key *ours)
{
	struct scan *s = ctx;
	size_t skip = 0;

	while (skip < len && strchr(" \t\r", line[skip]))
		skip++;
	if (ours) {
		hk_keys_append(s->keys, ours);
	} else if (skip < len && line[skip] != '#') {
		hk_buf_add(&s->others, line, len);
		hk_buf_addch(&s->others, '\n');
		s->keys->others++;
	}
}

static void scan(const struct hk_buf *text, struct hk_keys *ret, struct hk_buf *ret_others)
{
	struct scan s = { .keys = ret, .others = HK_BUF_INIT };

	each_line(text, take_line, &s);
	if (ret_others)
		*ret_others = s.others;
	else
		hk_buf_release(&s.others);
}

int hk_keys_list(const struct hk_keys_of *of, struct hk_keys *ret, struct hk_error *err)
{
	hk_auto_close int fd = -1;
	hk_auto_buf text = HK_BUF_INIT;
	struct owner o;

	if (find_owner(of, &o, err) || open_folder(of, &o, &fd, err) ||
	    read_text(of, fd, &text, err))
		return err->code;
	scan(&text, ret, NULL);
	return 0;
}

static int write_text(const struct hk_keys_of *of, int fd, const struct owner *o,
		      const struct hk_buf *text, struct hk_error *err)
{
	/* Only root may give a file to root; under a private root it is the caller's anyway. */
	uid_t uid = o->gid == (gid_t)-1 ? (uid_t)-1 : o->uid;

	if (!hk_fs_write_file_for(uid, o->gid, fd, FILE_NAME, text->data, text->len, o->file, err))
		return 0;
	return hk_error_prefix(err, "in '%s/%s'", of->home, FOLDER);
}

static int check_new(const struct hk_keys *there, const struct hk_key *new, struct hk_error *err)
{
	const struct hk_key *same = hk_keys_find(there, new->label);

	for (size_t i = 0; i < there->len; i++)
		if (!strcmp(there->items[i].blob, new->blob))
			return hk_error_set(err, HK_E_USAGE, "the key %s is there already, as '%s'",
					    new->fingerprint, there->items[i].label);
	if (!same)
		return 0;
	hk_error_set(err, HK_E_USAGE, "there is a key '%s' already: %s", same->label,
		     same->fingerprint);
	return hk_error_hint(err, "call the new one something else with --label, or take the old "
				  "one away first: hostkit key remove");
}

/* sshd takes the first line that has the key: one without our command would let it do anything. */
static int check_others(const struct hk_keys_of *of, const struct hk_buf *others,
			const struct hk_key *new, struct hk_error *err)
{
	if (!memmem(others->data, others->len, new->blob, strlen(new->blob)))
		return 0;
	hk_error_set(err, HK_E_USAGE, "the key %s is in a line that hostkit has not written",
		     new->fingerprint);
	return hk_error_hint(err, "remove that line from %s/%s/%s", of->home, FOLDER, FILE_NAME);
}

static int add_lines(const struct hk_keys_of *of, const struct hk_keys *keys, struct hk_buf *text,
		     struct hk_error *err)
{
	hk_auto_keys there = HK_KEYS_INIT;
	hk_auto_free char *program = NULL;
	hk_auto_buf others = HK_BUF_INIT;

	if (hk_self_program("hostkit", &program, err))
		return err->code;
	scan(text, &there, &others);
	if (text->len && text->data[text->len - 1] != '\n')
		hk_buf_addch(text, '\n');
	for (size_t i = 0; i < keys->len; i++) {
		const struct hk_keys before = { .items = keys->items, .len = i };

		if (check_new(&there, &keys->items[i], err) ||
		    check_new(&before, &keys->items[i], err) ||
		    check_others(of, &others, &keys->items[i], err) ||
		    hk_key_line_write(of, &keys->items[i], program, text, err))
			return err->code;
	}
	return 0;
}

int hk_keys_add(const struct hk_keys_of *of, const struct hk_keys *keys, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_close int fd = -1;
	struct owner o;

	if (find_owner(of, &o, err) || open_to_write(of, &o, &fd, err) ||
	    read_text(of, fd, &text, err) || add_lines(of, keys, &text, err))
		return err->code;
	return write_text(of, fd, &o, &text, err);
}

struct removal {
	const char *label;
	bool found;
	struct hk_buf rest;
};

static void keep_line(void *ctx, const char *line, size_t len, struct hk_key *ours)
{
	struct removal *r = ctx;

	if (ours && !strcmp(ours->label, r->label)) {
		r->found = true;
		return;
	}
	hk_buf_add(&r->rest, line, len);
	hk_buf_addch(&r->rest, '\n');
}

static int no_such_key(const struct hk_buf *text, const char *label, struct hk_error *err)
{
	hk_auto_keys there = HK_KEYS_INIT;
	hk_auto_buf labels = HK_BUF_INIT;

	scan(text, &there, NULL);
	for (size_t i = 0; i < there.len; i++)
		hk_buf_addf(&labels, "%s%s", i ? ", " : "", there.items[i].label);
	hk_error_set(err, HK_E_KEY_NOT_FOUND, "there is no key '%.100s'", label);
	if (there.len)
		return hk_error_hint(err, "the keys are: %s", labels.data);
	return hk_error_hint(err, "there are none; add one with: hostkit key add NAME FILE");
}

int hk_keys_remove(const struct hk_keys_of *of, const char *label, struct hk_error *err)
{
	struct removal r = { .label = label, .rest = HK_BUF_INIT };
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_close int fd = -1;
	struct owner o;
	int ret;

	if (find_owner(of, &o, err) || open_to_write(of, &o, &fd, err) ||
	    read_text(of, fd, &text, err))
		return err->code;
	each_line(&text, keep_line, &r);
	ret = r.found ? write_text(of, fd, &o, &r.rest, err) : no_such_key(&text, label, err);
	hk_buf_release(&r.rest);
	return ret;
}
