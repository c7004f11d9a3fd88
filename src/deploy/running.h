/*
 * The service of a project, made ready for its driver: the release to run, its start command and
 * its environment.
 */
#ifndef HK_DEPLOY_RUNNING_H
#define HK_DEPLOY_RUNNING_H

#include <deploy/project.h>
#include <service/service.h>

struct hk_running {
	const struct hk_service_driver *driver;
	struct hk_service service;
	char *release; /* NULL: nothing is deployed yet */
	struct hk_strlist start;
	struct hk_strlist env;
	struct hk_strlist facts; /* of env, those of the release's deployment */
	char *health_path;	 /* that the release was made with */
	int cwd_fd;
};

#define HK_RUNNING_INIT      \
	{                    \
		.cwd_fd = -1 \
	}
#define hk_auto_running HK_CLEANUP(hk_running_release) struct hk_running

/*
 * Prepares the service on a release (NULL: the active one). Output of a driver's commands goes to
 * on_line with ctx. The struct must stay where it is: service points into it.
 */
int hk_running_prepare(const struct hk_project *p, struct hk_ledger *l, const char *release,
		       hk_line_fn *on_line, void *ctx, struct hk_running *ret,
		       struct hk_error *err) HK_MUST_CHECK;

/* For stopping it and asking about it, which takes neither a release nor a sound .env. */
int hk_running_prepare_stop(const struct hk_project *p, hk_line_fn *on_line, void *ctx,
			    struct hk_running *ret, struct hk_error *err) HK_MUST_CHECK;
void hk_running_release(struct hk_running *r);

/* Whether there is a process to start and to ask for its health. */
bool hk_running_has_process(const struct hk_running *r);

#endif
