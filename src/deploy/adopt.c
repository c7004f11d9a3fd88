/*
 * Adopting releases (contract in adopt.h).
 */
#include <deploy/adopt.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <deploy/detect.h>
#include <deploy/start.h>
#include <repo/repo.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define APP "app"
#define ASIDE "app.tmp" /* also the name of a link in the making: see hk_fs_swap_link */
#define COPY ".staging-app"

/* Kind and start command by the files; what cannot be told is left out. */
static void look_at(const struct hk_project *p, const char *name, const char **ret_type,
		    char **ret_start)
{
	struct hk_detected d = HK_DETECTED_INIT;
	hk_auto_strlist words = HK_STRLIST_INIT;
	hk_auto_close int fd = -1;
	struct hk_error ignored;

	if (hk_fs_open_dir(p->releases_fd, name, &fd, &ignored) ||
	    hk_detect(fd, p->conf.project_runtime, &d, &ignored))
		return;
	*ret_type = d.type->name;
	if (!hk_start_choose(&p->conf, fd, &d, &words, &ignored))
		*ret_start = hk_start_to_text(&words);
	hk_detected_release(&d);
}

/* --- A folder in the place of the link */

bool hk_adopt_needed(const struct hk_project *p)
{
	return hk_fs_is_dir(p->home_fd, APP) || hk_fs_is_dir(p->home_fd, ASIDE);
}

/* The link takes the folder's place at once; the folder lies aside then. */
static int exchange(const struct hk_project *p, const char *name, struct hk_error *err)
{
	hk_auto_free char *target = hk_xasprintf("releases/%s", name);

	if (unlinkat(p->home_fd, ASIDE, 0) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", ASIDE);
	if (symlinkat(target, p->home_fd, ASIDE) ||
	    renameat2(p->home_fd, ASIDE, p->home_fd, APP, RENAME_EXCHANGE))
		return hk_error_set_errno(err, HK_E_ACTIVATE_FAILED, errno,
					  "cannot put a link in the place of the folder '%s/%s'",
					  p->home_path, APP);
	return 0;
}

static bool same_filesystem(const struct hk_project *p)
{
	struct stat home, releases;

	return !fstat(p->home_fd, &home) && !fstat(p->releases_fd, &releases) &&
	       home.st_dev == releases.st_dev;
}

/* Between filesystems the release is complete before the link names it. */
static int copy(const struct hk_project *p, const char *name, struct hk_error *err)
{
	if (hk_fs_remove_tree(p->releases_fd, COPY, err) ||
	    hk_fs_copy_tree(p->home_fd, APP, p->releases_fd, COPY, err) ||
	    hk_fs_sync_filesystem(p->releases_fd, err))
		return err->code;
	return hk_fs_move(p->releases_fd, COPY, p->releases_fd, name, err);
}

/* The name that the link was given by a run that was interrupted before the folder was moved. */
static bool was_interrupted(const struct hk_project *p, char ret_name[HK_RELEASE_NAME_LEN])
{
	hk_auto_free char *active = NULL;
	struct hk_error ignored;

	if (!hk_fs_is_dir(p->home_fd, ASIDE) || hk_project_active(p, &active, &ignored) || !active)
		return false;
	memcpy(ret_name, active, HK_RELEASE_NAME_LEN);
	return true;
}

int hk_adopt_active(const struct hk_project *p, struct hk_ledger *l, const char *name,
		    struct hk_error *err)
{
	struct hk_adopted_release r = {
		.name = name, .state = "good", .at = hk_clock_wall_ms(), .before_all = true
	};
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	hk_auto_free char *start = NULL;
	struct hk_error unknown = HK_ERROR_INIT;

	if (hk_ledger_get_release(l, name, &row, &unknown) != HK_E_RELEASE_FAILED ||
	    !hk_fs_is_dir(p->releases_fd, name)) {
		hk_release_row_release(&row);
		return 0;
	}
	look_at(p, name, &r.type, &start);
	r.start = start;
	return hk_ledger_adopt_release(l, &r, err);
}

int hk_adopt_app(const struct hk_project *p, struct hk_ledger *l,
		 char ret_name[HK_RELEASE_NAME_LEN], struct hk_error *err)
{
	if (!was_interrupted(p, ret_name) &&
	    (hk_release_choose_name(p->releases_fd, l, hk_clock_wall_ms(), ret_name, err) ||
	     (!same_filesystem(p) && copy(p, ret_name, err)) || exchange(p, ret_name, err) ||
	     HK_FAILPOINT(app_exchanged, err)))
		return err->code;
	if (hk_fs_is_dir(p->releases_fd, ret_name)
		    ? hk_fs_remove_tree(p->home_fd, ASIDE, err)
		    : hk_fs_move(p->home_fd, ASIDE, p->releases_fd, ret_name, err))
		return err->code;
	if (hk_fs_sync_dir(p->releases_fd, err) || hk_fs_sync_dir(p->home_fd, err))
		return err->code;
	return hk_adopt_active(p, l, ret_name, err);
}

/* --- A lost ledger */

static int set_aside(const struct hk_project *p, char **ret, struct hk_error *err)
{
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	hk_auto_free char *name = NULL;
	char label[HK_CLOCK_LABEL_LEN];

	if (!hk_fs_exists(p->state_fd, "ledger.db"))
		return 0;
	name = hk_xasprintf("ledger.db.damaged-%s", hk_clock_label(hk_clock_wall_ms(), label));
	for (size_t i = 0; i < HK_ARRAY_LEN(suffixes); i++) {
		hk_auto_free char *from = hk_xasprintf("ledger.db%s", suffixes[i]);
		hk_auto_free char *to = hk_xasprintf("%s%s", name, suffixes[i]);

		if (renameat(p->state_fd, from, p->state_fd, to) && errno != ENOENT)
			return hk_error_set_errno(err, HK_E_LEDGER_FAILED, errno,
						  "cannot set '%s/%s' aside", p->state_path, from);
	}
	*ret = hk_steal_ptr(name);
	return hk_fs_sync_dir(p->state_fd, err);
}

/* The number between a prefix and a suffix; 0 for any other name. */
static int64_t number_in(const char *name, const char *prefix, const char *suffix)
{
	size_t len = strlen(name), before = strlen(prefix), after = strlen(suffix);
	hk_auto_free char *digits = NULL;
	struct hk_error ignored;
	int64_t id;

	if (len <= before + after || strncmp(name, prefix, before) ||
	    strcmp(name + len - after, suffix))
		return 0;
	digits = hk_xstrndup(name + before, len - before - after);
	return hk_human_parse_int(digits, 1, INT64_MAX - 1, &id, &ignored) ? 0 : id;
}

/* The largest id that left a log or a staging folder. */
static int64_t last_id(const struct hk_project *p)
{
	const struct {
		int fd;
		const char *dir, *prefix, *suffix;
	} places[] = {
		{ p->state_fd, "log", "", ".log" },
		{ p->releases_fd, ".", ".staging-", "" },
	};
	int64_t last = 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(places); i++) {
		hk_auto_strlist names = HK_STRLIST_INIT;
		struct hk_error ignored;

		if (hk_fs_list(places[i].fd, places[i].dir, &names, &ignored))
			continue;
		for (size_t n = 0; n < names.len; n++) {
			int64_t id = number_in(names.items[n], places[i].prefix, places[i].suffix);

			last = id > last ? id : last;
		}
	}
	return last;
}

struct adoption {
	const struct hk_project *p;
	struct hk_ledger *l;
	struct hk_ledger *old; /* NULL: cannot be read at all */
	struct hk_repo *repo;  /* NULL: cannot be opened */
};

/* 20261124-103000 as wall-clock milliseconds. */
static int64_t time_of(const char *name)
{
	struct tm tm = { .tm_isdst = 0 };

	if (sscanf(name, "%4d%2d%2d-%2d%2d%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec) != 6)
		return hk_clock_wall_ms();
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm) * 1000;
}

static int adopt_one(const struct adoption *a, const char *name, struct hk_error *err)
{
	hk_auto_free char *pin = hk_xasprintf("refs/hostkit/releases/%s", name);
	struct hk_adopted_release r = { .name = name, .state = "good", .at = time_of(name) };
	struct hk_release_row old = HK_RELEASE_ROW_INIT;
	hk_auto_free char *start = NULL;
	struct hk_commit commit;
	struct hk_error ignored;
	int ret;

	look_at(a->p, name, &r.type, &start);
	r.start = start;
	if (a->repo && !hk_repo_resolve(a->repo, pin, &commit, &ignored))
		r.object = commit.oid;
	if (a->old && !hk_ledger_get_release(a->old, name, &old, &ignored)) {
		r.state = old.state;
		r.type = old.type ? old.type : r.type;
		r.start = old.start ? old.start : r.start;
		r.ref = old.ref;
		r.source = old.source;
		r.object = old.commit ? old.commit : r.object;
	}
	ret = hk_ledger_adopt_release(a->l, &r, err);
	hk_release_row_release(&old);
	return ret;
}

/* In the order of their names, which is mostly that of their making, but what is live comes last.
 */
static int adopt_all(struct adoption *a, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	hk_auto_free char *active = NULL;
	struct hk_error ignored;

	if (hk_fs_list(a->p->releases_fd, ".", &names, err))
		return err->code;
	if (hk_project_active(a->p, &active, &ignored))
		active = NULL;
	for (size_t i = 0; i < names.len; i++)
		if (hk_release_is_name(names.items[i]) &&
		    hk_fs_is_dir(a->p->releases_fd, names.items[i]) &&
		    (!active || strcmp(names.items[i], active)) &&
		    adopt_one(a, names.items[i], err))
			return err->code;
	if (active && hk_fs_is_dir(a->p->releases_fd, active))
		return adopt_one(a, active, err);
	return 0;
}

#define MADE_ASIDE "ledger.db.new"

static int remove_unfinished(const struct hk_project *p, struct hk_error *err)
{
	static const char *const names[] = { MADE_ASIDE, MADE_ASIDE "-wal", MADE_ASIDE "-shm" };

	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		if (hk_fs_remove_tree(p->state_fd, names[i], err))
			return err->code;
	return 0;
}

/* The new ledger, complete, under another name. */
static int make_aside(const struct hk_project *p, struct hk_error *err)
{
	hk_auto_free char *made = hk_xasprintf("%s/" MADE_ASIDE, p->state_path);
	hk_auto_free char *path = hk_xasprintf("%s/ledger.db", p->state_path);
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *l = NULL;
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *old = NULL;
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	struct hk_error ignored;
	struct adoption a = { .p = p };

	if (remove_unfinished(p, err) || hk_ledger_open(made, &l, err) ||
	    hk_ledger_begin_after(l, last_id(p), err))
		return err->code;
	if (hk_fs_exists(p->state_fd, "ledger.db") && hk_ledger_open(path, &old, &ignored))
		old = NULL;
	if (hk_repo_open(p->repo_path, p->home_path, &repo, &ignored))
		repo = NULL;
	a.l = l;
	a.old = old;
	a.repo = repo;
	return adopt_all(&a, err) ? err->code : hk_adopt_checkpoints(p, l, old, err);
}

int hk_adopt_releases(const struct hk_project *p, struct hk_ledger **ret, char **ret_aside,
		      struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/ledger.db", p->state_path);
	hk_auto_free char *aside = NULL;

	if (make_aside(p, err) || set_aside(p, &aside, err))
		return err->code;
	if (renameat(p->state_fd, MADE_ASIDE, p->state_fd, "ledger.db"))
		return hk_error_set_errno(err, HK_E_LEDGER_FAILED, errno,
					  "cannot put a new ledger in the place of '%s'", path);
	if (hk_fs_sync_dir(p->state_fd, err) || hk_ledger_open(path, ret, err))
		return err->code;
	*ret_aside = hk_steal_ptr(aside);
	return 0;
}
