/*
 * hostkit-worker ROOT NAME ID: carries out one recorded deployment. Started by hk_submit in a
 * session of its own, with the deployment's log as stdout and stderr; it does not know whether
 * anyone watches.
 *
 * hostkit-worker ROOT NAME TASK …: what hooks, which have no libgit2, have done for them, what
 * nobody waits for, and what may hang: recover: puts right what dead workers and lost clients left;
 * follow: makes the repository's settings what the INI file says;
 * check, plan REF OLD NEW FLAGS: looks at a pushed commit (deploy/inspect.h);
 * notify: reports the ends of deployments to [notify] url;
 * delete: deletes releases that were taken out;
 * fetch ID: see fetch.h.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <base/log.h>
#include <deploy/deploy.h>
#include <deploy/fetch.h>
#include <deploy/inspect.h>
#include <deploy/notify.h>
#include <deploy/owner.h>
#include <deploy/queue.h>
#include <deploy/recover.h>
#include <deploy/repository.h>
#include <deploy/request.h>
#include <deploy/retention.h>
#include <deploy/source.h>
#include <deploy/verdict.h>
#include <sys/failpoint.h>
#include <sys/lock.h>
#include <sys/signals.h>
#include <ui/head.h>
#include <ui/text.h>
#include <worker/fetch.h>

#define TAKE_OVER_S 60

struct worker {
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_lock lock;
	struct hk_text text;
	struct hk_deploy deploy;
};

static int open_project(struct worker *w, char **argv, struct hk_error *err)
{
	hk_signals_ignore_pipe();
	umask(022);
	hk_text_init(&w->text, STDERR_FILENO);
	if (hk_owner_check(argv[1], argv[2], err))
		return err->code;
	return hk_project_open(argv[1], argv[2], &w->project, err);
}

static int set_up(struct worker *w, char **argv, struct hk_error *err)
{
	struct hk_procid self;
	int64_t id;

	if (hk_human_parse_int(argv[3], 1, INT64_MAX, &id, err) ||
	    hk_signals_cancel_fd(&w->deploy.cancel_fd, err) || open_project(w, argv, err) ||
	    hk_project_open_ledger(&w->project, &w->ledger, err))
		return err->code;
	hk_text_limit(&w->text, w->project.conf.deploy_max_log);
	w->deploy.project = &w->project;
	w->deploy.ledger = w->ledger;
	w->deploy.report = &w->text.report;
	if (!hk_procid_of(getpid(), &self))
		return hk_error_set(err, HK_E_INTERNAL, "cannot read /proc/self/stat");
	if (hk_ledger_set_worker(w->ledger, id, &self, err))
		return err->code;
	if (hk_ledger_get_deployment(w->ledger, id, &w->deploy.row, err))
		return err->code;
	if (w->deploy.row.pusher_key)
		hk_key_reader_init(&w->text.report.reader, &w->project.conf.project_shell);
	return 0;
}

/*
 * A ref below refs/deploy/ only carries a commit here. Its place is taken by a pin of ours at once,
 * so that the same commit can be pushed there again however this deployment ends.
 */
static void take_over_ref(struct worker *w)
{
	const struct hk_project *p = &w->project;
	struct hk_deploy *d = &w->deploy;
	hk_auto_free char *pin = hk_deploy_pin(d->row.id);
	struct hk_error err = HK_ERROR_INIT;
	bool carried = !strncmp(d->row.ref, "refs/deploy/", 12);
	bool strict = d->row.flags & HK_REQUEST_STRICT;

	/* In the strict mode the ref does not hold the commit yet, so nothing else keeps it. */
	if (!carried && !strict)
		return;
	alarm(TAKE_OVER_S); /* see preflight.c: libgit2 may never come back from a broken object */
	if (hk_repo_open(p->repo_path, p->home_path, &d->repo, &err) ||
	    hk_repo_update_ref(d->repo, pin, d->row.object, &err) ||
	    (!strict && hk_repo_delete_ref(d->repo, d->row.ref, d->row.object, &err)))
		hk_report_say(&w->text.report, HK_REPORT_WARNING, "%s", err.message);
	alarm(0);
}

static void describe_lock(struct worker *w)
{
	const struct hk_deployment *row = &w->deploy.row;
	char since[HK_CLOCK_RFC3339_LEN];
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error ignored;

	hk_buf_addf(&text, "deployment %lld (", (long long)row->id);
	hk_source_describe(row->source, row->ref, row->object, &text);
	hk_buf_addf(&text, " by %s), pid %d, since %s", row->pusher ? row->pusher : "unknown",
		    (int)getpid(), hk_clock_rfc3339(hk_clock_wall_ms(), since));
	/* Only for people who wait: nothing depends on it. */
	if (hk_lock_describe(&w->lock, text.data, &ignored))
		return;
}

static bool ref_holds(void *ctx, const char *ref, const char *object)
{
	struct worker *w = ctx;
	struct hk_error ignored;
	struct hk_commit now;
	bool holds;

	alarm(TAKE_OVER_S);
	holds = (w->deploy.repo || !hk_repo_open(w->project.repo_path, w->project.home_path,
						 &w->deploy.repo, &ignored)) &&
		!hk_repo_resolve(w->deploy.repo, ref, &now, &ignored) && !strcmp(now.oid, object);
	alarm(0);
	return holds;
}

/* One deployment at a time, from the decision to the end. */
static int take_lock(struct worker *w, struct hk_error *err)
{
	const struct hk_queue q = {
		.project = &w->project,
		.ledger = w->ledger,
		.row = &w->deploy.row,
		.cancel_fd = w->deploy.cancel_fd,
		.report = &w->text.report,
		.holds = ref_holds,
		.ctx = w,
	};

	if (hk_queue_wait(&q, &w->lock, err))
		return err->code;
	describe_lock(w);
	return 0;
}

static void let_go(struct hk_lock *lock)
{
	struct hk_error ignored;

	/* A hook may hold it next and not say so: no waiter is to be told of this worker. */
	if (lock->fd >= 0 && hk_lock_describe(lock, "", &ignored))
		hk_log_debug("%s", ignored.message);
	hk_lock_release(lock);
}

static void say_error(struct worker *w, const struct hk_error *why)
{
	hk_report_say(&w->text.report, HK_REPORT_ERROR, "%s", why->message);
	if (*why->hint)
		hk_report_say(&w->text.report, HK_REPORT_HINT, "%s", why->hint);
}

/* Ended before the pipeline began: recorded and told all the same. */
static int give_up(struct worker *w, const struct hk_error *why)
{
	struct hk_error failed;

	hk_deploy_unpin(&w->deploy);
	if (w->deploy.row.id && hk_ledger_finish_deployment(w->ledger, w->deploy.row.id,
							    hk_deploy_status(why), why, &failed))
		hk_report_say(&w->text.report, HK_REPORT_ERROR, "%s", failed.message);
	say_error(w, why);
	return hk_code_exit(why->code);
}

static void tell(struct worker *w, struct hk_strlist *notes)
{
	for (size_t i = 0; i < notes->len; i++)
		hk_report_say(&w->text.report, HK_REPORT_INFO, "recovered: %s", notes->items[i]);
	hk_strlist_release(notes);
}

static int work(struct worker *w)
{
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_strlist notes = HK_STRLIST_INIT;
	int failed;

	take_over_ref(w);
	failed = HK_FAILPOINT(worker_started, &err) || take_lock(w, &err) ||
		 HK_FAILPOINT(worker_locked, &err) ||
		 hk_recover(&w->project, w->ledger, w->deploy.row.id, &notes, &err);
	if (!failed)
		hk_recover_missed(&w->project, w->ledger, w->deploy.repo, hk_head_write, &notes);
	tell(w, &notes);
	if (failed || hk_ledger_start_deployment(w->ledger, w->deploy.row.id, &err))
		return give_up(w, &err);
	return hk_code_exit(hk_deploy_pipeline(&w->deploy, &err));
}

/* Nobody reads what it says: what it does is on record. */
static int recover(struct worker *w, char **argv)
{
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_strlist notes = HK_STRLIST_INIT;
	int ret = open_project(w, argv, &err);

	if (!ret)
		ret = hk_recover_open_ledger(&w->project, &w->ledger, &notes, &err);
	if (!ret && hk_ledger_check(w->ledger, &err) == HK_E_LEDGER_DAMAGED) {
		hk_ledger_close(hk_steal_ptr(w->ledger));
		ret = hk_recover_replace_ledger(&w->project, &w->ledger, &err, &notes);
	}
	if (!ret)
		ret = hk_recover_if_idle(&w->project, w->ledger, &notes, &err);
	if (!ret)
		hk_recover_missed(&w->project, w->ledger, NULL, hk_head_write, &notes);
	if (ret)
		hk_strlist_add(&notes, err.message);
	tell(w, &notes);
	return hk_code_exit(ret);
}

/* Likewise. */
static int notify(struct worker *w, char **argv)
{
	struct hk_error err = HK_ERROR_INIT;
	int ret = open_project(w, argv, &err);

	if (!ret)
		ret = hk_project_open_ledger(&w->project, &w->ledger, &err);
	if (!ret)
		ret = hk_notify_send(&w->project, w->ledger, &err);
	if (ret)
		hk_report_say(&w->text.report, HK_REPORT_ERROR, "%s", err.message);
	return hk_code_exit(ret);
}

/* Nobody reads what it says, either. */
static int follow(struct worker *w, char **argv)
{
	struct hk_error err = HK_ERROR_INIT;
	int ret = open_project(w, argv, &err);

	if (!ret)
		ret = hk_repository_follow(&w->project, &err);
	if (ret)
		hk_report_say(&w->text.report, HK_REPORT_ERROR, "%s", err.message);
	return hk_code_exit(ret);
}

static int inspect(struct worker *w, char **argv)
{
	struct hk_inspection what = {
		.ref = argv[4],
		.old_oid = argv[5],
		.new_oid = argv[6],
		.plan = !strcmp(argv[3], HK_INSPECT_PLAN),
	};
	struct hk_error err = HK_ERROR_INIT;
	int64_t flags = 0;
	int ret;

	alarm(TAKE_OVER_S);
	ret = open_project(w, argv, &err);
	if (!ret)
		ret = hk_human_parse_int(argv[7], 0, UINT_MAX, &flags, &err);
	what.flags = (unsigned)flags;
	if (!ret)
		ret = hk_inspect(&w->project, &what, &w->text.report, &err);
	if (ret)
		say_error(w, &err);
	return hk_code_exit(ret);
}

static int delete_gone(struct worker *w, char **argv)
{
	struct hk_error err = HK_ERROR_INIT;
	int ret = open_project(w, argv, &err);

	if (!ret)
		ret = hk_retention_delete(&w->project, NULL, &err);
	return hk_code_exit(ret);
}

static int fetch(struct worker *w HK_UNUSED, char **argv)
{
	return hk_worker_fetch(argv[1], argv[2], argv[4]);
}

static const struct {
	const char *name;
	int argc;
	int (*run)(struct worker *w, char **argv);
} tasks[] = {
	{ "recover", 4, recover },	  { "notify", 4, notify },
	{ "follow", 4, follow },	  { "delete", 4, delete_gone },
	{ HK_INSPECT_CHECK, 8, inspect }, { HK_INSPECT_PLAN, 8, inspect },
	{ HK_FETCH_COMMAND, 5, fetch },
};

static int deploy(struct worker *w, char **argv)
{
	struct hk_error err = HK_ERROR_INIT;
	int status = set_up(w, argv, &err) ? give_up(w, &err) : work(w);

	let_go(&w->lock);
	/* All is said: nobody waits for a receiver, or for a disk. */
	if (w->ledger) {
		hk_notify_start(&w->project, w->ledger);
		hk_retention_start_deleting(&w->project);
	}
	return status;
}

int main(int argc, char **argv)
{
	struct worker w = { .project = HK_PROJECT_INIT,
			    .lock = HK_LOCK_INIT,
			    .deploy = HK_DEPLOY_INIT };
	int (*run)(struct worker * w, char **argv) = argc == 4 ? deploy : NULL;
	int status;

	for (size_t i = 0; i < HK_ARRAY_LEN(tasks); i++)
		if (argc > 3 && !strcmp(argv[3], tasks[i].name))
			run = argc == tasks[i].argc ? tasks[i].run : NULL;
	if (!run) {
		fputs("error: hostkit-worker is started by hostkit and its hooks\n", stderr);
		return hk_code_exit(HK_E_USAGE);
	}
	status = run(&w, argv);
	hk_deploy_release(&w.deploy);
	hk_ledger_close(w.ledger);
	hk_project_close(&w.project);
	hk_text_release(&w.text);
	return status;
}
