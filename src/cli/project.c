/*
 * hostkit project create, list, show.
 */
#include <cli/cli.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/words.h>
#include <cli/key.h>
#include <cli/open.h>
#include <deploy/create.h>
#include <deploy/project.h>
#include <deploy/refrule.h>
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

static void print_next_steps(const struct hk_project *p)
{
	struct passwd *pw = getpwuid(geteuid());
	const char *branch = hk_ref_first_branch(&p->conf);
	hk_auto_buf local = HK_BUF_INIT, remote = HK_BUF_INIT, url = HK_BUF_INIT;
	char host[256] = "HOST";

	gethostname(host, sizeof(host) - 1);
	hk_words_quote(&local, p->repo_path);
	hk_buf_addf(&url, "ssh://%s@%s%s", pw ? pw->pw_name : "USER", host, p->repo_path);
	hk_words_quote(&remote, url.data);
	printf("in your working copy, on this machine:\n"
	       "  git remote add hostkit %s\n"
	       "or from another one:\n"
	       "  git remote add hostkit %s\n"
	       "then:\n"
	       "  git push hostkit %s\n",
	       local.data, remote.data, branch ? branch : "BRANCH");
}

static int run_create(struct hk_cli_call *call, struct hk_error *err)
{
	const struct hk_create_spec spec = {
		.name = call->operands[0],
		.port = hk_cli_value(call, "port"),
		.runtime = hk_cli_value(call, "runtime"),
		.branch = hk_cli_value(call, "branch"),
		.driver = hk_cli_value(call, "driver"),
		.strict = hk_cli_has(call, "strict"),
	};
	const char *key = hk_cli_value(call, "key");
	hk_auto_project p = HK_PROJECT_INIT;
	hk_auto_keys keys = HK_KEYS_INIT;

	/* Wrong keys are found before anything is made. */
	if ((key && hk_cli_read_keys(key, NULL, &keys, err)) ||
	    hk_project_create(call->root, &spec, err) ||
	    (key && hk_cli_add_keys(call->root, spec.name, &keys, err)) ||
	    hk_project_open(call->root, spec.name, &p, err))
		return err->code;
	if (call->json) {
		call->data = hk_json_object();
		add_facts(call->data, &p);
		return 0;
	}
	printf("project %s is ready, with port %d\n"
	       "settings: %s/etc/hostkit/projects/%s.ini\n",
	       p.name, (int)p.conf.project_port, p.root, p.name);
	print_next_steps(&p);
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
	print_next_steps(&p);
	return 0;
}

const struct hk_cli_command hk_cli_project_commands[] = {
	{ .group = "project",
	  .verb = "create",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .makes_root = true,
	  .summary = "Make a project, and print how to push to it.",
	  .help = "Makes its repository with hooks, folders, settings and ledger. The options end up in the project's INI\n"
		  "file, where they can be changed.",
	  .options = { { "port", 0, "N",
			 "Port of the service. Default: the first free one from 3000." },
		       { "runtime", 0, "R", "Kind of application. Default: auto, by its files." },
		       { "branch", 0, "B", "Branch that deploys. Default: main." },
		       { "driver", 0, "D",
			 "Who runs the service: process, command or none. Default: process." },
		       { "key", 0, "FILE",
			 "Let the public ssh keys in FILE push to it; - is standard input." },
		       { "strict", 0, NULL,
			 "git push fails when the deployment fails ([push] mode = strict)." } },
	  .run = run_create },
	{ .group = "project",
	  .verb = "list",
	  .operands = "",
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
	{ .group = NULL },
};
