/*
 * Head of a deployment's log.
 */
#include <ui/head.h>

#include <deploy/key_reader.h>
#include <deploy/request.h>
#include <deploy/source.h>
#include <ui/text.h>

/* Whoever pushed with a key has no shell here, but the commands over ssh. */
static void say_how_to_watch(struct hk_report *report, const struct hk_project *p,
			     const struct hk_deployment_request *req, int64_t id)
{
	HK_CLEANUP(hk_key_reader_release) struct hk_key_reader reader = HK_KEY_READER_INIT;
	static const struct hk_strlist any = HK_STRLIST_INIT;

	hk_key_reader_init(&reader, &any);
	if (req->pusher_key && *reader.to)
		hk_report_say(report, HK_REPORT_INFO,
			      "hostkit: Ctrl-C detaches; watch again: ssh %s deploy log %lld -f",
			      reader.to, (long long)id);
	else
		hk_report_say(
			report, HK_REPORT_INFO,
			"hostkit: Ctrl-C detaches; watch again: hostkit deploy log %s %lld -f",
			p->name, (long long)id);
}

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
	/* On a line of its own, which 80 columns hold. */
	if (req->pusher_key)
		hk_report_say(&text.report, HK_REPORT_INFO, "hostkit: key: %s", req->pusher_key);
	if (req->reason)
		hk_report_say(&text.report, HK_REPORT_INFO, "hostkit: reason: %s", req->reason);
	for (size_t i = 0; i < hk_request_options_len; i++)
		if (req->flags & hk_request_options[i].flag)
			hk_report_say(&text.report, HK_REPORT_INFO, "hostkit: asked for: %s",
				      hk_request_options[i].name);
	say_how_to_watch(&text.report, p, req, id);
}
