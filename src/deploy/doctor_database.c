/*
 * What doctor looks at of the project's database and its checkpoints: whether another one can be
 * made, and gone back to.
 */
#include <deploy/doctor_checks.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <database/database.h>
#include <deploy/environment.h>
#include <store/checkpoints.h>
#include <sys/fs.h>
#include <sys/lock.h>

#define ASK_MS 15000
#define FOLDER "checkpoints"

/* Of a restore that the ledger does not know any more; who works on one has it open there. */
static void look_beside(struct hk_doctor *d, const struct hk_database_kind *kind,
			const struct hk_database *db)
{
	struct hk_error ignored;
	bool open, beside;

	if (!kind->look || !d->ledger || hk_ledger_has_open_restore(d->ledger, &open, &ignored) ||
	    open || kind->look(db, &beside, &ignored) || !beside)
		return;
	hk_doctor_bad(d, HK_DOCTOR_WARN,
		      hk_xasprintf("the next restore removes it: hostkit checkpoint list %s",
				   d->scope),
		      "a restore has left another database beside the live one (hostkit-new)");
}

static void examine(struct hk_doctor *d, const struct hk_database_kind *kind,
		    const struct hk_strlist *env)
{
	const struct hk_database db = {
		.conf = &d->project.conf,
		.home_fd = d->project.home_fd,
		.home_path = d->project.home_path,
		.project = d->scope,
		.env = env,
		.cancel_fd = -1,
		.deadline = hk_clock_deadline(ASK_MS),
	};
	hk_auto_strlist warnings = HK_STRLIST_INIT;
	hk_auto_buf what = HK_BUF_INIT;
	struct hk_error err = HK_ERROR_INIT;

	if (kind->check_settings(&db, &err) || kind->examine(&db, &warnings, &what, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err,
				hk_xasprintf("mend it, then: hostkit checkpoint create %s",
					     d->scope));
	else
		look_beside(d, kind, &db);
	for (size_t i = 0; i + 1 < warnings.len; i += 2)
		hk_doctor_bad(d, HK_DOCTOR_WARN, hk_xstrdup(warnings.items[i + 1]), "%s",
			      warnings.items[i]);
	if (!d->said)
		hk_doctor_ok(d, "%s: %s", kind->name, what.data);
}

void hk_doctor_check_database(struct hk_doctor *d)
{
	const struct hk_database_kind *kind = hk_database_kind(d->project.conf.database_kind);
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_error told;

	if (!kind || d->project.home_fd < 0)
		return;
	if (kind->runs_programs && !hk_doctor_may_run(d)) {
		hk_doctor_ok(d, "%s (not asked as root)", kind->name);
		return;
	}
	/* That .env is broken, the environment's check says. */
	if (!hk_environment_build(&d->project, NULL, &env, &told))
		examine(d, kind, &env);
	hk_strlist_wipe(&env);
}

/* --- Checkpoints */

struct looking {
	struct hk_doctor *d;
	int dir_fd; /* -1: there is none */
	struct hk_strlist known;
	int64_t bytes;
	unsigned ready;
};

static int note_row(void *ctx, const struct hk_checkpoint *row, struct hk_error *err HK_UNUSED)
{
	hk_auto_free char *name = hk_xasprintf("%lld.dump", (long long)row->id);
	struct looking *l = ctx;
	struct stat st;

	hk_strlist_add(&l->known, name);
	if (row->state != HK_CHECKPOINT_READY)
		return 0;
	l->ready++;
	if (l->dir_fd < 0 || fstatat(l->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st.st_mode) || st.st_size != row->size)
		hk_doctor_bad(l->d, HK_DOCTOR_FAIL,
			      hk_xasprintf("hostkit checkpoint delete %s %lld", l->d->scope,
					   (long long)row->id),
			      "the dump of checkpoint %lld is not there, or of another size",
			      (long long)row->id);
	return 0;
}

static void look_at_files(struct looking *l)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;
	struct stat st;

	if (l->dir_fd < 0 || hk_fs_list(l->dir_fd, ".", &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		hk_auto_free char *path =
			hk_xasprintf("%s/" FOLDER "/%s", l->d->project.state_path, names.items[i]);
		hk_auto_free char *quoted = hk_doctor_quote(path);

		if (!fstatat(l->dir_fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW))
			l->bytes += st.st_size;
		if (!hk_strlist_has(&l->known, names.items[i]))
			hk_doctor_bad(l->d, HK_DOCTOR_WARN, hk_xasprintf("rm -r %s", quoted),
				      "'%s' is no checkpoint on record", path);
	}
}

/* Whoever works on them holds the project's lock. */
static bool is_worked_on(const struct hk_doctor *d)
{
	struct hk_lock lock = HK_LOCK_INIT;
	struct hk_error ignored;
	bool held = true;

	if (!hk_fs_exists(d->project.state_fd, "lock") ||
	    hk_lock_try(&lock, d->project.state_fd, "lock", &held, &ignored))
		return false;
	hk_lock_release(&lock);
	return !held;
}

static void look_at_rows(struct looking *l, struct hk_error *err)
{
	struct hk_doctor *d = l->d;
	char size[HK_HUMAN_LEN];
	bool open;

	if (hk_ledger_has_open_restore(d->ledger, &open, err))
		return;
	if (open && is_worked_on(d)) {
		hk_doctor_ok(d, "one is being made, restored or deleted");
		return;
	}
	if (open)
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("hostkit recover %s", d->scope),
			      "a checkpoint or a restore was interrupted");
	if (hk_ledger_each_checkpoint(d->ledger, note_row, l, err))
		return;
	if (!open)
		look_at_files(l);
	if (!d->said)
		hk_doctor_ok(d, "%u, %s", l->ready, hk_human_size(l->bytes, size));
}

void hk_doctor_check_checkpoints(struct hk_doctor *d)
{
	struct looking l = { .d = d, .dir_fd = -1, .known = HK_STRLIST_INIT };
	struct hk_error err = HK_ERROR_INIT, ignored;

	if (!d->ledger || d->project.state_fd < 0)
		return;
	if (hk_fs_open_dir(d->project.state_fd, FOLDER, &l.dir_fd, &ignored))
		l.dir_fd = -1;
	look_at_rows(&l, &err);
	if (err.code)
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err,
				hk_xasprintf("hostkit recover %s", d->scope));
	hk_cleanup_close(&l.dir_fd);
	hk_strlist_release(&l.known);
}
