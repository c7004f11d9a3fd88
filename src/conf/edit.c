/*
 * Editing an INI file by lines. Where a setting stands is what the parser says, and the new text is
 * parsed before it is written: nothing but that one setting may have changed.
 */
#include <conf/edit.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <conf/conf.h>
#include <conf/file.h>
#include <sys/fs.h>

#define FILE_MAX (256 * 1024)

struct edit {
	const struct hk_conf_option *option;
	const char *value; /* NULL: remove it */
	int at;		   /* its line; 0: it is not there */
	int section;	   /* the last line that opens its section; 0: none does */
};

static bool opens(const char *line, size_t len, const char *section)
{
	size_t n = strlen(section);

	return len >= n + 2 && line[0] == '[' && !memcmp(line + 1, section, n) &&
	       line[n + 1] == ']';
}

/* A list's further lines. */
static bool continues(const char *line, size_t len)
{
	size_t indent = 0;

	while (indent < len && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	return indent && indent < len && line[indent] != '#' && line[indent] != ';';
}

static void add_setting(const struct edit *e, struct hk_buf *out)
{
	if (e->value)
		hk_buf_addf(out, "%s = %s\n", e->option->key, e->value);
}

static void rewrite(struct edit *e, const struct hk_buf *text, struct hk_buf *out)
{
	const char *p = text->data, *end = text->data + text->len;
	bool dropping = false;

	for (int n = 1; p < end; n++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);

		dropping = (dropping && continues(p, len)) || (e->at && n == e->at);
		if (!dropping)
			hk_buf_addf(out, "%.*s\n", (int)len, p);
		if (n == (e->at ? e->at : e->section))
			add_setting(e, out);
		p += len + 1;
	}
	if (!e->at && !e->section && e->value) {
		hk_buf_addf(out, "%s[%s]\n", out->len ? "\n" : "", e->option->section);
		add_setting(e, out);
	}
}

static void find_section(struct edit *e, const struct hk_buf *text)
{
	const char *p = text->data, *end = text->data + text->len;

	for (int n = 1; p < end; n++) {
		size_t len = strcspn(p, "\n");

		if (opens(p, len, e->option->section))
			e->section = n;
		p += len + 1;
	}
}

/* Whether the entries are the same but for the option. */
static bool same_but_one(const struct hk_conf_file *a, const struct hk_conf_file *b,
			 const struct hk_conf_option *o)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		while (i < a->len && a->entries[i].option == o)
			i++;
		while (k < b->len && b->entries[k].option == o)
			k++;
		if (i == a->len || k == b->len)
			return i == a->len && k == b->len;
		if (a->entries[i].option != b->entries[k].option ||
		    strcmp(a->entries[i].value, b->entries[k].value))
			return false;
	}
}

static int check_result(const struct hk_conf_file *before, const struct hk_buf *text,
			const struct edit *e, struct hk_error *err)
{
	hk_auto_conf_file after = { .path = before->path, .scope = HK_CONF_PROJECT };
	const char *found = NULL;

	hk_conf_file_parse(&after, text->data, text->len);
	for (size_t i = 0; i < after.len; i++)
		if (after.entries[i].option == e->option)
			found = after.entries[i].value;
	if (!after.problems_len && same_but_one(before, &after, e->option) &&
	    (e->value ? found && !strcmp(found, e->value) : !found))
		return 0;
	return hk_error_set(err, HK_E_CONFIG_INVALID,
			    "[%s] %s cannot be changed in '%s': edit the file by hand",
			    e->option->section, e->option->key, before->path);
}

static int look_up(const char *section, const char *key, const char *value,
		   const struct hk_conf_option **ret, struct hk_error *err)
{
	const struct hk_conf_option *o = hk_conf_option_find(section, key);

	if (hk_conf_check_value(section, key, value ? value : o ? o->def : "", err))
		return err->code;
	if (!(o->scope & HK_CONF_PROJECT)) {
		hk_error_set(err, HK_E_CONFIG_INVALID, "[%s] %s cannot be set by a project",
			     section, key);
		return hk_error_hint(err, "set it in hostkit.ini");
	}
	*ret = o;
	return 0;
}

int hk_conf_read(const char *path, struct hk_buf *ret, struct hk_error *err)
{
	return hk_fs_read_file(AT_FDCWD, path, FILE_MAX, ret, err);
}

int hk_conf_write(const char *path, const struct hk_buf *text, struct hk_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s'", path);
	if (geteuid())
		st.st_uid = st.st_gid = (uid_t)-1;
	return hk_fs_write_file_for(st.st_uid, st.st_gid, AT_FDCWD, path, text->data, text->len,
				    st.st_mode & 0777, err);
}

int hk_conf_edit(const char *path, const char *section, const char *key, const char *value,
		 struct hk_error *err)
{
	hk_auto_conf_file before = { .path = path, .scope = HK_CONF_PROJECT };
	hk_auto_buf text = HK_BUF_INIT, out = HK_BUF_INIT;
	struct edit e = { .value = value };

	if (look_up(section, key, value, &e.option, err) || hk_conf_read(path, &text, err))
		return err->code;
	hk_conf_file_parse(&before, text.data, text.len);
	if (before.problems_len) {
		hk_conf_file_sort(&before);
		hk_error_set(err, HK_E_CONFIG_INVALID, "%s:%d: %s", path, before.problems[0].line,
			     before.problems[0].text);
		return hk_error_hint(err, "mend the file first");
	}
	for (size_t i = 0; i < before.len; i++)
		if (before.entries[i].option == e.option)
			e.at = before.entries[i].line;
	find_section(&e, &text);
	rewrite(&e, &text, &out);
	if (check_result(&before, &out, &e, err))
		return err->code;
	return hk_conf_write(path, &out, err);
}
