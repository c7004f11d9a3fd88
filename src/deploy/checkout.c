/*
 * Stage 2: the commit's files, written into a staging folder beside the releases (so that it can
 * become one by a rename).
 */
#include <deploy/deploy.h>

#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <deploy/environment.h>
#include <deploy/shared.h>
#include <deploy/source.h>
#include <repo/export.h>
#include <repo/submodules.h>
#include <sys/fs.h>

#define HANG_MS 60000 /* see preflight */

int hk_deploy_make_staging(struct hk_deploy *d, struct hk_error *err)
{
	int releases = d->project->releases_fd;

	snprintf(d->staging, sizeof(d->staging), ".staging-%lld", (long long)d->row.id);
	if (hk_fs_remove_tree(releases, d->staging, err) ||
	    hk_fs_mkdir_p(releases, d->staging, 0755, err))
		return err->code;
	return hk_fs_open_dir(releases, d->staging, &d->staging_fd, err);
}

/* The lines of what is fetched, below a line of their own. */
struct fetching {
	struct hk_deploy *d;
	bool announced;
};

static void show_fetching(void *ctx, const char *line, size_t len)
{
	struct fetching *f = ctx;

	if (!f->announced)
		f->d->report->ops->command(f->d->report, &f->d->stage,
					   "fetching what the commit only names");
	f->announced = true;
	hk_deploy_output(f->d, line, len);
}

static int write_files(struct hk_deploy *d, const struct hk_export_spec *spec,
		       struct hk_export_result *ret, int64_t *ret_submodules, struct hk_error *err)
{
	hk_auto_free char *cache = hk_xasprintf("%s/cache/submodules", d->project->state_path);
	int rc = hk_repo_export(d->repo, spec, ret, err);

	if (rc || strcmp(d->project->conf.checkout_submodules, "recursive"))
		return rc;
	rc = hk_submodules_export(d->repo, spec, cache, ret, ret_submodules, err);
	if (rc == HK_E_TREE_REFUSED && !*err->hint && !spec->lfs)
		hk_error_hint(err, "set [checkout] lfs = yes in %s/etc/hostkit/projects/%s.ini",
			      d->project->root, d->project->name);
	return rc;
}

static void set_detail(struct hk_deploy *d, const struct hk_export_result *result,
		       int64_t submodules)
{
	size_t n = d->project->conf.shared_dirs.len + d->project->conf.shared_files.len;
	char with[48] = "", shared[32] = "", size[HK_HUMAN_LEN];

	if (submodules)
		snprintf(with, sizeof(with), ", %lld submodule%s", (long long)submodules,
			 submodules == 1 ? "" : "s");
	if (n)
		snprintf(shared, sizeof(shared), ", %zu shared", n);
	hk_deploy_detail(d, "%lld file%s, %s%s%s", (long long)result->files,
			 result->files == 1 ? "" : "s", hk_human_size(result->bytes, size), with,
			 shared);
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_export_result result = HK_EXPORT_RESULT_INIT;
	const struct hk_conf *conf = &d->project->conf;
	hk_auto_strlist env = HK_STRLIST_INIT;
	hk_auto_free char *mark = hk_environment_mark(d->project, d->row.id);
	struct fetching fetching = { .d = d };
	struct hk_export_spec spec;
	int64_t submodules = 0;
	int ret;

	if (hk_deploy_make_staging(d, err) || hk_environment_build(d->project, &d->row, &env, err))
		return err->code;
	hk_strlist_add(&env, mark);
	spec = (struct hk_export_spec){
		.commit = d->commit.oid,
		.dir_fd = d->staging_fd,
		.cancel_fd = d->cancel_fd,
		.deadline = hk_clock_deadline(conf->checkout_timeout),
		.env = hk_strlist_argv(&env),
		.subdirectory = conf->deploy_subdirectory,
		.lfs = conf->checkout_lfs,
		.on_line = show_fetching,
		.ctx = &fetching,
	};
	/* Set by preflight, which may have taken of its time. */
	alarm((unsigned)((conf->checkout_timeout + HANG_MS) / 1000));
	ret = write_files(d, &spec, &result, &submodules, err);
	alarm(0);
	if (!ret)
		ret = hk_shared_link(d, err);
	if (!ret)
		set_detail(d, &result, submodules);
	hk_export_result_release(&result);
	return ret;
}

void hk_deploy_drop_staging(struct hk_deploy *d)
{
	struct hk_error ignored;

	/* What cannot be removed now is swept by the next deployment. */
	if (*d->staging && hk_fs_remove_tree(d->project->releases_fd, d->staging, &ignored))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", ignored.message);
	d->staging[0] = '\0';
	hk_cleanup_close(&d->staging_fd);
	d->staging_fd = -1;
}

static bool applies(const struct hk_deploy *d)
{
	return !hk_source_is_folder(&d->row);
}

const struct hk_stage hk_stage_checkout = {
	.name = "checkout",
	.title = "checkout",
	.applies = applies,
	.run = run,
	.undo = hk_deploy_drop_staging,
};
