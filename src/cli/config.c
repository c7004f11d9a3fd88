/*
 * hostkit config show, check.
 */
#include <cli/cli.h>

#include <stdio.h>

#include <conf/conf.h>
#include <deploy/project.h>
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
			fprintf(stderr, "hint: %s\n", err->hint);
		return err->code;
	}
	driver = hk_service_driver(conf.service_driver);
	if (driver && driver->check && driver->check(&conf, err)) {
		hk_conf_release(&conf);
		return err->code;
	}
	hk_conf_release(&conf);
	if (call->json)
		call->data = hk_json_object();
	else
		printf("the configuration of %s is valid\n", call->operands[0]);
	return 0;
}

const struct hk_cli_command hk_cli_config_commands[] = {
	{ .group = "config",
	  .verb = "show",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .summary = "Show every setting, and the line it comes from.",
	  .run = run_show },
	{ .group = "config",
	  .verb = "check",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .summary = "Check the INI files; problems with file and line.",
	  .run = run_check },
	{ .group = NULL },
};
