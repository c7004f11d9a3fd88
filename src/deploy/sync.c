/*
 * Stage 2 for a folder of this machine: its files, copied by rsync into a staging folder beside the
 * releases, without what belongs to where it came from: version control, dependencies and caches.
 * The output of a build that was made there is taken, with what it needs.
 */
#include <deploy/deploy.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <deploy/confine.h>
#include <deploy/environment.h>
#include <deploy/pushed_ini.h>
#include <deploy/request.h>
#include <deploy/source.h>
#include <sys/fs.h>
#include <sys/process.h>

#define GRACE_MS 2000
#define BUILD_ID ".next/BUILD_ID" /* there once `next build` has ended well */
#define WARNED_MAX 10

/* Patterns of rsync(1): without a slash they are meant in every folder. */
static const char *const excludes[] = {
	".git", ".hg",	 ".svn", "node_modules", ".next",	  "__pycache__", "*.py[co]",
	"venv", ".venv", ".tox", ".mypy_cache",	 ".pytest_cache", ".DS_Store",
};

/* What one run of rsync said. */
struct copy {
	struct hk_deploy *d;
	struct hk_buf first; /* the first error, which explains the others */
	bool full;
};

static void take_line(void *ctx, const char *line, size_t len)
{
	hk_auto_free char *text = hk_xstrndup(line, len);
	struct copy *c = ctx;

	hk_deploy_output(c->d, line, len);
	c->full |= hk_error_says_full(text);
	if (!c->first.len && !strncmp(text, "rsync", 5))
		hk_buf_addstr(&c->first, text);
}

/* --- What is taken */

/* The folder is itself the output of a build, so its modules are part of it. */
static bool is_output(struct hk_deploy *d, int fd)
{
	struct hk_detected tree = HK_DETECTED_INIT;
	struct hk_error ignored;
	bool output = !hk_detect(fd, d->project->conf.project_runtime, &tree, &ignored) &&
		      hk_detected_is_output(&tree);

	hk_detected_release(&tree);
	return output;
}

/* See wants_install in prepare.c: what nothing installs has to come along. */
static bool brings_modules(const struct hk_deploy *d)
{
	if (d->row.flags & (HK_REQUEST_INSTALL | HK_REQUEST_NO_INSTALL))
		return d->row.flags & HK_REQUEST_NO_INSTALL;
	return d->project->conf.install_enabled == HK_NO;
}

/* The first pattern that matches a name decides; "***" is a folder with everything below it. */
static int add_filters(struct hk_deploy *d, struct hk_strlist *argv, struct hk_error *err)
{
	const struct hk_strlist *more = &d->project->conf.source_excludes;
	hk_auto_close int fd = -1;

	if (hk_fs_open_dir(AT_FDCWD, d->row.source, &fd, err))
		return err->code;
	for (size_t i = 0; i < more->len; i++)
		hk_strlist_addf(argv, "--exclude=%s", more->items[i]);
	/* A build that is asked for makes all of it anew. */
	if (hk_fs_is_file(fd, BUILD_ID) && !(d->row.flags & HK_REQUEST_BUILD)) {
		hk_strlist_add(argv, "--exclude=/.next/cache");
		hk_strlist_add(argv, "--include=/.next/***");
	}
	if (brings_modules(d) || is_output(d, fd))
		hk_strlist_add(argv, "--include=/node_modules/***");
	for (size_t i = 0; i < HK_ARRAY_LEN(excludes); i++)
		hk_strlist_addf(argv, "--exclude=%s", excludes[i]);
	return 0;
}

/* --- Copying */

static int explain(struct copy *c, int code, struct hk_error *err)
{
	const struct hk_project *p = c->d->project;
	char limit[HK_HUMAN_LEN];

	if (c->full)
		return hk_error_set(err, HK_E_NO_SPACE, "%s", c->first.data);
	if (code == HK_E_COMMAND_TIMEOUT) {
		hk_error_set(err, HK_E_STAGE_TIMEOUT, "copying '%s' took longer than %s",
			     c->d->row.source, hk_human_duration(p->conf.source_timeout, limit));
		return hk_error_hint(err,
				     "leave out what is not needed ([source] excludes), or raise "
				     "[source] timeout");
	}
	if (code == HK_E_COMMAND_NOT_FOUND)
		return hk_error_hint(err, "install it: apt-get install rsync");
	if (code == HK_E_COMMAND_FAILED && c->first.len)
		return hk_error_set(err, code, "%s", c->first.data);
	return code;
}

static int run_rsync(struct hk_deploy *d, const struct hk_strlist *argv, struct hk_error *err)
{
	hk_auto_free char *mark = hk_environment_mark(d->project, d->row.id);
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct copy c = { .d = d, .first = HK_BUF_INIT };
	hk_auto_strlist env = HK_STRLIST_INIT;
	int ret;

	hk_environment_plain(d->project, &env);
	hk_strlist_add(&env, mark);
	spec.argv = hk_strlist_argv(argv);
	spec.env = hk_strlist_argv(&env);
	spec.cwd_fd = d->staging_fd;
	spec.cancel_fd = d->cancel_fd;
	spec.timeout_ms = d->project->conf.source_timeout;
	spec.grace_ms = GRACE_MS;
	spec.mark = mark;
	spec.on_line = take_line;
	spec.ctx = &c;
	ret = hk_process_run(&spec, NULL, err);
	if (ret)
		ret = explain(&c, ret, err);
	hk_buf_release(&c.first);
	return ret;
}

static int copy(struct hk_deploy *d, struct hk_error *err)
{
	static const char *const options[] = {
		"rsync",
		"--archive",
		"--no-owner",
		"--no-group",
		"--no-devices",
		"--no-specials",
		"--chmod=u+rwX,ug-s,o-t",
	};
	hk_auto_strlist argv = HK_STRLIST_INIT;

	for (size_t i = 0; i < HK_ARRAY_LEN(options); i++)
		hk_strlist_add(&argv, options[i]);
	if (add_filters(d, &argv, err))
		return err->code;
	hk_strlist_add(&argv, "--");
	hk_strlist_addf(&argv, "%s/", d->row.source);
	hk_strlist_add(&argv, "./");
	return run_rsync(d, &argv, err);
}

/* --- The stage */

static void warn_links(struct hk_deploy *d, const struct hk_strlist *removed)
{
	for (size_t i = 0; i < removed->len && i < WARNED_MAX; i++)
		hk_report_say(d->report, HK_REPORT_WARNING,
			      "link '%s' leads out of the folder: it is left out",
			      removed->items[i]);
	if (removed->len > WARNED_MAX)
		hk_report_say(d->report, HK_REPORT_WARNING, "and %zu more such links",
			      removed->len - WARNED_MAX);
}

static int use_settings(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;

	if (hk_pushed_ini_apply_folder(d->project, d->staging_fd, &text, err))
		return err->code;
	return hk_deploy_note_settings(d, &text, err);
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	int64_t deadline = hk_clock_deadline(d->project->conf.source_timeout);
	struct hk_confined result;
	char size[HK_HUMAN_LEN];
	int ret;

	alarm(0); /* set by preflight, for libgit2 */
	if (hk_deploy_make_staging(d, err) || copy(d, err))
		return err->code;
	ret = hk_confine_tree(d->staging_fd, d->cancel_fd, deadline, &result, err);
	if (!ret) {
		warn_links(d, &result.removed);
		d->prebuilt = hk_fs_is_file(d->staging_fd, BUILD_ID);
		hk_deploy_detail(d, "%lld file%s, %s", (long long)result.files,
				 result.files == 1 ? "" : "s", hk_human_size(result.bytes, size));
	}
	hk_strlist_release(&result.removed);
	return ret ? ret : use_settings(d, err);
}

static bool applies(const struct hk_deploy *d)
{
	return hk_source_is_folder(&d->row);
}

const struct hk_stage hk_stage_sync = {
	.name = "checkout",
	.title = "sync",
	.applies = applies,
	.run = run,
	.undo = hk_deploy_drop_staging,
};
