/*
 * hostkit config show, check, set, unset.
 */
#include <cli/cli.h>

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <cli/become.h>
#include <conf/conf.h>
#include <deploy/project.h>
#include <deploy/repository.h>
#include <service/service.h>

static int run_show(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_conf conf;

	if (hk_project_load_conf(call->root, call->operands[0], &conf, NULL, err))
		return err->code;
	if (call->json) {
		call->data = hk_conf_to_json(&conf);
	} else {
		hk_conf_show(&conf, &text);
		fputs(text.data, stdout);
	}
	hk_conf_release(&conf);
	return 0;
}

/* Some settings are the repository's, too. */
static int follow(const struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_project_open(call->root, call->operands[0], &p, err))
		return err->code;
	return hk_repository_follow(&p, err);
}

static int run_check(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_strlist problems = HK_STRLIST_INIT;
	const struct hk_service_driver *driver;
	struct hk_conf conf;

	if (hk_project_load_conf(call->root, call->operands[0], &conf, &problems, err)) {
		/* All of them, one a line, instead of the first one with the number of the others.
		 */
		call->told = problems.len > 0;
		for (size_t i = 0; !call->json && i < problems.len; i++)
			fprintf(stderr, "error: %s\n", problems.items[i]);
		if (!call->json && *err->hint)
			hk_cli_print_hint(stderr, "", err->hint);
		return err->code;
	}
	driver = hk_service_driver(conf.service_driver);
	if (driver && driver->check && driver->check(&conf, err)) {
		hk_conf_release(&conf);
		return err->code;
	}
	hk_conf_release(&conf);
	if (follow(call, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		printf("the configuration of %s is valid\n", call->operands[0]);
	return 0;
}

/* SECTION.KEY; the project has to exist. */
static int change(struct hk_cli_call *call, const char *value, struct hk_error *err)
{
	const char *name = call->operands[0], *what = call->operands[1], *dot = strchr(what, '.');
	hk_auto_free char *section = NULL;

	if (!dot) {
		hk_error_set(err, HK_E_USAGE, "'%s' is not SECTION.KEY", what);
		return hk_error_hint(err, "such as: hostkit config set %s health.path /", name);
	}
	section = hk_xstrndup(what, (size_t)(dot - what));
	const struct hk_project_change c = { section, dot + 1, value };

	if (hk_cli_change(call, &c, 1, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	return follow(call, err);
}

static int run_set(struct hk_cli_call *call, struct hk_error *err)
{
	return change(call, call->operands[2], err);
}

static int run_unset(struct hk_cli_call *call, struct hk_error *err)
{
	return change(call, NULL, err);
}

const struct hk_cli_command hk_cli_config_commands[] = {
	{ .group = "config",
	  .verb = "show",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show every setting, and the line it comes from.",
	  .run = run_show },
	{ .group = "config",
	  .verb = "check",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Check the INI files; problems with file and line.",
	  .run = run_check },
	{ .group = "config",
	  .verb = "set",
	  .operands = "NAME SECTION.KEY VALUE",
	  .min = 3,
	  .max = 3,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Set one key of the project's INI file.",
	  .help = "The rest of the file stays as it is. A key or value that is not valid changes nothing.",
	  .run = run_set },
	{ .group = "config",
	  .verb = "unset",
	  .operands = "NAME SECTION.KEY",
	  .min = 2,
	  .max = 2,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Remove one key from the project's INI file.",
	  .run = run_unset },
	{ .group = NULL },
};
