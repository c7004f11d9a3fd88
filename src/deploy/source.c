/*
 * Sources of deployments (contract in source.h).
 */
#include <deploy/source.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/words.h>
#include <deploy/refrule.h>
#include <sys/fs.h>

bool hk_source_is_folder(const struct hk_deployment *d)
{
	return d->source && d->ref && !strcmp(d->ref, HK_SOURCE_FOLDER);
}

bool hk_source_is_repository(const struct hk_deployment *d)
{
	return d->source && !hk_source_is_folder(d);
}

void hk_source_describe(const char *source, const char *ref, const char *object, struct hk_buf *out)
{
	ref = ref ? ref : "";
	if (source && !strcmp(ref, HK_SOURCE_FOLDER)) {
		hk_buf_addf(out, "folder '%s'", source);
		return;
	}
	if (source && !strcmp(ref, HK_SOURCE_COMMIT))
		hk_buf_addf(out, "commit %.7s", object ? object : "");
	else
		hk_ref_describe(ref, out);
	if (source)
		hk_buf_addf(out, " of '%s'", source);
	else if (object && *object)
		hk_buf_addf(out, " at %.7s", object);
}

static void add_option(struct hk_buf *out, const char *option, const char *value)
{
	hk_buf_addf(out, " --%s ", option);
	hk_words_quote(out, value);
}

void hk_source_command(const char *project, const struct hk_deployment *d, struct hk_buf *out)
{
	const char *object = d->commit ? d->commit : d->object;

	if (!d->source) {
		hk_buf_addf(out, "git push hostkit %.7s:refs/deploy/now", object ? object : "");
		return;
	}
	hk_buf_addf(out, "hostkit deploy %s", project);
	add_option(out, hk_source_is_folder(d) ? "source" : "git-repo", d->source);
	if (hk_source_is_folder(d))
		return;
	if (!strcmp(d->ref, HK_SOURCE_COMMIT))
		add_option(out, "git-commit", d->object ? d->object : "");
	else
		add_option(out, strncmp(d->ref, "refs/tags/", 10) ? "git-branch" : "git-tag",
			   hk_ref_short(d->ref));
}

/* Whether one is the other or lies below it; both are absolute and without links. */
static bool holds(const char *folder, const char *path)
{
	size_t n = strlen(folder);

	return !strncmp(folder, path, n) && (!path[n] || path[n] == '/');
}

static int not_found(const struct hk_project *p, const char *path, struct hk_error *err)
{
	hk_error_set(err, HK_E_SOURCE_NOT_FOUND, "'%s' does not exist on this machine", path);
	return hk_error_hint(err,
			     "--source names a folder of the machine that hostkit runs on; from "
			     "another one push (git push hostkit main), or copy it here first: "
			     "rsync -a FOLDER/ HOST:/srv/%s/",
			     p->name);
}

/* It stands in logs, in one line. */
static bool is_printable(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == 127)
			return false;
	return true;
}

static int check_place(const struct hk_project *p, const char *path, struct hk_error *err)
{
	hk_auto_free char *dir = hk_xasprintf("%s/releases", p->home_path);
	hk_auto_free char *releases = realpath(dir, NULL);

	if (!strcmp(path, "/"))
		return hk_error_set(err, HK_E_USAGE, "the whole system cannot be deployed");
	if (!is_printable(path))
		return hk_error_set(err, HK_E_USAGE,
				    "the path of the folder has a control character");
	if (!releases || (!holds(releases, path) && !holds(path, releases)))
		return 0;
	hk_error_set(err, HK_E_USAGE, "'%s' %s the releases of '%s'", path,
		     holds(releases, path) ? "is among" : "holds", p->name);
	return hk_error_hint(err,
			     "to make an old release live again: hostkit rollback %s --to "
			     "RELEASE",
			     p->name);
}

int hk_source_find_folder(const struct hk_project *p, const char *path, char **ret,
			  struct hk_error *err)
{
	hk_auto_free char *real = realpath(path, NULL);
	hk_auto_close int fd = -1;

	if (!real && (errno == ENOENT || errno == ENOTDIR))
		return not_found(p, path, err);
	if (!real)
		return hk_error_set_errno(err, HK_E_SOURCE_NOT_FOUND, errno, "cannot reach '%s'",
					  path);
	fd = open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR)
		return hk_error_set(err, HK_E_SOURCE_NOT_FOUND, "'%s' is not a folder", path);
	if (fd < 0 || faccessat(fd, ".", R_OK | X_OK, AT_EACCESS))
		return hk_error_set_errno(err, HK_E_SOURCE_NOT_FOUND, errno,
					  "cannot read the folder '%s'", path);
	if (check_place(p, real, err))
		return err->code;
	*ret = hk_steal_ptr(real);
	return 0;
}
