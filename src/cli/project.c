/*
 * hostkit project create, list, show, apply, remove.
 */
#include <cli/cli.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/words.h>
#include <cli/key.h>
#include <cli/open.h>
#include <deploy/apply.h>
#include <deploy/create.h>
#include <deploy/installation.h>
#include <deploy/project.h>
#include <deploy/refrule.h>
#include <deploy/remove.h>
#include <deploy/verdict.h>

static void add_facts(struct hk_json *data, const struct hk_project *p)
{
	hk_json_set(data, "name", hk_json_string(p->name));
	hk_json_set(data, "root", hk_json_string(p->root));
	hk_json_set(data, "repository", hk_json_string(p->repo_path));
	hk_json_set(data, "home", hk_json_string(p->home_path));
	hk_json_set(data, "port", hk_json_int(p->conf.project_port));
	hk_json_set(data, "runtime", hk_json_string(p->conf.project_runtime));
	hk_json_set(data, "driver", hk_json_string(p->conf.service_driver));
	hk_json_set(data, "branches", hk_json_strlist(&p->conf.deploy_branches));
}

/* Under "/" only the project's user pushes, by ssh. */
static void print_next_steps(const struct hk_project *p, bool needs_key)
{
	bool host = hk_installation_is_host(p->root);
	struct passwd *pw = host ? NULL : getpwuid(geteuid());
	const char *branch = hk_ref_first_branch(&p->conf);
	hk_auto_buf local = HK_BUF_INIT, remote = HK_BUF_INIT, url = HK_BUF_INIT;
	char name[256] = "HOST";

	gethostname(name, sizeof(name) - 1);
	hk_words_quote(&local, p->repo_path);
	hk_buf_addf(&url, "ssh://%s@%s%s",
		    host ? p->name
		    : pw ? pw->pw_name
			 : "USER",
		    name, p->repo_path);
	hk_words_quote(&remote, url.data);
	if (host && needs_key)
		printf("to let a key push:\n"
		       "  hostkit key add %s FILE\n",
		       p->name);
	if (host)
		printf("in a working copy:\n"
		       "  git remote add hostkit %s\n",
		       remote.data);
	else
		printf("in your working copy, on this machine:\n"
		       "  git remote add hostkit %s\n"
		       "or from another one:\n"
		       "  git remote add hostkit %s\n",
		       local.data, remote.data);
	printf("then:\n"
	       "  git push hostkit %s\n",
	       branch ? branch : "BRANCH");
}

static int create(struct hk_cli_call *call, struct hk_strlist *notes, struct hk_project *p,
		  struct hk_error *err)
{
	const struct hk_create_spec spec = {
		.name = call->operands[0],
		.port = hk_cli_value(call, "port"),
		.domain = hk_cli_value(call, "domain"),
		.runtime = hk_cli_value(call, "runtime"),
		.branch = hk_cli_value(call, "branch"),
		.driver = hk_cli_value(call, "driver"),
		.strict = hk_cli_has(call, "strict"),
	};
	const char *key = hk_cli_value(call, "key");
	hk_auto_keys keys = HK_KEYS_INIT;

	/* Wrong keys are found before anything is made. */
	if ((key && hk_cli_read_keys(key, NULL, &keys, err)) ||
	    hk_project_create(call->root, &spec, notes, err) ||
	    (key && hk_cli_add_keys(call->root, spec.name, &keys, err)))
		return err->code;
	return hk_project_open(call->root, spec.name, p, err);
}

static int run_create(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	hk_auto_project p = HK_PROJECT_INIT;
	int ret = create(call, &notes, &p, err);

	hk_cli_say_notes(&notes);
	if (ret)
		return ret;
	if (call->json) {
		call->data = hk_json_object();
		add_facts(call->data, &p);
		return 0;
	}
	printf("project %s is ready, with port %d\n"
	       "settings: %s/etc/hostkit/projects/%s.ini\n",
	       p.name, (int)p.conf.project_port, hk_installation_is_host(p.root) ? "" : p.root,
	       p.name);
	print_next_steps(&p, !hk_cli_has(call, "key"));
	return 0;
}

static int run_apply(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	const char *name = call->operands[0];
	bool changed;
	int ret = hk_project_apply(call->root, name, &notes, &changed, err);

	hk_cli_say_notes(&notes);
	if (ret)
		return ret;
	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "changed", hk_json_bool(changed));
	} else if (changed) {
		printf("%s is applied; a running service has it after: hostkit service restart %s\n",
		       name, name);
	} else {
		printf("%s is as it should be\n", name);
	}
	return 0;
}

static void say_list(const char *title, const struct hk_strlist *list)
{
	if (list->len)
		fprintf(stderr, "%s\n", title);
	for (size_t i = 0; i < list->len; i++)
		fprintf(stderr, "  %s\n", list->items[i]);
}

/* Who answers with anything else than the name has not meant it. */
static int confirm(const struct hk_cli_call *call, struct hk_error *err)
{
	const char *name = call->operands[0];
	char answer[80] = "";

	if (!call->json) {
		fprintf(stderr, "to go on, type the project's name: ");
		if (fgets(answer, sizeof(answer), stdin)) {
			answer[strcspn(answer, "\n")] = '\0';
			if (!strcmp(answer, name))
				return 0;
		} else {
			fputc('\n', stderr);
		}
	}
	hk_error_set(err, HK_E_USAGE, "nothing was removed: that was not confirmed");
	return hk_error_hint(err, "without a question: hostkit project remove %s%s --yes", name,
			     hk_cli_has(call, "purge") ? " --purge" : "");
}

static int run_remove(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_strlist goes = HK_STRLIST_INIT, stays = HK_STRLIST_INIT, notes = HK_STRLIST_INIT;
	const char *name = call->operands[0];
	bool purge = hk_cli_has(call, "purge"), yes = hk_cli_has(call, "yes");
	int ret;

	if (hk_project_remove_look(call->root, name, purge, &goes, &stays, err))
		return err->code;
	if (!call->json && !yes) {
		say_list("this will be removed:", &goes);
		say_list("this will stay:", &stays);
	}
	if (!yes && confirm(call, err))
		return err->code;
	ret = hk_project_remove(call->root, name, purge, &notes, err);
	hk_cli_say_notes(&notes);
	if (ret)
		return ret;
	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "removed", hk_json_strlist(&goes));
		hk_json_set(call->data, "left", hk_json_strlist(&stays));
		return 0;
	}
	printf("project %s is removed\n", name);
	if (stays.len)
		printf("its files are left; to remove them, too: hostkit project remove %s --purge\n",
		       name);
	return 0;
}

static int run_list(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_project_list(call->root, &names, err))
		return err->code;
	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "projects", hk_json_strlist(&names));
		return 0;
	}
	for (size_t i = 0; i < names.len; i++)
		puts(names.items[i]);
	if (!names.len)
		fprintf(stderr,
			"no projects under %s; make one with: hostkit project create NAME\n",
			call->root);
	return 0;
}

static int run_show(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	hk_auto_project p = HK_PROJECT_INIT;
	hk_auto_buf live = HK_BUF_INIT;

	if (hk_cli_open(call, &p, &ledger, err))
		return err->code;
	if (call->json) {
		call->data = hk_json_object();
		add_facts(call->data, &p);
		return 0;
	}
	hk_verdict_describe_live(&p, ledger, &live);
	printf("project     %s\nhome        %s\nrepository  %s\nport        %d\nruntime     %s\n"
	       "driver      %s\nlive        %s\n",
	       p.name, p.home_path, p.repo_path, (int)p.conf.project_port, p.conf.project_runtime,
	       p.conf.service_driver, live.data);
	print_next_steps(&p, false);
	return 0;
}

const struct hk_cli_command hk_cli_project_commands[] = {
	{ .group = "project",
	  .verb = "create",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .makes_root = true,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Make a project, and print how to push to it.",
	  .help = "Makes its repository with hooks, folders, settings and ledger; under the root / also its\n"
		  "user, its service unit with the right to restart it, and with a domain its site. What\n"
		  "fails is undone. The options end up in the project's INI file, where they can be changed.",
	  .options = { { "port", 0, "N",
			 "Port of the service. Default: the first free one from 3000." },
		       { "domain", 0, "D",
			 "Host name of its site; under the root / nginx serves it." },
		       { "runtime", 0, "R", "Kind of application. Default: auto, by its files." },
		       { "branch", 0, "B", "Branch that deploys. Default: main." },
		       { "driver", 0, "D",
			 "Who runs the service: auto, systemd, process, command or none. Default: auto." },
		       { "key", 0, "FILE",
			 "Let the public ssh keys in FILE push to it; - is standard input." },
		       { "strict", 0, NULL,
			 "git push fails when the deployment fails ([push] mode = strict)." } },
	  .run = run_create },
	{ .group = "project",
	  .verb = "list",
	  .operands = "",
	  .as = HK_CLI_AS_CALLER,
	  .summary = "List the projects of this root.",
	  .run = run_list },
	{ .group = "project",
	  .verb = "show",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show its folders and port, and how to push to it.",
	  .run = run_show },
	{ .group = "project",
	  .verb = "apply",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Make unit, rights and site anew from settings and templates.",
	  .help = "For projects under the root /, after a change of the INI files by hand, of a template in\n"
		  "/etc/hostkit/templates, or of hostkit itself. config set does it by itself.",
	  .run = run_apply },
	{ .group = "project",
	  .verb = "remove",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Remove a project.",
	  .help = "Stops its service, and takes away its settings, keys, unit, rights and site. Home, state\n"
		  "and user stay, and a later project create uses them again, unless --purge removes them.\n"
		  "Nothing is removed while a deployment runs.",
	  .options = { { "purge", 0, NULL, "Also what was deployed, its data, and its user." },
		       { "yes", 0, NULL, "Do not ask." } },
	  .run = run_remove },
	{ .group = NULL },
};
