/*
 * Hooks (contract in hooks.h).
 */
#include <deploy/hooks.h>

#include <string.h>

#include <base/alloc.h>
#include <deploy/environment.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

struct hook {
	const char *name; /* its key in [hooks] */
	const struct hk_command *command;
	int cwd_fd;
	const char *dir; /* of the release, below releases/; NULL: it is gone */
	const struct hk_error *why;
	bool uncancellable;
};

static void add_facts(const struct hk_deploy *d, const struct hook *h, struct hk_strlist *env)
{
	hk_auto_free char *dir =
		h->dir ? hk_xasprintf("%s/releases/%s", d->project->home_path, h->dir) : NULL;
	const struct {
		const char *name, *value;
	} facts[] = {
		{ "HOSTKIT_HOOK", h->name },
		{ "HOSTKIT_STAGE", d->stage.title },
		{ "HOSTKIT_TRIGGER", d->row.trigger },
		{ "HOSTKIT_RELEASE", d->release }, /* less than the row's: that may be gone */
		{ "HOSTKIT_RELEASE_DIR", dir },
		{ "HOSTKIT_PREVIOUS_RELEASE", d->old_release },
		/* The row of a rollback has none. */
		{ "HOSTKIT_COMMIT", *d->commit.oid ? d->commit.oid : d->row.object },
		{ "HOSTKIT_ERROR_CODE", h->why ? hk_code_name(h->why->code) : NULL },
		{ "HOSTKIT_ERROR_MESSAGE", h->why ? h->why->message : NULL },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(facts); i++)
		hk_environment_set_fact(env, facts[i].name, facts[i].value);
}

static int build_environment(const struct hk_deploy *d, const struct hook *h,
			     struct hk_strlist *env, struct hk_error *err)
{
	struct hk_error broken = HK_ERROR_INIT;

	if (hk_environment_build(d->project, &d->row, env, &broken)) {
		/* It may be just what on_failure has to tell of. */
		if (!h->why) {
			*err = broken;
			return err->code;
		}
		hk_environment_plain(d->project, env);
		hk_environment_facts(d->project, &d->row, env);
	}
	add_facts(d, h, env);
	return 0;
}

static int run(struct hk_deploy *d, const struct hook *h, struct hk_error *err)
{
	hk_auto_commands commands = HK_COMMANDS_INIT;
	hk_auto_strlist env = HK_STRLIST_INIT;
	const struct hk_deploy_command c = {
		.commands = &commands,
		.cwd_fd = h->cwd_fd,
		.timeout_ms = d->project->conf.hooks_timeout,
		.label = h->name,
		.uncancellable = h->uncancellable,
	};

	if (!h->command->argv.len)
		return 0;
	commands.argv[commands.len++] = (struct hk_strlist)HK_STRLIST_INIT;
	hk_strlist_add_list(&commands.argv[0], &h->command->argv);
	if (build_environment(d, h, &env, err) || hk_deploy_run_with(d, &c, &env, err) ||
	    HK_FAILPOINT(hook_done, err))
		return hk_error_prefix(err, "%s", h->name);
	return 0;
}

int hk_hooks_pre_build(struct hk_deploy *d, struct hk_error *err)
{
	const struct hook h = {
		.name = "pre_build",
		.command = &d->project->conf.hooks_pre_build,
		.cwd_fd = d->staging_fd,
		.dir = d->staging,
	};

	return run(d, &h, err);
}

int hk_hooks_pre_activate(struct hk_deploy *d, struct hk_error *err)
{
	const struct hook h = {
		.name = "pre_activate",
		.command = &d->project->conf.hooks_pre_activate,
		.cwd_fd = d->release_fd,
		.dir = d->release,
	};

	return run(d, &h, err);
}

/* Also of a rollback, whose stages have not opened it. */
static bool open_release(const struct hk_deploy *d, int *ret_fd)
{
	struct hk_error ignored;

	return *d->release &&
	       !hk_fs_open_dir(d->project->releases_fd, d->release, ret_fd, &ignored);
}

void hk_hooks_post_activate(struct hk_deploy *d)
{
	hk_auto_close int fd = -1;
	struct hook h = {
		.name = "post_activate",
		.command = &d->project->conf.hooks_post_activate,
		.dir = d->release,
		.uncancellable = true,
	};
	size_t len = strlen(d->detail);
	struct hk_error err;

	if (!open_release(d, &fd))
		return;
	h.cwd_fd = fd;
	if (!run(d, &h, &err))
		return;
	hk_report_say(d->report, HK_REPORT_WARNING, "%s; the release stays live", err.message);
	snprintf(d->detail + len, sizeof(d->detail) - len, "%spost_activate failed",
		 len ? "; " : "");
}

void hk_hooks_on_failure(struct hk_deploy *d, const struct hk_error *why)
{
	hk_auto_close int fd = -1;
	bool there = open_release(d, &fd);
	const struct hook h = {
		.name = "on_failure",
		.command = &d->project->conf.hooks_on_failure,
		.cwd_fd = there ? fd : d->project->home_fd,
		.dir = there ? d->release : NULL,
		.why = why,
		.uncancellable = true,
	};
	struct hk_error err;

	if (hk_deploy_status(why) == HK_STATUS_FAILED && run(d, &h, &err))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", err.message);
}
