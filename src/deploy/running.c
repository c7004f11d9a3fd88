/*
 * Preparing a project's service for its driver.
 */
#include <deploy/running.h>

#include <base/alloc.h>
#include <base/json.h>
#include <deploy/environment.h>
#include <deploy/pushed_ini.h>
#include <string.h>
#include <sys/fs.h>

/* Reads the start command and the facts of the deployment that made the release. */
static int read_release(const struct hk_project *p, struct hk_ledger *l, struct hk_running *r,
			struct hk_error *err)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	hk_auto_json *start = NULL;
	int ret;

	ret = hk_ledger_get_release(l, r->release, &row, err);
	if (!ret)
		ret = hk_ledger_get_deployment(l, row.deployment, &d, err);
	if (!ret)
		ret = hk_environment_build(p, &d, &r->env, err);
	if (!ret)
		hk_environment_facts(p, &d, &r->facts);
	r->health_path = hk_pushed_ini_health_path(p, row.settings);
	if (!ret && row.start)
		ret = hk_json_parse(row.start, strlen(row.start), "start command",
				    HK_E_LEDGER_FAILED, &start, err);
	if (!ret && start && !hk_json_to_strlist(start, &r->start))
		ret = hk_error_set(err, HK_E_LEDGER_FAILED,
				   "the start command of release '%s' is not a list of words",
				   r->release);
	hk_release_row_release(&row);
	hk_deployment_release(&d);
	return ret;
}

static int open_release(const struct hk_project *p, struct hk_ledger *l, const char *release,
			struct hk_running *r, struct hk_error *err)
{
	int ret;

	if (release)
		r->release = hk_xstrdup(release);
	else if (hk_project_active(p, &r->release, err))
		return err->code;
	if (!r->release)
		return hk_environment_build(p, NULL, &r->env, err);
	ret = read_release(p, l, r, err);
	if (!ret)
		ret = hk_fs_open_dir(p->releases_fd, r->release, &r->cwd_fd, err);
	return ret;
}

static int choose_driver(const struct hk_project *p, struct hk_running *r, struct hk_error *err)
{
	*r = (struct hk_running)HK_RUNNING_INIT;
	r->driver = hk_service_driver(p->conf.service_driver);
	if (!r->driver)
		return hk_error_set(err, HK_E_INTERNAL, "there is no service driver '%s'",
				    p->conf.service_driver);
	return 0;
}

static void fill_service(const struct hk_project *p, hk_line_fn *on_line, void *ctx,
			 struct hk_running *r)
{
	r->service = (struct hk_service){
		.name = p->name,
		.conf = &p->conf,
		.home_fd = p->home_fd,
		.state_fd = p->state_fd,
		.cwd_fd = r->cwd_fd,
		.release = r->release,
		.start = &r->start,
		.facts = &r->facts,
		.env = hk_strlist_argv(&r->env),
		.cancel_fd = -1,
		.on_line = on_line,
		.ctx = ctx,
	};
}

int hk_running_prepare(const struct hk_project *p, struct hk_ledger *l, const char *release,
		       hk_line_fn *on_line, void *ctx, struct hk_running *ret, struct hk_error *err)
{
	if (choose_driver(p, ret, err) || open_release(p, l, release, ret, err))
		return err->code;
	fill_service(p, on_line, ctx, ret);
	return 0;
}

int hk_running_prepare_stop(const struct hk_project *p, hk_line_fn *on_line, void *ctx,
			    struct hk_running *ret, struct hk_error *err)
{
	if (choose_driver(p, ret, err))
		return err->code;
	hk_environment_plain(p, &ret->env);
	fill_service(p, on_line, ctx, ret);
	return 0;
}

void hk_running_release(struct hk_running *r)
{
	free(r->release);
	free(r->health_path);
	hk_strlist_release(&r->start);
	hk_strlist_release(&r->env);
	hk_strlist_release(&r->facts);
	hk_cleanup_close(&r->cwd_fd);
	*r = (struct hk_running)HK_RUNNING_INIT;
}

bool hk_running_has_process(const struct hk_running *r)
{
	if (!r->driver->has_process)
		return false;
	return !r->driver->uses_start || r->start.len > 0;
}
