/*
 * Loading: defaults of the table, then the defaults file, then the project's.
 */
#include <conf/conf.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <base/alloc.h>
#include <conf/file.h>
#include <conf/options.h>
#include <conf/parse.h>
#include <conf/relpath.h>

void hk_conf_release(struct hk_conf *conf)
{
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		hk_conf_value_release(&hk_conf_options[i], conf);
		if (conf->origins)
			free(conf->origins[i]);
	}
	free(conf->origins);
	*conf = (struct hk_conf)HK_CONF_INIT;
}

const char *hk_conf_origin(const struct hk_conf *conf, const char *section, const char *key)
{
	return conf->origins[hk_conf_option_find(section, key) - hk_conf_options];
}

static int set_defaults(struct hk_conf *conf, struct hk_error *err)
{
	int r;

	conf->origins = hk_xcalloc(hk_conf_options_len, sizeof(*conf->origins));
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		conf->origins[i] = hk_xstrdup("default");
		r = hk_conf_value_parse(&hk_conf_options[i], hk_conf_options[i].def, conf, err);
		if (r < 0)
			return hk_error_prefix(err, "[%s] %s", hk_conf_options[i].section,
					       hk_conf_options[i].key);
	}
	return 0;
}

static void apply_entry(struct hk_conf_file *f, const struct hk_conf_entry *e, struct hk_conf *conf)
{
	size_t i = (size_t)(e->option - hk_conf_options);
	struct hk_error err = HK_ERROR_INIT;

	if (hk_conf_value_parse(e->option, e->value, conf, &err) < 0) {
		hk_conf_file_problem(f, e->line, e->option, err.hint, "%s", err.message);
		return;
	}
	free(conf->origins[i]);
	conf->origins[i] = hk_xasprintf("%s:%d", f->path, e->line);
}

/* Reads a file and sets what it says; problems are left in f. */
static int load_file(struct hk_conf_file *f, bool optional, struct hk_conf *conf,
		     struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	if (hk_conf_file_read(f, &why) < 0) {
		if (optional && why.code == HK_E_IO && why.sys_errno == ENOENT)
			return 0;
		*err = why;
		return why.code;
	}
	for (size_t i = 0; i < f->len; i++)
		apply_entry(f, &f->entries[i], conf);
	hk_conf_file_sort(f);
	return 0;
}

/* A path is shared once, as a folder or as a file; both keys are the project file's only. */
static void check_shared(struct hk_conf_file *f, const struct hk_conf *conf)
{
	const struct hk_conf_option *o = hk_conf_option_find("shared", "files");
	const struct hk_strlist *dirs = &conf->shared_dirs, *files = &conf->shared_files;
	int line = 0;

	for (size_t i = 0; i < f->len; i++)
		if (f->entries[i].option == o)
			line = f->entries[i].line;
	for (size_t i = 0; i < files->len; i++)
		for (size_t k = 0; k < dirs->len; k++)
			if (hk_relpath_overlap(files->items[i], dirs->items[k])) {
				hk_conf_file_problem(f, line, o, NULL,
						     "'%s' and '%s' of [shared] dirs overlap",
						     files->items[i], dirs->items[k]);
				return;
			}
}

/* Lists the problems of all files; the first becomes the error. */
static int report(const struct hk_conf_file *files, size_t n, struct hk_strlist *problems,
		  struct hk_error *err)
{
	hk_auto_strlist all = HK_STRLIST_INIT;
	const char *hint = NULL;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < files[i].problems_len; k++) {
			const struct hk_conf_problem *p = &files[i].problems[k];

			hk_strlist_addf(&all, "%s:%d: %s", files[i].path, p->line, p->text);
			hint = hint ? hint : p->hint;
		}
	}
	if (!all.len)
		return 0;
	if (problems)
		hk_strlist_add_list(problems, &all);
	if (all.len > 1)
		hk_error_set(err, HK_E_CONFIG_INVALID, "%s (and %zu more problem%s)", all.items[0],
			     all.len - 1, all.len > 2 ? "s" : "");
	else
		hk_error_set(err, HK_E_CONFIG_INVALID, "%s", all.items[0]);
	return hk_error_hint(err, "%s", hint);
}

static void release_files(struct hk_conf_file (*files)[2])
{
	hk_conf_file_release(&(*files)[0]);
	hk_conf_file_release(&(*files)[1]);
}

int hk_conf_load(const char *defaults_path, const char *project_path, struct hk_conf *ret,
		 struct hk_strlist *problems, struct hk_error *err)
{
	HK_CLEANUP(release_files)
	struct hk_conf_file files[2] = {
		{ .path = defaults_path, .scope = HK_CONF_DEFAULTS },
		{ .path = project_path, .scope = HK_CONF_PROJECT },
	};
	hk_auto_conf conf = HK_CONF_INIT;
	int r;

	r = set_defaults(&conf, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < HK_ARRAY_LEN(files); i++) {
		r = load_file(&files[i], files[i].scope == HK_CONF_DEFAULTS, &conf, err);
		if (r < 0)
			return r;
	}
	check_shared(&files[1], &conf);
	hk_conf_file_sort(&files[1]);
	r = report(files, HK_ARRAY_LEN(files), problems, err);
	if (r < 0)
		return r;
	*ret = conf;
	conf = (struct hk_conf)HK_CONF_INIT;
	return 0;
}

static bool is_from(const struct hk_conf *conf, const struct hk_conf_option *o, const char *path)
{
	const char *origin = conf->origins[o - hk_conf_options];
	size_t n = strlen(path);

	return !strncmp(origin, path, n) && origin[n] == ':';
}

int hk_conf_apply_pushed(struct hk_conf *conf, const char *project_path, const char *label,
			 const char *text, size_t len, struct hk_strlist *problems,
			 struct hk_error *err)
{
	hk_auto_conf_file f = { .path = label, .scope = HK_CONF_PUSHED };
	hk_auto_conf scratch = HK_CONF_INIT;

	/* All of it is tried on a copy: a file with a problem sets nothing. */
	if (set_defaults(&scratch, err) < 0)
		return err->code;
	hk_conf_file_parse(&f, text, len);
	for (size_t i = 0; i < f.len; i++)
		apply_entry(&f, &f.entries[i], &scratch);
	hk_conf_file_sort(&f);
	if (report(&f, 1, problems, err) < 0)
		return err->code;
	for (size_t i = 0; i < f.len; i++)
		if (!is_from(conf, f.entries[i].option, project_path))
			apply_entry(&f, &f.entries[i], conf);
	return 0;
}

void hk_conf_load_anyway(const char *defaults_path, const char *project_path, struct hk_conf *ret,
			 hk_conf_problem_fn *fn, void *ctx)
{
	HK_CLEANUP(release_files)
	struct hk_conf_file files[2] = {
		{ .path = defaults_path, .scope = HK_CONF_DEFAULTS },
		{ .path = project_path, .scope = HK_CONF_PROJECT },
	};
	struct hk_error err = HK_ERROR_INIT;

	*ret = (struct hk_conf)HK_CONF_INIT;
	if (set_defaults(ret, &err) < 0)
		fn(ctx, err.message, err.hint);
	for (size_t i = 0; i < HK_ARRAY_LEN(files); i++) {
		if (load_file(&files[i], files[i].scope == HK_CONF_DEFAULTS, ret, &err) < 0)
			fn(ctx, err.message, err.hint);
		for (size_t k = 0; k < files[i].problems_len; k++) {
			const struct hk_conf_problem *p = &files[i].problems[k];
			hk_auto_free char *text =
				hk_xasprintf("%s:%d: %s", files[i].path, p->line, p->text);

			fn(ctx, text, p->hint);
		}
	}
}

/* Whether a value can stand in a file at all: it would come back as it is. */
static int check_line(const struct hk_conf_option *o, const char *value, struct hk_error *err)
{
	const char *last = value + strlen(value) - (*value != '\0');

	for (const char *p = value; *p; p++)
		if (iscntrl((unsigned char)*p) && *p != '\t')
			return hk_error_set(err, HK_E_CONFIG_INVALID,
					    "[%s] %s: the value has a control character (0x%02x)",
					    o->section, o->key, (unsigned char)*p);
	if (isblank((unsigned char)*value) || isblank((unsigned char)*last))
		return hk_error_set(err, HK_E_CONFIG_INVALID,
				    "[%s] %s: the value has a blank at its beginning or end",
				    o->section, o->key);
	return 0;
}

int hk_conf_check_value(const char *section, const char *key, const char *value,
			struct hk_error *err)
{
	hk_auto_conf_file f = { .scope = HK_CONF_DEFAULTS | HK_CONF_PROJECT };
	const struct hk_conf_option *o = hk_conf_option_find(section, key);
	hk_auto_conf scratch = HK_CONF_INIT;
	hk_auto_buf text = HK_BUF_INIT;

	if (!o) {
		hk_conf_suggest_key(section, key, &text);
		return hk_error_set(err, HK_E_CONFIG_INVALID, "[%s] %s: unknown key%s", section,
				    key, text.data);
	}
	if (check_line(o, value, err) < 0)
		return err->code;
	hk_buf_addf(&text, "[%s]\n%s = %s\n", section, key, value);
	hk_conf_file_parse(&f, text.data, text.len);
	if (!f.problems_len && strcmp(f.entries[0].value, value))
		hk_conf_file_problem(&f, 0, o, NULL,
				     "the value has a comment: a blank followed by ';'");
	if (!f.problems_len && hk_conf_value_parse(o, value, &scratch, err) < 0)
		return hk_error_prefix(err, "[%s] %s", section, key);
	if (!f.problems_len)
		return 0;
	hk_error_set(err, HK_E_CONFIG_INVALID, "%s", f.problems[0].text);
	return hk_error_hint(err, "%s", f.problems[0].hint);
}
