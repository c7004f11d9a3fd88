/*
 * The command driver: the administrator's own commands start, stop, restart and watch the service.
 */
#include <service/drivers.h>

#include <sys/process.h>

static int missing(const char *key, struct hk_error *err)
{
	hk_error_set(err, HK_E_CONFIG_INVALID,
		     "the command driver cannot %s the service: [service] %s is not set", key, key);
	return hk_error_hint(err, "set [service] %s in the project's INI file", key);
}

static int run(const struct hk_service *s, const char *key, const struct hk_command *command,
	       struct hk_process_result *ret, struct hk_error *err)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_close int folder = -1;
	struct hk_error nothing_deployed = HK_ERROR_INIT;

	if (!command->argv.len)
		return missing(key, err);
	spec.argv = hk_strlist_argv(&command->argv);
	spec.env = s->env;
	/* A service can be stopped, or its status asked for, before there is a release. */
	spec.cwd_fd = hk_service_open_folder(s, &folder, &nothing_deployed) ? s->home_fd : folder;
	spec.cancel_fd = s->cancel_fd;
	spec.timeout_ms = s->conf->service_timeout;
	spec.flags = HK_PROCESS_MAY_DAEMONIZE;
	spec.on_line = s->on_line;
	spec.ctx = s->ctx;
	return hk_process_run(&spec, ret, err);
}

/* Asking is optional; a deployment cannot do without a restart, or a stop and a start. */
static int command_check(const struct hk_conf *conf, struct hk_error *err)
{
	if (conf->service_restart.argv.len)
		return 0;
	if (!conf->service_start.argv.len)
		return missing("start", err);
	return conf->service_stop.argv.len ? 0 : missing("stop", err);
}

static int command_start(const struct hk_service *s, struct hk_error *err)
{
	return run(s, "start", &s->conf->service_start, NULL, err);
}

static int command_stop(const struct hk_service *s, struct hk_error *err)
{
	return run(s, "stop", &s->conf->service_stop, NULL, err);
}

static int command_restart(const struct hk_service *s, struct hk_error *err)
{
	if (s->conf->service_restart.argv.len)
		return run(s, "restart", &s->conf->service_restart, NULL, err);
	/* Before anything is stopped that could not be started again. */
	if (!s->conf->service_start.argv.len)
		return missing("start", err);
	if (command_stop(s, err))
		return err->code;
	return command_start(s, err);
}

static int command_status(const struct hk_service *s, struct hk_service_state *ret,
			  struct hk_error *err)
{
	struct hk_service_state state = { .known = s->conf->service_status.argv.len > 0,
					  .restarts = -1 };
	struct hk_process_result result;
	struct hk_error failure = HK_ERROR_INIT;
	struct hk_service quiet = *s;
	int code = 0;

	quiet.on_line = NULL;
	if (state.known)
		code = run(&quiet, "status", &s->conf->service_status, &result, &failure);
	if (code && code != HK_E_COMMAND_FAILED) {
		*err = failure;
		return code;
	}
	state.running = state.known && !code;
	if (code)
		snprintf(state.detail, sizeof(state.detail),
			 "is not running: the status command says %d", result.exit_status);
	*ret = state;
	return 0;
}

const struct hk_service_driver hk_service_driver_command = {
	.name = "command",
	.has_process = true,
	.check = command_check,
	.start = command_start,
	.stop = command_stop,
	.restart = command_restart,
	.status = command_status,
};
