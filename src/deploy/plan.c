/*
 * The plan of a deployment (contract in plan.h).
 */
#include <deploy/plan.h>

#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/human.h>
#include <deploy/package.h>
#include <deploy/request.h>
#include <repo/compare.h>
#include <sys/fs.h>

#define MANIFEST_MAX (1 << 20)

struct plan {
	const struct hk_project *p;
	struct hk_ledger *l;
	struct hk_repo *repo;
	const char *commit;
	unsigned flags;
	char *release;		      /* that is live, NULL: none */
	struct hk_release_row active; /* its row, when the ledger has it */
	bool has_manifest, has_build;
};

static const char *const lockfiles[] = {
	"package-lock.json", "npm-shrinkwrap.json", "requirements.txt",
	"pyproject.toml",    "yarn.lock",	    "pnpm-lock.yaml",
};

/* A file of what is deployed, as a path of the commit; the caller frees. */
static char *below(const struct plan *plan, const char *name)
{
	const char *folder = plan->p->conf.deploy_subdirectory;

	return *folder ? hk_xasprintf("%s/%s", folder, name) : hk_xstrdup(name);
}

static int look_at_tree(struct plan *plan, struct hk_error *err)
{
	static const char *const manifests[] = { "requirements.txt", "pyproject.toml" };
	hk_auto_free char *package = below(plan, "package.json");
	hk_auto_buf text = HK_BUF_INIT;
	bool there = false;

	if (hk_repo_read_file(plan->repo, plan->commit, package, MANIFEST_MAX, &there, &text, err))
		return err->code;
	plan->has_manifest = there;
	plan->has_build = there && hk_package_has_script(text.data, text.len, "build");
	for (size_t i = 0; i < HK_ARRAY_LEN(manifests); i++) {
		hk_auto_free char *path = below(plan, manifests[i]);
		char id[HK_OID_LEN];

		if (hk_repo_entry_id(plan->repo, plan->commit, path, id, err))
			return err->code;
		plan->has_manifest |= *id != '\0';
	}
	return 0;
}

/* --- What changes */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void add_way(const struct plan *plan, const struct hk_comparison *c, struct hk_buf *out)
{
	if (!c->ahead && !c->behind)
		hk_buf_addf(out, "the same commit as release %s", plan->release);
	else if (!c->behind)
		hk_buf_addf(out, "%zu commit%s forwards", c->ahead, plural(c->ahead));
	else if (!c->ahead)
		hk_buf_addf(out, "%zu commit%s back", c->behind, plural(c->behind));
	else
		hk_buf_addf(out, "%zu commit%s forwards and %zu back", c->ahead, plural(c->ahead),
			    c->behind);
	if (c->ahead || c->behind)
		hk_buf_addf(out, " from %.7s, %zu file%s changed", plan->active.commit, c->files,
			    plural(c->files));
}

static int add_lockfiles(const struct plan *plan, struct hk_buf *out, struct hk_error *err)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(lockfiles); i++) {
		hk_auto_free char *path = below(plan, lockfiles[i]);
		char was[HK_OID_LEN], is[HK_OID_LEN];

		if (hk_repo_entry_id(plan->repo, plan->active.commit, path, was, err) ||
		    hk_repo_entry_id(plan->repo, plan->commit, path, is, err))
			return err->code;
		if (strcmp(was, is))
			hk_buf_addf(out, "; %s %s", lockfiles[i],
				    !*was  ? "is new"
				    : !*is ? "is gone"
					   : "changed");
	}
	return 0;
}

static int tell_change(const struct plan *plan, struct hk_report *report, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_comparison c;
	struct hk_error unknown;
	size_t files;
	int64_t bytes;

	/* The live commit may be gone from the repository, or not known: then there is no way. */
	if (plan->active.commit &&
	    !hk_repo_compare(plan->repo, plan->active.commit, plan->commit, &c, &unknown)) {
		add_way(plan, &c, &text);
		if ((c.ahead || c.behind) && add_lockfiles(plan, &text, err))
			return err->code;
	} else {
		if (hk_repo_count_files(plan->repo, plan->commit, &files, &bytes, err))
			return err->code;
		hk_buf_addf(&text, "%s, %zu file%s",
			    plan->release ? "another history than the live release's"
					  : "the first deployment",
			    files, plural(files));
	}
	hk_report_say(report, HK_REPORT_INFO, "plan: %s", text.data);
	return 0;
}

/* --- What runs */

static bool runs_install(const struct plan *plan)
{
	const struct hk_conf *conf = &plan->p->conf;

	if (plan->flags & (HK_REQUEST_INSTALL | HK_REQUEST_NO_INSTALL))
		return plan->flags & HK_REQUEST_INSTALL;
	return conf->install_enabled != HK_NO &&
	       (plan->has_manifest || conf->install_command.argv.len);
}

static bool runs_build(const struct plan *plan)
{
	const struct hk_conf *conf = &plan->p->conf;

	if (plan->flags & (HK_REQUEST_BUILD | HK_REQUEST_NO_BUILD))
		return plan->flags & HK_REQUEST_BUILD;
	return conf->build_enabled != HK_NO && (plan->has_build || conf->build_command.argv.len);
}

static bool runs_restart(const struct plan *plan)
{
	return !(plan->flags & HK_REQUEST_NO_RESTART) &&
	       strcmp(plan->p->conf.service_driver, "none");
}

static bool runs_health(const struct plan *plan)
{
	return runs_restart(plan) && plan->p->conf.health_enabled;
}

static const struct {
	const char *stage; /* in the ledger */
	bool (*runs)(const struct plan *plan);
	bool shown;
} stages[] = {
	{ "checkout", NULL, true },
	{ "install", runs_install, true },
	{ "build", runs_build, true },
	{ "release", NULL, false },
	{ "dependencies", runs_install, false },
	{ "activate", NULL, true },
	{ "restart", runs_restart, true },
	{ "health", runs_health, true },
};

static int tell_stages(const struct plan *plan, bool detailed, struct hk_report *report,
		       struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	char took[HK_HUMAN_LEN];
	int64_t total = 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(stages); i++) {
		int64_t ms = -1;

		if (stages[i].runs && !stages[i].runs(plan))
			continue;
		if (hk_ledger_usual_stage(plan->l, stages[i].stage, &ms, err))
			return err->code;
		total += ms > 0 ? ms : 0;
		if (detailed)
			hk_report_say(report, HK_REPORT_INFO, "plan: %-12s %s", stages[i].stage,
				      ms >= 0 ? hk_human_duration(ms, took) : "never run yet");
		else if (stages[i].shown)
			hk_buf_addf(&text, "%s%s", text.len ? ", " : "", stages[i].stage);
	}
	if (detailed)
		hk_buf_addstr(&text, "together");
	if (total)
		hk_buf_addf(&text, "%s %s", detailed ? " usually" : "; about",
			    hk_human_duration(total, took));
	if (total || !detailed)
		hk_report_say(report, HK_REPORT_INFO, "plan: %s", text.data);
	return 0;
}

/* As much as the live release, else twice the files: what an install adds is not known. */
static int tell_space(const struct plan *plan, struct hk_report *report, struct hk_error *err)
{
	char need[HK_HUMAN_LEN], have[HK_HUMAN_LEN];
	int64_t bytes = 0, entries = 0, free_bytes, inodes;
	size_t files;

	if (plan->release)
		hk_fs_usage(plan->p->releases_fd, plan->release, &bytes, &entries);
	else if (hk_repo_count_files(plan->repo, plan->commit, &files, &bytes, err))
		return err->code;
	if (hk_fs_space(plan->p->releases_fd, &free_bytes, &inodes, err))
		return err->code;
	hk_report_say(report, HK_REPORT_INFO, "plan: about %s of disk%s; %s are free",
		      hk_human_size(bytes, need),
		      plan->release	   ? ", as the live release"
		      : plan->has_manifest ? ", and what the install adds"
					   : "",
		      hk_human_size(free_bytes, have));
	return 0;
}

int hk_plan_tell(const struct hk_project *p, struct hk_ledger *l, struct hk_repo *repo,
		 const char *commit, unsigned flags, bool detailed, struct hk_report *report,
		 struct hk_error *err)
{
	struct plan plan = {
		.p = p,
		.l = l,
		.repo = repo,
		.commit = commit,
		.flags = flags,
		.active = HK_RELEASE_ROW_INIT,
	};
	struct hk_error ignored;
	int ret;

	if (!hk_project_active(p, &plan.release, &ignored) && plan.release &&
	    hk_ledger_get_release(l, plan.release, &plan.active, &ignored))
		plan.active = (struct hk_release_row)HK_RELEASE_ROW_INIT;
	ret = look_at_tree(&plan, err);
	if (!ret)
		ret = tell_change(&plan, report, err);
	if (!ret)
		ret = tell_stages(&plan, detailed, report, err);
	if (!ret && detailed)
		ret = tell_space(&plan, report, err);
	hk_release_row_release(&plan.active);
	free(plan.release);
	return ret;
}
