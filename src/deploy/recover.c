/*
 * Recovery (contract in recover.h).
 */
#include <deploy/recover.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/adopt.h>
#include <deploy/confinement.h>
#include <deploy/dead.h>
#include <deploy/deploy.h>
#include <deploy/environment.h>
#include <deploy/missed.h>
#include <deploy/notify.h>
#include <deploy/reconcile.h>
#include <deploy/request.h>
#include <deploy/restore.h>
#include <deploy/retention.h>
#include <deploy/source.h>
#include <repo/export.h>
#include <repo/stale.h>
#include <sys/failpoint.h>
#include <sys/fs.h>
#include <sys/lock.h>
#include <sys/process.h>

/* A row without its worker, and how far that had come. */
struct dead_row {
	int64_t id;
	unsigned flags;
	char *release;
	char *again;	/* how to ask for it once more */
	char *stage;	/* the last one on record; NULL: none */
	bool activated; /* the link had been switched */
	bool live;	/* and still names its release */
};

struct recovery {
	const struct hk_project *p;
	struct hk_ledger *l;
	struct hk_strlist *notes;
	int64_t keep;
	char *active;
	size_t len;
	struct dead_row rows[64]; /* more than that are left for the next round */
};

static void release_rows(struct recovery *r)
{
	for (size_t i = 0; i < r->len; i++) {
		free(r->rows[i].release);
		free(r->rows[i].again);
		free(r->rows[i].stage);
	}
	free(r->active);
}

static int collect(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct recovery *r = ctx;
	hk_auto_buf again = HK_BUF_INIT;

	/* A row that says "running" without the lock held is dead whatever its worker's number. */
	if (d->id == r->keep || r->len == HK_ARRAY_LEN(r->rows) ||
	    (d->status != HK_STATUS_RUNNING && !hk_deployment_is_dead(d)))
		return 0;
	hk_source_command(r->p->name, d, &again);
	r->rows[r->len++] = (struct dead_row){
		.id = d->id,
		.flags = d->flags,
		.release = d->release ? hk_xstrdup(d->release) : NULL,
		.again = hk_xstrdup(again.data),
	};
	return 0;
}

static int note_stage(void *ctx, const struct hk_stage_row *stage, struct hk_error *err HK_UNUSED)
{
	struct dead_row *row = ctx;

	free(row->stage);
	row->stage = hk_xstrdup(stage->name);
	row->activated |= !strcmp(stage->name, "activate") && !strcmp(stage->status, "succeeded");
	return 0;
}

/* --- What a dead worker left */

static int end_processes(const struct recovery *r, const struct dead_row *row, struct hk_error *err)
{
	hk_auto_free char *mark = hk_environment_mark(r->p, row->id);
	unsigned ended = 0;

	if (hk_process_end_marked(mark, &ended, err))
		return err->code;
	if (ended)
		hk_strlist_addf(r->notes,
				"ended %u process%s that deployment %lld had left running", ended,
				ended == 1 ? "" : "es", (long long)row->id);
	return 0;
}

/* A release that never was live is of no use; one that was is kept for a look, like a failed one.
 */
static int settle_release(const struct recovery *r, const struct dead_row *row,
			  struct hk_error *err)
{
	struct hk_release_row release = HK_RELEASE_ROW_INIT;
	struct hk_error unknown = HK_ERROR_INIT;
	hk_auto_free char *state = NULL;

	/* What a rollback goes back to was there before it. */
	if (!row->release || row->flags & HK_REQUEST_ROLLBACK)
		return 0;
	if (hk_ledger_get_release(r->l, row->release, &release, &unknown) == HK_E_RELEASE_FAILED)
		return hk_ledger_set_deployment_release(r->l, row->id, NULL, err);
	state = hk_xstrdup(release.state ? release.state : "");
	hk_release_row_release(&release);
	if (unknown.code) {
		*err = unknown;
		return err->code;
	}
	if (!strcmp(state, "good"))
		return 0;
	/* Never found healthy, as far as is known: not one to go back to. */
	if (row->live || row->activated)
		return hk_ledger_set_release_state(r->l, row->release, "failed", err);
	if (hk_fs_remove_tree(r->p->releases_fd, row->release, err) ||
	    hk_ledger_set_release_state(r->l, row->release, "removed", err) ||
	    hk_ledger_set_deployment_release(r->l, row->id, NULL, err))
		return err->code;
	return 0;
}

static int end_row(const struct recovery *r, const struct dead_row *row, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	hk_error_set(&why, HK_E_INTERRUPTED, "the worker of deployment %lld died %s%s%s%s",
		     (long long)row->id, row->stage ? "in stage '" : "before its first stage",
		     row->stage ? row->stage : "", row->stage ? "'" : "",
		     row->live ? "; its release is live" : "");
	hk_error_hint(&why, "to try it again: %s", row->again);
	if (hk_ledger_finish_deployment(r->l, row->id, HK_STATUS_INTERRUPTED, &why, err))
		return err->code;
	hk_strlist_addf(r->notes, "%s", why.message);
	return 0;
}

/* Whether it died after it may have switched the link, so that the service is to be seen to. */
static bool is_pending(const struct dead_row *row)
{
	static const char *const stages[] = { "restore", "activate", "restart", "health",
					      "cleanup" };

	if (row->flags & HK_REQUEST_NO_RESTART || !row->stage)
		return false;
	for (size_t i = 0; i < HK_ARRAY_LEN(stages); i++)
		if (!strcmp(row->stage, stages[i]))
			return row->live || row->activated;
	return false;
}

static int settle(struct recovery *r, struct hk_error *err)
{
	bool pending = false;

	for (size_t i = 0; i < r->len; i++) {
		struct dead_row *row = &r->rows[i];

		if (hk_ledger_each_stage(r->l, row->id, note_stage, row, err) ||
		    end_processes(r, row, err))
			return err->code;
		row->live = row->release && r->active && !strcmp(row->release, r->active);
		pending |= is_pending(row);
	}
	/* First, since it may still run from a release that is about to be settled. */
	if (pending && r->active &&
	    hk_reconcile_service(r->p, r->l, r->active, true, r->notes, err))
		return err->code;
	for (size_t i = r->len; i-- > 0;)
		if (settle_release(r, &r->rows[i], err) || HK_FAILPOINT(recover_settled, err) ||
		    end_row(r, &r->rows[i], err))
			return err->code;
	return 0;
}

/* --- Leftovers without a row */

static int sweep_folder(int dirfd, const char *path, const char *prefix, const char *keep,
			unsigned *swept, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	hk_auto_close int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", path);
	if (hk_fs_list(fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		if (strncmp(names.items[i], prefix, strlen(prefix)) ||
		    !strcmp(names.items[i], keep))
			continue;
		if (hk_fs_remove_tree(fd, names.items[i], err))
			return err->code;
		(*swept)++;
	}
	return 0;
}

int hk_recover_sweep(const struct hk_project *p, int64_t keep, unsigned *ret_swept,
		     struct hk_error *err)
{
	const struct {
		int fd;
		const char *path;
		const char *prefix; /* the id of the deployment that is kept may follow */
	} places[] = {
		{ p->releases_fd, ".", ".staging-" },
		{ p->state_fd, ".", HK_CONFINEMENT_TMP },
		{ p->home_fd, "repo.git", HK_EXPORT_INDEX_PREFIX },
		/* libgit2's, of a fetch that was ended; git's own have other names. */
		{ p->home_fd, "repo.git/objects/pack", "pack_git2_" },
		{ p->home_fd, ".", "app.tmp" },
		{ p->state_fd, ".", "service.json.tmp" },
		{ p->state_fd, ".", "unit.json.tmp" },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(places); i++) {
		hk_auto_free char *own = hk_xasprintf("%s%lld", places[i].prefix, (long long)keep);

		if (sweep_folder(places[i].fd, places[i].path, places[i].prefix, own, ret_swept,
				 err))
			return err->code;
	}
	return 0;
}

struct pins {
	const struct recovery *r;
	struct hk_strlist gone;
};

static int note_pin(void *ctx, const char *name, const char *oid HK_UNUSED, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct pins *pins = ctx;
	struct hk_error unknown;
	int64_t id;
	bool open;

	if (hk_human_parse_int(strrchr(name, '/') + 1, 1, INT64_MAX, &id, &unknown))
		return 0;
	switch (hk_ledger_get_deployment(pins->r->l, id, &d, &unknown)) {
	case 0:
		open = !hk_status_is_final(d.status);
		hk_deployment_release(&d);
		break;
	case HK_E_DEPLOYMENT_NOT_FOUND:
		open = false;
		break;
	default:
		*err = unknown;
		return err->code;
	}
	if (!open)
		hk_strlist_add(&pins->gone, name);
	return 0;
}

/* Pins of deployments that are over keep objects for nobody. */
static int sweep_pins(const struct recovery *r, struct hk_repo *repo, struct hk_error *err)
{
	struct pins pins = { .r = r, .gone = HK_STRLIST_INIT };
	int ret = hk_repo_each_ref(repo, "refs/hostkit/deployments/*", note_pin, &pins, err);

	for (size_t i = 0; !ret && i < pins.gone.len; i++)
		ret = hk_repo_delete_ref(repo, pins.gone.items[i], NULL, err);
	hk_strlist_release(&pins.gone);
	return ret;
}

/* Somebody has removed it by hand: nothing may go back to it. */
static int note_missing(void *ctx, const struct hk_release_row *row, struct hk_error *err)
{
	struct recovery *r = ctx;

	if (hk_fs_is_dir(r->p->releases_fd, row->name) ||
	    (r->active && !strcmp(r->active, row->name)) || !strcmp(row->state, "building"))
		return 0;
	hk_strlist_addf(r->notes, "release %s is not on disk any more", row->name);
	return hk_ledger_set_release_state(r->l, row->name, "removed", err);
}

static int sweep(struct recovery *r, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	unsigned swept = 0, locks = 0;

	if (hk_recover_sweep(r->p, r->keep, &swept, err) || hk_retention_delete(r->p, NULL, err) ||
	    hk_repo_remove_stale_locks(r->p->repo_path, &locks, err) ||
	    hk_ledger_each_release(r->l, note_missing, r, err) ||
	    hk_repo_open(r->p->repo_path, r->p->home_path, &repo, err) || sweep_pins(r, repo, err))
		return err->code;
	if (locks)
		hk_strlist_addf(r->notes, "removed %u lock%s that git had left in '%s'", locks,
				locks == 1 ? "" : "s", r->p->repo_path);
	if (swept)
		hk_strlist_addf(r->notes, "removed %u leftover%s of deployments that died", swept,
				swept == 1 ? "" : "s");
	return 0;
}

int hk_recover(const struct hk_project *p, struct hk_ledger *l, int64_t keep,
	       struct hk_strlist *notes, struct hk_error *err)
{
	HK_CLEANUP(release_rows)
	struct recovery r = { .p = p, .l = l, .notes = notes, .keep = keep };
	struct hk_error ignored;

	if (hk_adopt_needed(p)) {
		char name[HK_RELEASE_NAME_LEN];

		if (hk_adopt_app(p, l, name, err))
			return err->code;
		hk_strlist_addf(notes, "'%s/app' was a folder; it is release %s now", p->home_path,
				name);
	}
	/* First, since it may move the link, and starts the service, that the rest is about. */
	if (hk_restore_recover(p, l, notes, err))
		return err->code;
	/* Whatever else `app` may be is for the preflight of the next deployment to tell. */
	if (hk_project_active(p, &r.active, &ignored))
		r.active = NULL;
	if (r.active && hk_adopt_active(p, l, r.active, err))
		return err->code;
	if (hk_ledger_each_deployment(l, HK_DEPLOYMENTS_OPEN, -1, collect, &r, err) ||
	    settle(&r, err))
		return err->code;
	/* A deployment has its own cleanup: a push does not wait for what nobody has left. */
	return keep && !r.len ? 0 : sweep(&r, err);
}

int hk_recover_if_idle(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
		       struct hk_error *err)
{
	struct hk_lock lock = HK_LOCK_INIT;
	bool held = false, dead, open = false;
	int ret;

	ret = hk_dead_any(l, &dead, err);
	if (!ret && !dead)
		ret = hk_ledger_has_open_restore(l, &open, err);
	dead |= open;
	if (!ret && dead)
		ret = hk_lock_try(&lock, p->state_fd, "lock", &held, err);
	if (!ret && held)
		ret = hk_recover(p, l, 0, notes, err);
	hk_lock_release(&lock);
	/* What is owed may have outlived its sender. */
	hk_notify_start(p, l);
	return ret;
}

void hk_recover_missed(const struct hk_project *p, struct hk_ledger *l, struct hk_repo *repo,
		       hk_submit_head_fn *head, struct hk_strlist *notes)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *opened = NULL;
	struct hk_error err = HK_ERROR_INIT;

	if ((!repo && hk_repo_open(p->repo_path, p->home_path, &opened, &err)) ||
	    hk_missed_handle(p, l, repo ? repo : opened, head, notes, &err))
		hk_strlist_addf(notes, "lost pushes cannot be looked for: %s", err.message);
}

int hk_recover_replace_ledger(const struct hk_project *p, struct hk_ledger **ret,
			      struct hk_error *damage, struct hk_strlist *notes)
{
	struct hk_error failed = HK_ERROR_INIT;
	struct hk_lock lock = HK_LOCK_INIT;
	hk_auto_free char *aside = NULL;
	bool held = false;
	int code;

	/* Who holds the lock works with that ledger: first that has to end. */
	code = hk_lock_try(&lock, p->state_fd, "lock", &held, &failed);
	if (!code && !held)
		return hk_error_hint(damage,
				     "when the deployment that runs now has ended: hostkit "
				     "recover %s",
				     p->name);
	if (!code)
		code = hk_adopt_releases(p, ret, &aside, &failed);
	hk_lock_release(&lock);
	if (code) {
		*damage = failed;
		return code;
	}
	hk_strlist_addf(notes, "%s; a new one was made from the releases on disk%s%s%s",
			damage->message, aside ? ", the old one is kept as '" : "",
			aside ? aside : "", aside ? "'" : "");
	*damage = (struct hk_error)HK_ERROR_INIT;
	return 0;
}

int hk_recover_open_ledger(const struct hk_project *p, struct hk_ledger **ret,
			   struct hk_strlist *notes, struct hk_error *err)
{
	struct hk_error damage = HK_ERROR_INIT;
	int code = hk_project_open_ledger(p, ret, &damage);

	if (code == HK_E_LEDGER_DAMAGED)
		code = hk_recover_replace_ledger(p, ret, &damage, notes);
	if (code)
		*err = damage;
	return code;
}
