/*
 * hostkit doctor [NAME].
 */
#include <cli/cli.h>

#include <stdio.h>
#include <string.h>

#include <base/lines.h>
#include <cli/become.h>
#include <deploy/doctor.h>
#include <deploy/environment.h>
#include <deploy/installation.h>
#include <deploy/project.h>

#define HIDDEN "(hidden)"
#define VALUE_MAX 1000

struct examination {
	struct hk_json *checks; /* NULL: text */
	unsigned found[HK_DOCTOR_FAIL + 1];
};

static void print_finding(const struct hk_finding *f)
{
	static const char *const words[] = {
		[HK_DOCTOR_OK] = "ok",
		[HK_DOCTOR_WARN] = "warn",
		[HK_DOCTOR_FAIL] = "FAIL",
	};

	printf("  %-4s  %-12s %s\n", words[f->level], f->check, f->message);
	if (f->hint)
		hk_cli_print_hint(stdout, "        ", f->hint);
}

static void take_finding(void *ctx, const struct hk_finding *f)
{
	struct examination *x = ctx;
	struct hk_json *j;

	x->found[f->level]++;
	if (!x->checks) {
		print_finding(f);
		return;
	}
	j = hk_json_object();
	hk_json_set(j, "scope", hk_json_string(f->scope));
	hk_json_set(j, "name", hk_json_string(f->check));
	hk_json_set(j, "status", hk_json_string(hk_doctor_level_name(f->level)));
	hk_json_set(j, "message", hk_json_string(f->message));
	hk_json_set(j, "hint", hk_json_string(f->hint));
	hk_json_append(x->checks, j);
}

static void print_environment(const struct hk_strlist *env)
{
	if (env->len)
		puts("  environment of installs, builds and the service:");
	for (size_t i = 0; i < env->len; i++) {
		const char *value = strchr(env->items[i], '=') + 1;
		hk_auto_buf safe = HK_BUF_INIT;

		hk_lines_sanitize(&safe, value, strlen(value), VALUE_MAX);
		printf("    %.*s%s\n", (int)(value - env->items[i]), env->items[i],
		       hk_environment_is_secret(env->items[i]) ? HIDDEN : safe.data);
	}
	if (env->len)
		puts("    and, of a deployment: HOSTKIT_DEPLOYMENT, _REF, _COMMIT, _TAG, _PUSHER, _RELEASE, TMPDIR");
}

static struct hk_json *environment_json(const struct hk_strlist *env)
{
	struct hk_json *j = hk_json_object();

	for (size_t i = 0; i < env->len; i++) {
		char *value = strchr(env->items[i], '=');
		bool hidden = hk_environment_is_secret(env->items[i]);

		*value++ = '\0';
		hk_json_set(j, env->items[i], hidden ? hk_json_null() : hk_json_string(value));
	}
	return j;
}

/* --- As the project's user */

/* What a process of the project's user has found: five words each, and the environment. */
struct visit {
	const char *root, *name;
	struct hk_strlist words;
};

#define WORDS 5

static void note_finding(void *ctx, const struct hk_finding *f)
{
	struct visit *v = ctx;

	hk_strlist_add(&v->words, f->scope);
	hk_strlist_add(&v->words, f->check);
	hk_strlist_add(&v->words, hk_doctor_level_name(f->level));
	hk_strlist_add(&v->words, f->message);
	hk_strlist_add(&v->words, f->hint ? f->hint : "");
}

static int visit(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	struct visit *v = ctx;
	hk_auto_strlist env = HK_STRLIST_INIT;
	hk_auto_json *answer = hk_json_object();
	int ret = hk_doctor_project(v->root, v->name, note_finding, v, &env, err);

	hk_json_set(answer, "words", hk_json_strlist(&v->words));
	hk_json_set(answer, "environment", hk_json_strlist(&env));
	hk_json_write(answer, out);
	hk_strlist_wipe(&env);
	hk_strlist_release(&v->words);
	return ret;
}

static enum hk_doctor_level level_of(const char *name)
{
	for (unsigned level = HK_DOCTOR_OK; level < HK_DOCTOR_FAIL; level++)
		if (!strcmp(hk_doctor_level_name((enum hk_doctor_level)level), name))
			return (enum hk_doctor_level)level;
	return HK_DOCTOR_FAIL;
}

static int examine_as_owner(const char *root, const char *name, struct examination *x,
			    struct hk_strlist *env, struct hk_error *err)
{
	struct visit v = { root, name, HK_STRLIST_INIT };
	hk_auto_strlist words = HK_STRLIST_INIT;
	hk_auto_json *answer = NULL;
	hk_auto_buf text = HK_BUF_INIT;

	if (hk_cli_run_as_owner(name, visit, &v, &text, err) ||
	    hk_json_parse(text.data, text.len, name, HK_E_INTERNAL, &answer, err))
		return err->code;
	hk_json_to_strlist(hk_json_get(answer, "words"), &words);
	hk_json_to_strlist(hk_json_get(answer, "environment"), env);
	for (size_t i = 0; i + WORDS <= words.len; i += WORDS) {
		char *const *w = &words.items[i];
		const struct hk_finding f = { .scope = w[0],
					      .check = w[1],
					      .level = level_of(w[2]),
					      .message = w[3],
					      .hint = *w[4] ? w[4] : NULL };

		take_finding(x, &f);
	}
	return 0;
}

/* Root opens neither the ledger nor anything else that is the user's. */
static int look(const struct hk_cli_call *call, const char *name, struct examination *x,
		struct hk_strlist *env, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	if (hk_installation_is_host(call->root) && hk_doctor_host(name, take_finding, x, err))
		return err->code;
	if (!hk_cli_is_host_root(call))
		return hk_doctor_project(call->root, name, take_finding, x, env, err);
	/* Without a user there is nobody to look; what it lacks was told. */
	if (examine_as_owner(call->root, name, x, env, &why) && why.code != HK_E_PERMISSION) {
		*err = why;
		return err->code;
	}
	return 0;
}

/* *ret_env is the environment as JSON, when that was asked for. */
static int examine_project(struct hk_cli_call *call, const char *name, struct examination *x,
			   struct hk_json **ret_env, struct hk_error *err)
{
	hk_auto_strlist env = HK_STRLIST_INIT;

	if (!call->json)
		printf("project %s\n", name);
	if (look(call, name, x, &env, err))
		return err->code;
	if (call->json)
		*ret_env = environment_json(&env);
	else
		print_environment(&env);
	return 0;
}

static int verdict(struct hk_cli_call *call, const struct examination *x, struct hk_error *err)
{
	unsigned all = x->found[HK_DOCTOR_OK] + x->found[HK_DOCTOR_WARN] + x->found[HK_DOCTOR_FAIL];

	if (!x->found[HK_DOCTOR_FAIL])
		return 0;
	call->answers = true;
	hk_error_set(err, HK_E_DOCTOR_FOUND_PROBLEMS, "%u of %u checks failed",
		     x->found[HK_DOCTOR_FAIL], all);
	return hk_error_hint(err, "each says what mends it");
}

static int examine_all(struct hk_cli_call *call, struct examination *x, struct hk_json *env,
		       struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (!call->json)
		printf("installation %s\n", call->root);
	hk_doctor_installation(call->root, take_finding, x);
	if (hk_project_list(call->root, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		struct hk_json *of_project = NULL;

		if (examine_project(call, names.items[i], x, &of_project, err))
			return err->code;
		if (of_project)
			hk_json_set(env, names.items[i], of_project);
	}
	return 0;
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	struct examination x = { .checks = NULL };
	struct hk_json *env = NULL;
	int ret;

	if (call->json) {
		call->data = hk_json_object();
		x.checks = hk_json_array();
		hk_json_set(call->data, "checks", x.checks);
	}
	if (call->n_operands) {
		ret = examine_project(call, call->operands[0], &x, &env, err);
	} else {
		env = call->json ? hk_json_object() : NULL;
		ret = examine_all(call, &x, env, err);
	}
	if (env)
		hk_json_set(call->data, "environment", env);
	return ret ? ret : verdict(call, &x, err);
}

const struct hk_cli_command hk_cli_doctor_commands[] = {
	{ .group = "doctor",
	  .operands = "[NAME]",
	  .min = 0,
	  .max = 1,
	  .as = HK_CLI_AS_CALLER,
	  .remote = true,
	  .summary = "Look for what keeps deployments from working, and what mends it.",
	  .help = "Looks at settings, folders and their owners, permissions, hooks, the repository, the\n"
		  "programs that a deployment will find, disk, ledger, the application's database and its\n"
		  "checkpoints, what is live, service and port, and shows the environment that a deployment\n"
		  "will see. Without NAME: the installation and every project. Nothing is changed. Exits\n"
		  "with DOCTOR_FOUND_PROBLEMS when a check fails.",
	  .run = run },
	{ .group = NULL },
};
