/*
 * exec, its PATH search, and what to say when it fails: ENOENT alone would not tell a missing
 * program from a missing interpreter.
 */
#include <sys/exec.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* The interpreter after "#!", its end cut off at white space, CR kept; "" when there is none. */
static void read_interpreter(const char *path, char *out, size_t size)
{
	char head[256];
	ssize_t n;
	size_t skip;
	hk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	out[0] = '\0';
	n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);
	if (n < 3 || head[0] != '#' || head[1] != '!')
		return;
	head[n] = '\0';
	skip = 2 + strspn(head + 2, " \t");
	head[skip + strcspn(head + skip, " \t\n")] = '\0';
	snprintf(out, size, "%s", head + skip);
}

static int explain_interpreter(const char *path, struct hk_error *err)
{
	char name[256];
	size_t len;

	read_interpreter(path, name, sizeof(name));
	len = strlen(name);
	if (!len)
		return hk_error_set(err, HK_E_COMMAND_NOT_FOUND,
				    "'%s' was built for another system: its loader is missing",
				    path);
	if (name[len - 1] == '\r') {
		name[len - 1] = '\0';
		hk_error_set(err, HK_E_COMMAND_NOT_FOUND,
			     "'%s' has Windows line ends: a carriage return follows its "
			     "interpreter '%s'",
			     path, name);
		return hk_error_hint(err,
				     "commit it with LF line ends: add '%s text eol=lf' to "
				     ".gitattributes",
				     path);
	}
	hk_error_set(err, HK_E_COMMAND_NOT_FOUND,
		     "'%s' needs the interpreter '%s', which does not exist", path, name);
	return hk_error_hint(err, "install it, or correct the first line of '%s'", path);
}

static int explain_access(const char *path, const struct stat *st, struct hk_error *err)
{
	if (S_ISDIR(st->st_mode))
		return hk_error_set(err, HK_E_COMMAND_NOT_FOUND, "'%s' is a folder", path);
	if (!S_ISREG(st->st_mode) || access(path, X_OK) == 0)
		return hk_error_set_errno(err, HK_E_COMMAND_NOT_FOUND, EACCES, "cannot run '%s'",
					  path);
	hk_error_set(err, HK_E_COMMAND_NOT_FOUND, "'%s' is not executable", path);
	return hk_error_hint(err, "commit it as executable: git update-index --chmod=+x %s", path);
}

static int explain(const char *path, int e, struct hk_error *err)
{
	struct stat st;
	bool there = stat(path, &st) == 0;

	switch (e) {
	case ENOENT:
		if (there)
			return explain_interpreter(path, err);
		return hk_error_set(err, HK_E_COMMAND_NOT_FOUND, "'%s' does not exist", path);
	case EACCES:
		if (there)
			return explain_access(path, &st, err);
		break;
	case ENOEXEC:
		return hk_error_set(err, HK_E_COMMAND_NOT_FOUND,
				    "'%s' is neither a program nor a script with a #! line", path);
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		break;
	default:
		return hk_error_set_errno(err, HK_E_IO, e, "cannot run '%s'", path);
	}
	return hk_error_set_errno(err, HK_E_COMMAND_NOT_FOUND, e, "cannot run '%s'", path);
}

static const char *path_of(const char *const *env)
{
	for (; env && *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return DEFAULT_PATH;
}

static int try_exec(const char *path, const char *const *argv, const char *const *env)
{
	static const char *const nothing[] = { NULL };

	execve(path, (char *const *)argv, (char *const *)(env ? env : nothing));
	return errno;
}

/* Whether the search goes on after that failure, as execvp(3) decides. */
static bool search_on(int e)
{
	return e == ENOENT || e == ENOTDIR || e == EACCES || e == ELOOP || e == ENAMETOOLONG;
}

static int exec_in_path(const char *const *argv, const char *const *env, struct hk_error *err)
{
	const char *path = path_of(env);
	hk_auto_free char *found = NULL; /* the first file that is there but did not run */
	int found_errno = 0;

	for (const char *p = path; *p; p += *p == ':') {
		size_t len = strcspn(p, ":");
		hk_auto_free char *file = NULL;
		int e;

		file = hk_xasprintf("%.*s/%s", (int)len, p, argv[0]);
		p += len;
		if (!len)
			continue;
		e = try_exec(file, argv, env);
		if (!search_on(e))
			return explain(file, e, err);
		if (!found && access(file, F_OK) == 0) {
			found = hk_steal_ptr(file);
			found_errno = e;
		}
	}
	if (found)
		return explain(found, found_errno, err);
	hk_error_set(err, HK_E_COMMAND_NOT_FOUND, "'%s' was not found in PATH=%.300s", argv[0],
		     path);
	return hk_error_hint(err, "install it, or add its folder to PATH");
}

char *hk_exec_find(const char *path, const char *name)
{
	struct stat st;

	for (const char *p = path; *p; p += *p == ':') {
		size_t len = strcspn(p, ":");
		hk_auto_free char *file = hk_xasprintf("%.*s/%s", (int)len, p, name);

		p += len;
		if (len && !stat(file, &st) && S_ISREG(st.st_mode) && !access(file, X_OK))
			return hk_steal_ptr(file);
	}
	return NULL;
}

int hk_exec(const char *const *argv, const char *const *env, struct hk_error *err)
{
	if (!argv || !argv[0] || !argv[0][0])
		return hk_error_set(err, HK_E_COMMAND_NOT_FOUND, "the command is empty");
	if (!strchr(argv[0], '/'))
		return exec_in_path(argv, env, err);
	return explain(argv[0], try_exec(argv[0], argv, env), err);
}
