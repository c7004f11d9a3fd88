/*
 * Making namespaces (contract in namespaces.h).
 */
#include <sys/namespaces.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/alloc.h>
#include <sys/failpoint.h>
#include <sys/mounts.h>

static int write_map(const char *path, const char *text, struct hk_error *err)
{
	hk_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd >= 0 && write(fd, text, len) == (ssize_t)len)
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot write '%s'", path);
}

/* Everybody but the user becomes "nobody"; rights stay what they are. */
static int map_user(uid_t uid, gid_t gid, struct hk_error *err)
{
	hk_auto_free char *uids = hk_xasprintf("%u %u 1", (unsigned)uid, (unsigned)uid);
	hk_auto_free char *gids = hk_xasprintf("%u %u 1", (unsigned)gid, (unsigned)gid);
	int dumpable = prctl(PR_GET_DUMPABLE);
	int ret;

	/* A worker that has opened the vault is not, and then these files are root's. */
	prctl(PR_SET_DUMPABLE, 1);
	ret = write_map("/proc/self/setgroups", "deny", err);
	if (!ret)
		ret = write_map("/proc/self/gid_map", gids, err);
	if (!ret)
		ret = write_map("/proc/self/uid_map", uids, err);
	if (dumpable == 0)
		prctl(PR_SET_DUMPABLE, 0);
	return ret;
}

static int unshare_all(int flags, bool user, struct hk_error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(flags | (user ? CLONE_NEWUSER : 0)))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a namespace");
	return user ? map_user(uid, gid, err) : 0;
}

static int loopback_up(struct hk_error *err)
{
	hk_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &lo))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno,
				  "cannot bring up the loopback of a network namespace");
}

int hk_namespaces_enter(const struct hk_sandbox *s, struct hk_error *err)
{
	bool mounts = s->confine && s->kernel.mounts;
	/* Shared memory of System V has no paths. */
	int flags = (mounts ? CLONE_NEWNS | CLONE_NEWIPC : 0) | (s->no_network ? CLONE_NEWNET : 0);

	if (!flags)
		return 0;
	if (unshare_all(flags, s->kernel.user_namespace, err) ||
	    (s->no_network && loopback_up(err)))
		return err->code;
	return mounts && (hk_mounts_detach(err) || hk_mounts_arrange(s, err)) ? err->code : 0;
}

void hk_namespaces_try(struct hk_sandbox_kernel *ret)
{
	struct hk_error ignored = HK_ERROR_INIT;

	if (HK_KERNEL_LACKS("namespaces"))
		return;
	/* Who may make one without being another user's root need not. */
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC)) {
		if (unshare_all(CLONE_NEWNS | CLONE_NEWIPC, true, &ignored))
			return;
		ret->user_namespace = true;
	}
	ret->no_network = !HK_KERNEL_LACKS("network-namespace") && !unshare(CLONE_NEWNET) &&
			  !loopback_up(&ignored);
	ret->mounts =
		!HK_KERNEL_LACKS("mounts") && !hk_mounts_detach(&ignored) && hk_mounts_try_mask();
	ret->mounts_readonly =
		ret->mounts && !HK_KERNEL_LACKS("mount-setattr") && hk_mounts_try_readonly();
}
