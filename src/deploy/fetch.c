/*
 * Stage 1b for another repository: what its branch, tag or commit is now, fetched into the
 * project's own repository. libgit2 does it in a process of its own (worker/fetch.h), because it
 * can wait for the network where neither a limit nor a cancel reaches it.
 */
#include <deploy/deploy.h>

#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/environment.h>
#include <deploy/fetch.h>
#include <deploy/source.h>
#include <deploy/submit.h>
#include <repo/fetch.h>
#include <sys/process.h>
#include <sys/self.h>

#define GRACE_MS 2000
#define FATAL "fatal: "

struct watch {
	struct hk_deploy *d;
	struct hk_error why; /* as the other process tells it */
	struct hk_buf fatal; /* what git said on the other side of a pipe */
};

/* See deploy/fetch.h. */
static void take_line(void *ctx, const char *line, size_t len)
{
	hk_auto_free char *text = hk_xstrndup(line, len);
	struct watch *w = ctx;
	char *code = text + strlen(HK_FETCH_ERROR);
	char *message;

	if (!strncmp(text, HK_FETCH_HINT, strlen(HK_FETCH_HINT))) {
		hk_error_hint(&w->why, "%s", text + strlen(HK_FETCH_HINT));
		return;
	}
	if (!strncmp(text, FATAL, strlen(FATAL))) {
		hk_buf_reset(&w->fatal);
		hk_buf_addstr(&w->fatal, text + strlen(FATAL));
	}
	message = strncmp(text, HK_FETCH_ERROR, strlen(HK_FETCH_ERROR)) ? NULL : strchr(code, ' ');
	if (!message) {
		hk_deploy_output(w->d, line, len);
		return;
	}
	*message++ = '\0';
	hk_error_set(&w->why, hk_code_from_name(code), "%s", message);
}

/* libgit2 only knows that the other side has hung up. */
static void tell_fatal(struct watch *w)
{
	const struct hk_deploy *d = w->d;

	if (w->why.code != HK_E_FETCH_FAILED || !w->fatal.len)
		return;
	hk_error_set(&w->why, HK_E_FETCH_FAILED, "cannot fetch from '%s': %s", d->row.source,
		     w->fatal.data);
	if (strstr(w->fatal.data, "dubious ownership"))
		hk_error_hint(&w->why,
			      "it belongs to another user; to trust it: git config -f "
			      "%s/.gitconfig --add safe.directory %s",
			      d->project->home_path, d->row.source);
}

static int explain(struct watch *w, int code, struct hk_error *err)
{
	char limit[HK_HUMAN_LEN];

	if (code == HK_E_COMMAND_TIMEOUT) {
		hk_error_set(err, HK_E_STAGE_TIMEOUT, "fetching from '%s' took longer than %s",
			     w->d->row.source,
			     hk_human_duration(w->d->project->conf.source_timeout, limit));
		return hk_error_hint(err,
				     "see whether it answers: git ls-remote %s; the limit is "
				     "[source] timeout",
				     w->d->row.source);
	}
	tell_fatal(w);
	if (code != HK_E_CANCELLED && w->why.code)
		*err = w->why;
	return err->code;
}

static int run_process(struct hk_deploy *d, const char *const *argv, struct hk_error *err)
{
	hk_auto_free char *mark = hk_environment_mark(d->project, d->row.id);
	struct watch w = { .d = d, .why = HK_ERROR_INIT, .fatal = HK_BUF_INIT };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_strlist env = HK_STRLIST_INIT;
	int ret;

	hk_environment_plain(d->project, &env);
	hk_submit_pass(&env, "SSH_AUTH_SOCK");
	hk_strlist_add(&env, mark);
	spec.argv = argv;
	spec.env = hk_strlist_argv(&env);
	spec.cancel_fd = d->cancel_fd;
	spec.timeout_ms = d->project->conf.source_timeout;
	spec.grace_ms = GRACE_MS;
	spec.mark = mark;
	spec.on_line = take_line;
	spec.ctx = &w;
	ret = hk_process_run(&spec, NULL, err);
	if (ret)
		ret = explain(&w, ret, err);
	hk_buf_release(&w.fatal);
	return ret;
}

static int fetch(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *id = hk_xasprintf("%lld", (long long)d->row.id);
	hk_auto_free char *program = NULL;
	hk_auto_buf what = HK_BUF_INIT;

	if (hk_self_program("hostkit-worker", &program, err))
		return err->code;
	/* The URL is not for process lists: the other process reads it from the ledger. */
	const char *const argv[] = {
		program, d->project->root, d->project->name, HK_FETCH_COMMAND, id, NULL
	};

	hk_buf_addstr(&what, "fetch ");
	hk_source_describe(d->row.source, d->row.ref, d->row.object, &what);
	d->report->ops->command(d->report, &d->stage, what.data);
	return run_process(d, argv, err);
}

/* --- Refs of URLs that no deployment on record was fetched from */

struct keepers {
	struct hk_strlist wanted;
	struct hk_strlist gone;
};

static int note_wanted(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct keepers *k = ctx;
	hk_auto_free char *ref = hk_source_is_repository(d) ? hk_fetch_keeper(d->source) : NULL;

	if (ref && !hk_strlist_has(&k->wanted, ref))
		hk_strlist_add(&k->wanted, ref);
	return 0;
}

static int note_gone(void *ctx, const char *name, const char *oid HK_UNUSED,
		     struct hk_error *err HK_UNUSED)
{
	struct keepers *k = ctx;

	if (!hk_strlist_has(&k->wanted, name))
		hk_strlist_add(&k->gone, name);
	return 0;
}

/* As many as the history has URLs. Nothing depends on it: a failure is a warning. */
static void sweep(struct hk_deploy *d)
{
	struct keepers k = { .wanted = HK_STRLIST_INIT, .gone = HK_STRLIST_INIT };
	struct hk_error err;
	int ret =
		hk_ledger_each_deployment(d->ledger, HK_DEPLOYMENTS_ALL, -1, note_wanted, &k, &err);

	if (!ret)
		ret = hk_repo_each_ref(d->repo, HK_FETCH_REFS "*", note_gone, &k, &err);
	for (size_t i = 0; !ret && i < k.gone.len; i++)
		ret = hk_repo_delete_ref(d->repo, k.gone.items[i], NULL, &err);
	if (ret)
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", err.message);
	hk_strlist_release(&k.wanted);
	hk_strlist_release(&k.gone);
}

/* --- The stage */

static int run(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *pin = hk_deploy_pin(d->row.id);
	unsigned watchdog = alarm(0); /* set by preflight: not for this long */
	int ret = fetch(d, err);

	alarm(watchdog);
	if (ret || hk_repo_resolve(d->repo, pin, &d->commit, err) ||
	    hk_deploy_note_commit(d, err) || hk_deploy_begin_commit(d, err))
		return err->code;
	sweep(d);
	return 0;
}

static bool applies(const struct hk_deploy *d)
{
	return hk_source_is_repository(&d->row);
}

const struct hk_stage hk_stage_fetch = {
	.name = "fetch",
	.title = "fetch",
	.applies = applies,
	.run = run,
};
