/*
 * hostkit deploy NAME: what the configured branch of the project's own repository names.
 */
#include <cli/cli.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <cli/follow.h>
#include <cli/open.h>
#include <deploy/refrule.h>
#include <deploy/request.h>
#include <deploy/submit.h>
#include <repo/repo.h>
#include <ui/head.h>

/* Options that are flags of the request. */
static const struct {
	const char *option;
	unsigned flag;
} flags[] = {
	{ "build", HK_REQUEST_BUILD },	   { "no-build", HK_REQUEST_NO_BUILD },
	{ "install", HK_REQUEST_INSTALL }, { "no-install", HK_REQUEST_NO_INSTALL },
	{ "restart", HK_REQUEST_RESTART }, { "no-restart", HK_REQUEST_NO_RESTART },
};

static int read_flags(const struct hk_cli_call *call, unsigned *ret, struct hk_error *err)
{
	unsigned value = 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(flags); i++)
		if (hk_cli_has(call, flags[i].option))
			value |= flags[i].flag;
	for (size_t i = 0; i < HK_ARRAY_LEN(flags); i += 2)
		if (value & flags[i].flag && value & flags[i + 1].flag)
			return hk_error_set(err, HK_E_USAGE, "--%s and --%s exclude each other",
					    flags[i].option, flags[i + 1].option);
	*ret = value;
	return 0;
}

static int choose_ref(const struct hk_project *p, char **ret, struct hk_error *err)
{
	const char *branch = hk_ref_first_branch(&p->conf);

	if (branch) {
		*ret = hk_xasprintf("refs/heads/%s", branch);
		return 0;
	}
	hk_error_set(err, HK_E_NOTHING_TO_DEPLOY,
		     "[deploy] branches names no branch, only patterns");
	return hk_error_hint(err, "push the one to deploy: git push hostkit BRANCH");
}

static int find_head(const struct hk_project *p, char **ret_ref, struct hk_commit *ret,
		     struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;

	if (choose_ref(p, ret_ref, err) || hk_repo_open(p->repo_path, p->home_path, &repo, err))
		return err->code;
	if (hk_repo_resolve(repo, *ret_ref, ret, err) != HK_E_REF_NOT_FOUND)
		return err->code;
	return hk_error_hint(err, "push it first: git push hostkit %s", *ret_ref + 11);
}

static int submit(const struct hk_project *p, struct hk_ledger *l, unsigned value,
		  struct hk_submission *ret, struct hk_error *err)
{
	struct passwd *pw = getpwuid(getuid());
	hk_auto_free char *ref = NULL;
	struct hk_commit commit;
	bool same;

	if (find_head(p, &ref, &commit, err))
		return err->code;
	const struct hk_ref_seen seen = { .name = ref, .object = commit.oid };
	const struct hk_deployment_request req = {
		.trigger = "cli",
		.ref = ref,
		.object = commit.oid,
		.pusher = pw ? pw->pw_name : NULL,
		.flags = value,
		.seen = &seen,
		.n_seen = 1,
	};

	if (hk_submit_find_same(p, l, &req, &same, ret, err))
		return err->code;
	if (same) {
		fprintf(stderr, "deployment %lld of %s deploys this commit already\n",
			(long long)ret->id, p->name);
		return 0;
	}
	return hk_submit(p, l, &req, hk_head_write, ret, err);
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	hk_auto_project p = HK_PROJECT_INIT;
	bool detach = hk_cli_has(call, "detach");
	unsigned value = 0;

	if (read_flags(call, &value, err) || hk_cli_open(call, &p, &ledger, err) ||
	    submit(&p, ledger, value, &s, err) ||
	    (!detach && hk_cli_follow(call, &p, ledger, s.id, err)))
		return err->code;
	if (detach && !call->json)
		printf("deployment %lld of %s has been started; see it: hostkit deploy log %s %lld "
		       "--follow\n",
		       (long long)s.id, p.name, p.name, (long long)s.id);
	return hk_cli_answer(call, ledger, s.id, err);
}

const struct hk_cli_command hk_cli_deploy_commands[] = {
	{ .group = "deploy",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .summary = "Deploy what the configured branch names.",
	  .help = "Streams the log and exits with the deployment's code. Ctrl-C detaches; the deployment\n"
		  "goes on.",
	  .options = { { "build", 0, NULL, "Build, whatever the settings say." },
		       { "no-build", 0, NULL, "Do not build." },
		       { "install", 0, NULL, "Install dependencies, whatever the settings say." },
		       { "no-install", 0, NULL, "Do not." },
		       { "restart", 0, NULL,
			 "Restart the service afterwards (this is the default)." },
		       { "no-restart", 0, NULL, "Leave the service as it is; no health check." },
		       { "detach", 'd', NULL, "Start it and return at once." } },
	  .run = run },
	{ .group = NULL },
};
