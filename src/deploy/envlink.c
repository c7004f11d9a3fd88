/*
 * .env in the release (contract in envlink.h). It is for the service: installs and builds have the
 * same values in their environment.
 */
#include <deploy/envlink.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <sys/fs.h>

#define DOTENV ".env"

/* Relative, unless releases/ is on another disk. */
static char *target_of(const struct hk_project *p, const char *dir)
{
	hk_auto_buf target = HK_BUF_INIT;

	if (!hk_project_has_releases_inside(p))
		return hk_xasprintf("%s/" DOTENV, p->home_path);
	for (const char *at = *dir ? dir : NULL; at; at = strchr(at + 1, '/'))
		hk_buf_addstr(&target, "../");
	hk_buf_addstr(&target, "../../" DOTENV);
	return hk_buf_detach(&target);
}

static int link_in(struct hk_deploy *d, const char *dir, struct hk_error *err)
{
	hk_auto_free char *target = target_of(d->project, dir);
	hk_auto_free char *there = NULL;
	hk_auto_close int fd = -1;
	struct hk_error ignored;

	if (hk_fs_open_below(d->release_fd, dir, &fd, err))
		return err->code;
	if (!symlinkat(target, fd, DOTENV))
		return 0;
	if (errno != EEXIST)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make link '" DOTENV "'");
	/* Of this stage, when it is run again. */
	if (!hk_fs_read_link(fd, DOTENV, &there, &ignored) && !strcmp(there, target))
		return 0;
	hk_report_say(d->report, HK_REPORT_WARNING,
		      "the release has a file '%s%s" DOTENV "' of its own: what reads that does "
		      "not see the project's; the service has it in its environment",
		      dir, *dir ? "/" : "");
	return 0;
}

int hk_envlink_make(struct hk_deploy *d, struct hk_error *err)
{
	const char *entry = d->detected.entry_dir;

	if (d->detected.type->is_served || !hk_fs_is_file(d->project->home_fd, DOTENV))
		return 0;
	if (link_in(d, "", err))
		return err->code;
	return entry && *entry ? link_in(d, entry, err) : 0;
}
