/*
 * Stage 2: the commit's files, written into a staging folder beside the releases (so that it can
 * become one by a rename).
 */
#include <deploy/deploy.h>

#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/human.h>
#include <deploy/environment.h>
#include <deploy/shared.h>
#include <deploy/source.h>
#include <repo/export.h>
#include <sys/fs.h>

int hk_deploy_make_staging(struct hk_deploy *d, struct hk_error *err)
{
	int releases = d->project->releases_fd;

	snprintf(d->staging, sizeof(d->staging), ".staging-%lld", (long long)d->row.id);
	if (hk_fs_remove_tree(releases, d->staging, err) ||
	    hk_fs_mkdir_p(releases, d->staging, 0755, err))
		return err->code;
	return hk_fs_open_dir(releases, d->staging, &d->staging_fd, err);
}

static void warn_submodules(struct hk_deploy *d, const struct hk_strlist *paths)
{
	for (size_t i = 0; i < paths->len; i++)
		hk_report_say(d->report, HK_REPORT_WARNING,
			      "submodule '%s' is not checked out: its folder is empty",
			      paths->items[i]);
}

static void describe(struct hk_deploy *d, const struct hk_export_result *result)
{
	size_t n = d->project->conf.shared_dirs.len + d->project->conf.shared_files.len;
	char size[HK_HUMAN_LEN];
	char shared[32] = "";

	if (n)
		snprintf(shared, sizeof(shared), ", %zu shared", n);
	hk_deploy_detail(d, "%lld file%s, %s%s", (long long)result->files,
			 result->files == 1 ? "" : "s", hk_human_size(result->bytes, size), shared);
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_export_result result = { .files = 0 };
	hk_auto_strlist env = HK_STRLIST_INIT;
	hk_auto_free char *mark = hk_environment_mark(d->project, d->row.id);
	struct hk_export_spec spec;
	int ret;

	if (hk_deploy_make_staging(d, err) || hk_environment_build(d->project, &d->row, &env, err))
		return err->code;
	hk_strlist_add(&env, mark);
	spec = (struct hk_export_spec){
		.commit = d->commit.oid,
		.dir_fd = d->staging_fd,
		.cancel_fd = d->cancel_fd,
		.deadline = hk_clock_deadline(d->project->conf.checkout_timeout),
		.env = hk_strlist_argv(&env),
	};
	ret = hk_repo_export(d->repo, &spec, &result, err);
	alarm(0); /* set by preflight */
	if (!ret) {
		warn_submodules(d, &result.submodules);
		ret = hk_shared_link(d, err);
	}
	if (!ret)
		describe(d, &result);
	hk_strlist_release(&result.submodules);
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
