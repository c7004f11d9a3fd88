/*
 * Sets of running processes, for those who have to end them or to know them. A snapshot is out of
 * date when it is made: every signal rechecks the identity, and callers take snapshots until one is
 * empty.
 */
#ifndef HK_SYS_PROCLIST_H
#define HK_SYS_PROCLIST_H

#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <sys/procid.h>

struct hk_proclist {
	struct hk_procstat *items;
	size_t len;
	size_t cap;
};

#define HK_PROCLIST_INIT      \
	{                     \
		.items = NULL \
	}
#define hk_auto_proclist HK_CLEANUP(hk_proclist_release) struct hk_proclist

void hk_proclist_release(struct hk_proclist *l);

/* Whether the kernel tells a process's children, which hk_proclist_descendants builds on. */
bool hk_proclist_supported(void);

/* Everything below root (not root itself) that is not a zombie, parents before their children. */
void hk_proclist_descendants(pid_t root, struct hk_proclist *ret);

/*
 * What runs in the session of leader, which itself may be gone; see hk_process_end_session. False
 * when /proc cannot be read.
 */
bool hk_proclist_session(const struct hk_procid *leader, struct hk_proclist *ret) HK_MUST_CHECK;

/*
 * What was started with that entry ("NAME=value") in its environment, but not the caller itself.
 * Only processes that the caller may inspect are seen. False when /proc cannot be read.
 */
bool hk_proclist_marked(const char *entry, struct hk_proclist *ret) HK_MUST_CHECK;

/* Everything that runs, but the caller itself; nothing when /proc cannot be read. */
void hk_proclist_all(struct hk_proclist *ret);

/*
 * What runs as that user, by real, effective or saved uid: on this machine, or in a user namespace
 * of its own. What another's container runs under the same number is somebody else's. For root;
 * false when /proc cannot be read.
 */
bool hk_proclist_of_user(uid_t uid, struct hk_proclist *ret) HK_MUST_CHECK;

/* What has its working folder there, as far as the caller may inspect it; nothing on failure. */
void hk_proclist_in_folder(const char *path, struct hk_proclist *ret);

/* Whether one of the words of the process's command line ends in that text. */
bool hk_proclist_runs(pid_t pid, const char *ending);

/* What became of a round of signals. */
struct hk_proclist_sent {
	unsigned sent;
	unsigned refused; /* still there, but could not be signalled; the last one and why: */
	pid_t refused_pid;
	int refused_errno;
};

/* Sends sig to each that is still the same process; with SIGSTOP, to those that are not stopped. */
void hk_proclist_signal(const struct hk_proclist *l, int sig, struct hk_proclist_sent *ret);

/* Waits until all have ended or the deadline (hk_clock_deadline) has come. */
void hk_proclist_wait(const struct hk_proclist *l, int64_t deadline);

#endif
