/*
 * The gate (contract in gate.h).
 */
#include <deploy/gate.h>

#include <base/clock.h>
#include <base/human.h>
#include <deploy/limits.h>
#include <deploy/request.h>
#include <sys/fs.h>

static int check_freeze(const struct hk_project *p, struct hk_error *err)
{
	if (!*p->conf.deploy_freeze)
		return 0;
	hk_error_set(err, HK_E_FROZEN, "deployments of '%s' are frozen: %.300s", p->name,
		     p->conf.deploy_freeze);
	return hk_error_hint(err,
			     "the administrator ends it: [deploy] freeze in the INI file of '%s'",
			     p->name);
}

static int check_pause(const struct hk_project *p, struct hk_ledger *l, struct hk_error *err)
{
	struct hk_pause pause = HK_PAUSE_INIT;
	char since[HK_CLOCK_RFC3339_LEN];
	int ret = hk_ledger_get_pause(l, &pause, err);

	if (!ret && pause.at) {
		hk_error_set(err, HK_E_PAUSED,
			     "deployments of '%s' are paused%s%s since %s%s%.300s", p->name,
			     pause.author ? " by " : "", pause.author ? pause.author : "",
			     hk_clock_rfc3339(pause.at, since), pause.reason ? ": " : "",
			     pause.reason ? pause.reason : "");
		ret = hk_error_hint(err, "to go on: hostkit resume %s", p->name);
	}
	hk_pause_release(&pause);
	return ret;
}

static int check_space(const struct hk_project *p, int fd, const char *where, struct hk_error *err)
{
	const struct hk_conf *conf = &p->conf;
	char have[HK_HUMAN_LEN], need[HK_HUMAN_LEN];
	int64_t bytes, inodes;

	if (hk_fs_space(fd, &bytes, &inodes, err))
		return err->code;
	if (bytes < conf->deploy_min_free)
		hk_error_set(err, HK_E_NO_SPACE, "%s are free in '%s'; a deployment needs %s",
			     hk_human_size(bytes, have), where,
			     hk_human_size(conf->deploy_min_free, need));
	else if (inodes >= 0 && inodes < conf->deploy_min_inodes)
		hk_error_set(err, HK_E_NO_SPACE,
			     "%lld inodes are free in '%s'; a deployment needs %lld",
			     (long long)inodes, where, (long long)conf->deploy_min_inodes);
	else
		return 0;
	return hk_error_hint(
		err,
		"see what is large: df -h %s; to free some: hostkit deploy %s --cleanup, hostkit service logs %s --clear",
		where, p->name, p->name);
}

int hk_gate_check(const struct hk_project *p, struct hk_ledger *l, const struct hk_gate *g,
		  struct hk_error *err)
{
	if (check_freeze(p, err) || check_pause(p, l, err) ||
	    (!(g->flags & HK_REQUEST_OVERRIDE_RATELIMIT) &&
	     hk_limits_check(p, l, g->before, g->at, err)) ||
	    check_space(p, p->releases_fd, p->home_path, err))
		return err->code;
	return check_space(p, p->state_fd, p->state_path, err);
}
