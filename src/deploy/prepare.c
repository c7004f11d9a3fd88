/*
 * Stages 3, 4 and 7: dependencies for the build, the build, and the dependencies of the release.
 * What they run is in the row of the package manager (package.h), unless a command is configured.
 */
#include <deploy/deploy.h>

#include <sys/stat.h>

#include <base/alloc.h>
#include <deploy/hooks.h>
#include <deploy/request.h>
#include <sys/fs.h>

static void add_configured(const struct hk_command *command, struct hk_commands *ret)
{
	struct hk_strlist *argv = &ret->argv[ret->len++];

	*argv = (struct hk_strlist)HK_STRLIST_INIT;
	hk_strlist_add_list(argv, &command->argv);
}

/* Whether the build stage will run, and why not. */
static bool will_build(const struct hk_deploy *d, const char **ret_why_not)
{
	const struct hk_package_manager *packages = hk_package_find(d->staging_fd);
	const struct hk_conf *conf = &d->project->conf;

	*ret_why_not = NULL;
	if (d->row.flags & HK_REQUEST_NO_BUILD)
		*ret_why_not = "not asked for";
	else if (d->output_pushed)
		*ret_why_not = "the commit is built output";
	else if (d->row.flags & HK_REQUEST_BUILD)
		*ret_why_not = NULL;
	else if (d->prebuilt)
		*ret_why_not = "the folder brings its output";
	else if (conf->build_enabled == HK_NO)
		*ret_why_not = "turned off";
	else if (conf->build_command.argv.len)
		*ret_why_not = NULL;
	else if (!packages || !packages->has_build(d->staging_fd))
		*ret_why_not = "no build script";
	return !*ret_why_not;
}

static bool wants_install(const struct hk_deploy *d, const char **ret_why_not)
{
	const struct hk_conf *conf = &d->project->conf;

	*ret_why_not = NULL;
	if (d->row.flags & HK_REQUEST_NO_INSTALL)
		*ret_why_not = "not asked for";
	else if (d->row.flags & HK_REQUEST_INSTALL)
		*ret_why_not = NULL;
	else if (conf->install_enabled == HK_NO)
		*ret_why_not = "turned off";
	return !*ret_why_not;
}

static int run_install(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_package_manager *packages = hk_package_find(d->staging_fd);
	const struct hk_conf *conf = &d->project->conf;
	hk_auto_commands commands = HK_COMMANDS_INIT;
	struct hk_detected tree = HK_DETECTED_INIT;
	struct hk_error ignored;
	const char *why_not;
	bool build;

	if (!hk_detect(d->staging_fd, conf->project_runtime, &tree, &ignored))
		d->output_pushed = hk_detected_is_output(&tree);
	hk_detected_release(&tree);
	build = will_build(d, &why_not);
	if (!wants_install(d, &why_not))
		return hk_deploy_skip(d, "%s", why_not);
	if (d->output_pushed)
		return hk_deploy_skip(d, "the commit is built output");
	if (conf->install_command.argv.len)
		add_configured(&conf->install_command, &commands);
	else if (packages)
		packages->install(d->staging_fd, build, &commands);
	else
		return hk_deploy_skip(d, "no manifest");
	if (!commands.len)
		return hk_deploy_skip(d, "done in the release (stage dependencies)");
	d->installed = true;
	return hk_deploy_run(d, &commands, d->staging_fd, conf->install_timeout, err);
}

/* A build may do anything to its folder, also remove it. */
static int check_folder(const struct hk_deploy *d, struct hk_error *err)
{
	struct stat st;

	if (!fstat(d->staging_fd, &st) && st.st_nlink > 0)
		return 0;
	return hk_error_set(err, HK_E_RELEASE_FAILED, "the build has removed its own folder");
}

static int run_build(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_package_manager *packages = hk_package_find(d->staging_fd);
	const struct hk_conf *conf = &d->project->conf;
	hk_auto_commands commands = HK_COMMANDS_INIT;
	const char *why_not;

	if (!(d->row.flags & HK_REQUEST_NO_BUILD) &&
	    (hk_hooks_pre_build(d, err) || check_folder(d, err)))
		return err->code;
	if (!will_build(d, &why_not))
		return hk_deploy_skip(d, "%s", why_not);
	if (conf->build_command.argv.len)
		add_configured(&conf->build_command, &commands);
	else if (packages)
		packages->build(d->staging_fd, &commands);
	if (!commands.len) {
		hk_error_set(err, HK_E_TYPE_UNKNOWN,
			     "there is nothing that knows how to build this");
		return hk_error_hint(err,
				     "set [build] command in the project's INI file, or deploy "
				     "without --build");
	}
	d->built = true;
	if (hk_deploy_run(d, &commands, d->staging_fd, conf->build_timeout, err))
		return err->code;
	return check_folder(d, err);
}

static int run_dependencies(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_package_manager *packages = hk_package_find(d->release_fd);
	const struct hk_conf *conf = &d->project->conf;
	hk_auto_commands commands = HK_COMMANDS_INIT;
	const char *why_not;

	if (!wants_install(d, &why_not))
		return hk_deploy_skip(d, "%s", why_not);
	if (d->detected.type->standalone)
		return hk_deploy_skip(d, "the build's output brings them");
	if (!packages)
		return hk_deploy_skip(d, "none");
	if (conf->install_command.argv.len)
		return hk_deploy_skip(d, "made by the configured install command");
	packages->finish(d->release_fd, d->installed, d->built, &commands);
	if (!commands.len)
		return hk_deploy_skip(d, "installed already");
	return hk_deploy_run(d, &commands, d->release_fd, conf->install_timeout, err);
}

const struct hk_stage hk_stage_install = {
	.name = "install",
	.title = "install",
	.run = run_install,
};

const struct hk_stage hk_stage_build = {
	.name = "build",
	.title = "build",
	.run = run_build,
};

const struct hk_stage hk_stage_dependencies = {
	.name = "dependencies",
	.title = "dependencies",
	.run = run_dependencies,
};
