/*
 * Units and polkit rules (contract in unit.h), by systemctl(1): it is root that acts here, and what
 * it does is done rarely.
 */
#include <host/unit.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/log.h>
#include <host/run.h>
#include <sys/fs.h>
#include <sys/proclist.h>

#define UNITS "/etc/systemd/system"

const struct hk_host_file hk_host_unit_file = {
	.what = "unit",
	.dir = UNITS,
	.prefix = "hostkit-",
	.suffix = ".service",
	.template = "hostkit.service",
	.comment = "# ",
};

const struct hk_host_file hk_host_rule_file = {
	.what = "polkit rule",
	.dir = "/etc/polkit-1/rules.d",
	.prefix = "60-hostkit-",
	.suffix = ".rules",
	.template = "hostkit.rules",
	.comment = "// ",
};

char *hk_host_unit_name(const char *name)
{
	return hk_xasprintf("hostkit-%s.service", name);
}

bool hk_host_unit_is_used(const struct hk_conf *conf)
{
	return !strcmp(conf->service_driver, "systemd") || !strcmp(conf->service_driver, "auto");
}

bool hk_host_unit_is_enabled(const char *name)
{
	hk_auto_free char *unit = hk_host_unit_name(name);
	hk_auto_free char *link = hk_xasprintf("%s/multi-user.target.wants/%s", UNITS, unit);

	return hk_fs_exists(AT_FDCWD, link);
}

int hk_host_unit_check(const char *name, struct hk_error *err)
{
	/* The folders of systemd.unit(5) beside ours. */
	static const char *const others[] = { "/run/systemd/system",
					      "/usr/local/lib/systemd/system",
					      "/usr/lib/systemd/system", "/lib/systemd/system" };
	hk_auto_free char *unit = hk_host_unit_name(name);

	for (size_t i = 0; i < HK_ARRAY_LEN(others); i++) {
		hk_auto_free char *path = hk_xasprintf("%s/%s", others[i], unit);

		if (!hk_fs_exists(AT_FDCWD, path))
			continue;
		hk_error_set(err, HK_E_NAME_TAKEN, "there is a unit '%s' that is not hostkit's",
			     path);
		return hk_error_hint(err, "choose another name, such as %s-app", name);
	}
	if (hk_host_file_check(&hk_host_unit_file, name, err))
		return err->code;
	return hk_host_file_check(&hk_host_rule_file, name, err);
}

/* sd_booted(3). */
static bool runs_systemd(void)
{
	return hk_fs_is_dir(AT_FDCWD, "/run/systemd/system");
}

static int systemctl(const char *verb, const char *unit, struct hk_error *err)
{
	const char *const argv[] = { "systemctl", verb, unit, NULL };

	return hk_host_run(argv, err);
}

/* Where there is no systemd yet, it reads the files when it starts. */
static int reload(const struct hk_host_project *hp, struct hk_error *err)
{
	if (runs_systemd())
		return systemctl("daemon-reload", NULL, err);
	hk_strlist_addf(hp->notes,
			"systemd does not run here: the service of '%s' can be started "
			"when it does",
			hp->name);
	return 0;
}

int hk_host_unit_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	if (hk_host_unit_check(hp->name, err) ||
	    hk_host_file_make(&hk_host_unit_file, hp, ret_made, err))
		return err->code;
	return *ret_made ? reload(hp, err) : 0;
}

int hk_host_rule_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	return hk_host_file_make(&hk_host_rule_file, hp, ret_made, err);
}

/* A failure must not keep the rest from being removed; nor is it one where nothing was loaded. */
static void try_systemctl(const char *verb, const char *unit)
{
	struct hk_error err = HK_ERROR_INIT;

	if (systemctl(verb, unit, &err))
		hk_log_debug("%s", err.message);
}

static bool runs_something(const struct hk_host_project *hp)
{
	hk_auto_proclist found = HK_PROCLIST_INIT;

	return hp->uid && (!hk_proclist_of_user(hp->uid, &found) || found.len);
}

int hk_host_unit_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	hk_auto_free char *unit = hk_host_unit_name(hp->name);
	hk_auto_free char *path = hk_host_file_path(&hk_host_unit_file, hp->name);
	struct hk_error why = HK_ERROR_INIT;
	bool removed = false;

	if (hk_host_file_check(&hk_host_unit_file, hp->name, err))
		return err->code;
	/* What cannot be stopped keeps its unit: else nobody would know what runs there. */
	if (hk_fs_exists(AT_FDCWD, path) && runs_systemd() && systemctl("stop", unit, &why) &&
	    runs_something(hp)) {
		*err = why;
		return err->code;
	}
	if (hk_host_file_remove(&hk_host_unit_file, hp->name, &removed, err))
		return err->code;
	if (!removed || !runs_systemd())
		return 0;
	try_systemctl("reset-failed", unit);
	return systemctl("daemon-reload", NULL, err);
}

int hk_host_rule_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	return hk_host_file_remove(&hk_host_rule_file, hp->name, NULL, err);
}

int hk_host_enable_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	hk_auto_free char *unit = hk_host_unit_name(hp->name);
	bool wanted = hk_host_unit_is_used(hp->conf);

	if (hk_host_unit_is_enabled(hp->name) == wanted)
		return 0;
	*ret_made = true;
	return systemctl(wanted ? "enable" : "disable", unit, err);
}

int hk_host_enable_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	hk_auto_free char *unit = hk_host_unit_name(hp->name);

	return hk_host_unit_is_enabled(hp->name) ? systemctl("disable", unit, err) : 0;
}
