/*
 * The process that fetches (contract in fetch.h).
 */
#include <worker/fetch.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/deploy.h>
#include <deploy/fetch.h>
#include <deploy/source.h>
#include <repo/fetch.h>
#include <sys/fs.h>
#include <sys/signals.h>

static void say(void *ctx HK_UNUSED, const char *line)
{
	puts(line);
	fflush(stdout);
}

/*
 * The keys of the project, where it has some of its own; else those of the account, which in a
 * private root has a home of its own.
 */
static const char *ssh_home(const struct hk_project *p)
{
	struct passwd *pw = getpwuid(geteuid());

	return hk_fs_is_dir(p->home_fd, ".ssh") || !pw ? p->home_path : pw->pw_dir;
}

static int fetch(const struct hk_project *p, const struct hk_deployment *d, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	hk_auto_free char *pin = hk_deploy_pin(d->id);
	bool is_commit = !strcmp(d->ref, HK_SOURCE_COMMIT);
	const struct hk_fetch_spec spec = {
		.url = d->source,
		.ref = is_commit ? NULL : d->ref,
		.commit = is_commit ? d->object : NULL,
		.pin = pin,
		.ssh_home = ssh_home(p),
		.progress = say,
	};
	struct hk_commit ignored;

	return hk_repo_open(p->repo_path, p->home_path, &repo, err)
		       ? err->code
		       : hk_repo_fetch(repo, &spec, &ignored, err);
}

static int run(const char *root, const char *name, const char *id, struct hk_error *err)
{
	HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	hk_auto_project p = HK_PROJECT_INIT;
	int64_t number;

	if (hk_human_parse_int(id, 1, INT64_MAX, &number, err) ||
	    hk_project_open(root, name, &p, err) || hk_project_open_ledger(&p, &ledger, err) ||
	    hk_ledger_get_deployment(ledger, number, &d, err))
		return err->code;
	if (!hk_source_is_repository(&d))
		return hk_error_set(err, HK_E_USAGE, "deployment %s comes from no other repository",
				    id);
	return fetch(&p, &d, err);
}

int hk_worker_fetch(const char *root, const char *name, const char *id)
{
	struct hk_error err = HK_ERROR_INIT;

	hk_signals_ignore_pipe();
	if (run(root, name, id, &err)) {
		printf(HK_FETCH_ERROR "%s %s\n", hk_code_name(err.code), err.message);
		if (*err.hint)
			printf(HK_FETCH_HINT "%s\n", err.hint);
	}
	fflush(stdout);
	/* What libgit2's transports and their libraries leave at the end is not for a leak checker.
	 */
	_exit(err.code ? hk_code_exit(err.code) : 0);
}
