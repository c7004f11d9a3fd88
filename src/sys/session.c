/*
 * Ending what somebody else started: a session (a service, knowing only its leader), everything
 * that carries a mark in its environment (the commands of a worker that was killed), or everything
 * that runs as a user.
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

	/*
	 * Checked, since the number may by now be another child's, whose status is not ours to
	 * take.
	 */
	if (hk_procstat_read(leader->pid, &st) && st.start == leader->start && st.ppid == getpid())
		waitpid(leader->pid, NULL, WNOHANG);
}

static int look(const struct hk_procid *leader, struct hk_proclist *ret, struct hk_error *err)
{
	if (!hk_proclist_session(leader, ret))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot read '/proc'");
	return 0;
}

/* Looks for members and waits for them, in rounds, up to the deadline. */
static int wait_members(const struct hk_procid *leader, int64_t deadline, bool *ret_ended,
			struct hk_error *err)
{
	for (;;) {
		hk_auto_proclist members = HK_PROCLIST_INIT;
		int64_t round = hk_clock_deadline(ROUND_MS);

		if (look(leader, &members, err))
			return err->code;
		*ret_ended = !members.len;
		if (*ret_ended)
			reap_leader(leader);
		if (*ret_ended || !hk_clock_left(deadline))
			return 0;
		hk_proclist_wait(&members, round < deadline ? round : deadline);
	}
}

static int signal_members(const struct hk_procid *leader, int sig, struct hk_proclist_sent *ret,
			  struct hk_error *err)
{
	hk_auto_proclist members = HK_PROCLIST_INIT;

	if (look(leader, &members, err))
		return err->code;
	hk_proclist_signal(&members, sig, ret);
	return 0;
}

static int ask_members(const struct hk_procid *leader, int64_t grace_ms, bool *ret_ended,
		       struct hk_error *err)
{
	struct hk_proclist_sent sent;

	if (grace_ms <= 0)
		return 0;
	/* What is stopped gets its TERM only when it goes on. */
	if (signal_members(leader, SIGTERM, &sent, err) ||
	    signal_members(leader, SIGCONT, &sent, err))
		return err->code;
	return wait_members(leader, hk_clock_deadline(grace_ms), ret_ended, err);
}

int hk_process_end_session(const struct hk_procid *leader, int64_t grace_ms, struct hk_error *err)
{
	struct hk_proclist_sent sent = { 0 };
	bool ended = leader->pid <= 0;

	if (!ended && ask_members(leader, grace_ms, &ended, err))
		return err->code;
	for (int refused = 0; !ended && refused < REFUSED_ROUNDS;) {
		if (signal_members(leader, SIGKILL, &sent, err) ||
		    wait_members(leader, hk_clock_deadline(ROUND_MS), &ended, err))
			return err->code;
		refused = sent.refused && !sent.sent ? refused + 1 : 0;
	}
	if (!ended)
		return hk_error_set_errno(err, HK_E_IO, sent.refused_errno, "cannot end process %d",
					  (int)sent.refused_pid);
	return 0;
}

/* Finds what is to be ended, at each round anew. */
struct hunt {
	bool (*find)(const struct hunt *h, struct hk_proclist *ret);
	const char *entry;
	uid_t uid;
};

static bool find_marked(const struct hunt *h, struct hk_proclist *ret)
{
	return hk_proclist_marked(h->entry, ret);
}

static bool find_of_user(const struct hunt *h, struct hk_proclist *ret)
{
	return hk_proclist_of_user(h->uid, ret);
}

static int end_all(const struct hunt *h, unsigned *ret_ended, struct hk_error *err)
{
	struct hk_proclist_sent sent = { 0 };
	unsigned ended = 0;

	for (int refused = 0; refused < REFUSED_ROUNDS;) {
		hk_auto_proclist found = HK_PROCLIST_INIT;

		if (!h->find(h, &found))
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot read '/proc'");
		if (!found.len) {
			if (ret_ended)
				*ret_ended = ended;
			return 0;
		}
		/* What is stopped forks no more while the others are ended. */
		hk_proclist_signal(&found, SIGSTOP, &sent);
		hk_proclist_signal(&found, SIGKILL, &sent);
		ended += sent.sent;
		refused = sent.refused && !sent.sent ? refused + 1 : 0;
		hk_proclist_wait(&found, hk_clock_deadline(ROUND_MS));
	}
	return hk_error_set_errno(err, HK_E_IO, sent.refused_errno, "cannot end process %d",
				  (int)sent.refused_pid);
}

int hk_process_end_marked(const char *entry, unsigned *ret_ended, struct hk_error *err)
{
	const struct hunt h = { .find = find_marked, .entry = entry };

	return end_all(&h, ret_ended, err);
}

int hk_process_end_user(uid_t uid, struct hk_error *err)
{
	const struct hunt h = { .find = find_of_user, .uid = uid };

	if (!uid)
		return hk_error_set(err, HK_E_INTERNAL, "root's processes are not to be ended");
	return end_all(&h, NULL, err);
}
