/*
 * nginx (contract in nginx.h). Its own program tells what its configuration says: it may be spread
 * over many files.
 */
#include <host/nginx.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <host/run.h>
#include <sys/exec.h>
#include <sys/fs.h>

#define DEFAULT_USER "www-data"

bool hk_nginx_is_there(void)
{
	hk_auto_free char *program = hk_exec_find(HK_HOST_PATH, "nginx");

	return program && hk_fs_is_dir(AT_FDCWD, "/etc/nginx");
}

/* What nginx -t says. */
struct answer {
	struct hk_buf reason;
	char *conflict; /* a line that would tell so; NULL: nobody asks */
	bool conflicts;
};

/* "nginx: [emerg] unknown directive …" says why; in the log's form "7#7: " goes before it. */
static void take_answer(void *ctx, const char *line, size_t len)
{
	struct answer *a = ctx;
	hk_auto_free char *text = hk_xstrndup(line, len);
	const char *emerg = strstr(text, "[emerg] "), *digits;

	if (a->conflict && strstr(text, a->conflict))
		a->conflicts = true;
	if (!emerg || a->reason.len)
		return;
	emerg += strlen("[emerg] ");
	digits = emerg + strspn(emerg, "0123456789#");
	hk_buf_addstr(&a->reason, !strncmp(digits, ": ", 2) ? digits + 2 : emerg);
}

static int name_taken(const char *domain, struct hk_error *err)
{
	hk_error_set(err, HK_E_NAME_TAKEN, "'%s' is another site's of nginx already", domain);
	return hk_error_hint(err, "to see whose: grep -rlw %s /etc/nginx", domain);
}

int hk_nginx_check(const char *domain, struct hk_error *err)
{
	static const char *const argv[] = { "nginx", "-t", NULL };
	struct answer a = { .reason = HK_BUF_INIT };
	int ret;

	/* Only a warning of nginx's: the one of the two that it reads later is never asked. */
	if (domain)
		a.conflict = hk_xasprintf("conflicting server name \"%s\"", domain);
	ret = hk_host_read(argv, take_answer, &a, err);
	if (ret == HK_E_COMMAND_FAILED && a.reason.len)
		ret = hk_error_set(err, HK_E_CONFIG_INVALID, "nginx says: %.300s", a.reason.data);
	else if (!ret && a.conflicts)
		ret = name_taken(domain, err);
	hk_buf_release(&a.reason);
	free(a.conflict);
	return ret;
}

int hk_nginx_reload(bool *ret_running, struct hk_error *err)
{
	static const char *const is_active[] = { "systemctl", "is-active", "--quiet",
						 "nginx.service", NULL };
	static const char *const reload[] = { "systemctl", "reload", "nginx.service", NULL };
	static const char *const signal[] = { "nginx", "-s", "reload", NULL };
	bool systemd = hk_fs_is_dir(AT_FDCWD, "/run/systemd/system");
	struct hk_error no_process;

	if (systemd && !hk_host_run(is_active, &no_process)) {
		*ret_running = true;
		return hk_host_run(reload, err);
	}
	/* Started by somebody else, or there is no systemd. */
	*ret_running =
		hk_fs_exists(AT_FDCWD, "/run/nginx.pid") && !hk_host_run(signal, &no_process);
	return 0;
}

/* `user NAME;` or `user NAME GROUP;` of the main context. */
static void take_user(void *ctx, const char *line, size_t len)
{
	struct hk_buf *name = ctx;
	hk_auto_free char *text = hk_xstrndup(line, len);
	char *word = text + strspn(text, " \t"), *end;

	if (name->len || strncmp(word, "user", 4) || !strchr(" \t", word[4]))
		return;
	word += 4;
	end = strchr(word, ';');
	if (!end)
		return;
	*end = '\0';
	while (end > word && strchr(" \t", end[-1]))
		*--end = '\0';
	/* The last word: a group where one is given. */
	for (char *p = word; *p; p++)
		if (strchr(" \t", *p))
			word = p + 1;
	hk_buf_addstr(name, word);
}

bool hk_nginx_group(gid_t *ret)
{
	static const char *const argv[] = { "nginx", "-T", "-q", NULL };
	hk_auto_buf name = HK_BUF_INIT;
	struct hk_error ignored;
	struct passwd *pw;
	struct group *gr;

	/* A configuration that is broken is said where it matters. */
	if (hk_host_read(argv, take_user, &name, &ignored) || !name.len) {
		hk_buf_reset(&name);
		hk_buf_addstr(&name, DEFAULT_USER);
	}
	gr = getgrnam(name.data);
	pw = gr ? NULL : getpwnam(name.data);
	if (gr || pw)
		*ret = gr ? gr->gr_gid : pw->pw_gid;
	return gr || pw;
}
