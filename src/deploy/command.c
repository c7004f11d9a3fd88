/*
 * Commands of a deployment: announced, confined, with their output in the report.
 */
#include <deploy/deploy.h>

#include <sys/stat.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/words.h>
#include <deploy/environment.h>
#include <sys/fs.h>
#include <sys/process.h>

static unsigned admit(void *ctx, pid_t supervisor)
{
	struct hk_deploy *d = ctx;

	return hk_confinement_admit(d->project, d->row.id, supervisor, &d->confinement.no_manager);
}

static void announce(struct hk_deploy *d, const struct hk_deploy_command *c,
		     const struct hk_strlist *argv, struct hk_buf *what)
{
	if (c->label)
		hk_buf_addf(what, "%s: ", c->label);
	for (size_t i = 0; i < argv->len; i++) {
		if (i)
			hk_buf_addch(what, ' ');
		hk_words_quote(what, argv->items[i]);
	}
	snprintf(d->command, sizeof(d->command), "%s", what->data);
	d->report->ops->command(d->report, &d->stage, what->data);
}

/* Only what is known: the limits' own counts, and what the command itself has written. */
static int explain(const struct hk_deploy *d, const struct hk_deploy_command *c,
		   const struct hk_process_result *result, struct hk_error *err)
{
	const struct hk_conf *conf = &d->project->conf;

	if (err->code == HK_E_COMMAND_NOT_FOUND)
		return hk_error_hint(err, "install it, or add its folder to [project] path in the "
					  "project's INI file");
	if (result->events.oom_kills || result->events.tasks_refused)
		return hk_confinement_explain(d->project, &result->events, err);
	if (d->denied && err->code == HK_E_COMMAND_FAILED && strcmp(conf->build_confine, "no"))
		return hk_error_hint(
			err,
			"it was refused a file: %s write to the release, %sto the caches and to "
			"TMPDIR; for other folders see [build] writable",
			c->label ? "hooks" : "installs and builds",
			c->label ? "shared and logs, " : "");
	return err->code;
}

/* The last entry of env is the mark. */
static int run_one(struct hk_deploy *d, const struct hk_deploy_command *c,
		   const struct hk_strlist *argv, const struct hk_strlist *env,
		   const struct hk_sandbox *sandbox, int64_t timeout_ms, struct hk_error *err)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct hk_process_result result;
	hk_auto_buf what = HK_BUF_INIT;
	int ret;

	announce(d, c, argv, &what);
	d->denied = false;
	spec.argv = hk_strlist_argv(argv);
	spec.env = hk_strlist_argv(env);
	spec.cwd_fd = c->cwd_fd;
	spec.cancel_fd = c->uncancellable ? -1 : d->cancel_fd;
	spec.timeout_ms = timeout_ms;
	spec.grace_ms = d->project->conf.build_grace;
	spec.mark = env->items[env->len - 1];
	spec.sandbox = sandbox;
	if (hk_confinement_wants_scope(d->project) && !d->confinement.no_manager)
		spec.admit = admit;
	spec.on_line = hk_deploy_output;
	spec.ctx = d;
	ret = hk_process_run(&spec, &result, err);
	if (ret)
		ret = explain(d, c, &result, err);
	if (result.leftovers)
		hk_report_say(d->report, HK_REPORT_WARNING, "'%s' left %u process%s running; ended",
			      what.data, result.leftovers, result.leftovers == 1 ? "" : "es");
	return ret;
}

/* Looked for first: nothing is to change where nothing is missing. */
static int make_caches(const struct hk_deploy *d, struct hk_error *err)
{
	for (size_t i = 0; hk_confinement_caches[i]; i++) {
		hk_auto_free char *path = hk_xasprintf("cache/%s", hk_confinement_caches[i]);

		if (!hk_fs_exists(d->project->state_fd, path) &&
		    hk_fs_mkdir_p(d->project->state_fd, path, 0750, err))
			return err->code;
	}
	return 0;
}

static int make_tmp(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_confinement *c = &d->confinement;

	if (*c->tmp)
		return 0;
	snprintf(c->tmp, sizeof(c->tmp), HK_CONFINEMENT_TMP "%lld", (long long)d->row.id);
	if (hk_fs_remove_tree(d->project->state_fd, c->tmp, err) ||
	    hk_fs_mkdir_p(d->project->state_fd, c->tmp, 0700, err))
		return err->code;
	return 0;
}

void hk_deploy_drop_tmp(struct hk_deploy *d)
{
	char *tmp = d->confinement.tmp;
	struct hk_error err;

	/* What cannot be removed now is swept by the next deployment. */
	if (*tmp && hk_fs_remove_tree(d->project->state_fd, tmp, &err))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", err.message);
	*tmp = '\0';
}

static int confine(struct hk_deploy *d, const struct hk_deploy_command *c, struct hk_sandbox *ret,
		   struct hk_error *err)
{
	const struct hk_confined_command what = {
		/* A hook without a release runs in the home, which is not its to write. */
		.folder_fd = c->cwd_fd == d->project->home_fd ? -1 : c->cwd_fd,
		.tmp = d->confinement.tmp,
		.hook = c->label != NULL,
	};

	if (!d->confinement.probed && hk_sandbox_probe(&d->confinement.kernel, err))
		return err->code;
	d->confinement.probed = true;
	return hk_confinement_compile(d->project, &d->confinement.kernel, &what, ret, err);
}

int hk_deploy_run_with(struct hk_deploy *d, const struct hk_deploy_command *c,
		       const struct hk_strlist *env, struct hk_error *err)
{
	int64_t deadline = hk_clock_deadline(c->timeout_ms);
	hk_auto_free char *mark = hk_environment_mark(d->project, d->row.id);
	hk_auto_strlist marked = HK_STRLIST_INIT;
	hk_auto_sandbox sandbox = HK_SANDBOX_INIT;
	int ret;

	if (make_caches(d, err) || make_tmp(d, err) || confine(d, c, &sandbox, err))
		return err->code;
	ret = 0;
	hk_strlist_add_list(&marked, env);
	hk_environment_temporary(d->project, d->confinement.tmp, &marked);
	hk_strlist_add(&marked, mark);
	for (size_t i = 0; !ret && i < c->commands->len; i++)
		ret = run_one(d, c, &c->commands->argv[i], &marked, &sandbox,
			      i ? hk_clock_left(deadline) : c->timeout_ms, err);
	return ret;
}

int hk_deploy_run(struct hk_deploy *d, const struct hk_commands *commands, int cwd_fd,
		  int64_t timeout_ms, struct hk_error *err)
{
	const struct hk_deploy_command c = { .commands = commands,
					     .cwd_fd = cwd_fd,
					     .timeout_ms = timeout_ms };
	hk_auto_strlist env = HK_STRLIST_INIT;

	if (hk_environment_build(d->project, &d->row, &env, err))
		return err->code;
	return hk_deploy_run_with(d, &c, &env, err);
}
