/*
 * A project: its name, its configuration and its folders below the root.
 *
 *   ROOT/etc/hostkit/projects/NAME.ini   makes a project exist
 *   ROOT/var/lib/hostkit/NAME/           state: ledger.db, lock, log/, cache/
 *   ROOT/home/NAME/                      repo.git, releases/, app, logs/, .env
 */
#ifndef HK_DEPLOY_PROJECT_H
#define HK_DEPLOY_PROJECT_H

#include <stdbool.h>

#include <base/error.h>
#include <base/strlist.h>
#include <conf/conf.h>
#include <store/ledger.h>

struct hk_project {
	char *name;
	char *root;	 /* absolute; "/" or without a trailing slash */
	char *home_path; /* for programs that need a path */
	char *repo_path;
	char *state_path; /* NULL: see hk_project_open_home */
	struct hk_conf conf;
	int home_fd;
	int state_fd;
	int releases_fd;
};

#define HK_PROJECT_INIT                                          \
	{                                                        \
		.home_fd = -1, .state_fd = -1, .releases_fd = -1 \
	}
#define hk_auto_project HK_CLEANUP(hk_project_close) struct hk_project

/* ^[a-z][a-z0-9-]{1,30}[a-z0-9]$ and no command word; HK_E_NAME_INVALID says what is wrong. */
int hk_project_check_name(const char *name, struct hk_error *err) HK_MUST_CHECK;

/* The same, and HK_E_PROJECT_NOT_FOUND (the hint lists the projects) when there is none of the
 * name.
 */
int hk_project_check(const char *root, const char *name, struct hk_error *err) HK_MUST_CHECK;

/* ROOT joined with a path that starts without a slash; the caller frees. */
char *hk_project_root_path(const char *root, const char *path);

/* Of the project's own settings; the caller frees. */
char *hk_project_ini_path(const char *root, const char *name);

/*
 * The names of all projects under root, sorted. A project's user, who may not list those under "/",
 * sees the own one.
 */
int hk_project_list(const char *root, struct hk_strlist *ret, struct hk_error *err) HK_MUST_CHECK;

/* HK_E_PROJECT_NOT_FOUND, HK_E_CONFIG_INVALID, HK_E_IO. */
int hk_project_open(const char *root, const char *name, struct hk_project *ret,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * The same without the state folder (state_path is NULL, state_fd -1): for the service's own unit,
 * which cannot see it.
 */
int hk_project_open_home(const char *root, const char *name, struct hk_project *ret,
			 struct hk_error *err) HK_MUST_CHECK;
void hk_project_close(struct hk_project *p);

/*
 * As much of a project as is there, for whoever looks for problems: conf as by hk_conf_load_anyway,
 * and a folder that cannot be opened has the descriptor -1. HK_E_NAME_INVALID,
 * HK_E_PROJECT_NOT_FOUND.
 */
int hk_project_look(const char *root, const char *name, struct hk_project *ret,
		    hk_conf_problem_fn *fn, void *ctx, struct hk_error *err) HK_MUST_CHECK;

/*
 * Only the configuration, for `config check`: see hk_conf_load. [service] driver is the one that is
 * used: auto stands for systemd under the root /, for process elsewhere.
 */
int hk_project_load_conf(const char *root, const char *name, struct hk_conf *ret,
			 struct hk_strlist *problems, struct hk_error *err) HK_MUST_CHECK;

/*
 * Opens it for what [notify] says. HK_E_LEDGER_DAMAGED, beside what hk_ledger_open says, when it is
 * missing although something was deployed; see hk_adopt_releases.
 */
int hk_project_open_ledger(const struct hk_project *p, struct hk_ledger **ret,
			   struct hk_error *err) HK_MUST_CHECK;

/* The path of a deployment's log; the caller frees. */
char *hk_project_log_path(const struct hk_project *p, int64_t deployment);

/*
 * The release that the link `app` names, as its bare name; *ret is the caller's to free, NULL when
 * there is no link yet. HK_E_ACTIVATE_FAILED when app is something else than a link to a release.
 */
int hk_project_active(const struct hk_project *p, char **ret, struct hk_error *err) HK_MUST_CHECK;

/* Whether ".." of releases/ is the home; not so where releases is a link to another disk. */
bool hk_project_has_releases_inside(const struct hk_project *p);

#endif
