/*
 * Stage 6: a folder under releases/, filled by the kind of application. Everything is moved,
 * nothing is copied, so the cost does not depend on the size of the tree.
 */
#include <deploy/deploy.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/environment.h>
#include <deploy/shared.h>
#include <deploy/start.h>
#include <service/service.h>
#include <service/startfile.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

/*
 * Moves from (below the staging folder) to `to` (below the release), unless one of them is not
 * there.
 */
static int move_if_there(struct hk_deploy *d, const char *from, const char *to,
			 struct hk_error *err)
{
	/* A build script that followed Next.js's own advice has copied it already. */
	if (!hk_fs_exists(d->staging_fd, from) || hk_fs_exists(d->release_fd, to))
		return 0;
	return hk_fs_move(d->staging_fd, from, d->release_fd, to, err);
}

/* The standalone output, with the static files and public/ that it needs beside its server. */
static int assemble_standalone(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_detected *t = &d->detected;
	const char *top = *t->entry_dir ? ".next/standalone" : t->server_dir;
	const char *slash = *t->entry_dir ? "/" : "";
	hk_auto_free char *next_static = hk_xasprintf("%s%s.next/static", t->entry_dir, slash);
	hk_auto_free char *public = hk_xasprintf("%s%spublic", t->entry_dir, slash);

	if (hk_shared_unlink(d, err) ||
	    hk_fs_move(d->staging_fd, top, d->project->releases_fd, d->release, err) ||
	    hk_fs_open_dir(d->project->releases_fd, d->release, &d->release_fd, err) ||
	    move_if_there(d, ".next/static", next_static, err) ||
	    move_if_there(d, "public", public, err))
		return err->code;
	return hk_shared_relink(d, t->entry_dir, err);
}

/* The staging folder becomes the release. */
static int rename_staging(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_package_manager *packages = d->detected.type->packages;

	if (packages && packages->unmovable && d->installed &&
	    hk_fs_remove_tree(d->staging_fd, packages->unmovable, err))
		return err->code;
	if (hk_fs_move(d->project->releases_fd, d->staging, d->project->releases_fd, d->release,
		       err))
		return err->code;
	d->release_fd = hk_steal_fd(&d->staging_fd);
	d->staging[0] = '\0';
	return 0;
}

/* Before the release can be live: systemd may start the service at any time. */
static int write_start(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_service_driver *driver = hk_service_driver(d->project->conf.service_driver);
	hk_auto_strlist facts = HK_STRLIST_INIT;

	if (!driver || !driver->start_file)
		return 0;
	hk_environment_facts(d->project, &d->row, &facts);
	return hk_startfile_write(d->release_fd, &d->start, &facts, err);
}

int hk_deploy_describe_release(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *start = NULL;

	hk_strlist_release(&d->start);
	if (hk_start_choose(&d->project->conf, d->release_fd, &d->detected, &d->start, err))
		return err->code;
	if (write_start(d, err))
		return err->code;
	start = hk_start_to_text(&d->start);
	return hk_ledger_describe_release(d->ledger, d->release, d->detected.type->name, start,
					  err);
}

static int open_release(struct hk_deploy *d, struct hk_error *err)
{
	if (hk_release_choose_name(d->project->releases_fd, d->ledger, hk_clock_wall_ms(),
				   d->release, err))
		return err->code;
	/*
	 * On record before it is on disk: a folder that the ledger does not know is never ours to
	 * remove.
	 */
	if (hk_ledger_add_release(d->ledger, d->row.id, d->release, err) ||
	    hk_ledger_set_deployment_release(d->ledger, d->row.id, d->release, err))
		return err->code;
	free(d->row.release);
	d->row.release = hk_xstrdup(d->release);
	return 0;
}

/* A commit that only refs/deploy/ named must outlive that ref for as long as the release is kept.
 */
static int pin_commit(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *ref = hk_xasprintf("refs/hostkit/releases/%s", d->release);

	if (!*d->commit.oid) /* of a folder */
		return 0;
	return hk_repo_update_ref(d->repo, ref, d->commit.oid, err);
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	int ret;

	if (hk_shared_check(d, d->staging_fd, "", err) ||
	    hk_detect(d->staging_fd, d->project->conf.project_runtime, &d->detected, err) ||
	    open_release(d, err) || HK_FAILPOINT(release_recorded, err))
		return err->code;
	if (d->detected.type->standalone && !hk_detected_is_output(&d->detected))
		ret = assemble_standalone(d, err);
	else
		ret = rename_staging(d, err);
	if (ret || HK_FAILPOINT(release_filled, err) || hk_deploy_describe_release(d, err) ||
	    pin_commit(d, err))
		return err->code;
	hk_deploy_detail(d, "%s, %s", d->release, d->detected.type->title);
	return 0;
}

static void undo(struct hk_deploy *d)
{
	struct hk_error failed;
	int ret;

	if (!*d->release)
		return;
	ret = hk_fs_remove_tree(d->project->releases_fd, d->release, &failed);
	if (!ret)
		ret = hk_ledger_set_release_state(d->ledger, d->release, "removed", &failed);
	if (!ret)
		ret = hk_ledger_set_deployment_release(d->ledger, d->row.id, NULL, &failed);
	if (!ret) {
		hk_auto_free char *ref = hk_xasprintf("refs/hostkit/releases/%s", d->release);

		ret = hk_repo_delete_ref(d->repo, ref, NULL, &failed);
	}
	if (ret)
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", failed.message);
	d->release[0] = '\0';
	hk_cleanup_close(&d->release_fd);
	d->release_fd = -1;
}

const struct hk_stage hk_stage_release = {
	.name = "release",
	.title = "release",
	.run = run,
	.undo = undo,
};
