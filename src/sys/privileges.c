/*
 * Capabilities, no_new_privs and the system call filter (contract in privileges.h).
 */
#include <sys/privileges.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sys/failpoint.h>

/* What package managers use when they are root's. */
static const int kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
			    CAP_KILL,  CAP_SETGID,	 CAP_SETUID, CAP_NET_BIND_SERVICE };

static bool is_kept(int capability)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(kept); i++)
		if (kept[i] == capability)
			return true;
	return false;
}

int hk_privileges_drop(struct hk_error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot give up new privileges");
	/* Exec takes from root what is not in this set. Others have nothing to lose. */
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (!is_kept(i) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && errno != EPERM)
			return hk_error_set_errno(err, HK_E_IO, errno,
						  "cannot give up capability %d", i);
	return 0;
}

/* Both calls, of every kind of program that the processor runs. */
#if defined(__x86_64__)
#define CALLS(row)                                                                                \
	row(AUDIT_ARCH_X86_64, 302, 62) row(AUDIT_ARCH_X86_64, 0x40000000 | 302, 0x40000000 | 62) \
		row(AUDIT_ARCH_I386, 340, 37)
#elif defined(__aarch64__)
#define CALLS(row) row(AUDIT_ARCH_AARCH64, 261, 129) row(AUDIT_ARCH_ARM, 369, 37)
#elif defined(__riscv) && __riscv_xlen == 64
#define CALLS(row) row(AUDIT_ARCH_RISCV64, 261, 129)
#endif

#ifdef CALLS

/*
 * prlimit64 is for process 0, which is oneself, and kill for anything but -1, which is everybody of
 * the user: the worker and the service among them, where Landlock cannot tell (before Linux 6.12).
 */
#define ROWS(arch, prlimit64, kill) { arch, prlimit64, 0, true }, { arch, kill, ~0U, false },

static const struct {
	unsigned arch, call;
	unsigned process; /* the first argument, of which a process number is the lower half */
	bool only;	  /* with that it is allowed, and otherwise not; else the reverse */
} calls[] = { CALLS(ROWS) };

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ROW_LEN 8

int hk_privileges_filter(struct hk_error *err)
{
	struct sock_filter code[HK_ARRAY_LEN(calls) * ROW_LEN + 1];
	struct sock_fprog program = { .len = HK_ARRAY_LEN(code), .filter = code };
	size_t n = 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(calls); i++) {
		const unsigned refused = SECCOMP_RET_ERRNO | EPERM;
		const struct sock_filter row[ROW_LEN] = {
			FIELD(arch),
			UNLESS(calls[i].arch, 6),
			FIELD(nr),
			UNLESS(calls[i].call, 4),
			FIELD(args[0]),
			UNLESS(calls[i].process, 1),
			RETURN(calls[i].only ? SECCOMP_RET_ALLOW : refused),
			RETURN(calls[i].only ? refused : SECCOMP_RET_ALLOW),
		};

		for (size_t k = 0; k < ROW_LEN; k++)
			code[n++] = row[k];
	}
	code[n] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot filter system calls");
}

bool hk_privileges_can_filter(void)
{
	unsigned action = SECCOMP_RET_ERRNO;

	return !HK_KERNEL_LACKS("seccomp") && BYTE_ORDER == LITTLE_ENDIAN &&
	       !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

#else

int hk_privileges_filter(struct hk_error *err)
{
	return hk_error_set(err, HK_E_NOT_SUPPORTED, "no filter is known for this processor");
}

bool hk_privileges_can_filter(void)
{
	return false;
}

#endif
