/*
 * Submitting deployments.
 */
#include <deploy/submit.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/log.h>
#include <base/strlist.h>
#include <deploy/dead.h>
#include <deploy/request.h>
#include <sys/failpoint.h>
#include <sys/fs.h>
#include <sys/process.h>
#include <sys/self.h>

void hk_submission_release(struct hk_submission *s)
{
	free(s->log_path);
	*s = (struct hk_submission)HK_SUBMISSION_INIT;
}

static int open_log(const char *path, int *ret_fd, struct hk_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot create log '%s'", path);
	*ret_fd = fd;
	return 0;
}

void hk_submit_environment(struct hk_strlist *env)
{
	hk_strlist_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	hk_strlist_add(env, "LANG=C.UTF-8");
	hk_submit_pass(env, "HOSTKIT_DEBUG");
}

void hk_submit_pass(struct hk_strlist *env, const char *name)
{
	if (getenv(name))
		hk_strlist_addf(env, "%s=%s", name, getenv(name));
}

static void worker_environment(struct hk_strlist *env)
{
	static const char *const passed[] = {
		/* For a fetch from another repository; commands do not get it. */
		"SSH_AUTH_SOCK",
#ifdef HK_FAILPOINTS
		"HOSTKIT_FAILPOINT",  "HOSTKIT_FAULT",	      "HOSTKIT_FAULT_LOG",
		"HOSTKIT_CLOCK_STEP", "HOSTKIT_KERNEL_LACKS",
#endif
	};

	hk_submit_environment(env);
	for (size_t i = 0; i < HK_ARRAY_LEN(passed); i++)
		hk_submit_pass(env, passed[i]);
}

int hk_submit_worker(const struct hk_project *p, const char *task, int log_fd,
		     struct hk_procid *ret, struct hk_error *err)
{
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;
	hk_auto_free char *program = NULL;
	pid_t pid;

	if (hk_self_program("hostkit-worker", &program, err))
		return err->code;
	const char *argv[] = { program, p->root, p->name, task, NULL };

	spec.argv = argv;
	worker_environment(&env);
	spec.env = hk_strlist_argv(&env);
	spec.stdout_fd = log_fd;
	spec.stderr_fd = log_fd;
	if (hk_process_detach(&spec, &pid, err))
		return err->code;
	/* Gone already, as a zombie of ours: its identity is no longer needed. */
	if (!hk_procid_of(pid, ret))
		*ret = (struct hk_procid){ .pid = 0 };
	return 0;
}

/*
 * On record from the start, so that a worker that dies before it can say who it is (a library is
 * missing) is known to be dead. One that was quicker has said so itself, up to its end; that the
 * row cannot be changed any more is no failure then.
 */
static void note_worker(struct hk_ledger *l, const struct hk_submission *s)
{
	struct hk_error ignored;

	if (s->worker.pid && hk_ledger_set_worker(l, s->id, &s->worker, &ignored))
		hk_log_debug("%s", ignored.message);
}

int hk_submit(const struct hk_project *p, struct hk_ledger *l,
	      const struct hk_deployment_request *req, hk_submit_head_fn *head,
	      struct hk_submission *ret, struct hk_error *err)
{
	struct hk_submission s = HK_SUBMISSION_INIT;
	hk_auto_free char *number = NULL;
	hk_auto_close int log_fd = -1;
	struct hk_error finish_err;

	if (hk_ledger_add_deployment(l, req, &s.id, err))
		return err->code;
	number = hk_xasprintf("%lld", (long long)s.id);
	s.log_path = hk_project_log_path(p, s.id);
	if (hk_fs_mkdir_p(p->state_fd, "log", 0750, err) == 0 &&
	    HK_FAILPOINT(submit_added, err) == 0 && open_log(s.log_path, &log_fd, err) == 0) {
		head(log_fd, p, req, s.id);
		if (hk_submit_worker(p, number, log_fd, &s.worker, err) == 0) {
			note_worker(l, &s);
			*ret = s;
			return 0;
		}
	}
	/*
	 * The first problem is the one to tell; a ledger that fails now as well is left for
	 * recovery.
	 */
	if (hk_ledger_finish_deployment(l, s.id, HK_STATUS_FAILED, err, &finish_err))
		hk_error_hint(err, "and it could not be recorded: %s", finish_err.message);
	hk_submission_release(&s);
	return err->code;
}

struct same {
	const struct hk_deployment_request *req;
	int64_t id; /* 0: not the same */
};

/* Called for the newest open row only. */
static int compare(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct same *same = ctx;

	if (!hk_deployment_is_dead(d) && !d->source && d->flags == same->req->flags &&
	    (!strcmp(d->object, same->req->object) ||
	     (d->commit && !strcmp(d->commit, same->req->object))))
		same->id = d->id;
	return 0;
}

int hk_submit_find_same(const struct hk_project *p, struct hk_ledger *l,
			const struct hk_deployment_request *req, bool *ret_found,
			struct hk_submission *ret, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct same same = { .req = req };

	*ret_found = false;
	if (hk_ledger_each_deployment(l, HK_DEPLOYMENTS_OPEN, 1, compare, &same, err))
		return err->code;
	if (!same.id)
		return 0;
	if (hk_dead_wait_worker(l, same.id, &d, err))
		return err->code;
	/* One that has ended meanwhile, or died, is not to be waited for. */
	*ret_found = !hk_status_is_final(d.status) && !hk_deployment_is_dead(&d);
	if (*ret_found)
		*ret = (struct hk_submission){ .id = d.id,
					       .worker = d.worker,
					       .log_path = hk_project_log_path(p, d.id) };
	hk_deployment_release(&d);
	return 0;
}

struct done {
	const char *ref, *object;
	bool over; /* what is older does not matter */
	bool is_done;
};

/* Called newest first. */
static int look(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct done *done = ctx;

	if (done->over || !d->ref || d->source || strcmp(d->ref, done->ref))
		return 0;
	done->is_done = d->flags & HK_REQUEST_STRICT && d->status == HK_STATUS_SUCCEEDED &&
			!strcmp(d->object, done->object);
	/* Strict ones that came since, and failed or are under way, have not moved the ref. */
	done->over = done->is_done || !(d->flags & HK_REQUEST_STRICT);
	return 0;
}

int hk_submit_is_done(struct hk_ledger *l, const char *ref, const char *object, bool *ret,
		      struct hk_error *err)
{
	struct done done = { .ref = ref, .object = object };

	if (hk_ledger_each_deployment(l, HK_DEPLOYMENTS_ALL, 100, look, &done, err))
		return err->code;
	*ret = done.is_done;
	return 0;
}
