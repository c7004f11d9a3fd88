/*
 * Templates (contract in template.h).
 */
#include <host/template.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <sys/fs.h>
#include <sys/self.h>

#define TEMPLATE_MAX (256 * 1024)
#define OPEN "{{"
#define CLOSE "}}"

/* One text that is being filled. */
struct filling {
	const char *path;
	const struct hk_template_value *values;
	size_t n;
	unsigned line;
};

static void list_names(const struct filling *f, struct hk_buf *out)
{
	for (size_t i = 0; i < f->n; i++)
		hk_buf_addf(out, "%s%s", i ? ", " : "", f->values[i].name);
}

static int unknown(const struct filling *f, const char *name, struct hk_error *err)
{
	hk_auto_buf names = HK_BUF_INIT;

	list_names(f, &names);
	hk_error_set(err, HK_E_CONFIG_INVALID, "%s:%u: there is no placeholder '{{%.64s}}'",
		     f->path, f->line, name);
	return hk_error_hint(err, "there are: %s", names.data);
}

/* A value that ended its line would be a line of its own in the file. */
static int add_value(const struct filling *f, const char *name, struct hk_buf *out,
		     struct hk_error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *value = f->values[i].value;

		if (strcmp(f->values[i].name, name))
			continue;
		for (const char *p = value; *p; p++)
			if (iscntrl((unsigned char)*p))
				return hk_error_set(err, HK_E_CONFIG_INVALID,
						    "%s:%u: the value of '{{%s}}' has a control "
						    "character (0x%02x)",
						    f->path, f->line, name, (unsigned char)*p);
		hk_buf_addstr(out, value);
		return 0;
	}
	return unknown(f, name, err);
}

/* A line without its end; placeholders do not span lines. */
static int fill_line(const struct filling *f, const char *line, size_t len, struct hk_buf *out,
		     struct hk_error *err)
{
	const char *end = line + len, *at;

	while ((at = memmem(line, (size_t)(end - line), OPEN, 2))) {
		const char *close = memmem(at + 2, (size_t)(end - at - 2), CLOSE, 2);
		hk_auto_free char *name = NULL;

		if (!close)
			return hk_error_set(err, HK_E_CONFIG_INVALID,
					    "%s:%u: a placeholder begins with '{{' and does not "
					    "end with '}}'",
					    f->path, f->line);
		name = hk_xstrndup(at + 2, (size_t)(close - at - 2));
		hk_buf_add(out, line, (size_t)(at - line));
		if (add_value(f, name, out, err))
			return err->code;
		line = close + 2;
	}
	hk_buf_add(out, line, (size_t)(end - line));
	return 0;
}

int hk_template_fill(const char *path, const char *text, size_t len,
		     const struct hk_template_value *values, size_t n, struct hk_buf *out,
		     struct hk_error *err)
{
	struct filling f = { .path = path, .values = values, .n = n };
	hk_auto_buf filled = HK_BUF_INIT;
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;

		f.line++;
		if (memchr(text, '\0', (size_t)(stop - text)))
			return hk_error_set(err, HK_E_CONFIG_INVALID, "%s:%u: there is a NUL byte",
					    path, f.line);
		if (fill_line(&f, text, (size_t)(stop - text), &filled, err))
			return err->code;
		hk_buf_addch(&filled, '\n');
		text = stop + 1;
	}
	hk_buf_add(out, filled.data, filled.len);
	return 0;
}

/* What root writes into the machine's configuration comes from nobody else. */
static int check_writers(const char *path, struct hk_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s'", path);
	if (!st.st_uid && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	hk_error_set(err, HK_E_PERMISSION, "others than root could have written '%s'", path);
	return hk_error_hint(err, "chown root:root %s && chmod go-w %s", path, path);
}

int hk_template_render(const char *name, const struct hk_template_value *values, size_t n,
		       struct hk_buf *out, char **ret_path, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/%s", HK_TEMPLATE_DIR, name);
	bool own = hk_fs_exists(AT_FDCWD, path);
	hk_auto_buf text = HK_BUF_INIT;

	if (!own) {
		hk_auto_free char *below = hk_xasprintf("templates/%s", name);

		free(hk_steal_ptr(path));
		if (hk_self_data(below, &path, err))
			return err->code;
	}
	if ((own && (check_writers(HK_TEMPLATE_DIR, err) || check_writers(path, err))) ||
	    hk_fs_read_file(AT_FDCWD, path, TEMPLATE_MAX, &text, err))
		return hk_error_prefix(err, "template %s", name);
	if (hk_template_fill(path, text.data, text.len, values, n, out, err))
		return err->code;
	if (ret_path)
		*ret_path = hk_steal_ptr(path);
	return 0;
}
