/*
 * hostkit deploy NAME: what the configured branch of the project's own repository names.
 */
#include <cli/cli.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <cli/cleanup.h>
#include <cli/follow.h>
#include <cli/open.h>
#include <deploy/gate.h>
#include <deploy/queue.h>
#include <deploy/refrule.h>
#include <deploy/request.h>
#include <deploy/submit.h>
#include <repo/repo.h>
#include <ui/head.h>

static int read_flags(const struct hk_cli_call *call, unsigned *ret, struct hk_error *err)
{
	unsigned value = 0;

	for (size_t i = 0; i < hk_request_options_len; i++) {
		const struct hk_request_option *o = &hk_request_options[i];
		const char *other = hk_request_contradicts(o, value);

		if (!hk_cli_has(call, o->name))
			continue;
		if (other)
			return hk_error_set(err, HK_E_USAGE, "--%s and --%s exclude each other",
					    other, o->name);
		value |= o->flag;
	}
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

	const struct hk_gate gate = { INT64_MAX, hk_clock_wall_ms(), value };

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
	/* The worker asks again when its turn has come; what is refused here leaves no row. */
	if (hk_gate_check(p, l, &gate, err) || hk_queue_check(p, l, &req, err))
		return err->code;
	return hk_submit(p, l, &req, hk_head_write, ret, err);
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	hk_auto_project p = HK_PROJECT_INIT;
	bool detach = hk_cli_has(call, "detach");
	unsigned value = 0;

	if (hk_cli_has(call, "cleanup"))
		return hk_cli_cleanup(call, err);
	if (hk_cli_has(call, "keep"))
		return hk_error_set(err, HK_E_USAGE, "--keep goes with --cleanup");
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
		       { "override-ratelimit", 0, NULL,
			 "Deploy in spite of rate limit and cooldown." },
		       { "detach", 'd', NULL, "Start it and return at once." },
		       { "cleanup", 0, NULL,
			 "Deploy nothing: remove old releases now, and say what that freed." },
		       { "keep", 0, "N",
			 "With --cleanup: good releases to keep, beside the live and the "
			 "previous one. Default: [deploy] keep_releases." } },
	  .run = run },
	{ .group = NULL },
};
