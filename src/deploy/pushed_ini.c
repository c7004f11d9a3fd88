/*
 * The pushed hostkit.ini (contract in pushed_ini.h).
 */
#include <deploy/pushed_ini.h>

#include <string.h>

#include <base/alloc.h>
#include <repo/compare.h>
#include <sys/fs.h>

#define NAME "hostkit.ini"
#define INI_MAX (64 << 10)

static int no_file(struct hk_error *err)
{
	hk_error_set(err, HK_E_CONFIG_INVALID, "'" NAME "' in the pushed tree is no regular file");
	return hk_error_hint(err, "make it one, or remove it");
}

int hk_pushed_ini_apply(struct hk_project *p, struct hk_repo *repo, const char *commit,
			struct hk_buf *text, struct hk_error *err)
{
	hk_auto_free char *own = hk_project_ini_path(p->root, p->name);
	const char *below = p->conf.deploy_subdirectory;
	hk_auto_free char *name = *below ? hk_xasprintf("%s/" NAME, below) : hk_xstrdup(NAME);
	char id[HK_OID_LEN];
	bool there = false;

	if (!p->conf.deploy_pushed_ini)
		return 0;
	if (hk_repo_read_file(repo, commit, name, INI_MAX, &there, text, err))
		return err->code;
	if (there)
		return hk_conf_apply_pushed(&p->conf, own, name, text->data, text->len, NULL, err);
	if (hk_repo_entry_id(repo, commit, name, id, err))
		return err->code;
	if (!*id)
		return 0;
	return no_file(err);
}

int hk_pushed_ini_apply_folder(struct hk_project *p, int folder_fd, struct hk_buf *text,
			       struct hk_error *err)
{
	hk_auto_free char *own = hk_project_ini_path(p->root, p->name);

	if (!p->conf.deploy_pushed_ini || !hk_fs_exists(folder_fd, NAME))
		return 0;
	if (!hk_fs_is_file(folder_fd, NAME))
		return no_file(err);
	if (hk_fs_read_file(folder_fd, NAME, INI_MAX, text, err))
		return err->code;
	return hk_conf_apply_pushed(&p->conf, own, NAME, text->data, text->len, NULL, err);
}

char *hk_pushed_ini_health_path(const struct hk_project *p, const char *settings)
{
	hk_auto_free char *own = hk_project_ini_path(p->root, p->name);
	hk_auto_conf conf = HK_CONF_INIT;
	struct hk_error ignored;

	/* Files that have become invalid are for others to complain of. */
	if (hk_project_load_conf(p->root, p->name, &conf, NULL, &ignored) ||
	    (settings && conf.deploy_pushed_ini &&
	     hk_conf_apply_pushed(&conf, own, NAME, settings, strlen(settings), NULL, &ignored)))
		return hk_xstrdup(p->conf.health_path);
	return hk_xstrdup(conf.health_path);
}
