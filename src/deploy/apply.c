/*
 * Applying settings to the machine (contract in apply.h).
 */
#include <deploy/apply.h>

#include <base/alloc.h>
#include <conf/edit.h>
#include <deploy/hosted.h>
#include <deploy/installation.h>
#include <deploy/port.h>
#include <deploy/project.h>
#include <host/parts.h>

/* While the installation is entered. */
static int apply(const char *root, const char *name, struct hk_strlist *notes, bool *ret_changed,
		 struct hk_error *err)
{
	hk_auto_conf conf = HK_CONF_INIT;
	hk_auto_hosted h = HK_HOSTED_INIT;
	unsigned made = 0;
	int ret;

	if (hk_project_load_conf(root, name, &conf, NULL, err))
		return err->code;
	if (!hk_installation_is_host(root))
		return 0;
	if (hk_hosted_init(&h, name, &conf, notes, err))
		return err->code;
	if (!h.user.name) {
		hk_error_set(err, HK_E_PERMISSION, "the project's user '%s' is missing", name);
		return hk_error_hint(err,
				     "make it anew: hostkit project remove %s && hostkit project "
				     "create %s",
				     name, name);
	}
	ret = hk_host_parts_make(&h.hp, &made, err);
	*ret_changed = made != 0;
	return ret;
}

int hk_project_apply(const char *root, const char *name, struct hk_strlist *notes,
		     bool *ret_changed, struct hk_error *err)
{
	hk_auto_installation in = HK_INSTALLATION_INIT;

	*ret_changed = false;
	if (hk_project_check(root, name, err) || hk_installation_enter(root, &in, err))
		return err->code;
	return apply(root, name, notes, ret_changed, err);
}

/* Only what is changed: one of before is for doctor to tell. */
static int check_port(const char *root, const char *name, int64_t before, struct hk_error *err)
{
	hk_auto_conf conf = HK_CONF_INIT;

	if (!hk_installation_is_host(root))
		return 0;
	if (hk_project_load_conf(root, name, &conf, NULL, err))
		return err->code;
	return conf.project_port == before
		       ? 0
		       : hk_port_check_owner(root, name, conf.project_port, err);
}

/* What the machine does not take is not left in the file, where the next apply would meet it. */
static void take_back(const char *root, const char *name, const char *path,
		      const struct hk_buf *before, struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	struct hk_error failed = HK_ERROR_INIT;
	bool changed;

	if (hk_conf_write(path, before, &failed)) {
		hk_error_prefix(err, "the file is changed, but not applied");
		return;
	}
	hk_error_prefix(err, apply(root, name, &notes, &changed, &failed)
				     ? "the file is as it was before"
				     : "nothing is changed");
}

int hk_project_change(const char *root, const char *name, const struct hk_project_change *changes,
		      size_t n, struct hk_strlist *notes, struct hk_error *err)
{
	hk_auto_installation in = HK_INSTALLATION_INIT;
	hk_auto_free char *path = hk_project_ini_path(root, name);
	hk_auto_conf conf = HK_CONF_INIT;
	hk_auto_buf before = HK_BUF_INIT;
	bool changed;

	/* A mistyped name is an error of its own. */
	if (hk_project_load_conf(root, name, &conf, NULL, err) ||
	    hk_installation_enter(root, &in, err) || hk_conf_read(path, &before, err))
		return err->code;
	for (size_t i = 0; i < n; i++)
		if (hk_conf_edit(path, changes[i].section, changes[i].key, changes[i].value, err)) {
			if (i)
				take_back(root, name, path, &before, err);
			return err->code;
		}
	if (check_port(root, name, conf.project_port, err) ||
	    apply(root, name, notes, &changed, err))
		take_back(root, name, path, &before, err);
	return err->code;
}
