/*
 * Stage 1: whether this deployment may start at all. Nothing is written but facts.
 */
#include <deploy/deploy.h>

#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <deploy/content.h>
#include <service/service.h>
#include <sys/fs.h>

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

static int check_space(struct hk_deploy *d, int fd, const char *where, struct hk_error *err)
{
	const struct hk_conf *conf = &d->project->conf;
	char have[HK_HUMAN_LEN], need[HK_HUMAN_LEN];
	int64_t bytes, inodes;

	if (hk_fs_space(fd, &bytes, &inodes, err))
		return err->code;
	if (bytes < conf->deploy_min_free)
		hk_error_set(err, HK_E_NO_SPACE, "%s are free in '%s'; a deployment needs %s",
			     hk_human_size(bytes, have), where,
			     hk_human_size(conf->deploy_min_free, need));
	else if (inodes >= 0 && inodes < conf->deploy_min_inodes)
		hk_error_set(err, HK_E_NO_SPACE,
			     "%lld inodes are free in '%s'; a deployment needs %lld",
			     (long long)inodes, where, (long long)conf->deploy_min_inodes);
	else
		return 0;
	return hk_error_hint(err, "see what is large: df -h %s; du -xsh %s/*", where,
			     d->project->home_path);
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
		    !strcmp(row->commit, n->commit) && !strcmp(row->ref, n->d->row.ref);
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

static int check_pause(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_pause pause = HK_PAUSE_INIT;
	char since[HK_CLOCK_RFC3339_LEN];
	int ret = hk_ledger_get_pause(d->ledger, &pause, err);

	if (!ret && pause.at) {
		hk_error_set(err, HK_E_PAUSED,
			     "deployments of '%s' are paused%s%s since %s%s%.300s",
			     d->project->name, pause.author ? " by " : "",
			     pause.author ? pause.author : "", hk_clock_rfc3339(pause.at, since),
			     pause.reason ? ": " : "", pause.reason ? pause.reason : "");
		ret = hk_error_hint(err, "to go on: hostkit resume %s", d->project->name);
	}
	hk_pause_release(&pause);
	return ret;
}

static int check_service(const struct hk_conf *conf, struct hk_error *err)
{
	const struct hk_service_driver *driver = hk_service_driver(conf->service_driver);

	return driver && driver->check ? driver->check(conf, err) : 0;
}

static int resolve(struct hk_deploy *d, struct hk_error *err)
{
	static const char tags[] = "refs/tags/";
	size_t n = sizeof(tags) - 1;
	const char *ref = d->row.ref;

	if ((!d->repo &&
	     hk_repo_open(d->project->repo_path, d->project->home_path, &d->repo, err)) ||
	    hk_repo_resolve(d->repo, d->row.object, &d->commit, err))
		return err->code;
	if (!strncmp(ref, tags, n))
		snprintf(d->commit.tag, sizeof(d->commit.tag), "%s", ref + n);
	if (hk_ledger_set_commit(d->ledger, d->row.id, d->commit.oid,
				 *d->commit.tag ? d->commit.tag : NULL, d->commit.summary, err))
		return err->code;
	free(d->row.commit);
	d->row.commit = hk_xstrdup(d->commit.oid);
	free(d->row.tag);
	d->row.tag = *d->commit.tag ? hk_xstrdup(d->commit.tag) : NULL;
	hk_deploy_detail(d, "%.7s %.100s", d->commit.oid, d->commit.summary);
	return 0;
}

/*
 * libgit2 1.5 reads a truncated loose object for ever, deaf to deadline and cancel. From here to
 * the end of the checkout a worker that hangs so is ended by SIGALRM, and recorded as interrupted.
 */
#define HANG_MS 60000

static int run(struct hk_deploy *d, struct hk_error *err)
{
	alarm((unsigned)((d->project->conf.checkout_timeout + HANG_MS) / 1000));
	if (hk_project_active(d->project, &d->old_release, err) || check_pause(d, err) ||
	    check_service(&d->project->conf, err) ||
	    check_space(d, d->project->releases_fd, d->project->home_path, err) ||
	    check_space(d, d->project->state_fd, d->project->state_path, err))
		return err->code;
	if (resolve(d, err) || check_ref(d, err))
		return err->code;
	return hk_content_check(d->project, d->repo, d->commit.oid, d->cancel_fd,
				hk_clock_deadline(d->project->conf.checkout_timeout), err);
}

const struct hk_stage hk_stage_preflight = {
	.name = "preflight",
	.title = "preflight",
	.run = run,
};
