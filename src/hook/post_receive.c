/*
 * post-receive: the ref that deploys is submitted and followed, unless proc-receive has done so.
 */
#include <hook/post_receive.h>

#include <stdbool.h>
#include <string.h>

#include <base/alloc.h>
#include <deploy/dead.h>
#include <hook/drop.h>
#include <hook/locate.h>
#include <hook/push.h>
#include <hook/serve.h>

struct post {
	struct hk_push push;
	const struct hk_ref_update *taken; /* the chosen one, once a worker has it */
	bool dropped;			   /* the others below refs/deploy/ are gone */
	bool served;			   /* a deployment has the chosen one */
};

/* Nothing deploys; what else there is to do is no reason to let the client wait. */
static int leave(struct hk_push *push, const struct hk_ref_seen *seen, struct hk_error *err)
{
	if (hk_ledger_see_refs(push->ledger, seen, push->len, err))
		return err->code;
	return hk_dead_start_recovery(&push->project, 0, err);
}

static void drop_refs(struct post *post)
{
	if (!post->dropped)
		hk_hook_drop_refs(post->push.updates, post->push.len, post->taken);
	post->dropped = true;
}

static int deploy(struct post *post, const struct hk_ref_seen *seen, struct hk_error *err)
{
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	bool attached = false;
	enum hk_relay_end end;
	int ret = hk_serve_submit(&post->push, seen, post->push.len, 0, &s, &attached, err);

	post->served = !ret;
	if (!ret && !attached)
		post->taken = post->push.chosen;
	/* Before the client is served, who may stay for long: see missed.h. */
	drop_refs(post);
	return ret ? ret : hk_serve_follow(&post->push, &s, &end, err);
}

static int serve(struct post *post, struct hk_error *err)
{
	struct hk_push *push = &post->push;
	struct hk_ref_seen *seen = NULL;
	bool done = false;
	int ret;

	if (hk_locate_project(&push->project, err) || hk_push_open_ledger(push, err) ||
	    hk_push_read_options(push, err))
		return err->code;
	hk_push_choose(push);
	if (push->chosen &&
	    hk_submit_is_done(push->ledger, push->chosen->ref, push->chosen->new_oid, &done, err))
		return err->code;
	if (!done)
		hk_push_name_others(push);
	post->served = done;
	seen = hk_push_seen(push);
	ret = push->chosen && !done ? deploy(post, seen, err) : leave(push, seen, err);
	free(seen);
	return ret;
}

/* git has moved the ref, so that pushing it once more would be "up-to-date". */
static void say_again(struct post *post)
{
	const struct hk_push *push = &post->push;
	const struct hk_ref_update *u = push->chosen;

	if (post->served || !push->len)
		return;
	u = u ? u : &push->updates[push->len - 1];
	if (!hk_ref_is_null_oid(u->new_oid))
		hk_report_say(&post->push.text.report, HK_REPORT_HINT,
			      "when that is mended: git push hostkit %.7s:refs/deploy/now",
			      u->new_oid);
}

int hk_post_receive(void)
{
	struct post post = { .taken = NULL };
	struct hk_error err = HK_ERROR_INIT;
	int ret;

	hk_push_init(&post.push);
	ret = hk_locate_check(&err);
	if (!ret)
		ret = hk_push_read(&post.push, &err);
	if (!ret)
		ret = serve(&post, &err);
	drop_refs(&post);
	if (ret) {
		hk_push_say_error(&post.push, &err);
		say_again(&post);
	}
	hk_push_release(&post.push);
	return hk_code_exit(ret);
}
