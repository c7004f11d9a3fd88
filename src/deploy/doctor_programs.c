/*
 * The programs that a deployment will find, and the environment that it will see: by [project]
 * path, never by the caller's own.
 */
#include <deploy/doctor_checks.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <deploy/environment.h>
#include <deploy/repository.h>
#include <sys/exec.h>
#include <sys/process.h>

#define ASK_MS 10000

/* What a version of git is needed for, beside working at all. */
static const struct {
	int major, minor;
	const char *purpose;
} git_versions[] = {
	{ HK_REPOSITORY_STRICT_MAJOR, HK_REPOSITORY_STRICT_MINOR,
	  "for strict mode (proc-receive)" },
	{ 2, 36, "to keep what was pushed through a power cut (core.fsync)" },
};

void hk_doctor_check_path(struct hk_doctor *d)
{
	unsigned folders = 0;

	for (const char *p = d->project.conf.project_path; *p; p += *p == ':') {
		hk_auto_free char *dir = hk_xstrndup(p, strcspn(p, ":"));
		hk_auto_free char *quoted = hk_doctor_quote(dir);
		struct stat st;

		p += strlen(dir);
		if (!*dir || stat(dir, &st) || !S_ISDIR(st.st_mode))
			continue;
		folders++;
		if (st.st_mode & S_IWOTH)
			hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("chmod o-w %s", quoted),
				      "everybody may put programs into '%s' of [project] path",
				      dir);
	}
	if (!folders)
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("remove [project] path from %s, or name folders there",
					   d->ini),
			      "no folder of [project] path is there: '%s'",
			      d->project.conf.project_path);
	if (!d->said)
		hk_doctor_ok(d, "%s", d->project.conf.project_path);
}

struct first_line {
	char text[120];
};

static void take_line(void *ctx, const char *line, size_t len)
{
	struct first_line *first = ctx;

	if (!*first->text)
		snprintf(first->text, sizeof(first->text), "%.*s", (int)len, line);
}

static void ask_version(struct hk_doctor *d, const char *program, struct first_line *ret)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	const char *const argv[] = { program, "--version", NULL };
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	hk_environment_plain(&d->project, &env);
	spec.argv = argv;
	spec.env = hk_strlist_argv(&env);
	spec.timeout_ms = ASK_MS;
	spec.grace_ms = 100;
	spec.on_line = take_line;
	spec.ctx = ret;
	if (!hk_process_run(&spec, NULL, &err))
		return;
	hk_doctor_error(d, HK_DOCTOR_FAIL, &err,
			hk_xasprintf("install %s again, or name another folder first in [project] "
				     "path of %s",
				     d->check->name, d->ini));
}

static void judge_git(struct hk_doctor *d, const char *version)
{
	int64_t major, minor;

	if (!hk_repository_git_version(version, &major, &minor))
		return;
	for (size_t i = 0; i < HK_ARRAY_LEN(git_versions); i++)
		if (major < git_versions[i].major ||
		    (major == git_versions[i].major && minor < git_versions[i].minor))
			hk_doctor_bad(d, HK_DOCTOR_WARN, hk_xstrdup("install a newer git"),
				      "%s: %d.%d is needed %s", version, git_versions[i].major,
				      git_versions[i].minor, git_versions[i].purpose);
}

/* The kind of application: of what is live, or as it is set; "" while it is not known. */
static const char *kind_of(const struct hk_doctor *d)
{
	if (d->release.id && d->release.type)
		return d->release.type;
	return strcmp(d->project.conf.project_runtime, "auto") ? d->project.conf.project_runtime
							       : "";
}

static bool is_needed(const struct hk_doctor *d)
{
	const char *kind = kind_of(d);
	size_t len = strlen(kind), n;

	if (!d->check->needed_by)
		return true;
	for (const char *p = d->check->needed_by; *p; p += n + (p[n] == '|')) {
		n = strcspn(p, "|");
		if (n == len && !memcmp(p, kind, n))
			return true;
	}
	return false;
}

/* One in the caller's own PATH is the usual reason: a version manager's. */
static char *mend_missing(const struct hk_doctor *d)
{
	const char *own = getenv("PATH");
	hk_auto_free char *elsewhere = own ? hk_exec_find(own, d->check->name) : NULL;

	if (!elsewhere)
		return hk_xasprintf("install %s, or name its folder in [project] path of %s",
				    d->check->name, d->ini);
	*strrchr(elsewhere, '/') = '\0';
	return hk_xasprintf("yours is in %s: put that in front of [project] path in %s", elsewhere,
			    d->ini);
}

void hk_doctor_check_program(struct hk_doctor *d)
{
	const char *name = d->check->name;
	hk_auto_free char *program = hk_exec_find(d->project.conf.project_path, name);
	struct first_line version = { "" };

	if (!program && is_needed(d)) {
		hk_doctor_bad(d, HK_DOCTOR_FAIL, mend_missing(d),
			      "there is no '%s' in [project] path, which %s need", name,
			      d->check->purpose);
		return;
	}
	if (!program) {
		hk_doctor_ok(d, "not found; only %s need it", d->check->purpose);
		return;
	}
	if (!hk_doctor_may_run(d)) {
		hk_doctor_ok(d, "%s (not run as root)", program);
		return;
	}
	ask_version(d, program, &version);
	if (!strcmp(name, "git"))
		judge_git(d, version.text);
	if (!d->said)
		hk_doctor_ok(d, "%s: %s", program, version.text);
}

void hk_doctor_check_environment(struct hk_doctor *d)
{
	struct hk_error err = HK_ERROR_INIT;

	if (d->project.home_fd < 0)
		return;
	if (hk_environment_build(&d->project, NULL, d->env, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err,
				hk_xasprintf("put a readable file in the place of %s/.env",
					     d->project.home_path));
	else
		hk_doctor_ok(d, "%zu variables", d->env->len);
}
