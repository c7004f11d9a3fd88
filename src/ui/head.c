/*
 * Head of a deployment's log.
 */
#include <ui/head.h>

#include <deploy/source.h>
#include <ui/text.h>

void hk_head_write(int log_fd, const struct hk_project *p, const struct hk_deployment_request *req,
		   int64_t id)
{
	hk_auto_buf what = HK_BUF_INIT;
	struct hk_text text;

	hk_text_init(&text, log_fd);
	hk_source_describe(req->source, req->ref, req->object, &what);
	hk_report_say(&text.report, HK_REPORT_INFO, "hostkit: %s: deployment %lld of %s%s%s",
		      p->name, (long long)id, what.data, req->pusher ? " by " : "",
		      req->pusher ? req->pusher : "");
	hk_report_say(&text.report, HK_REPORT_INFO,
		      "hostkit: Ctrl-C detaches; watch again: hostkit deploy log %s %lld -f",
		      p->name, (long long)id);
}
