/*
 * Files from templates (contract in file.h), and the placeholders that templates have.
 */
#include <host/file.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <conf/parse.h>
#include <host/template.h>
#include <store/hmac.h>
#include <sys/fs.h>
#include <sys/self.h>

#define FILE_MAX (512 * 1024)
#define VALUES_MAX 32
#define DIGEST_KEY "hostkit file"

/* --- Placeholders */

static int put_name(const struct hk_host_project *hp, struct hk_buf *out,
		    struct hk_error *err HK_UNUSED)
{
	hk_buf_addstr(out, hp->name);
	return 0;
}

static int put_home(const struct hk_host_project *hp, struct hk_buf *out,
		    struct hk_error *err HK_UNUSED)
{
	hk_buf_addstr(out, hp->home);
	return 0;
}

/* For names of variables, which have no hyphens. */
static int put_word(const struct hk_host_project *hp, struct hk_buf *out,
		    struct hk_error *err HK_UNUSED)
{
	for (const char *p = hp->name; *p; p++)
		hk_buf_addch(out, *p == '-' ? '_' : *p);
	return 0;
}

static int put_state(const struct hk_host_project *hp, struct hk_buf *out,
		     struct hk_error *err HK_UNUSED)
{
	hk_buf_addstr(out, hp->state);
	return 0;
}

/* Units, rules and sites quote in three ways: a path that needs none of them fits everywhere. */
static int put_program(const struct hk_host_project *hp HK_UNUSED, struct hk_buf *out,
		       struct hk_error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._+-";
	hk_auto_free char *path = NULL;

	if (hk_self_program("hostkit", &path, err))
		return err->code;
	if (strspn(path, plain) != strlen(path)) {
		hk_error_set(err, HK_E_NOT_SUPPORTED,
			     "the path of hostkit, '%s', has characters that a unit cannot have",
			     path);
		return hk_error_hint(err, "install it where the path is letters and digits");
	}
	hk_buf_addstr(out, path);
	return 0;
}

/* One placeholder: what put writes, or else the value of an option, in the file's notation. */
struct placeholder {
	const char *name;
	int (*put)(const struct hk_host_project *hp, struct hk_buf *out, struct hk_error *err);
	const char *section, *key;
	bool limit; /* 0 means that there is none, which units write as nothing */
	const char *unit;
};

static const struct placeholder placeholders[] = {
	{ .name = "name", .put = put_name },
	{ .name = "user", .put = put_name },
	{ .name = "word", .put = put_word },
	{ .name = "home", .put = put_home },
	{ .name = "state", .put = put_state },
	{ .name = "hostkit", .put = put_program },
	{ .name = "port", .section = "project", .key = "port" },
	{ .name = "domain", .section = "project", .key = "domain" },
	{ .name = "stop_timeout", .section = "service", .key = "stop_timeout" },
	{ .name = "memory_max", .section = "service", .key = "memory_max", .limit = true },
	{ .name = "cpu_quota",
	  .section = "service",
	  .key = "cpu_quota",
	  .limit = true,
	  .unit = "%" },
	{ .name = "tasks_max", .section = "service", .key = "tasks_max", .limit = true },
};

static int put_value(const struct placeholder *p, const struct hk_host_project *hp,
		     struct hk_buf *out, struct hk_error *err)
{
	const struct hk_conf_option *o;

	if (p->put)
		return p->put(hp, out, err);
	o = hk_conf_option_find(p->section, p->key);
	if (o)
		hk_conf_value_format(o, hp->conf, out);
	if (p->limit && !strcmp(out->data, "0"))
		hk_buf_reset(out);
	if (p->unit && out->len)
		hk_buf_addstr(out, p->unit);
	return 0;
}

/* --- Files */

char *hk_host_file_path(const struct hk_host_file *f, const char *name)
{
	return hk_xasprintf("%s/%s%s%s", f->dir, f->prefix, name, f->suffix);
}

static char *mark_of(const struct hk_host_file *f, const char *name)
{
	return hk_xasprintf("%shostkit project %s: ", f->comment, name);
}

static int add_head(const struct hk_host_file *f, const char *name, const char *text, size_t len,
		    struct hk_buf *out, struct hk_error *err)
{
	hk_auto_free char *mark = mark_of(f, name);
	char digest[HK_HMAC_HEX_LEN];

	if (hk_hmac_sha256(DIGEST_KEY, text, len, digest, err))
		return err->code;
	hk_buf_addf(out, "%smade by hostkit from the template %s, as %.16s\n", mark, f->template,
		    digest);
	return 0;
}

/* Whether a file of ours is what hostkit has once written: its first line follows from the rest. */
static bool is_as_written(const struct hk_host_file *f, const char *name, const struct hk_buf *text)
{
	const char *nl = memchr(text->data, '\n', text->len);
	size_t head = nl ? (size_t)(nl + 1 - text->data) : text->len;
	const char *wanted_end, *end = nl ? nl - 16 : NULL;
	hk_auto_buf wanted = HK_BUF_INIT;
	struct hk_error ignored;

	if (!nl || head < 17 ||
	    add_head(f, name, text->data + head, text->len - head, &wanted, &ignored))
		return false;
	/* The template may have had another name (a site's kind has changed): only the digest. */
	wanted_end = wanted.data + wanted.len - 17;
	return !memcmp(wanted_end, end, 16);
}

int hk_host_file_render(const struct hk_host_file *f, const struct hk_host_project *hp,
			struct hk_buf *out, struct hk_error *err)
{
	struct hk_template_value values[VALUES_MAX];
	struct hk_buf texts[HK_ARRAY_LEN(placeholders)];
	hk_auto_buf text = HK_BUF_INIT;
	size_t n = 0;
	int ret = 0;

	for (; !ret && n < HK_ARRAY_LEN(placeholders); n++) {
		texts[n] = (struct hk_buf)HK_BUF_INIT;
		ret = put_value(&placeholders[n], hp, &texts[n], err);
		values[n] = (struct hk_template_value){ placeholders[n].name, texts[n].data };
	}
	if (!ret)
		ret = hk_template_render(f->template, values, n, &text, NULL, err);
	if (!ret)
		ret = add_head(f, hp->name, text.data, text.len, out, err);
	if (!ret)
		hk_buf_add(out, text.data, text.len);
	while (n)
		hk_buf_release(&texts[--n]);
	return ret;
}

/* *ret_there is false, and text empty, when there is none. */
static int read_file(const char *path, bool *ret_there, struct hk_buf *text, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	*ret_there = true;
	if (!hk_fs_read_file(AT_FDCWD, path, FILE_MAX, text, &why))
		return 0;
	if (why.sys_errno == ENOENT) {
		*ret_there = false;
		return 0;
	}
	*err = why;
	return err->code;
}

static bool is_ours(const struct hk_host_file *f, const char *name, const struct hk_buf *text)
{
	hk_auto_free char *mark = mark_of(f, name);

	return !strncmp(text->data, mark, strlen(mark));
}

static int taken(const struct hk_host_file *f, const char *path, struct hk_error *err)
{
	hk_error_set(err, HK_E_NAME_TAKEN, "there is a %s '%s' that is not hostkit's", f->what,
		     path);
	return hk_error_hint(err, "choose another name, or move that file away");
}

int hk_host_file_check(const struct hk_host_file *f, const char *name, struct hk_error *err)
{
	hk_auto_free char *path = hk_host_file_path(f, name);
	hk_auto_buf text = HK_BUF_INIT;
	bool there;

	/* A link or a folder in its place is not ours either. */
	if (hk_fs_exists(AT_FDCWD, path) && !hk_fs_is_file(AT_FDCWD, path))
		return taken(f, path, err);
	if (read_file(path, &there, &text, err))
		return err->code;
	return there && !is_ours(f, name, &text) ? taken(f, path, err) : 0;
}

int hk_host_file_look(const struct hk_host_file *f, const struct hk_host_project *hp,
		      enum hk_host_file_state *ret, struct hk_error *err)
{
	hk_auto_free char *path = hk_host_file_path(f, hp->name);
	hk_auto_buf wanted = HK_BUF_INIT, text = HK_BUF_INIT;
	struct hk_error why = HK_ERROR_INIT;
	bool there = false;

	if (read_file(path, &there, &text, &why)) {
		*ret = why.code == HK_E_PERMISSION ? HK_HOST_FILE_UNREADABLE : HK_HOST_FILE_FOREIGN;
		return 0;
	}
	if (!there || !is_ours(f, hp->name, &text)) {
		*ret = there ? HK_HOST_FILE_FOREIGN : HK_HOST_FILE_MISSING;
		return 0;
	}
	if (!is_as_written(f, hp->name, &text)) {
		*ret = HK_HOST_FILE_CHANGED;
		return 0;
	}
	if (hk_host_file_render(f, hp, &wanted, err))
		return err->code;
	*ret = wanted.len == text.len && !memcmp(wanted.data, text.data, text.len)
		       ? HK_HOST_FILE_AS_MADE
		       : HK_HOST_FILE_OUTDATED;
	return 0;
}

int hk_host_file_make(const struct hk_host_file *f, const struct hk_host_project *hp,
		      bool *ret_made, struct hk_error *err)
{
	hk_auto_free char *path = hk_host_file_path(f, hp->name);
	hk_auto_buf wanted = HK_BUF_INIT;
	enum hk_host_file_state state;

	if (hk_host_file_check(f, hp->name, err) || hk_host_file_look(f, hp, &state, err))
		return err->code;
	if (state == HK_HOST_FILE_CHANGED)
		hk_strlist_addf(hp->notes,
				"'%s' was changed by hand and is left as it is; to make it anew: "
				"rm %s && hostkit project apply %s",
				path, path, hp->name);
	if (state == HK_HOST_FILE_AS_MADE || state == HK_HOST_FILE_CHANGED)
		return 0;
	if (hk_host_file_render(f, hp, &wanted, err) || hk_fs_mkdir_p(AT_FDCWD, f->dir, 0755, err))
		return err->code;
	*ret_made = true;
	return hk_fs_write_file(AT_FDCWD, path, wanted.data, wanted.len, 0644, err);
}

int hk_host_file_remove(const struct hk_host_file *f, const char *name, bool *ret_removed,
			struct hk_error *err)
{
	hk_auto_free char *path = hk_host_file_path(f, name);
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error ignored;
	bool there = false;

	if (read_file(path, &there, &text, &ignored) || !there || !is_ours(f, name, &text))
		return 0;
	if (unlink(path) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", path);
	if (ret_removed)
		*ret_removed = true;
	return 0;
}
