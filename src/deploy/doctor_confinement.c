/*
 * What keeps installs, builds and hooks to themselves here, and what does not: found out by trying
 * it, as the project's user.
 */
#include <deploy/doctor_checks.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/confinement.h>
#include <sys/fs.h>
#include <sys/process.h>

#define TRY_MS 10000

/* What forbids user namespaces, where it does. */
static const struct {
	const char *path, *forbids, *setting;
} namespace_settings[] = {
	{ "/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1" },
	{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
	  "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000" },
};

static char *allow_namespaces(void)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(namespace_settings); i++) {
		hk_auto_buf text = HK_BUF_INIT;
		struct hk_error ignored;

		if (!hk_fs_read_file(AT_FDCWD, namespace_settings[i].path, 64, &text, &ignored) &&
		    !strncmp(text.data, namespace_settings[i].forbids,
			     strlen(namespace_settings[i].forbids)))
			return hk_xasprintf("sudo sysctl -w %s (and in /etc/sysctl.d)",
					    namespace_settings[i].setting);
	}
	return hk_xstrdup("let the project's user make user and mount namespaces, see "
			  "user_namespaces(7)");
}

static void check_files(struct hk_doctor *d, const struct hk_sandbox_kernel *k)
{
	bool insists = !strcmp(d->project.conf.build_confine, "yes");
	hk_auto_free char *landlock =
		k->landlock_abi ? hk_xasprintf("Landlock (version %d)", k->landlock_abi)
				: hk_xstrdup("");

	if (!hk_sandbox_confines_files(k))
		hk_doctor_bad(d, insists ? HK_DOCTOR_FAIL : HK_DOCTOR_WARN, allow_namespaces(),
			      "files: builds read and write what the user may; there is neither "
			      "Landlock nor a mount namespace");
	else if (!k->mounts_readonly)
		hk_doctor_bad(
			d, HK_DOCTOR_WARN, allow_namespaces(),
			"files: by %s alone, which lets builds change modes%s of the user's other "
			"files",
			landlock, k->landlock_abi < HK_LANDLOCK_TRUNCATE ? " and sizes" : "");
	else
		hk_doctor_ok(d, "files: by %s%s%s", landlock,
			     k->landlock_abi && k->mounts_readonly ? " and " : "",
			     k->mounts_readonly ? "a mount namespace" : "");
}

static void check_processes(struct hk_doctor *d, const struct hk_sandbox_kernel *k)
{
	if (k->landlock_abi >= HK_LANDLOCK_SCOPE && k->syscall_filter)
		hk_doctor_ok(d, "processes: no signals to others, no looking into them, by "
				"Landlock; no limits for them, by seccomp");
	else if (k->landlock_abi >= HK_LANDLOCK_SCOPE)
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xstrdup("a kernel with CONFIG_SECCOMP_FILTER is needed"),
			      "processes: builds may limit the resources of others of the user");
	else
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xstrdup("Linux 6.12 or newer is needed: boot one, such as that of "
					 "Debian's backports"),
			      "processes: builds may send signals to single others of the user%s",
			      k->landlock_abi ? "" : ", and look into them");
}

static void check_sockets(struct hk_doctor *d, const struct hk_sandbox_kernel *k)
{
	if (!k->mounts)
		hk_doctor_bad(d, HK_DOCTOR_WARN, allow_namespaces(),
			      "sockets: builds may ask the message bus and systemd to start "
			      "something, where there is a mount namespace they cannot");
	else
		hk_doctor_ok(d,
			     "sockets: those of the message bus, of systemd and of containers are "
			     "hidden by a mount namespace%s",
			     k->landlock_abi >= HK_LANDLOCK_SCOPE ? ", abstract ones by Landlock"
								  : "");
}

static void check_network(struct hk_doctor *d, const struct hk_sandbox_kernel *k)
{
	if (d->project.conf.build_network)
		hk_doctor_ok(d, "network: open; [build] network = no is %s",
			     k->no_network ? "possible" : "not possible here");
	else if (k->no_network)
		hk_doctor_ok(d, "network: none, by a network namespace; hooks have it");
	else
		hk_doctor_bad(
			d, HK_DOCTOR_FAIL, allow_namespaces(),
			"network: [build] network = no, and no network namespace can be made: "
			"installs and builds fail");
}

struct trial {
	struct hk_doctor *d;
	bool no_manager;
};

static unsigned admit(void *ctx, pid_t supervisor)
{
	struct trial *t = ctx;

	return hk_confinement_admit(&t->d->project, 0, supervisor, &t->no_manager);
}

/* A command that does nothing, as builds are run. */
static bool run_trial(struct hk_doctor *d, const struct hk_sandbox_kernel *k, unsigned *ret_covered)
{
	const struct hk_confined_command what = { .folder_fd = -1 };
	const char *const argv[] = { "/bin/true", NULL };
	const char *const env[] = { NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct hk_process_result result = { .covered = 0 };
	hk_auto_sandbox sandbox = HK_SANDBOX_INIT;
	struct hk_error err = HK_ERROR_INIT;
	struct trial trial = { .d = d };

	spec.argv = argv;
	spec.env = env;
	spec.timeout_ms = TRY_MS;
	spec.sandbox = &sandbox;
	spec.admit = hk_confinement_wants_scope(&d->project) ? admit : NULL;
	spec.ctx = &trial;
	if (hk_confinement_compile(&d->project, k, &what, &sandbox, &err) ||
	    hk_process_run(&spec, &result, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err,
				hk_xasprintf("hostkit config set %s build.confine no", d->scope));
		return false;
	}
	*ret_covered = result.covered;
	return true;
}

static char *get_scopes(const struct hk_doctor *d)
{
	return geteuid() ? hk_xasprintf("sudo loginctl enable-linger %s", d->owner_name)
			 : hk_xstrdup("run it on a machine that systemd manages");
}

static void check_limits(struct hk_doctor *d, unsigned covered)
{
	const struct hk_conf *conf = &d->project.conf;
	char size[HK_HUMAN_LEN] = "";

	if (conf->build_memory_max)
		hk_human_size(conf->build_memory_max, size);
	if (conf->build_memory_max && covered & HK_COVERS_MEMORY)
		hk_doctor_ok(d, "memory: %s, by a scope of systemd", size);
	else if (conf->build_memory_max)
		hk_doctor_bad(
			d, HK_DOCTOR_WARN, get_scopes(d),
			"memory: %s of data for each process, since systemd grants no scope that "
			"counts them together",
			size);
	if (conf->build_cpu_quota && covered & HK_COVERS_CPU)
		hk_doctor_ok(d, "processor: %lld%% of one, by a scope of systemd",
			     (long long)conf->build_cpu_quota);
	else if (conf->build_cpu_quota)
		hk_doctor_bad(
			d, HK_DOCTOR_WARN, get_scopes(d),
			"processor: not limited, only at a lower priority, since systemd grants no "
			"scope that limits it");
}

static void check_tasks(struct hk_doctor *d, unsigned covered)
{
	long long max = (long long)d->project.conf.build_tasks_max;

	if (!max)
		return;
	if (covered & HK_COVERS_TASKS)
		hk_doctor_ok(d, "tasks: %lld, by a scope of systemd", max);
	else if (geteuid())
		hk_doctor_ok(d, "tasks: %lld, by a resource limit", max);
	else
		hk_doctor_ok(
			d, "tasks: not limited, since nothing but a scope of systemd limits root");
}

void hk_doctor_check_confinement(struct hk_doctor *d)
{
	struct hk_sandbox_kernel k;
	struct hk_error err;
	unsigned covered = 0;

	if (!hk_doctor_may_run(d)) {
		hk_doctor_ok(d, "its user can tell: sudo -u %s hostkit doctor %s", d->owner_name,
			     d->scope);
		return;
	}
	if (hk_sandbox_probe(&k, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, NULL);
		return;
	}
	if (!strcmp(d->project.conf.build_confine, "no")) {
		hk_doctor_ok(d, "files, processes, sockets: turned off ([build] confine)");
	} else {
		check_files(d, &k);
		check_processes(d, &k);
		check_sockets(d, &k);
	}
	check_network(d, &k);
	if (!run_trial(d, &k, &covered))
		return;
	check_limits(d, covered);
	check_tasks(d, covered);
}
