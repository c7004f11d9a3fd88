/*
 * Confinement of one command and of everything that it starts: what it may read and write, whom it
 * may signal, and how much it may use. It needs no privileges. The caller fills it and compiles it
 * once; the child enters it between fork and exec (see hk_process_spec).
 *
 * Files are confined twice, each time as far as the kernel can: by Landlock (landlock(7): rights by
 * folder, also where namespaces are forbidden), and by a mount namespace (mount_namespaces(7): what
 * is hidden is empty, all else is read-only), which alone stops connections to sockets by path, and
 * truncation before Linux 6.2.
 */
#ifndef HK_SYS_SANDBOX_H
#define HK_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/error.h>

enum hk_access {
	HK_ACCESS_NONE,
	HK_ACCESS_READ, /* and execute; what "/" has when nobody says otherwise */
	HK_ACCESS_WRITE,
};

/* A folder or file and everything below it, but what another entry says of a part of that. */
struct hk_sandbox_path {
	char *path; /* absolute; after hk_sandbox_compile without links */
	char *link; /* that led there; NULL: none did */
	enum hk_access access;
	bool is_dir;
	/*
	 * What is there instead, where there is a mount namespace: another folder, which has an
	 * entry of its own, or, with "", an empty one in memory. NULL: what is there.
	 */
	char *instead;
};

/* What the kernel lets this process do: see hk_sandbox_probe. */
struct hk_sandbox_kernel {
	int landlock_abi;     /* 0: none */
	bool user_namespace;  /* a new one is needed for the others, and may be made */
	bool mounts;	      /* folders can be hidden behind empty ones */
	bool mounts_readonly; /* and all else be made read-only (Linux 5.12) */
	bool no_network;
	bool syscall_filter;
};

/* What Landlock can since these versions of its interface: move between folders, truncate, scope
 * signals. */
enum { HK_LANDLOCK_REFER = 2, HK_LANDLOCK_TRUNCATE = 3, HK_LANDLOCK_SCOPE = 6 };

/* Limits that something else enforces already (a control group). */
enum { HK_COVERS_MEMORY = 1 << 0, HK_COVERS_TASKS = 1 << 1, HK_COVERS_CPU = 1 << 2 };

struct hk_sandbox {
	struct hk_sandbox_path *paths;
	size_t len, cap;
	bool confine;	    /* files, signals, sockets, privileges; else only what follows */
	bool no_network;    /* nothing but an own loopback interface */
	int64_t memory_max; /* bytes of data of each process; 0: no limit */
	int64_t tasks_max;  /* processes and threads beside those that the user has; 0: no limit */
	int64_t cpu_quota;  /* percent of one processor; only lowers the priority here; 0: none */
	struct hk_sandbox_kernel kernel;

	int ruleset; /* of Landlock, once compiled; -1: none */
	int64_t tasks_present;
};

#define HK_SANDBOX_INIT                                \
	{                                              \
		.paths = NULL, .len = 0, .ruleset = -1 \
	}
#define hk_auto_sandbox HK_CLEANUP(hk_sandbox_release) struct hk_sandbox

void hk_sandbox_release(struct hk_sandbox *s);

/* The last word on a path counts. */
void hk_sandbox_add(struct hk_sandbox *s, const char *path, enum hk_access access);
void hk_sandbox_addf(struct hk_sandbox *s, enum hk_access access, const char *fmt, ...)
	HK_PRINTF(3, 4);

/* The path becomes another folder; only with kernel.mounts, which has to be set by now. */
void hk_sandbox_replace(struct hk_sandbox *s, const char *path, const char *instead);

/*
 * Finds out what the kernel allows, by trying it in a forked child. HK_E_IO when there can be no
 * child.
 */
int hk_sandbox_probe(struct hk_sandbox_kernel *ret, struct hk_error *err) HK_MUST_CHECK;

/* Whether files can be confined, whatever else cannot. */
bool hk_sandbox_confines_files(const struct hk_sandbox_kernel *k);

/*
 * Resolves the paths (those that do not exist are left out) and prepares what can be before the
 * fork. What is below a folder that is partly hidden is reachable only if it is there by now.
 * HK_E_NOT_SUPPORTED when there shall be no network, and the kernel does not allow that.
 */
int hk_sandbox_compile(struct hk_sandbox *s, struct hk_error *err) HK_MUST_CHECK;

/*
 * In the child, in its working folder, with nothing but its own descriptors open to the command:
 * confines it for good. covered: limits that need not be set here.
 */
int hk_sandbox_enter(const struct hk_sandbox *s, unsigned covered,
		     struct hk_error *err) HK_MUST_CHECK;

#endif
