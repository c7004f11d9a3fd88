/*
 * Recording a deployment and starting its worker: what a push, the command line and agents have in
 * common.
 */
#ifndef HK_DEPLOY_SUBMIT_H
#define HK_DEPLOY_SUBMIT_H

#include <stdbool.h>

#include <deploy/project.h>
#include <deploy/report.h>
#include <store/ledger.h>

struct hk_submission {
	int64_t id;
	struct hk_procid worker;
	char *log_path;
};

#define HK_SUBMISSION_INIT \
	{                  \
		.id = 0    \
	}
void hk_submission_release(struct hk_submission *s);

/* A sink for the log that is being opened; the caller's way to write the first lines. */
typedef void hk_submit_head_fn(int log_fd, const struct hk_project *p,
			       const struct hk_deployment_request *req, int64_t id);

/*
 * Adds the row, opens the log (head writes its first lines) and starts hostkit-worker in a session
 * of its own with no descriptor but the log. A worker that cannot be started is recorded as failed.
 */
int hk_submit(const struct hk_project *p, struct hk_ledger *l,
	      const struct hk_deployment_request *req, hk_submit_head_fn *head,
	      struct hk_submission *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Whether what is asked for is what the newest open deployment does already: the same object with
 * the same flags. *ret describes that one then, as soon as its worker is there.
 */
int hk_submit_find_same(const struct hk_project *p, struct hk_ledger *l,
			const struct hk_deployment_request *req, bool *ret_found,
			struct hk_submission *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Whether a ref's move to that object was deployed before git made it, in the strict mode: then
 * that the ref holds it now is no reason to deploy it.
 */
int hk_submit_is_done(struct hk_ledger *l, const char *ref, const char *object, bool *ret,
		      struct hk_error *err) HK_MUST_CHECK;

/*
 * Starts `hostkit-worker ROOT NAME TASK`, a deployment's id or "recover", likewise; log_fd is its
 * stdout and stderr (-1: /dev/null). *ret has pid 0 when it has ended already.
 */
int hk_submit_worker(const struct hk_project *p, const char *task, int log_fd,
		     struct hk_procid *ret, struct hk_error *err) HK_MUST_CHECK;

/* What hostkit-worker needs in its environment whatever it does, and one variable of the caller's.
 */
struct hk_strlist;
void hk_submit_environment(struct hk_strlist *env);
void hk_submit_pass(struct hk_strlist *env, const char *name);

#endif
