/*
 * Changing one setting in a project's INI file; comments, order and everything else stay.
 */
#ifndef HK_CONF_EDIT_H
#define HK_CONF_EDIT_H

#include <base/error.h>

/*
 * Sets a key (NULL: removes it, which is fine when it is not there), and replaces the file in one
 * step. HK_E_CONFIG_INVALID for an unknown key, a value it cannot have, one that only hostkit.ini
 * may set, or a file that has problems already; the file is unchanged then.
 */
int hk_conf_edit(const char *path, const char *section, const char *key, const char *value,
		 struct hk_error *err) HK_MUST_CHECK;

#endif
