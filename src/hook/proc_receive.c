/*
 * proc-receive (contract in proc_receive.h).
 */
#include <hook/proc_receive.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/lines.h>
#include <deploy/dead.h>
#include <deploy/request.h>
#include <hook/locate.h>
#include <hook/pktline.h>
#include <hook/push.h>
#include <hook/serve.h>
#include <sys/fs.h>
#include <sys/process.h>

#define RECOVERY_MS 60000
#define GIT_MS 10000
#define MOVE_MS 3000 /* for the receive-pack of the push that was attached to */
#define LOOK_MS 50
#define LINES_MAX 100000

struct proc {
	struct hk_push push;
	struct hk_strlist lines; /* what the updates point into */
	bool options;		 /* git sends push options */
	bool settled;		 /* the chosen ref holds its commit already: git need not move it */
	char reason[128];	 /* why the chosen ref is refused; "" when it is not */
};

/* --- The conversation */

static bool has_feature(const struct hk_buf *line, const char *feature)
{
	size_t at = strlen(line->data) + 1;
	hk_auto_free char *features = NULL;
	char *save = NULL;

	if (at >= line->len)
		return false;
	features = hk_xstrndup(line->data + at, line->len - at);
	for (char *f = strtok_r(features, " \n", &save); f; f = strtok_r(NULL, " \n", &save))
		if (!strcmp(f, feature))
			return true;
	return false;
}

static int send_all(struct hk_buf *out, struct hk_error *err)
{
	int failed = hk_fs_write_all(STDOUT_FILENO, out->data, out->len);

	return failed ? hk_error_set_errno(err, HK_E_IO, failed, "cannot answer git") : 0;
}

static int negotiate(struct proc *proc, struct hk_error *err)
{
	static const char version[] = "version=1";
	hk_auto_buf line = HK_BUF_INIT, out = HK_BUF_INIT;
	bool more, known = false;

	while (!hk_pktline_read(STDIN_FILENO, &more, &line, err) && more) {
		if (strcmp(line.data, version))
			continue;
		known = true;
		proc->options = has_feature(&line, "push-options");
	}
	if (err->code)
		return err->code;
	if (!known)
		return hk_error_set(err, HK_E_NOT_SUPPORTED,
				    "this git speaks a version of proc-receive that is not known");
	hk_buf_reset(&line);
	hk_buf_addstr(&line, version);
	if (proc->options) {
		hk_buf_add(&line, "\0", 1);
		hk_buf_addstr(&line, "push-options");
	}
	hk_pktline_add(&out, line.data, line.len);
	hk_pktline_flush(&out);
	return send_all(&out, err);
}

static int read_updates(struct proc *proc, struct hk_error *err)
{
	hk_auto_buf line = HK_BUF_INIT;
	bool more;

	while (!hk_pktline_read(STDIN_FILENO, &more, &line, err) && more) {
		if (proc->lines.len == LINES_MAX)
			return hk_error_set(err, HK_E_USAGE, "more than %d ref updates", LINES_MAX);
		hk_strlist_add(&proc->lines, line.data);
		if (hk_push_add(&proc->push, proc->lines.items[proc->lines.len - 1], err))
			return err->code;
	}
	return err->code;
}

/* They are for the project's settings to judge, so they are kept until these are read. */
static int read_options(struct proc *proc, struct hk_strlist *options, struct hk_error *err)
{
	hk_auto_buf line = HK_BUF_INIT;
	bool more;

	if (!proc->options)
		return 0;
	while (!hk_pktline_read(STDIN_FILENO, &more, &line, err) && more)
		if (options->len < LINES_MAX)
			hk_strlist_add(options, line.data);
	return err->code;
}

static int answer(const struct proc *proc, struct hk_error *err)
{
	const struct hk_push *push = &proc->push;
	hk_auto_buf out = HK_BUF_INIT;

	for (size_t i = 0; i < push->len; i++) {
		const struct hk_ref_update *u = &push->updates[i];
		/* What could not even be looked at is refused as a whole. */
		bool ours = u == push->chosen || (!push->chosen && *proc->reason);

		if (ours && *proc->reason) {
			hk_pktline_addf(&out, "ng %s %s", u->ref, proc->reason);
			continue;
		}
		hk_pktline_addf(&out, "ok %s", u->ref);
		if (!ours || !proc->settled)
			hk_pktline_addf(&out, "option fall-through");
	}
	hk_pktline_flush(&out);
	return send_all(&out, err);
}

/* --- The deployment */

static void take_line(void *ctx, const char *line, size_t len)
{
	struct hk_buf *out = ctx;

	hk_buf_reset(out);
	hk_buf_add(out, line, len);
}

/* git is asked: this program has no libgit2. */
static bool ref_holds(const struct hk_ref_update *u)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"GIT_DIR=.",
		NULL,
	};
	const char *const argv[] = { "git", "rev-parse", "-q", "--verify", u->ref, NULL };
	hk_auto_close int cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_buf line = HK_BUF_INIT;
	struct hk_error ignored;

	spec.argv = argv;
	spec.env = env;
	spec.cwd_fd = cwd;
	spec.timeout_ms = GIT_MS;
	spec.on_line = take_line;
	spec.ctx = &line;
	return !hk_process_run(&spec, NULL, &ignored) && !strcmp(line.data, u->new_oid);
}

/*
 * The push that this one was attached to moves the ref. That git would then refuse to do it once
 * more would be told as a failure of what has succeeded.
 */
static bool wait_for_move(const struct hk_ref_update *u)
{
	int64_t deadline = hk_clock_deadline(MOVE_MS);

	while (!ref_holds(u)) {
		if (!hk_clock_left(deadline))
			return false;
		poll(NULL, 0, LOOK_MS);
	}
	return true;
}

/* How it ended, also when the client has left meanwhile: the ref follows the deployment. */
static int read_end(struct proc *proc, const struct hk_submission *s, struct hk_error *err)
{
	HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_push *push = &proc->push;

	hk_procid_wait(&s->worker, -1);
	if (hk_ledger_get_deployment(push->ledger, s->id, &d, err))
		return err->code;
	if (!hk_status_is_final(d.status)) {
		hk_deployment_release(&d);
		if (hk_dead_start_recovery(&push->project, RECOVERY_MS, err) ||
		    hk_ledger_get_deployment(push->ledger, s->id, &d, err))
			return err->code;
	}
	if (d.status != HK_STATUS_SUCCEEDED)
		snprintf(proc->reason, sizeof(proc->reason), "deployment %lld: %s%s%s",
			 (long long)s->id, hk_status_name(d.status), d.error_code ? ", " : "",
			 d.error_code ? d.error_code : "");
	return 0;
}

static int deploy(struct proc *proc, struct hk_error *err)
{
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	struct hk_push *push = &proc->push;
	bool attached = false;
	enum hk_relay_end end;
	struct hk_error told = HK_ERROR_INIT;

	hk_push_name_others(push);
	if (hk_push_open_ledger(push, err) ||
	    hk_serve_submit(push, NULL, 0, HK_REQUEST_STRICT, &s, &attached, err))
		return err->code;
	if (hk_serve_follow(push, &s, &end, &told))
		hk_push_say_error(push, &told);
	if (read_end(proc, &s, err))
		return err->code;
	/* A commit that was named for deployment has no ref to stay in. */
	if (!*proc->reason)
		proc->settled = !strncmp(push->chosen->ref, "refs/deploy/", 12) ||
				(attached && wait_for_move(push->chosen));
	return 0;
}

static int serve(struct proc *proc, const struct hk_strlist *options, struct hk_error *err)
{
	struct hk_push *push = &proc->push;

	if (hk_locate_project(&push->project, err))
		return err->code;
	if (strcmp(push->project.conf.push_mode, "strict"))
		return 0;
	for (size_t i = 0; i < options->len; i++)
		if (hk_push_option_add(&push->options, options->items[i], &push->project.conf, err))
			return err->code;
	hk_push_choose(push);
	return push->chosen ? deploy(proc, err) : 0;
}

/* Nothing has been deployed for it, so nothing is accepted that might deploy. */
static void refuse(struct proc *proc, const struct hk_error *why)
{
	hk_auto_buf text = HK_BUF_INIT;

	hk_push_say_error(&proc->push, why);
	hk_lines_sanitize(&text, why->message, strlen(why->message), sizeof(proc->reason) - 1);
	snprintf(proc->reason, sizeof(proc->reason), "%s", text.data);
}

int hk_proc_receive(void)
{
	struct proc proc = { .lines = HK_STRLIST_INIT };
	hk_auto_strlist options = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT, why = HK_ERROR_INIT;
	int ret;

	hk_push_init(&proc.push);
	ret = hk_locate_check(&err);
	if (!ret)
		ret = negotiate(&proc, &err);
	if (!ret)
		ret = read_updates(&proc, &err);
	if (!ret)
		ret = read_options(&proc, &options, &err);
	if (!ret) {
		if (serve(&proc, &options, &why))
			refuse(&proc, &why);
		ret = answer(&proc, &err);
	}
	if (ret)
		hk_push_say_error(&proc.push, &err);
	hk_push_release(&proc.push);
	hk_strlist_release(&proc.lines);
	return hk_code_exit(ret);
}
