/*
 * Stage 1: whether this deployment may start at all. Nothing is written but facts.
 */
#include <deploy/deploy.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/checkpoint.h>
#include <deploy/gate.h>
#include <deploy/request.h>
#include <deploy/retention.h>
#include <deploy/secrets.h>
#include <deploy/source.h>
#include <service/service.h>

static int check_order(struct hk_deploy *d, struct hk_error *err)
{
	bool superseded = false;

	if (hk_ledger_is_superseded(d->ledger, d->row.id, &superseded, err))
		return err->code;
	if (!superseded)
		return 0;
	return hk_error_set(err, HK_E_SUPERSEDED,
			    "a newer push of '%s' was deployed while this one waited", d->row.ref);
}

/* What the ref holds now, and whether a deployment of that has begun. */
struct newest {
	const struct hk_deploy *d;
	const char *commit;
	bool begun;
};

static int note_newest(void *ctx, const struct hk_deployment *row, struct hk_error *err HK_UNUSED)
{
	struct newest *n = ctx;

	/* Of a release that was adopted, the ref is not known. */
	n->begun |= row->id != n->d->row.id && row->started_at && row->commit && row->ref &&
		    !row->source && !strcmp(row->commit, n->commit) &&
		    !strcmp(row->ref, n->d->row.ref);
	return 0;
}

/*
 * Hooks may come in another order than the updates of their ref, so the order of rows does not tell
 * everything: what the ref holds now is the newest, and what is older must not come after it.
 * Between two others, and where the ref is gone, the rows have to do.
 */
static int check_ref(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_commit now;
	struct newest n = { .d = d, .commit = now.oid };
	struct hk_error ignored;

	if (d->row.source)
		return 0;
	if (hk_repo_resolve(d->repo, d->row.ref, &now, &ignored))
		return check_order(d, err);
	if (!strcmp(now.oid, d->commit.oid))
		return 0;
	if (hk_ledger_each_deployment(d->ledger, HK_DEPLOYMENTS_ALL, 100, note_newest, &n, err))
		return err->code;
	if (!n.begun)
		return check_order(d, err);
	return hk_error_set(err, HK_E_SUPERSEDED, "'%s' has moved on to %.7s, which came first",
			    d->row.ref, now.oid);
}

/* --- In the strict mode the ref still holds what it held before the push. */

#define MOVE_MS 5000 /* git moves the ref of the push before, whose deployment has just ended */
#define RECENT_MS 10000
#define LOOK_MS 50

struct before {
	const struct hk_deploy *d;
	const char *now; /* what the ref holds */
	bool found;
	bool moves; /* the newest strict deployment of the ref has just succeeded */
};

/* Called newest first. */
static int note_before(void *ctx, const struct hk_deployment *row, struct hk_error *err HK_UNUSED)
{
	struct before *b = ctx;

	if (b->found || row->id >= b->d->row.id || !row->ref || row->source ||
	    strcmp(row->ref, b->d->row.ref))
		return 0;
	b->found = true;
	b->moves = row->flags & HK_REQUEST_STRICT && row->status == HK_STATUS_SUCCEEDED &&
		   row->commit && strcmp(row->commit, b->now) &&
		   hk_clock_wall_ms() - row->finished_at < RECENT_MS;
	return 0;
}

/* Which object the ref holds; "" when there is no such ref. */
static void ref_object(struct hk_deploy *d, char ret[HK_OID_LEN])
{
	struct hk_commit now;
	struct hk_error ignored;

	ret[0] = '\0';
	if (!hk_repo_resolve(d->repo, d->row.ref, &now, &ignored))
		memcpy(ret, now.oid, HK_OID_LEN);
}

/* A push that waited may be of an older state than the one before it has left. */
static int check_strict(struct hk_deploy *d, struct hk_error *err)
{
	const char *was = d->row.old_object ? d->row.old_object : "";
	int64_t deadline = hk_clock_deadline(MOVE_MS);
	char now[HK_OID_LEN];
	struct before b = { .d = d, .now = now };

	if (strncmp(d->row.ref, "refs/heads/", 11))
		return 0;
	ref_object(d, now);
	if (hk_ledger_each_deployment(d->ledger, HK_DEPLOYMENTS_ALL, 100, note_before, &b, err))
		return err->code;
	while (b.moves && !strcmp(now, was) && hk_clock_left(deadline)) {
		poll(NULL, 0, LOOK_MS);
		ref_object(d, now);
	}
	if (!strcmp(now, was) || !strcmp(now, d->commit.oid))
		return check_order(d, err);
	hk_error_set(err, HK_E_SUPERSEDED, "'%s' has moved to %.7s while this push waited",
		     d->row.ref, now);
	return hk_error_hint(err, "git pull, and push again");
}

/* What is just being deleted is no reason to refuse. */
static int check_gate(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_gate gate = { d->row.id, d->row.created_at, d->row.flags };
	struct hk_error why = HK_ERROR_INIT;

	if (!hk_gate_check(d->project, d->ledger, &gate, &why))
		return 0;
	if (why.code != HK_E_NO_SPACE || !hk_retention_is_due(d->project)) {
		*err = why;
		return err->code;
	}
	return hk_retention_delete(d->project, NULL, err)
		       ? err->code
		       : hk_gate_check(d->project, d->ledger, &gate, err);
}

static int check_service(const struct hk_conf *conf, struct hk_error *err)
{
	const struct hk_service_driver *driver = hk_service_driver(conf->service_driver);

	return driver && driver->check ? driver->check(conf, err) : 0;
}

/* That the settings of the database are not complete is better known before a long build. */
static int check_database(const struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;

	if (!d->project->conf.database_before_deploy ||
	    !hk_database_kind(d->project->conf.database_kind))
		return 0;
	return hk_checkpoints_open(d->project, d->ledger, d->row.id,
				   hk_secrets_are_injected(d) ? d->vault : NULL, &c, err);
}

/* Of another source only whether it is there: what it holds is for the stages to find out. */
static int find_source(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *path = NULL;
	hk_auto_buf what = HK_BUF_INIT;

	if (hk_source_is_folder(&d->row) &&
	    hk_source_find_folder(d->project, d->row.source, &path, err))
		return err->code;
	hk_source_describe(d->row.source, d->row.ref, d->row.object, &what);
	hk_deploy_detail(d, "%s", what.data);
	return 0;
}

static int resolve(struct hk_deploy *d, struct hk_error *err)
{
	if (!d->repo && hk_repo_open(d->project->repo_path, d->project->home_path, &d->repo, err))
		return err->code;
	if (d->row.source)
		return find_source(d, err);
	return hk_repo_resolve(d->repo, d->row.object, &d->commit, err)
		       ? err->code
		       : hk_deploy_note_commit(d, err);
}

/*
 * libgit2 1.5 reads a truncated loose object for ever, deaf to deadline and cancel. From here to
 * the end of the checkout a worker that hangs so is ended by SIGALRM, and recorded as interrupted.
 */
#define HANG_MS 60000

static int run(struct hk_deploy *d, struct hk_error *err)
{
	alarm((unsigned)((d->project->conf.checkout_timeout + HANG_MS) / 1000));
	if (hk_project_active(d->project, &d->old_release, err) || check_gate(d, err) ||
	    check_service(&d->project->conf, err) || hk_secrets_begin(d, err) ||
	    check_database(d, err))
		return err->code;
	if (resolve(d, err) ||
	    (d->row.flags & HK_REQUEST_STRICT ? check_strict(d, err) : check_ref(d, err)))
		return err->code;
	/* Of another repository the commit comes later, of a folder never. */
	return d->row.source ? 0 : hk_deploy_begin_commit(d, err);
}

const struct hk_stage hk_stage_preflight = {
	.name = "preflight",
	.title = "preflight",
	.run = run,
};
