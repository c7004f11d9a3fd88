/*
 * The project's site (contract in site.h).
 */
#include <host/site.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <host/file.h>
#include <host/nginx.h>
#include <sys/fs.h>

#define AVAILABLE "/etc/nginx/sites-available"
#define ENABLED "/etc/nginx/sites-enabled"
#define CONF_D "/etc/nginx/conf.d"
#define SITE_MAX (1 << 20)

/* What was there before, to go back to. */
struct site {
	struct hk_host_file file;
	char *path;
	char *link; /* NULL where sites are not enabled by links */
	struct hk_buf old;
	bool there, linked;
};

#define SITE_INIT                  \
	{                          \
		.old = HK_BUF_INIT \
	}

static void site_release(struct site *s)
{
	free(s->path);
	free(s->link);
	hk_buf_release(&s->old);
}

static bool is_static(const struct hk_host_project *hp)
{
	return hp->conf && !strcmp(hp->conf->project_runtime, "static");
}

gid_t hk_host_site_group(const struct hk_host_project *hp)
{
	gid_t gid;

	if (is_static(hp) && *hp->conf->project_domain && hk_nginx_is_there() &&
	    hk_nginx_group(&gid))
		return gid;
	return hp->gid;
}

/* Debian enables sites by links; others read all of conf.d. */
static bool enables_by_links(void)
{
	return hk_fs_is_dir(AT_FDCWD, AVAILABLE) && hk_fs_is_dir(AT_FDCWD, ENABLED);
}

struct hk_host_file hk_host_site_file(const struct hk_host_project *hp)
{
	return (struct hk_host_file){
		.what = "site",
		.dir = enables_by_links() ? AVAILABLE : CONF_D,
		.prefix = "hostkit-",
		.suffix = ".conf",
		.template = is_static(hp) ? "nginx-static.conf" : "nginx-proxy.conf",
		.comment = "# ",
	};
}

bool hk_host_site_has_server(void)
{
	return hk_nginx_is_there();
}

static int find(const struct hk_host_project *hp, struct site *s, struct hk_error *err)
{
	struct hk_error read_err = HK_ERROR_INIT;

	s->file = hk_host_site_file(hp);
	s->path = hk_host_file_path(&s->file, hp->name);
	if (enables_by_links())
		s->link = hk_xasprintf("%s/hostkit-%s.conf", ENABLED, hp->name);
	s->linked = s->link && hk_fs_exists(AT_FDCWD, s->link);
	s->there = !hk_fs_read_file(AT_FDCWD, s->path, SITE_MAX, &s->old, &read_err);
	if (s->there || read_err.sys_errno == ENOENT)
		return 0;
	*err = read_err;
	return err->code;
}

static int put(const struct hk_host_project *hp, const struct site *s, bool *ret_made,
	       struct hk_error *err)
{
	if (hk_host_file_make(&s->file, hp, ret_made, err))
		return err->code;
	if (!s->link || s->linked)
		return 0;
	if (symlink(s->path, s->link))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make the link '%s'",
					  s->link);
	*ret_made = true;
	return 0;
}

/* nginx has not been told of the new one. */
static void put_back(const struct hk_host_project *hp, const struct site *s)
{
	struct hk_error failed;

	if (s->link && !s->linked)
		unlink(s->link);
	if (!s->there)
		unlink(s->path);
	else if (hk_fs_write_file(AT_FDCWD, s->path, s->old.data, s->old.len, 0644, &failed))
		hk_strlist_addf(hp->notes, "%s", failed.message);
}

static int reload(const struct hk_host_project *hp, struct hk_error *err)
{
	bool running;

	if (hk_nginx_reload(&running, err))
		return err->code;
	if (!running)
		hk_strlist_add(hp->notes, "nginx does not run: systemctl enable --now nginx");
	return 0;
}

/* Writes it, and takes it back when nginx does not want it. */
static int install(const struct hk_host_project *hp, const struct site *s, bool *ret_made,
		   struct hk_error *err)
{
	bool made = false;

	if (put(hp, s, &made, err)) {
		put_back(hp, s);
		return err->code;
	}
	if (!made)
		return 0;
	if (hk_nginx_check(hp->conf->project_domain, err)) {
		put_back(hp, s);
		if (err->code == HK_E_NAME_TAKEN)
			return err->code;
		hk_error_prefix(err, "nginx refuses it, and it is as it was before");
		return hk_error_hint(err, "mend what nginx names, then do this again");
	}
	*ret_made = true;
	return reload(hp, err);
}

/* As it is before anything is written: its state must not be blamed on the site. */
static int check_before(const struct hk_host_project *hp, const struct site *s,
			struct hk_error *err)
{
	enum hk_host_file_state state;

	if (hk_host_file_look(&s->file, hp, &state, err))
		return err->code;
	if (state == HK_HOST_FILE_AS_MADE && (!s->link || s->linked))
		return 0;
	/* Somebody has removed the file, to have it made anew: our link to it is what is broken. */
	if (!s->there && s->linked)
		return 0;
	if (!hk_nginx_check(NULL, err))
		return 0;
	hk_error_prefix(err, "nginx's configuration is broken already");
	return hk_error_hint(err, "mend it (nginx -t), then: hostkit project apply %s", hp->name);
}

/* The folder is the user's: it must still be theirs, and no link of theirs. */
static int set_home_group(const struct hk_host_project *hp, gid_t gid, bool *ret_made,
			  struct hk_error *err)
{
	hk_auto_close int fd = open(hp->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open '%s'", hp->home);
	if (st.st_gid == gid)
		return 0;
	if (st.st_uid != hp->uid || fchown(fd, (uid_t)-1, gid))
		return hk_error_set_errno(err, HK_E_IO, st.st_uid == hp->uid ? errno : EPERM,
					  "cannot change the group of '%s'", hp->home);
	*ret_made = true;
	return 0;
}

/* *ret_removed: whether there was one. */
static int take_away(const struct hk_host_project *hp, bool *ret_removed, struct hk_error *err)
{
	HK_CLEANUP(site_release) struct site s = SITE_INIT;
	struct hk_error why = HK_ERROR_INIT;

	if (find(hp, &s, err) || hk_host_file_check(&s.file, hp->name, err))
		return err->code;
	/* The link first: what is enabled must be there. */
	if (s.link && s.linked && unlink(s.link) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", s.link);
	if (hk_host_file_remove(&s.file, hp->name, ret_removed, err))
		return err->code;
	/* That nginx is not well for other reasons must not keep the rest from being removed. */
	if (*ret_removed && hk_nginx_is_there() && (hk_nginx_check(NULL, &why) || reload(hp, &why)))
		hk_strlist_addf(hp->notes, "nginx was not reloaded: %s", why.message);
	return 0;
}

int hk_host_site_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	HK_CLEANUP(site_release) struct site s = SITE_INIT;

	if (set_home_group(hp, hk_host_site_group(hp), ret_made, err))
		return err->code;
	if (!*hp->conf->project_domain)
		return take_away(hp, ret_made, err);
	if (!hk_nginx_is_there()) {
		hk_strlist_addf(hp->notes,
				"nginx is not installed, so '%s' has no site yet; afterwards: "
				"hostkit project apply %s",
				hp->conf->project_domain, hp->name);
		return 0;
	}
	if (find(hp, &s, err) || check_before(hp, &s, err))
		return err->code;
	return install(hp, &s, ret_made, err);
}

int hk_host_site_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	bool removed = false;

	return take_away(hp, &removed, err);
}
