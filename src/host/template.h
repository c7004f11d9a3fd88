/*
 * Templates: files of the machine that follow from a project's settings. A template is text with
 * placeholders `{{name}}`; those that there are depend on the file (see the rows of whoever
 * renders it).
 */
#ifndef HK_HOST_TEMPLATE_H
#define HK_HOST_TEMPLATE_H

#include <stddef.h>

#include <base/buf.h>
#include <base/error.h>

/* An administrator's own templates, which win over those of the installation. */
#define HK_TEMPLATE_DIR "/etc/hostkit/templates"

struct hk_template_value {
	const char *name;
	const char *value;
};

/*
 * Appends the template of that file name with its placeholders replaced. *ret_path (may be NULL)
 * is the path of the one that was taken; the caller frees. HK_E_CONFIG_INVALID, as "PATH:LINE: …",
 * for a placeholder that is unknown or not closed, HK_E_PERMISSION when others than root could
 * have written an administrator's template, HK_E_IO when there is none.
 */
int hk_template_render(const char *name, const struct hk_template_value *values, size_t n,
		       struct hk_buf *out, char **ret_path, struct hk_error *err) HK_MUST_CHECK;

/* The same for a text; path is for messages. out keeps what it had on failure. */
int hk_template_fill(const char *path, const char *text, size_t len,
		     const struct hk_template_value *values, size_t n, struct hk_buf *out,
		     struct hk_error *err) HK_MUST_CHECK;

#endif
