/*
 * Serving the client of a deployment (contract in serve.h).
 */
#include <hook/serve.h>

#include <string.h>
#include <unistd.h>

#include <deploy/request.h>
#include <ui/head.h>

int hk_serve_submit(struct hk_push *push, const struct hk_ref_seen *seen, size_t n_seen,
		    unsigned more_flags, struct hk_submission *ret, bool *ret_attached,
		    struct hk_error *err)
{
	struct hk_deployment_request req;
	struct hk_pusher pusher;

	hk_push_request(push, &pusher, &req);
	req.flags |= more_flags;
	req.seen = seen;
	req.n_seen = n_seen;
	if (hk_submit_find_same(&push->project, push->ledger, &req, ret_attached, ret, err))
		return err->code;
	if (!*ret_attached)
		return hk_submit(&push->project, push->ledger, &req, hk_head_write, ret, err);
	hk_report_say(&push->text.report, HK_REPORT_INFO,
		      "hostkit: %s: deployment %lld deploys this commit already; its log:",
		      push->project.name, (long long)ret->id);
	return hk_ledger_see_refs(push->ledger, seen, n_seen, err);
}

int hk_serve_follow(struct hk_push *push, const struct hk_submission *s, enum hk_relay_end *ret_end,
		    struct hk_error *err)
{
	struct hk_relay_spec spec = {
		.log_path = s->log_path,
		.worker = &s->worker,
		.out_fd = STDERR_FILENO,
		.detach_fd = -1,
		.client = getppid(), /* receive-pack: orphaned when its client dies */
		.stall_ms = push->project.conf.push_stall,
	};

	if (hk_relay_run(&spec, ret_end, err) || *ret_end != HK_RELAY_COMPLETE)
		return err->code;
	return hk_push_check_end(push, s->id, err);
}
