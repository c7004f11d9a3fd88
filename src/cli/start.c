/*
 * hostkit run NAME: what the unit of a project executes. It becomes the start command of the live
 * release.
 *
 * systemd starts it as the project's user, and it does as that user what the unit could let systemd
 * do as root: .env and the log files lie where the project may plant links, which root would
 * follow. The state folder is out of its sight, so what the start needs is in the start file of the
 * release.
 */
#include <cli/cli.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <deploy/environment.h>
#include <deploy/project.h>
#include <service/logs.h>
#include <service/sdbus.h>
#include <service/startfile.h>
#include <sys/fs.h>
#include <sys/landlock.h>
#include <sys/process.h>

struct start {
	struct hk_project project;
	char *release;
	struct hk_strlist argv, env;
	int folder, app_log, error_log;
	int journal; /* what stderr was */
};

#define START_INIT                                                                        \
	{                                                                                 \
		.project = HK_PROJECT_INIT, .folder = -1, .app_log = -1, .error_log = -1, \
		.journal = -1                                                             \
	}

static void end_start(struct start *s)
{
	hk_project_close(&s->project);
	free(s->release);
	hk_strlist_release(&s->argv);
	hk_strlist_wipe(&s->env);
	hk_cleanup_close(&s->folder);
	hk_cleanup_close(&s->app_log);
	hk_cleanup_close(&s->error_log);
	hk_cleanup_close(&s->journal);
}

/*
 * HK_E_NOTHING_TO_DEPLOY: the unit takes its exit status for an end that is as it should be, after
 * which it does not start again.
 */
static int check(const struct start *s, struct hk_error *err)
{
	const char *driver = s->project.conf.service_driver;

	if (strcmp(driver, "systemd"))
		return hk_error_set(err, HK_E_NOTHING_TO_DEPLOY,
				    "the settings of '%s' name another driver: '%s'",
				    s->project.name, driver);
	if (!s->release)
		return hk_error_set(err, HK_E_NOTHING_TO_DEPLOY, "nothing of '%s' is deployed yet",
				    s->project.name);
	return 0;
}

static int read_release(struct start *s, struct hk_error *err)
{
	hk_auto_strlist facts = HK_STRLIST_INIT;

	if (hk_fs_open_dir(s->project.releases_fd, s->release, &s->folder, err))
		return err->code;
	if (hk_startfile_read(s->folder, &s->argv, &facts, err)) {
		hk_error_prefix(err, "release %s", s->release);
		return hk_error_hint(err, "to have it written: hostkit service restart %s",
				     s->project.name);
	}
	if (!s->argv.len)
		return hk_error_set(err, HK_E_NOTHING_TO_DEPLOY,
				    "release %s of '%s' has nothing to run", s->release,
				    s->project.name);
	if (hk_environment_build(&s->project, NULL, &s->env, err))
		return err->code;
	hk_environment_take_facts(&s->env, &facts);
	return 0;
}

/*
 * The unit hides files from the service, but not the processes of its own user outside: through
 * /proc/PID/root of a git or worker it would write the home and read the state all the same.
 */
static int isolate(void *ctx HK_UNUSED, struct hk_error *err HK_UNUSED)
{
	if (!hk_landlock_isolate())
		hk_log_debug("the kernel does not keep the service from processes outside");
	return 0;
}

static int become(struct start *s, struct hk_error *err)
{
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;
	char status[80];

	snprintf(status, sizeof(status), "release %s", s->release);
	hk_sdbus_tell_status(status);
	s->journal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	spec.argv = hk_strlist_argv(&s->argv);
	spec.env = hk_strlist_argv(&s->env);
	spec.cwd_fd = s->folder;
	spec.stdout_fd = s->app_log;
	spec.stderr_fd = s->error_log;
	spec.before_exec = isolate;
	return hk_process_become(&spec, err);
}

static int start(struct hk_cli_call *call, struct start *s, struct hk_error *err)
{
	const char *name = call->operands[0];

	if (!geteuid() && !strcmp(call->root, "/")) {
		hk_error_set(err, HK_E_PERMISSION, "the service of '%s' must not run as root",
			     name);
		return hk_error_hint(err, "systemctl start hostkit-%s.service", name);
	}
	if (hk_project_open_home(call->root, name, &s->project, err) ||
	    hk_service_logs_open(s->project.home_fd, &s->app_log, &s->error_log, err) ||
	    hk_project_active(&s->project, &s->release, err) || check(s, err) ||
	    read_release(s, err))
		return err->code;
	return become(s, err);
}

/* Beside the journal, which only root reads: where the project looks for what its service says. */
static void tell(const struct start *s, const struct hk_error *err)
{
	if (s->journal >= 0)
		dup2(s->journal, STDERR_FILENO);
	if (s->error_log >= 0)
		dprintf(s->error_log, "hostkit: %s\n", err->message);
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(end_start) struct start s = START_INIT;

	/* Does not come back from a start. */
	if (start(call, &s, err))
		tell(&s, err);
	return err->code;
}

const struct hk_cli_command hk_cli_start_commands[] = {
	{ .group = "run",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_CALLER,
	  .summary = "Become the service: what its systemd unit executes.",
	  .help = "Reads the start command of the live release, .env, and the log files, all as the "
		  "project's user, and\nexecutes it. For people there is: hostkit service start NAME.",
	  .run = run },
	{ .group = NULL },
};
