/*
 * The policy (contract in confinement.h).
 */
#include <deploy/confinement.h>

#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <base/log.h>
#include <service/scope.h>

/* Of the machine: homes, and the sockets of those who start processes for others. */
static const char *const hidden[] = {
	"/home",       "/root",		  "/run/user",	  "/run/dbus",	      "/run/systemd",
	"/run/podman", "/run/containerd", "/run/libvirt", "/run/docker.sock", "/run/snapd.socket",
};

/* What only root could read, when root itself builds. */
static const char *const hidden_from_root[] = {
	"/etc/shadow",
	"/etc/gshadow",
	"/etc/ssl/private",
	"/var/spool/cron",
};

/* Below /run/systemd, so that names are found. */
static const char resolver[] = "/run/systemd/resolve";

/* What a build may need of the home of whoever has a private root. */
static const char *const toolchains[] = {
	".nvm",
	".fnm",
	".volta",
	".asdf",
	".pyenv",
	".nodenv",
	".rbenv",
	".bun",
	".deno",
	".cargo",
	".rustup",
	".npmrc",
	"go",
	".sdkman",
	".local/bin",
	".local/lib",
	".local/share/fnm",
	".local/share/mise",
	".n",
	".nix-profile",
};

/* Of the project's own home. */
static const char *const secrets[] = { ".ssh", ".gnupg", "repo.git" };

/* Of the project's own home, what hooks may write: what lives longer than a release. */
static const char *const lasting[] = { "shared", "logs" };

static const char *const temporary[] = { "/tmp", "/var/tmp" };

/* Where those are the ones of all: agents and terminals, which run what they are told to. */
static const char *const agents[] = { "/tmp/ssh-*",    "/tmp/tmux-*", "/tmp/.X11-unix",
				      "/tmp/vscode-*", "/tmp/gpg-*",  "/run/screen" };

/* Of the state folder's cache, what commands write; what lies beside them is hostkit's own. */
const char *const hk_confinement_caches[] = { "npm", "pip", "xdg", NULL };

/* --- Paths */

static bool is_at_or_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return !strcmp(folder, "/") || (!strncmp(path, folder, n) && (path[n] == '/' || !path[n]));
}

/* Whether the folder, without links, has something below it that no command may change at will. */
static bool has_protected(const struct hk_project *p, const char *folder)
{
	hk_auto_free char *settings = hk_project_root_path(p->root, "etc/hostkit");
	hk_auto_free char *releases = hk_xasprintf("%s/releases", p->home_path);
	const char *const protected[] = { p->home_path, p->state_path, settings, releases };

	for (size_t i = 0; i < HK_ARRAY_LEN(protected); i++) {
		hk_auto_free char *real = realpath(protected[i], NULL);

		if (real && is_at_or_below(real, folder))
			return true;
	}
	return false;
}

static const char *user_home(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw && pw->pw_dir[0] == '/' && pw->pw_dir[1] ? pw->pw_dir : NULL;
}

/* A home itself is not what a program of it brings along. */
static bool is_a_home(const char *path)
{
	const char *own = user_home();

	return !*path || !strcmp(path, "/home") || !strcmp(path, "/root") ||
	       (own && !strcmp(path, own)) ||
	       (!strncmp(path, "/home/", 6) && !strchr(path + 6, '/'));
}

/* [project] path: the programs, and what lies beside a "bin". */
static void add_programs(const struct hk_project *p, struct hk_sandbox *s)
{
	for (const char *at = p->conf.project_path; *at; at += *at == ':') {
		hk_auto_free char *dir = hk_xstrndup(at, strcspn(at, ":"));
		char *slash;

		at += strlen(dir);
		if (*dir != '/' || is_a_home(dir))
			continue;
		hk_sandbox_add(s, dir, HK_ACCESS_READ);
		slash = strrchr(dir, '/');
		if (strcmp(slash, "/bin"))
			continue;
		*slash = '\0';
		if (!is_a_home(dir))
			hk_sandbox_add(s, dir, HK_ACCESS_READ);
	}
}

/* Also where their folders are links to another disk. */
static void hide_projects(const struct hk_project *p, struct hk_sandbox *s)
{
	hk_auto_free char *homes = hk_project_root_path(p->root, "home");
	hk_auto_free char *states = hk_project_root_path(p->root, "var/lib/hostkit");
	hk_auto_free char *settings = hk_project_root_path(p->root, "etc/hostkit");
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	hk_sandbox_add(s, homes, HK_ACCESS_NONE);
	hk_sandbox_add(s, states, HK_ACCESS_NONE);
	hk_sandbox_add(s, settings, HK_ACCESS_NONE);
	/* Who may not list them cannot read them, either. */
	if (hk_project_list(p->root, &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		hk_sandbox_addf(s, HK_ACCESS_NONE, "%s/%s", homes, names.items[i]);
		hk_sandbox_addf(s, HK_ACCESS_NONE, "%s/%s", states, names.items[i]);
	}
}

static void hide_machine(const struct hk_project *p, struct hk_sandbox *s)
{
	const char *own = user_home();

	for (size_t i = 0; i < HK_ARRAY_LEN(hidden); i++)
		hk_sandbox_add(s, hidden[i], HK_ACCESS_NONE);
	for (size_t i = 0; !geteuid() && i < HK_ARRAY_LEN(hidden_from_root); i++)
		hk_sandbox_add(s, hidden_from_root[i], HK_ACCESS_NONE);
	hk_sandbox_add(s, resolver, HK_ACCESS_READ);
	if (!own || !strcmp(own, p->home_path))
		return;
	hk_sandbox_add(s, own, HK_ACCESS_NONE);
	for (size_t i = 0; i < HK_ARRAY_LEN(toolchains); i++)
		hk_sandbox_addf(s, HK_ACCESS_READ, "%s/%s", own, toolchains[i]);
}

static void add_home(const struct hk_project *p, const struct hk_confined_command *what,
		     struct hk_sandbox *s)
{
	hk_sandbox_add(s, p->home_path, HK_ACCESS_READ);
	hk_sandbox_addf(s, HK_ACCESS_READ, "%s/releases", p->home_path);
	hk_sandbox_addf(s, HK_ACCESS_READ, "%s/shared", p->home_path);
	for (size_t i = 0; i < HK_ARRAY_LEN(secrets); i++)
		hk_sandbox_addf(s, HK_ACCESS_NONE, "%s/%s", p->home_path, secrets[i]);
	/* Its values are in the environment; but a release has a link to it, which hooks may load.
	 */
	if (!what->hook)
		hk_sandbox_addf(s, HK_ACCESS_NONE, "%s/.env", p->home_path);
	for (size_t i = 0; what->hook && i < HK_ARRAY_LEN(lasting); i++)
		hk_sandbox_addf(s, HK_ACCESS_WRITE, "%s/%s", p->home_path, lasting[i]);
}

static int add_configured(const struct hk_project *p, struct hk_sandbox *s, struct hk_error *err)
{
	const struct hk_strlist *list = &p->conf.build_writable;

	for (size_t i = 0; i < list->len; i++) {
		hk_auto_free char *real = realpath(list->items[i], NULL);

		if (real && has_protected(p, real)) {
			hk_error_set(err, HK_E_CONFIG_INVALID,
				     "[build] writable: below '%s' are folders of the project",
				     list->items[i]);
			return hk_error_hint(err, "name the folders in it that builds write to");
		}
		hk_sandbox_add(s, list->items[i], HK_ACCESS_WRITE);
	}
	return 0;
}

static void hide_agents(struct hk_sandbox *s)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(agents); i++) {
		glob_t found = { .gl_pathc = 0 };

		if (!glob(agents[i], GLOB_NOSORT, NULL, &found))
			for (size_t k = 0; k < found.gl_pathc; k++)
				hk_sandbox_add(s, found.gl_pathv[k], HK_ACCESS_NONE);
		globfree(&found);
	}
}

/* The places for temporary files that every program knows. */
static void add_temporary(const struct hk_project *p, const struct hk_confined_command *what,
			  struct hk_sandbox *s)
{
	hk_auto_free char *own = what->tmp ? hk_xasprintf("%s/%s", p->state_path, what->tmp) : NULL;

	if (own)
		hk_sandbox_add(s, own, HK_ACCESS_WRITE);
	for (size_t i = 0; i < HK_ARRAY_LEN(temporary); i++) {
		if (has_protected(p, temporary[i]))
			continue;
		if (own && s->kernel.mounts)
			hk_sandbox_replace(s, temporary[i], own);
		else
			hk_sandbox_add(s, temporary[i], HK_ACCESS_WRITE);
	}
	if (s->kernel.mounts)
		hk_sandbox_replace(s, "/dev/shm", "");
	else
		hk_sandbox_add(s, "/dev/shm", HK_ACCESS_WRITE);
}

static int add_writable(const struct hk_project *p, const struct hk_confined_command *what,
			struct hk_sandbox *s, struct hk_error *err)
{
	char link[32], folder[PATH_MAX];
	ssize_t n;

	add_temporary(p, what, s);
	hk_sandbox_addf(s, HK_ACCESS_READ, "%s/cache", p->state_path);
	for (size_t i = 0; hk_confinement_caches[i]; i++)
		hk_sandbox_addf(s, HK_ACCESS_WRITE, "%s/cache/%s", p->state_path,
				hk_confinement_caches[i]);
	if (what->folder_fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", what->folder_fd);
		n = readlink(link, folder, sizeof(folder) - 1);
		if (n > 0)
			hk_sandbox_addf(s, HK_ACCESS_WRITE, "%.*s", (int)n, folder);
	}
	return add_configured(p, s, err);
}

static int check_kernel(const struct hk_project *p, const struct hk_sandbox_kernel *k,
			const struct hk_sandbox *s, struct hk_error *err)
{
	if (!strcmp(p->conf.build_confine, "yes") && !hk_sandbox_confines_files(k)) {
		hk_error_set(
			err, HK_E_NOT_SUPPORTED,
			"this kernel can confine nothing: it has neither Landlock nor namespaces "
			"for '%s'",
			p->name);
		return hk_error_hint(err, "see: hostkit doctor %s; or set [build] confine = auto",
				     p->name);
	}
	if (!s->no_network || k->no_network)
		return 0;
	hk_error_set(
		err, HK_E_NOT_SUPPORTED,
		"[build] network = no, and the kernel does not let '%s' make a network namespace",
		p->name);
	return hk_error_hint(err, "see: hostkit doctor %s; or set [build] network = yes", p->name);
}

int hk_confinement_compile(const struct hk_project *p, const struct hk_sandbox_kernel *k,
			   const struct hk_confined_command *what, struct hk_sandbox *ret,
			   struct hk_error *err)
{
	const struct hk_conf *conf = &p->conf;
	hk_auto_sandbox s = HK_SANDBOX_INIT;

	s.kernel = *k;
	s.confine = strcmp(conf->build_confine, "no") != 0;
	s.no_network = !conf->build_network && !what->hook;
	s.memory_max = conf->build_memory_max;
	s.cpu_quota = conf->build_cpu_quota;
	s.tasks_max = conf->build_tasks_max;
	if (check_kernel(p, k, &s, err))
		return err->code;
	if (s.confine) {
		/* For one path the last word counts: what is hidden stays so, but for the project.
		 */
		add_programs(p, &s);
		hide_agents(&s);
		hide_machine(p, &s);
		hide_projects(p, &s);
		add_home(p, what, &s);
		if (add_writable(p, what, &s, err))
			return err->code;
	}
	if (hk_sandbox_compile(&s, err))
		return err->code;
	*ret = s;
	s = (struct hk_sandbox)HK_SANDBOX_INIT;
	return 0;
}

/* --- Limits */

bool hk_confinement_wants_scope(const struct hk_project *p)
{
	const struct hk_conf *conf = &p->conf;

	return conf->build_memory_max || conf->build_cpu_quota ||
	       (conf->build_tasks_max && !geteuid());
}

unsigned hk_confinement_admit(const struct hk_project *p, int64_t deployment, pid_t supervisor,
			      bool *no_manager)
{
	/* The number of the process makes it another name for each command, and each root. */
	hk_auto_free char *name = hk_xasprintf("hostkit-build-%s-%lld-%d.scope", p->name,
					       (long long)deployment, (int)supervisor);
	hk_auto_free char *description = hk_xasprintf("hostkit: a command of deployment %lld of %s",
						      (long long)deployment, p->name);
	const struct hk_scope scope = {
		.name = name,
		.description = description,
		.memory_max = p->conf.build_memory_max,
		.cpu_quota = p->conf.build_cpu_quota,
		.tasks_max = p->conf.build_tasks_max,
	};
	struct hk_error why = HK_ERROR_INIT;
	unsigned covered = 0;

	if (hk_scope_start(&scope, supervisor, &covered, &why)) {
		hk_log_debug("no scope: %s", why.message);
		*no_manager = true;
	}
	return covered;
}

int hk_confinement_explain(const struct hk_project *p, const struct hk_cgroup_events *events,
			   struct hk_error *err)
{
	char size[HK_HUMAN_LEN];

	if (events->oom_kills)
		return hk_error_hint(
			err,
			"memory ran out: %lld of its processes ended at the limit of %s; "
			"raise it: hostkit config set %s build.memory_max SIZE",
			(long long)events->oom_kills, hk_human_size(p->conf.build_memory_max, size),
			p->name);
	if (events->tasks_refused)
		return hk_error_hint(
			err,
			"it wanted more than %lld processes and threads; raise the limit: "
			"hostkit config set %s build.tasks_max NUMBER",
			(long long)p->conf.build_tasks_max, p->name);
	return err->code;
}
