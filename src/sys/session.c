/*
 * Ending a session: how a service is stopped by whoever comes later, knowing only its leader.
 */
#include <sys/process.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <sys/proclist.h>

#define ROUND_MS 100	  /* between two looks at the session; ends of known members come sooner */
#define REFUSED_ROUNDS 10 /* of KILL, before a process of another user is given up */

/* A leader that is the caller's child would stay a zombie, and its number taken. */
static void reap_leader(const struct hk_procid *leader)
{
	struct hk_procstat st;

	/* Checked, since the number may by now be another child's, whose status is not ours to take. */
	if (hk_procstat_read(leader->pid, &st) && st.start == leader->start && st.ppid == getpid())
		waitpid(leader->pid, NULL, WNOHANG);
}

/* Looks for members and waits for them, in rounds, up to the deadline; returns whether all ended. */
static bool wait_members(const struct hk_procid *leader, int64_t deadline)
{
	for (;;) {
		hk_auto_proclist members = HK_PROCLIST_INIT;
		int64_t round = hk_clock_deadline(ROUND_MS);

		hk_proclist_session(leader, &members);
		if (!members.len) {
			reap_leader(leader);
			return true;
		}
		if (!hk_clock_left(deadline))
			return false;
		hk_proclist_wait(&members, round < deadline ? round : deadline);
	}
}

/* One round of a signal; returns how many were there to get it. */
static size_t signal_members(const struct hk_procid *leader, int sig, struct hk_proclist_sent *ret)
{
	hk_auto_proclist members = HK_PROCLIST_INIT;

	hk_proclist_session(leader, &members);
	hk_proclist_signal(&members, sig, ret);
	return members.len;
}

int hk_process_end_session(const struct hk_procid *leader, int64_t grace_ms, struct hk_error *err)
{
	struct hk_proclist_sent sent = { 0 };

	if (leader->pid <= 0)
		return 0;
	if (grace_ms > 0) {
		if (signal_members(leader, SIGTERM, &sent))
			signal_members(leader, SIGCONT, &sent);
		if (wait_members(leader, hk_clock_deadline(grace_ms)))
			return 0;
	}
	for (int refused = 0; refused < REFUSED_ROUNDS;) {
		signal_members(leader, SIGKILL, &sent);
		if (wait_members(leader, hk_clock_deadline(ROUND_MS)))
			return 0;
		refused = sent.refused && !sent.sent ? refused + 1 : 0;
	}
	return hk_error_set_errno(err, HK_E_IO, EPERM, "cannot end process %d",
				  (int)sent.last_refused);
}
