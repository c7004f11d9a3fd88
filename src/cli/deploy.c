/*
 * hostkit deploy NAME: what the configured branch of the project's own repository names, a folder,
 * or a branch, tag or commit of another repository.
 */
#include <cli/cli.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <cli/cleanup.h>
#include <cli/follow.h>
#include <cli/open.h>
#include <deploy/gate.h>
#include <deploy/pusher.h>
#include <deploy/queue.h>
#include <deploy/refrule.h>
#include <deploy/request.h>
#include <deploy/source.h>
#include <deploy/submit.h>
#include <repo/repo.h>
#include <repo/url.h>
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

/* --- What is asked for */

/* What a request borrows; release with wanted_release. */
struct wanted {
	struct hk_deployment_request req;
	struct hk_ref_seen seen;
	struct hk_commit commit;
	char *ref, *source;
};

static void wanted_release(struct wanted *w)
{
	free(w->ref);
	free(w->source);
}

/* The options that choose what to deploy: which of them may come together. */
static int check_options(const struct hk_cli_call *call, struct hk_error *err)
{
	static const char *const which[] = { "git-branch", "git-tag", "git-commit" };
	const char *first = NULL;

	if (hk_cli_has(call, "source") && hk_cli_has(call, "git-repo"))
		return hk_error_set(err, HK_E_USAGE, "--source and --git-repo exclude each other");
	for (size_t i = 0; i < HK_ARRAY_LEN(which); i++) {
		if (!hk_cli_has(call, which[i]))
			continue;
		if (first)
			return hk_error_set(err, HK_E_USAGE, "--%s and --%s exclude each other",
					    first, which[i]);
		first = which[i];
	}
	if (!first || hk_cli_has(call, "git-repo"))
		return 0;
	hk_error_set(err, HK_E_USAGE, "--%s needs --git-repo", first);
	return hk_error_hint(err, "a commit of the project's own repository: git push hostkit "
				  "COMMIT:refs/deploy/now");
}

/* git-check-ref-format(1), as far as it keeps surprises out: the rest no repository can have. */
static int check_name(const char *option, const char *name, struct hk_error *err)
{
	if (*name && *name != '-' && *name != '/' && !strpbrk(name, " ~^:?*[\\"))
		return 0;
	return hk_error_set(err, HK_E_USAGE, "'%s' cannot be the value of --%s", name, option);
}

static int check_commit(const char *digits, struct hk_error *err)
{
	size_t n = strlen(digits);

	if (n >= 4 && n < HK_OID_LEN && strspn(digits, "0123456789abcdefABCDEF") == n)
		return 0;
	hk_error_set(err, HK_E_USAGE, "'%s' is not the id of a commit, or its first digits",
		     digits);
	return hk_error_hint(err, "4 to 40 hexadecimal digits; for a branch: --git-branch");
}

/* A path is made absolute, since the worker has another working folder; see hk_url_check. */
static int find_url(const char *url, char **ret, struct hk_error *err)
{
	if (strstr(url, "://") || url[strcspn(url, ":/")] == ':') {
		*ret = hk_xstrdup(url);
		return hk_url_check(url, err);
	}
	*ret = realpath(url, NULL);
	if (!*ret)
		return hk_error_set_errno(err, HK_E_SOURCE_NOT_FOUND, errno,
					  "there is no repository '%s'", url);
	return hk_url_check(*ret, err);
}

static int want_repository(const struct hk_cli_call *call, struct wanted *w, struct hk_error *err)
{
	const char *branch = hk_cli_value(call, "git-branch");
	const char *commit = hk_cli_value(call, "git-commit");
	const char *tag = hk_cli_value(call, "git-tag");

	if (find_url(hk_cli_value(call, "git-repo"), &w->source, err) ||
	    (branch && check_name("git-branch", branch, err)) ||
	    (tag && check_name("git-tag", tag, err)) || (commit && check_commit(commit, err)))
		return err->code;
	if (commit)
		w->ref = hk_xstrdup(HK_SOURCE_COMMIT);
	else if (tag)
		w->ref = hk_xasprintf("refs/tags/%s", tag);
	else
		w->ref = hk_xasprintf("refs/heads/%s", branch ? branch : "main");
	w->req.object = commit;
	return 0;
}

static int want_own(const struct hk_project *p, struct wanted *w, struct hk_error *err)
{
	if (find_head(p, &w->ref, &w->commit, err))
		return err->code;
	w->seen = (struct hk_ref_seen){ .name = w->ref, .object = w->commit.oid };
	w->req.object = w->commit.oid;
	w->req.seen = &w->seen;
	w->req.n_seen = 1;
	return 0;
}

static int choose(const struct hk_cli_call *call, const struct hk_project *p, struct wanted *w,
		  struct hk_error *err)
{
	const char *folder = hk_cli_value(call, "source");
	int ret;

	if (folder) {
		w->ref = hk_xstrdup(HK_SOURCE_FOLDER);
		ret = hk_source_find_folder(p, folder, &w->source, err);
	} else if (hk_cli_has(call, "git-repo")) {
		ret = want_repository(call, w, err);
	} else {
		ret = want_own(p, w, err);
	}
	w->req.ref = w->ref;
	w->req.source = w->source;
	return ret;
}

static int submit(const struct hk_cli_call *call, const struct hk_project *p, struct hk_ledger *l,
		  unsigned value, struct hk_submission *ret, struct hk_error *err)
{
	struct hk_pusher pusher = hk_pusher_find();
	HK_CLEANUP(wanted_release)
	struct wanted w = { .req = {
				    .trigger = "cli",
				    .pusher = hk_pusher_name(&pusher),
				    .pusher_key = hk_pusher_key(&pusher),
				    .flags = value,
			    } };
	bool same = false;

	const struct hk_gate gate = { INT64_MAX, hk_clock_wall_ms(), value };

	/* A folder, or what another repository has by then, may be another one each time. */
	if (choose(call, p, &w, err) ||
	    (!w.source && hk_submit_find_same(p, l, &w.req, &same, ret, err)))
		return err->code;
	if (same) {
		fprintf(stderr, "deployment %lld of %s deploys this commit already\n",
			(long long)ret->id, p->name);
		return 0;
	}
	/* The worker asks again when its turn has come; what is refused here leaves no row. */
	if (hk_gate_check(p, l, &gate, err) || hk_queue_check(p, l, &w.req, err))
		return err->code;
	return hk_submit(p, l, &w.req, hk_head_write, ret, err);
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
	if (read_flags(call, &value, err) || check_options(call, err) ||
	    hk_cli_open(call, &p, &ledger, err) || submit(call, &p, ledger, value, &s, err) ||
	    (!detach && hk_cli_follow(call, &p, ledger, s.id, err)))
		return err->code;
	if (detach && !call->json)
		hk_cli_say(
			"deployment %lld of %s has been started; see it: hostkit deploy log %s %lld "
			"--follow\n",
			(long long)s.id, p.name, p.name, (long long)s.id);
	return hk_cli_answer(call, ledger, s.id, err);
}

const struct hk_cli_command hk_cli_deploy_commands[] = {
	{ .group = "deploy",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .local = "source",
	  .summary = "Deploy a branch, a folder, or another repository.",
	  .help = "Streams the log and exits with the deployment's code. Ctrl-C detaches; the deployment\n"
		  "goes on.\n"
		  "\n"
		  "--source copies a folder of this machine, without version control, dependencies,\n"
		  "caches and .next; the output of a build that was made there (.next/BUILD_ID) is\n"
		  "taken and not built again, unless --build asks for it. --git-repo deploys what a\n"
		  "repository has now: an https, ssh or file URL, USER@HOST:PATH, or a path. For ssh\n"
		  "an agent or .ssh/id_ed25519 of the project's home, or else of the account, is\n"
		  "used, and the host must be in known_hosts there.",
	  .options = { { "source", 0, "PATH", "Deploy this folder." },
		       { "git-repo", 0, "URL", "Deploy from this repository." },
		       { "git-branch", 0, "B", "The newest state of this branch; default: main." },
		       { "git-tag", 0, "T", "This tag." },
		       { "git-commit", 0, "SHA",
			 "This commit of a branch or tag; 4 digits are enough." },
		       { "build", 0, NULL, "Build, whatever the settings say." },
		       { "no-build", 0, NULL, "Do not build." },
		       { "install", 0, NULL, "Install dependencies, whatever the settings say." },
		       { "no-install", 0, NULL, "Do not." },
		       { "restart", 0, NULL,
			 "Restart the service afterwards (this is the default)." },
		       { "no-restart", 0, NULL, "Leave the service as it is; no health check." },
		       { "inject-secrets", 0, NULL,
			 "Write the secrets of the vault into .env before the release is live." },
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
