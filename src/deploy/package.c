/*
 * npm and pip.
 */
#include <deploy/package.h>

#include <stdarg.h>
#include <string.h>

#include <base/alloc.h>
#include <sys/fs.h>

#define MANIFEST_MAX (1 << 20)

void hk_commands_release(struct hk_commands *c)
{
	for (size_t i = 0; i < c->len; i++)
		hk_strlist_release(&c->argv[i]);
	c->len = 0;
}

void hk_commands_add(struct hk_commands *c, ...)
{
	struct hk_strlist *argv = &c->argv[c->len++];
	const char *word;
	va_list ap;

	*argv = (struct hk_strlist)HK_STRLIST_INIT;
	va_start(ap, c);
	while ((word = va_arg(ap, const char *)))
		hk_strlist_add(argv, word);
	va_end(ap);
}

int hk_package_json(int tree_fd, struct hk_json **ret, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_json *json = NULL;

	if (hk_fs_read_file(tree_fd, "package.json", MANIFEST_MAX, &text, err) ||
	    hk_json_parse(text.data, text.len, "package.json", HK_E_CONFIG_INVALID, &json, err))
		return err->code;
	if (!hk_json_is_object(json))
		return hk_error_set(err, HK_E_CONFIG_INVALID, "package.json is not an object");
	*ret = hk_steal_ptr(json);
	return 0;
}

static const char *script_of(const struct hk_json *json, const char *name)
{
	const struct hk_json *scripts = hk_json_get(json, "scripts");
	const char *script = scripts ? hk_json_get_string(scripts, name) : NULL;

	return script && *script ? script : NULL;
}

char *hk_package_script(int tree_fd, const char *name)
{
	hk_auto_json *json = NULL;
	struct hk_error ignored;
	const char *script;

	/* A broken manifest is npm's to explain: it runs, and its message is better than ours. */
	if (hk_package_json(tree_fd, &json, &ignored))
		return NULL;
	script = script_of(json, name);
	return script ? hk_xstrdup(script) : NULL;
}

bool hk_package_has_script(const char *text, size_t len, const char *name)
{
	hk_auto_json *json = NULL;
	struct hk_error ignored;

	return !hk_json_parse(text, len, "package.json", HK_E_CONFIG_INVALID, &json, &ignored) &&
	       hk_json_is_object(json) && script_of(json, name);
}

static bool npm_has_manifest(int tree_fd)
{
	return hk_fs_exists(tree_fd, "package.json");
}

static bool npm_has_build(int tree_fd)
{
	hk_auto_free char *script = hk_package_script(tree_fd, "build");

	return script != NULL;
}

static bool npm_has_lockfile(int tree_fd)
{
	return hk_fs_exists(tree_fd, "package-lock.json") ||
	       hk_fs_exists(tree_fd, "npm-shrinkwrap.json");
}

static void npm_add_install(int tree_fd, const char *which, struct hk_commands *ret)
{
	hk_commands_add(ret, "npm", npm_has_lockfile(tree_fd) ? "ci" : "install", which, NULL);
}

static void npm_install(int tree_fd, bool will_build, struct hk_commands *ret)
{
	/* NODE_ENV=production makes npm leave out what builds need, so it is asked for by name. */
	npm_add_install(tree_fd, will_build ? "--include=dev" : "--omit=dev", ret);
}

static void npm_build(int tree_fd HK_UNUSED, struct hk_commands *ret)
{
	hk_commands_add(ret, "npm", "run", "build", NULL);
}

static void npm_finish(int release_fd, bool installed, bool built, struct hk_commands *ret)
{
	if (!installed)
		npm_add_install(release_fd, "--omit=dev", ret);
	else if (built)
		hk_commands_add(ret, "npm", "prune", "--omit=dev", NULL);
}

const struct hk_package_manager hk_package_npm = {
	.name = "npm",
	.has_manifest = npm_has_manifest,
	.has_build = npm_has_build,
	.install = npm_install,
	.build = npm_build,
	.finish = npm_finish,
};

static bool pip_has_manifest(int tree_fd)
{
	return hk_fs_exists(tree_fd, "requirements.txt") || hk_fs_exists(tree_fd, "pyproject.toml");
}

static bool pip_has_build(int tree_fd HK_UNUSED)
{
	return false;
}

/* Whether pip can install the tree itself: without a build system there is nothing to install. */
static bool has_build_system(int tree_fd)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error ignored;

	if (hk_fs_read_file(tree_fd, "pyproject.toml", MANIFEST_MAX, &text, &ignored))
		return false;
	return !strncmp(text.data, "[build-system]", 14) || strstr(text.data, "\n[build-system]");
}

static void pip_add_install(int tree_fd, struct hk_commands *ret)
{
	hk_commands_add(ret, "python3", "-m", "venv", ".venv", NULL);
	if (hk_fs_exists(tree_fd, "requirements.txt"))
		hk_commands_add(ret, ".venv/bin/python", "-m", "pip", "install",
				"--disable-pip-version-check", "-r", "requirements.txt", NULL);
	else if (has_build_system(tree_fd))
		hk_commands_add(ret, ".venv/bin/python", "-m", "pip", "install",
				"--disable-pip-version-check", ".", NULL);
}

static void pip_install(int tree_fd, bool will_build, struct hk_commands *ret)
{
	/* A virtual environment holds its own path, so the release's is made in the release. */
	if (will_build)
		pip_add_install(tree_fd, ret);
}

static void pip_build(int tree_fd HK_UNUSED, struct hk_commands *ret HK_UNUSED)
{
}

static void pip_finish(int release_fd, bool installed HK_UNUSED, bool built HK_UNUSED,
		       struct hk_commands *ret)
{
	pip_add_install(release_fd, ret);
}

const struct hk_package_manager hk_package_pip = {
	.name = "pip",
	.has_manifest = pip_has_manifest,
	.has_build = pip_has_build,
	.install = pip_install,
	.build = pip_build,
	.finish = pip_finish,
	.unmovable = ".venv",
};

const struct hk_package_manager *hk_package_find(int tree_fd)
{
	static const struct hk_package_manager *const all[] = { &hk_package_npm, &hk_package_pip };

	for (size_t i = 0; i < HK_ARRAY_LEN(all); i++)
		if (all[i]->has_manifest(tree_fd))
			return all[i];
	return NULL;
}
