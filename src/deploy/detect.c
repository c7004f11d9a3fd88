/*
 * The kinds of application, in the order in which they are tried.
 */
#include <deploy/detect.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <deploy/package.h>
#include <sys/fs.h>

#define STANDALONE ".next/standalone"
#define SERVER_MAX (256 * 1024)
#define SEARCH_DEPTH 16

void hk_detected_release(struct hk_detected *d)
{
	free(d->server_dir);
	free(d->entry_dir);
	*d = (struct hk_detected)HK_DETECTED_INIT;
}

/* A folder of the standalone output that holds the server: server.js beside its own .next. */
static bool is_server_dir(int dir_fd)
{
	return hk_fs_is_file(dir_fd, "server.js") && hk_fs_is_dir(dir_fd, ".next");
}

/*
 * Looks for the server below dir_fd. path is where dir_fd is and becomes where the server is.
 * Modules have server.js files of their own and are not looked into.
 */
static bool find_server(int dir_fd, unsigned depth, struct hk_buf *path)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;
	size_t len = path->len;

	if (is_server_dir(dir_fd))
		return true;
	if (depth > SEARCH_DEPTH || hk_fs_list(dir_fd, ".", &names, &ignored))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];
		hk_auto_close int sub = -1;

		if (!strcmp(name, "node_modules") || !strcmp(name, ".next") ||
		    !hk_fs_is_dir(dir_fd, name) || hk_fs_open_dir(dir_fd, name, &sub, &ignored))
			continue;
		hk_buf_addf(path, "/%s", name);
		if (find_server(sub, depth + 1, path))
			return true;
		hk_buf_cut(path, len);
	}
	return false;
}

/*
 * Whether the folders between the output's top and the server hold nothing else (the output repeats
 * the path of the project then), so that the server's folder alone is the application.
 */
static bool only_leads_to(int top_fd, const char *below)
{
	hk_auto_close int fd = fcntl(top_fd, F_DUPFD_CLOEXEC, 3);
	hk_auto_free char *rest = hk_xstrdup(below);
	char *save = NULL;

	for (char *part = strtok_r(rest, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		hk_auto_strlist names = HK_STRLIST_INIT;
		struct hk_error ignored;
		int next;

		if (hk_fs_list(fd, ".", &names, &ignored))
			return false;
		for (size_t i = 0; i < names.len; i++)
			if (strcmp(names.items[i], part) && strcmp(names.items[i], "package.json"))
				return false;
		if (hk_fs_open_dir(fd, part, &next, &ignored))
			return false;
		close(fd);
		fd = next;
	}
	return true;
}

static bool is_flattened(int tree_fd)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error ignored;

	/* A project with a server.js of its own, after its build, looks alike but for the content.
	 */
	return is_server_dir(tree_fd) && hk_fs_is_file(tree_fd, ".next/BUILD_ID") &&
	       !hk_fs_read_file(tree_fd, "server.js", SERVER_MAX, &text, &ignored) &&
	       (strstr(text.data, "__NEXT_PRIVATE_STANDALONE_CONFIG") ||
		strstr(text.data, "next/dist/server/next-server") ||
		strstr(text.data, "next/dist/server/lib/start-server"));
}

static bool matches_standalone(int tree_fd, struct hk_detected *ret)
{
	hk_auto_buf path = HK_BUF_INIT;
	hk_auto_close int top = -1;
	struct hk_error ignored;
	const char *below;

	if (is_flattened(tree_fd)) {
		ret->server_dir = hk_xstrdup(".");
		ret->entry_dir = hk_xstrdup("");
		return true;
	}
	/* A link would lead out of the tree, to files that are not this deployment's to move. */
	if (!hk_fs_is_dir(tree_fd, ".next"))
		return false;
	hk_buf_addstr(&path, STANDALONE);
	if (hk_fs_open_dir(tree_fd, STANDALONE, &top, &ignored) || !find_server(top, 0, &path))
		return false;
	below = path.data + strlen(STANDALONE);
	ret->entry_dir = hk_xstrdup(only_leads_to(top, below) ? "" : below + 1);
	ret->server_dir = hk_buf_detach(&path);
	return true;
}

static bool matches_nextjs(int tree_fd, struct hk_detected *ret HK_UNUSED)
{
	return hk_fs_is_dir(tree_fd, ".next");
}

static bool matches_node(int tree_fd, struct hk_detected *ret HK_UNUSED)
{
	return hk_fs_is_file(tree_fd, "package.json");
}

static bool matches_python(int tree_fd, struct hk_detected *ret HK_UNUSED)
{
	return hk_package_pip.has_manifest(tree_fd);
}

static bool matches_static(int tree_fd, struct hk_detected *ret HK_UNUSED)
{
	return hk_fs_is_file(tree_fd, "index.html");
}

static int start_standalone(int release_fd HK_UNUSED, const struct hk_detected *d,
			    struct hk_strlist *ret, struct hk_error *err HK_UNUSED)
{
	hk_strlist_add(ret, "node");
	hk_strlist_addf(ret, "%s%sserver.js", d->entry_dir, *d->entry_dir ? "/" : "");
	return 0;
}

static bool start_by_script(int release_fd, struct hk_strlist *ret)
{
	hk_auto_free char *script = hk_package_script(release_fd, "start");

	if (!script)
		return false;
	hk_strlist_add(ret, "npm");
	hk_strlist_add(ret, "start");
	return true;
}

static int start_nextjs(int release_fd, const struct hk_detected *d HK_UNUSED,
			struct hk_strlist *ret, struct hk_error *err)
{
	if (start_by_script(release_fd, ret))
		return 0;
	if (!hk_fs_is_dir(release_fd, ".next")) {
		hk_error_set(err, HK_E_TYPE_UNKNOWN, "there is no '.next' to start");
		return hk_error_hint(err, "let the build run, or set [project] runtime = auto");
	}
	hk_strlist_add(ret, "node_modules/.bin/next");
	hk_strlist_add(ret, "start");
	return 0;
}

static int start_node(int release_fd, const struct hk_detected *d HK_UNUSED, struct hk_strlist *ret,
		      struct hk_error *err)
{
	hk_auto_json *json = NULL;
	const char *entry;

	if (start_by_script(release_fd, ret))
		return 0;
	if (!hk_fs_exists(release_fd, "package.json")) {
		hk_error_set(err, HK_E_TYPE_UNKNOWN, "there is no 'package.json'");
		return hk_error_hint(err, "add it, or set [project] runtime = auto");
	}
	if (hk_package_json(release_fd, &json, err))
		return err->code;
	entry = hk_json_get_string(json, "main");
	if (!entry || !*entry)
		entry = "index.js";
	if (!hk_fs_exists(release_fd, entry)) {
		hk_error_set(err, HK_E_TYPE_UNKNOWN,
			     "package.json has no scripts.start and there is no '%s'", entry);
		return hk_error_hint(err, "add \"start\" to the scripts of package.json, or set "
					  "[service] start in the project's INI file");
	}
	hk_strlist_add(ret, "node");
	hk_strlist_add(ret, entry);
	return 0;
}

static int start_python(int release_fd, const struct hk_detected *d HK_UNUSED,
			struct hk_strlist *ret, struct hk_error *err)
{
	if (!hk_fs_exists(release_fd, "app.py") && !hk_fs_exists(release_fd, "app/__main__.py")) {
		hk_error_set(err, HK_E_TYPE_UNKNOWN, "there is no module 'app' to start");
		return hk_error_hint(err,
				     "add app.py or app/__main__.py, or set [service] start in "
				     "the project's INI file");
	}
	hk_strlist_add(ret, hk_fs_exists(release_fd, ".venv") ? ".venv/bin/python" : "python3");
	hk_strlist_add(ret, "-m");
	hk_strlist_add(ret, "app");
	return 0;
}

static int start_nothing(int release_fd HK_UNUSED, const struct hk_detected *d HK_UNUSED,
			 struct hk_strlist *ret HK_UNUSED, struct hk_error *err HK_UNUSED)
{
	return 0;
}

static const struct hk_app_type types[] = {
	{ .name = "nextjs-standalone",
	  .title = "Next.js standalone",
	  .matches = matches_standalone,
	  .packages = &hk_package_npm,
	  .standalone = true,
	  .start = start_standalone },
	{ .name = "nextjs",
	  .title = "Next.js",
	  .matches = matches_nextjs,
	  .packages = &hk_package_npm,
	  .start = start_nextjs },
	{ .name = "node",
	  .title = "Node.js",
	  .matches = matches_node,
	  .packages = &hk_package_npm,
	  .start = start_node },
	{ .name = "python",
	  .title = "Python",
	  .matches = matches_python,
	  .packages = &hk_package_pip,
	  .start = start_python },
	{ .name = "static",
	  .title = "static files",
	  .matches = matches_static,
	  .is_served = true,
	  .start = start_nothing },
};

static int unknown(struct hk_error *err)
{
	hk_error_set(err, HK_E_TYPE_UNKNOWN,
		     "cannot tell what this is: no .next/, package.json, requirements.txt, "
		     "pyproject.toml or index.html at the top");
	return hk_error_hint(err, "add one of these at the top of the repository, or set [project] "
				  "runtime and [service] start in the project's INI file");
}

int hk_detect(int tree_fd, const char *runtime, struct hk_detected *ret, struct hk_error *err)
{
	bool detect = !strcmp(runtime, "auto");

	for (size_t i = 0; i < HK_ARRAY_LEN(types); i++) {
		struct hk_detected d = HK_DETECTED_INIT;

		if (!detect && strcmp(runtime, types[i].name))
			continue;
		d.type = &types[i];
		if (types[i].matches(tree_fd, &d) || (!detect && !types[i].standalone)) {
			*ret = d;
			return 0;
		}
	}
	if (detect)
		return unknown(err);
	hk_error_set(err, HK_E_TYPE_UNKNOWN, "there is no server.js below '%s'", STANDALONE);
	return hk_error_hint(err,
			     "set output: 'standalone' in next.config.js and let the build run");
}

bool hk_detected_is_output(const struct hk_detected *d)
{
	return d->server_dir && !strcmp(d->server_dir, ".");
}
