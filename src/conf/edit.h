/*
 * Changing one setting in a project's INI file; comments, order and everything else stay.
 */
#ifndef HK_CONF_EDIT_H
#define HK_CONF_EDIT_H

#include <base/buf.h>
#include <base/error.h>

/*
 * Sets a key (NULL: removes it, which is fine when it is not there), and replaces the file in one
 * step. HK_E_CONFIG_INVALID for an unknown key, a value it cannot have, one that only hostkit.ini
 * may set, or a file that has problems already; the file is unchanged then.
 */
int hk_conf_edit(const char *path, const char *section, const char *key, const char *value,
		 struct hk_error *err) HK_MUST_CHECK;

/* The whole file, to be put back as it was: it keeps its owner and mode, whoever may read it. */
int hk_conf_read(const char *path, struct hk_buf *ret, struct hk_error *err) HK_MUST_CHECK;
int hk_conf_write(const char *path, const struct hk_buf *text, struct hk_error *err) HK_MUST_CHECK;

#endif
