/*
 * The table of kinds, and running their programs.
 */
#include <database/kinds.h>

#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <sys/process.h>

static const struct hk_database_kind *const kinds[] = {
	&hk_database_sqlite,
	&hk_database_postgresql,
	&hk_database_command,
};

const struct hk_database_kind *hk_database_kind(const char *name)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

struct run {
	const struct hk_database *db;
	const struct hk_database_program *p;
	char telling[400]; /* the first line that says what is wrong, else the last one */
	bool found;
};

static void take_line(void *ctx, const char *line, size_t len)
{
	static const char *const signs[] = { "error:", "ERROR:", "FATAL:", "fatal:" };
	struct run *r = ctx;
	hk_auto_free char *text = hk_xstrndup(line, len);
	bool sign = false;

	for (size_t i = 0; i < HK_ARRAY_LEN(signs); i++)
		sign |= strstr(text, signs[i]) != NULL;
	if (*text && !r->found)
		snprintf(r->telling, sizeof(r->telling), "%s", text);
	r->found |= sign;
	if (r->p->said)
		hk_strlist_add(r->p->said, text);
	if (r->db->on_line)
		r->db->on_line(r->db->ctx, line, len);
}

static int explain(const struct run *r, struct hk_error *err)
{
	const char *program = r->p->argv[0];

	if (err->code == HK_E_COMMAND_NOT_FOUND)
		return hk_error_hint(err, "install it, or add its folder to [project] path in the "
					  "project's INI file");
	if (err->code != HK_E_COMMAND_FAILED)
		return err->code;
	if (hk_error_says_full(r->telling))
		err->code = HK_E_NO_SPACE;
	else
		err->code = r->p->code;
	if (*r->telling)
		return hk_error_set(err, err->code, "%s%s%s",
				    strncmp(r->telling, program, strlen(program)) ? program : "",
				    strncmp(r->telling, program, strlen(program)) ? ": " : "",
				    r->telling);
	return err->code;
}

int hk_database_run(const struct hk_database *db, const struct hk_database_program *p,
		    struct hk_error *err)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct run r = { .db = db, .p = p };
	hk_auto_strlist env = HK_STRLIST_INIT;
	int ret;

	hk_strlist_add_list(&env, p->env);
	if (db->mark)
		hk_strlist_add(&env, db->mark);
	spec.argv = p->argv;
	spec.env = hk_strlist_argv(&env);
	spec.cwd_fd = db->home_fd;
	spec.stdin_fd = p->stdin_fd;
	spec.stdout_fd = p->stdout_fd;
	spec.cancel_fd = p->uncancellable ? -1 : db->cancel_fd;
	spec.timeout_ms = hk_clock_left(db->deadline);
	spec.grace_ms = db->conf->build_grace;
	spec.mark = db->mark;
	spec.on_line = take_line;
	spec.ctx = &r;
	ret = hk_process_run(&spec, NULL, err);
	hk_strlist_wipe(&env);
	return ret ? explain(&r, err) : 0;
}

void hk_database_set_variable(struct hk_strlist *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], name, len) || env->items[i][len] != '=')
			continue;
		free(env->items[i]);
		env->items[i] = hk_xasprintf("%s=%s", name, value);
		return;
	}
	hk_strlist_addf(env, "%s=%s", name, value);
}
