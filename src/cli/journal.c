/*
 * Showing the journal (contract in journal.h). It needs nothing of the project but its settings, so
 * that root can read it without touching what is the project's.
 */
#include <cli/journal.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <deploy/project.h>
#include <service/systemd_unit.h>
#include <sys/fs.h>
#include <sys/process.h>

#define LIMIT_MS 60000

/*
 * journalctl shows those who may read nothing an empty journal. Whether there is a system journal
 * that the caller can read tells more: in DIR/MACHINE-ID/system.journal.
 */
static bool is_readable(const char *dir, bool *ret_there)
{
	hk_auto_strlist machines = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (hk_fs_list(AT_FDCWD, dir, &machines, &ignored))
		return false;
	for (size_t i = 0; i < machines.len; i++) {
		hk_auto_buf path = HK_BUF_INIT;

		hk_buf_addf(&path, "%s/%s/system.journal", dir, machines.items[i]);
		if (!hk_fs_exists(AT_FDCWD, path.data))
			continue;
		*ret_there = true;
		if (!access(path.data, R_OK))
			return true;
	}
	return false;
}

static int check_access(const char *name, struct hk_error *err)
{
	static const char *const dirs[] = { "/run/log/journal", "/var/log/journal" };
	bool there = false;

	for (size_t i = 0; i < HK_ARRAY_LEN(dirs); i++)
		if (is_readable(dirs[i], &there))
			return 0;
	/* journald may keep none at all, or where only journalctl knows. */
	if (!there && !geteuid())
		return 0;
	hk_error_set(err, HK_E_PERMISSION, "you may not read the journal of this machine");
	return hk_error_hint(err, "as root: hostkit service logs %s --journal", name);
}

static int check_driver(const struct hk_cli_call *call, struct hk_error *err)
{
	const char *name = call->operands[0];
	hk_auto_conf conf = HK_CONF_INIT;

	if (hk_project_load_conf(call->root, name, &conf, NULL, err))
		return err->code;
	if (!strcmp(conf.service_driver, "systemd"))
		return 0;
	hk_error_set(err, HK_E_NOT_SUPPORTED,
		     "the service of '%s' has no journal: its driver is '%s'", name,
		     conf.service_driver);
	return hk_error_hint(err, "its log files: hostkit service logs %s", name);
}

static void take_line(void *ctx, const char *line, size_t len)
{
	hk_strlist_addf(ctx, "%.*s", (int)len, line);
}

static int to_json(struct hk_cli_call *call, const struct hk_strlist *argv, struct hk_error *err)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
					   NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_strlist lines = HK_STRLIST_INIT;

	spec.argv = hk_strlist_argv(argv);
	spec.env = env;
	spec.timeout_ms = LIMIT_MS;
	spec.on_line = take_line;
	spec.ctx = &lines;
	if (hk_process_run(&spec, NULL, err))
		return err->code;
	call->data = hk_json_object();
	hk_json_set(call->data, "journal", hk_json_strlist(&lines));
	return 0;
}

int hk_cli_journal(struct hk_cli_call *call, const char *lines, bool follow, struct hk_error *err)
{
	hk_auto_free char *unit = NULL;
	hk_auto_strlist argv = HK_STRLIST_INIT;

	if (check_driver(call, err) || check_access(call->operands[0], err))
		return err->code;
	unit = hk_systemd_unit_name(call->operands[0]);
	hk_strlist_add(&argv, "journalctl");
	hk_strlist_add(&argv, "--quiet");
	hk_strlist_add(&argv, "--no-pager");
	hk_strlist_addf(&argv, "--unit=%s", unit);
	hk_strlist_addf(&argv, "--lines=%s", lines);
	if (call->json)
		return to_json(call, &argv, err);
	if (follow)
		hk_strlist_add(&argv, "--follow");
	fflush(stdout);
	execvp(argv.items[0], (char *const *)hk_strlist_argv(&argv));
	return hk_error_set_errno(err, HK_E_COMMAND_NOT_FOUND, errno, "cannot run 'journalctl'");
}
