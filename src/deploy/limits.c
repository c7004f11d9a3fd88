/*
 * Limits from the ledger's counts (contract in limits.h).
 */
#include <deploy/limits.h>

#include <base/clock.h>
#include <base/human.h>
#include <deploy/request.h>

static struct hk_counting counting(int64_t before, int64_t window, int64_t at)
{
	return (struct hk_counting){
		.before = before,
		.from = at - window + 1,
		.to = at,
		.left_out = HK_REQUEST_ROLLBACK,
	};
}

int hk_limits_look(const struct hk_project *p, struct hk_ledger *l, int64_t before, int64_t at,
		   struct hk_limits *ret, struct hk_error *err)
{
	const struct hk_conf *conf = &p->conf;
	const struct hk_counting c = counting(before, conf->ratelimit_window, at);
	struct hk_limits limits = { .why = 0 };
	int64_t nth, last;

	if (hk_ledger_count_accepted(l, &c, &limits.used, err) ||
	    hk_ledger_nth_accepted(l, &c, conf->ratelimit_max, &nth, err) ||
	    hk_ledger_failures_in_a_row(l, &c, &limits.failures, &last, err))
		return err->code;
	if (conf->ratelimit_enabled && nth) {
		limits.next_at = nth + conf->ratelimit_window;
		limits.why = HK_E_RATE_LIMIT_EXCEEDED;
	}
	/* A clock that was set back must not make it longer than it is. */
	if (conf->ratelimit_enabled && conf->ratelimit_failure_limit && last <= at &&
	    limits.failures >= conf->ratelimit_failure_limit &&
	    last + conf->ratelimit_cooldown > at &&
	    last + conf->ratelimit_cooldown > limits.next_at) {
		limits.next_at = last + conf->ratelimit_cooldown;
		limits.why = HK_E_COOLDOWN;
	}
	*ret = limits;
	return 0;
}

static int refuse(const struct hk_project *p, const struct hk_limits *limits, int64_t at,
		  struct hk_error *err)
{
	const struct hk_conf *conf = &p->conf;
	char when[HK_CLOCK_RFC3339_LEN], in[HK_HUMAN_LEN], window[HK_HUMAN_LEN];

	hk_clock_rfc3339(limits->next_at, when);
	hk_human_duration(limits->next_at - at, in);
	if (limits->why == HK_E_COOLDOWN)
		hk_error_set(
			err, HK_E_COOLDOWN,
			"the last %lld deployments of '%s' failed; the next one is possible in "
			"%s, at %.10s %.8s UTC",
			(long long)limits->failures, p->name, in, when, when + 11);
	else
		hk_error_set(
			err, HK_E_RATE_LIMIT_EXCEEDED,
			"'%s' may be deployed %lld times in %s; the next one is possible in %s, "
			"at %.10s %.8s UTC",
			p->name, (long long)conf->ratelimit_max,
			hk_human_duration(conf->ratelimit_window, window), in, when, when + 11);
	if (hk_strlist_has(&conf->push_allow, "override-ratelimit"))
		return hk_error_hint(err,
				     "to deploy now: git push -o override-ratelimit ..., or on "
				     "the server: hostkit ratelimit reset %s",
				     p->name);
	return hk_error_hint(err,
			     "to deploy now, on the server: hostkit ratelimit reset %s, or hostkit "
			     "deploy %s --override-ratelimit",
			     p->name, p->name);
}

int hk_limits_check(const struct hk_project *p, struct hk_ledger *l, int64_t before, int64_t at,
		    struct hk_error *err)
{
	struct hk_limits limits;

	if (hk_limits_look(p, l, before, at, &limits, err))
		return err->code;
	return limits.why ? refuse(p, &limits, at, err) : 0;
}

int hk_limits_autopause(const struct hk_project *p, struct hk_ledger *l, bool *ret_paused,
			struct hk_error *err)
{
	const struct hk_conf *conf = &p->conf;
	const struct hk_counting c =
		counting(INT64_MAX, conf->autopause_window, hk_clock_wall_ms());
	char reason[128], window[HK_HUMAN_LEN];
	int64_t failed;

	*ret_paused = false;
	if (!conf->autopause_enabled)
		return 0;
	if (hk_ledger_count_failed(l, &c, &failed, err))
		return err->code;
	if (failed < conf->autopause_failures)
		return 0;
	snprintf(reason, sizeof(reason), "%lld deployments failed within %s", (long long)failed,
		 hk_human_duration(conf->autopause_window, window));
	if (hk_ledger_pause(l, reason, "hostkit", err))
		return err->code;
	*ret_paused = true;
	return 0;
}

int64_t hk_limits_history(const struct hk_conf *conf)
{
	int64_t n = conf->ratelimit_max;

	n = conf->ratelimit_failure_limit > n ? conf->ratelimit_failure_limit : n;
	return conf->autopause_failures > n ? conf->autopause_failures : n;
}
