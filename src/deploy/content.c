/*
 * The check of a commit's content (contract in content.h).
 */
#include <deploy/content.h>

#include <string.h>

#include <base/alloc.h>
#include <repo/treecheck.h>

#define NAMED_MAX 3

static int hint_option(const struct hk_project *p, const char *option, struct hk_error *err)
{
	hk_auto_free char *ini = hk_project_root_path(p->root, "etc/hostkit/projects");

	return hk_error_hint(err, "commit the files themselves, or set %s in %s/%s.ini", option,
			     ini, p->name);
}

int hk_content_check(const struct hk_project *project, struct hk_repo *repo, const char *commit,
		     int cancel_fd, int64_t deadline, struct hk_error *err)
{
	const struct hk_conf *conf = &project->conf;
	const struct hk_treecheck_spec spec = { .commit = commit,
						.subdirectory = conf->deploy_subdirectory,
						.cancel_fd = cancel_fd,
						.deadline = deadline,
						.max_paths = NAMED_MAX };
	hk_auto_treecheck found = HK_TREECHECK_INIT;
	int rc = hk_treecheck(repo, &spec, &found, err);

	if (rc)
		return rc == HK_E_REPOSITORY_FAILED ? 0 : rc;
	if (!conf->checkout_lfs && hk_treecheck_refuse_pointers(&found, "", err))
		return hint_option(project, "[checkout] lfs = yes", err);
	if (!strcmp(conf->checkout_submodules, "none") &&
	    hk_treecheck_refuse_submodules(&found, err))
		return hint_option(project, "[checkout] submodules = recursive", err);
	return 0;
}
