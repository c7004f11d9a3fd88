/*
 * The project's service unit hostkit-NAME.service, the polkit rule that lets the project's user
 * start, stop and restart that one, and whether it starts with the machine. All work without a
 * running systemd: files are written then, and the notes say what is left to be done.
 */
#ifndef HK_HOST_UNIT_H
#define HK_HOST_UNIT_H

#include <host/file.h>

extern const struct hk_host_file hk_host_unit_file, hk_host_rule_file;

/* "hostkit-NAME.service"; the caller frees. */
char *hk_host_unit_name(const char *name);

/* Whether the project's service is systemd's to run. */
bool hk_host_unit_is_used(const struct hk_conf *conf);

/* Whether it starts with the machine. */
bool hk_host_unit_is_enabled(const char *name);

/* HK_E_NAME_TAKEN when a unit or rule of that name is not ours, in any folder of units. */
int hk_host_unit_check(const char *name, struct hk_error *err) HK_MUST_CHECK;

int hk_host_unit_make(const struct hk_host_project *hp, bool *ret_made,
		      struct hk_error *err) HK_MUST_CHECK;
int hk_host_rule_make(const struct hk_host_project *hp, bool *ret_made,
		      struct hk_error *err) HK_MUST_CHECK;
int hk_host_enable_make(const struct hk_host_project *hp, bool *ret_made,
			struct hk_error *err) HK_MUST_CHECK;

/* What is not there is removed already. Removing the unit stops the service first. */
int hk_host_unit_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;
int hk_host_rule_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;
int hk_host_enable_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;

#endif
