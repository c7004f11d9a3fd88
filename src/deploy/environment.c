/*
 * Building the declared environment.
 */
#include <deploy/environment.h>

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <store/dotenv.h>
#include <sys/fs.h>

#define DOTENV_MAX (1 << 20)

/* Where the entry of that name is; env->len: nowhere. */
static size_t find(const struct hk_strlist *env, const char *name, size_t len)
{
	size_t i = 0;

	while (i < env->len && (strncmp(env->items[i], name, len) || env->items[i][len] != '='))
		i++;
	return i;
}

/* Replaces the entry of the same name, or appends. */
static void set(struct hk_strlist *env, const char *entry)
{
	size_t i = find(env, entry, strcspn(entry, "="));

	if (i == env->len) {
		hk_strlist_add(env, entry);
		return;
	}
	free(env->items[i]);
	env->items[i] = hk_xstrdup(entry);
}

static void set_value(struct hk_strlist *env, const char *name, const char *value)
{
	hk_auto_free char *entry = NULL;

	if (!value || !*value)
		return;
	entry = hk_xasprintf("%s=%s", name, value);
	set(env, entry);
}

void hk_environment_set_fact(struct hk_strlist *env, const char *name, const char *value)
{
	size_t i = find(env, name, strlen(name));

	if (value && *value) {
		set_value(env, name, value);
	} else if (i < env->len) {
		free(env->items[i]);
		/* The list's end, a NULL, comes with it. */
		memmove(&env->items[i], &env->items[i + 1], (env->len - i) * sizeof(*env->items));
		env->len--;
	}
}

static void add_user(const struct hk_project *p, struct hk_strlist *env)
{
	struct passwd *pw = getpwuid(geteuid());

	set_value(env, "HOME", p->home_path);
	set_value(env, "USER", pw ? pw->pw_name : p->name);
	set_value(env, "LOGNAME", pw ? pw->pw_name : p->name);
	set_value(env, "SHELL", "/bin/sh");
}

static void add_settings(const struct hk_project *p, struct hk_strlist *env)
{
	static const char *const fixed[] = {
		"LANG=C.UTF-8",
		"TMPDIR=/tmp",
		"NODE_ENV=production",
		/* Only nginx on this machine is meant to reach an application. */
		"HOST=127.0.0.1",
		"HOSTNAME=127.0.0.1",
		"PYTHONUNBUFFERED=1",
		"NEXT_TELEMETRY_DISABLED=1",
		"npm_config_update_notifier=false",
		"npm_config_fund=false",
		"npm_config_audit=false",
	};
	hk_auto_free char *cache =
		p->state_path ? hk_xasprintf("%s/cache", p->state_path) : hk_xstrdup("/tmp");
	hk_auto_free char *npm = hk_xasprintf("npm_config_cache=%s/npm", cache);
	hk_auto_free char *pip = hk_xasprintf("PIP_CACHE_DIR=%s/pip", cache);

	for (size_t i = 0; i < HK_ARRAY_LEN(fixed); i++)
		set(env, fixed[i]);
	set(env, npm);
	set(env, pip);
	if (p->conf.project_port) {
		hk_auto_free char *port = hk_xasprintf("%d", (int)p->conf.project_port);

		set_value(env, "PORT", port);
	}
}

static int add_text(const char *text, size_t len, const char *what, struct hk_strlist *env,
		    struct hk_error *err)
{
	HK_CLEANUP(hk_strlist_wipe) struct hk_strlist entries = HK_STRLIST_INIT;

	if (hk_dotenv_parse(text, len, what, &entries, err))
		return err->code;
	for (size_t i = 0; i < entries.len; i++)
		set(env, entries.items[i]);
	return 0;
}

static int add_dotenv(const struct hk_project *p, struct hk_strlist *env, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/.env", p->home_path);
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error read_err = HK_ERROR_INIT;

	if (hk_fs_read_file(p->home_fd, ".env", DOTENV_MAX, &text, &read_err)) {
		if (read_err.sys_errno == ENOENT)
			return 0;
		*err = read_err;
		return hk_error_prefix(err, "in '%s'", p->home_path);
	}
	return add_text(text.data, text.len, path, env, err);
}

bool hk_environment_is_secret(const char *entry)
{
	static const char *const parts[] = { "SECRET", "TOKEN",	  "PASS", "KEY",
					     "CRED",   "PRIVATE", "AUTH", "DATABASE_URL" };
	hk_auto_free char *name = hk_xstrndup(entry, strcspn(entry, "="));

	for (size_t i = 0; i < HK_ARRAY_LEN(parts); i++)
		if (strcasestr(name, parts[i]))
			return true;
	return false;
}

char *hk_environment_mark(const struct hk_project *p, int64_t deployment)
{
	struct stat st = { .st_ino = 0 };

	/* Not the path: one folder can have several, and the same name is used under other roots.
	 */
	if (fstat(p->state_fd, &st))
		st.st_ino = 0;
	return hk_xasprintf("HOSTKIT_RUN=%s#%lld@%llx.%llx", p->name, (long long)deployment,
			    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

void hk_environment_plain(const struct hk_project *p, struct hk_strlist *ret)
{
	set_value(ret, "PATH", p->conf.project_path);
	add_user(p, ret);
	add_settings(p, ret);
	set_value(ret, "HOSTKIT_PROJECT", p->name);
}

enum { DEPLOYMENT, REF, SOURCE, COMMIT, TAG, PUSHER, PUSHER_KEY, RELEASE };

static const char *const fact_names[] = {
	[DEPLOYMENT] = "HOSTKIT_DEPLOYMENT",
	[REF] = "HOSTKIT_REF",
	[SOURCE] = "HOSTKIT_SOURCE",
	[COMMIT] = "HOSTKIT_COMMIT",
	[TAG] = "HOSTKIT_TAG",
	[PUSHER] = "HOSTKIT_PUSHER",
	[PUSHER_KEY] = "HOSTKIT_PUSHER_KEY",
	[RELEASE] = "HOSTKIT_RELEASE",
};

void hk_environment_facts(const struct hk_project *p, const struct hk_deployment *d,
			  struct hk_strlist *env)
{
	hk_auto_free char *id = hk_xasprintf("%lld", (long long)d->id);
	const char *const values[] = {
		[DEPLOYMENT] = id,
		/* Of a folder, or a commit of another repository, the ref is only a word. */
		[REF] = d->ref && !strncmp(d->ref, "refs/", 5) ? d->ref : NULL,
		[SOURCE] = d->source,
		[COMMIT] = d->commit,
		[TAG] = d->tag,
		[PUSHER] = d->pusher,
		[PUSHER_KEY] = d->pusher_key,
		[RELEASE] = d->release,
	};

	hk_environment_set_fact(env, "HOSTKIT_PROJECT", p->name);
	for (size_t i = 0; i < HK_ARRAY_LEN(fact_names); i++)
		hk_environment_set_fact(env, fact_names[i], values[i]);
}

void hk_environment_take_facts(struct hk_strlist *env, const struct hk_strlist *facts)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(fact_names); i++) {
		size_t len = strlen(fact_names[i]);
		size_t at = find(facts, fact_names[i], len);

		hk_environment_set_fact(env, fact_names[i],
					at < facts->len ? facts->items[at] + len + 1 : NULL);
	}
}

void hk_environment_temporary(const struct hk_project *p, const char *name, struct hk_strlist *env)
{
	static const char cache[] = "XDG_CACHE_HOME";
	hk_auto_free char *tmp = hk_xasprintf("%s/%s", p->state_path, name);

	set_value(env, "TMPDIR", tmp);
	if (find(env, cache, strlen(cache)) == env->len) {
		hk_auto_free char *dir = hk_xasprintf("%s/cache/xdg", p->state_path);

		set_value(env, cache, dir);
	}
}

int hk_environment_build(const struct hk_project *p, const struct hk_deployment *d,
			 struct hk_strlist *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_strlist_wipe) struct hk_strlist env = HK_STRLIST_INIT;

	hk_environment_plain(p, &env);
	if (add_dotenv(p, &env, err))
		return err->code;
	/* Not for .env to say. */
	set_value(&env, "HOSTKIT_PROJECT", p->name);
	if (d)
		hk_environment_facts(p, d, &env);
	hk_strlist_add_list(ret, &env);
	return 0;
}

int hk_environment_build_of(const struct hk_project *p, const char *text, size_t len,
			    const char *what, struct hk_strlist *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_strlist_wipe) struct hk_strlist env = HK_STRLIST_INIT;

	hk_environment_plain(p, &env);
	if (add_text(text, len, what, &env, err))
		return err->code;
	set_value(&env, "HOSTKIT_PROJECT", p->name);
	hk_strlist_add_list(ret, &env);
	return 0;
}
