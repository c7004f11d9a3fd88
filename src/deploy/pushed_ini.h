/*
 * hostkit.ini in a pushed tree: the few settings that a developer may make.
 */
#ifndef HK_DEPLOY_PUSHED_INI_H
#define HK_DEPLOY_PUSHED_INI_H

#include <base/buf.h>
#include <deploy/project.h>
#include <repo/repo.h>

/*
 * Sets what the file at the root of what is deployed of a commit says in p->conf; text becomes its
 * content (empty: there is none, or [deploy] pushed_ini is off). HK_E_CONFIG_INVALID,
 * "hostkit.ini:LINE: …".
 */
int hk_pushed_ini_apply(struct hk_project *p, struct hk_repo *repo, const char *commit,
			struct hk_buf *text, struct hk_error *err) HK_MUST_CHECK;

/* The same for the files of a folder. */
int hk_pushed_ini_apply_folder(struct hk_project *p, int folder_fd, struct hk_buf *text,
			       struct hk_error *err) HK_MUST_CHECK;

/*
 * The [health] path that a release was made with: by the INI files as they are now, and the
 * hostkit.ini of its tree (settings; NULL: it had none). The caller frees.
 */
char *hk_pushed_ini_health_path(const struct hk_project *p, const char *settings);

#endif
