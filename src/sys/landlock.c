/*
 * Rulesets of Landlock (contract in landlock.h).
 */
#include <sys/landlock.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <base/alloc.h>
#include <sys/failpoint.h>

/* What Debian 12's header does not have yet. */
#define ACCESS_TRUNCATE (1ULL << 14)
#define ACCESS_IOCTL_DEV (1ULL << 15)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

struct ruleset_attr {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

#define READ_FILE (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE)
#define READ (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE (READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
/* No devices: what they name is not the folder's. */
#define WRITE                                                                                 \
	(READ | WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                          \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                        \
	 LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define DEVICE                                                                            \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE | \
	 ACCESS_IOCTL_DEV)
#define ALL \
	(WRITE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | ACCESS_IOCTL_DEV)

/* All that a command needs of /dev: root could read whole disks there. */
static const struct {
	const char *path;
	uint64_t access;
} devices[] = {
	{ "/dev/null", DEVICE },    { "/dev/zero", DEVICE },
	{ "/dev/full", DEVICE },    { "/dev/random", DEVICE },
	{ "/dev/urandom", DEVICE }, { "/dev/tty", DEVICE },
	{ "/dev/ptmx", DEVICE },    { "/dev/pts", DEVICE | LANDLOCK_ACCESS_FS_READ_DIR },
};

struct compiler {
	const struct hk_sandbox *s;
	int ruleset;
	uint64_t handled;
};

/* The first rights that each version of the interface does not know. */
static uint64_t handled_by(int abi)
{
	static const uint64_t unknown[] = { 1,		1ULL << 13, 1ULL << 14,
					    1ULL << 15, 1ULL << 15, 1ULL << 16 };
	size_t i = (size_t)abi < HK_ARRAY_LEN(unknown) ? (size_t)abi : HK_ARRAY_LEN(unknown) - 1;

	return ALL & (unknown[i] - 1);
}

int hk_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 0 || HK_KERNEL_LACKS("landlock"))
		return 0;
	if (abi >= HK_LANDLOCK_TRUNCATE && HK_KERNEL_LACKS("landlock-truncate"))
		return HK_LANDLOCK_TRUNCATE - 1;
	if (abi >= HK_LANDLOCK_SCOPE && HK_KERNEL_LACKS("landlock-scope"))
		return HK_LANDLOCK_SCOPE - 1;
	return (int)abi;
}

static uint64_t rights(enum hk_access access, bool is_dir)
{
	static const uint64_t of[][2] = {
		[HK_ACCESS_NONE] = { 0, 0 },
		[HK_ACCESS_READ] = { READ_FILE, READ },
		[HK_ACCESS_WRITE] = { WRITE_FILE, WRITE },
	};

	return of[access][is_dir];
}

static int grant(const struct compiler *c, int fd, const char *name, uint64_t access,
		 struct hk_error *err)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access & c->handled,
		.parent_fd = fd,
	};

	if (!rule.allowed_access ||
	    !syscall(SYS_landlock_add_rule, c->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		return 0;
	/* Files that belong to no filesystem, which Landlock leaves alone. */
	if (errno == EBADFD)
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a Landlock rule for '%s'",
				  name);
}

/* What is gone, or a link, needs no rule. */
static int grant_path(const struct compiler *c, int dirfd, const char *name, enum hk_access access,
		      struct hk_error *err)
{
	hk_auto_close int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || S_ISLNK(st.st_mode))
		return 0;
	return grant(c, fd, name, rights(access, S_ISDIR(st.st_mode)), err);
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (n == 1) /* "/" */
		return path[1] != '\0';
	return !strncmp(path, folder, n) && path[n] == '/';
}

static bool has_entry(const struct hk_sandbox *s, const char *path)
{
	for (size_t i = 0; i < s->len; i++)
		if (!strcmp(s->paths[i].path, path))
			return true;
	return false;
}

/* Whether a part of the folder has less rights than the rest. */
static bool is_cut(const struct hk_sandbox *s, const char *folder, enum hk_access access)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->paths[i].access < access && is_below(s->paths[i].path, folder))
			return true;
	return false;
}

static int visit(const struct compiler *c, const char *path, enum hk_access access,
		 struct hk_error *err);

/* Around what is hidden. Entries of their own have their turn in compile_paths. */
static int visit_children(const struct compiler *c, const char *path, enum hk_access access,
			  struct hk_error *err)
{
	hk_auto_closedir DIR *dir = opendir(path);
	const struct dirent *e;

	/* A folder that the user may not list has nothing to grant by name. */
	while (dir && (e = readdir(dir))) {
		hk_auto_free char *child = NULL;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || e->d_type == DT_LNK)
			continue;
		child = hk_xasprintf("%s/%s", path[1] ? path : "", e->d_name);
		if (has_entry(c->s, child) || !strcmp(child, "/dev"))
			continue;
		if (is_cut(c->s, child, access) ? visit(c, child, access, err)
						: grant_path(c, dirfd(dir), e->d_name, access, err))
			return err->code;
	}
	return 0;
}

static int visit(const struct compiler *c, const char *path, enum hk_access access,
		 struct hk_error *err)
{
	/* Below "/" there always is /dev, which is not given as a whole. */
	if (!path[1] || is_cut(c->s, path, access))
		return visit_children(c, path, access, err);
	return grant_path(c, AT_FDCWD, path, access, err);
}

static int compile_paths(const struct compiler *c, struct hk_error *err)
{
	const struct hk_sandbox *s = c->s;

	if (!has_entry(s, "/") && visit(c, "/", HK_ACCESS_READ, err))
		return err->code;
	for (size_t i = 0; i < s->len; i++)
		if (s->paths[i].access && visit(c, s->paths[i].path, s->paths[i].access, err))
			return err->code;
	return 0;
}

static int compile_devices(const struct compiler *c, struct hk_error *err)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(devices); i++) {
		hk_auto_close int fd = open(devices[i].path, O_PATH | O_CLOEXEC);

		if (fd >= 0 && grant(c, fd, devices[i].path, devices[i].access, err))
			return err->code;
	}
	return 0;
}

int hk_landlock_compile(const struct hk_sandbox *s, int *ret_fd, struct hk_error *err)
{
	int abi = s->kernel.landlock_abi;
	struct ruleset_attr attr = {
		.handled_fs = handled_by(abi),
		.scoped = abi >= HK_LANDLOCK_SCOPE ? SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET : 0,
	};
	/* As long as the kernel's own, or it would not know the rest. */
	size_t size = abi >= HK_LANDLOCK_SCOPE ? sizeof(attr) : sizeof(attr.handled_fs);
	hk_auto_close int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	const struct compiler c = { .s = s, .ruleset = fd, .handled = attr.handled_fs };

	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a Landlock ruleset");
	if (compile_paths(&c, err) || compile_devices(&c, err))
		return err->code;
	*ret_fd = hk_steal_fd(&fd);
	return 0;
}

int hk_landlock_add(int ruleset, int abi, const char *path, struct hk_error *err)
{
	const struct compiler c = { .ruleset = ruleset, .handled = handled_by(abi) };

	return grant_path(&c, AT_FDCWD, path, HK_ACCESS_WRITE, err);
}

int hk_landlock_enter(int ruleset, struct hk_error *err)
{
	if (!syscall(SYS_landlock_restrict_self, ruleset, 0))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot confine a command by Landlock");
}

bool hk_landlock_isolate(void)
{
	int abi = hk_landlock_abi();
	/* A domain has to handle something: one right that needs a capability, and the one to move
	 * between folders, which every domain takes that does not give it. */
	const struct ruleset_attr attr = {
		.handled_fs = LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_REFER,
		.scoped = abi >= HK_LANDLOCK_SCOPE ? SCOPE_SIGNAL : 0,
	};
	size_t size = abi >= HK_LANDLOCK_SCOPE ? sizeof(attr) : sizeof(attr.handled_fs);
	hk_auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_REFER,
		.parent_fd = root,
	};
	hk_auto_close int fd = -1;

	if (abi < HK_LANDLOCK_REFER || root < 0)
		return false;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	return fd >= 0 &&
	       !syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) &&
	       !syscall(SYS_landlock_restrict_self, fd, 0);
}
