/*
 * Head of a deployment's log.
 */
#include <ui/head.h>

#include <pwd.h>
#include <unistd.h>

#include <deploy/request.h>
#include <deploy/source.h>
#include <ui/text.h>

/* Whoever pushed with a key has no shell here, but the commands over ssh. */
static void say_how_to_watch(struct hk_report *report, const struct hk_project *p,
			     const struct hk_deployment_request *req, int64_t id)
{
	struct passwd *pw = getpwuid(geteuid());
	char host[256] = "HOST";

	gethostname(host, sizeof(host) - 1);
	if (req->pusher_key && pw)
		hk_report_say(report, HK_REPORT_INFO,
			      "hostkit: Ctrl-C detaches; watch again: ssh %s@%s deploy log %lld -f",
			      pw->pw_name, host, (long long)id);
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
