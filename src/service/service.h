/*
 * Service drivers: who starts, stops and watches a project's service. One const table; the rest of
 * the program knows no driver by name.
 *
 * "restart" gives the guarantee that the health check builds on: when it returns 0, what ran before
 * is gone and a new process runs (where the driver can know).
 */
#ifndef HK_SERVICE_SERVICE_H
#define HK_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <base/lines.h>
#include <base/strlist.h>
#include <conf/conf.h>
#include <sys/procid.h>

/* What a driver works on; all borrowed, filled by the caller. */
struct hk_service {
	const char *name; /* project */
	const struct hk_conf *conf;
	int home_fd;	     /* the project's home; logs/ is below it, "app" is its link */
	int state_fd;	     /* var/lib/hostkit/NAME */
	int cwd_fd;	     /* the release to run in; -1: resolve home_fd/"app" */
	const char *release; /* its name, for records; NULL: unknown */
	const struct hk_strlist *start; /* the start command; empty: nothing to start */
	const struct hk_strlist *facts; /* of the release's deployment, as NAME=value; NULL: none */
	const char *const *env;		/* for the service and the commands */
	int cancel_fd;			/* see hk_process_spec */
	hk_line_fn *on_line;		/* output of the command driver's commands; may be NULL */
	void *ctx;
};

struct hk_service_state {
	bool known; /* whether the driver can tell at all */
	bool running;
	bool wanted;	       /* it was started, and not stopped by anybody since */
	struct hk_procid main; /* pid 0 when the driver knows none */
	int64_t since_ms;      /* wall clock of the start; 0: unknown */
	char release[64];      /* that it was started from; "" unknown */
	char detail[160];      /* for people, such as "exited with status 1 after 2.1 s" */
	/* Where the driver's manager starts it again by itself. */
	int64_t restarts;    /* so often since somebody asked for a start; -1: unknown */
	char invocation[40]; /* another text for each start; "" unknown */
};

struct hk_service_driver {
	const char *name; /* the value of [service] driver */
	/* Whether the service answers at [project] port once it runs, so that health checks apply.
	 */
	bool has_process;
	/* Whether it runs the start command of the release (hk_service.start). */
	bool uses_start;
	/* Whether each release needs its start file (startfile.h) before it becomes live. */
	bool start_file;
	const char *record; /* its file in the state folder, see record.h; NULL: it has none */
	/*
	 * Whether the settings let it do its work; HK_E_CONFIG_INVALID names the key that is
	 * missing. NULL: any settings do.
	 */
	int (*check)(const struct hk_conf *conf, struct hk_error *err);
	/*
	 * All return 0 or HK_E_SERVICE_FAILED (or what a command returned); start of a running
	 * service and stop of a stopped one are no errors.
	 */
	int (*start)(const struct hk_service *s, struct hk_error *err);
	int (*stop)(const struct hk_service *s, struct hk_error *err);
	int (*restart)(const struct hk_service *s, struct hk_error *err);
	int (*status)(const struct hk_service *s, struct hk_service_state *ret,
		      struct hk_error *err);
	/*
	 * Ends what it has started, when the settings name another driver now. NULL: nothing that
	 * is ours to end.
	 */
	int (*leave)(const struct hk_service *s, struct hk_error *err);
	/* Lines about the last start beside those of the log files; NULL: there are none. */
	void (*recent_log)(const struct hk_service *s, size_t max, struct hk_strlist *ret);
};

/* The driver with that name; NULL for an unknown one. */
const struct hk_service_driver *hk_service_driver(const char *name);

/*
 * Ends what another driver than this one started, before the configuration named this one. Without
 * that, it would run on where nobody looks.
 */
int hk_service_stop_others(const struct hk_service *s, const struct hk_service_driver *driver,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * The last lines (at most max) that the service wrote to logs/error.log, or else logs/app.log,
 * since it was last started, or else what the driver knows; sanitized, appended to ret. Never
 * fails: no log, no lines.
 */
void hk_service_recent_log(const struct hk_service_driver *driver, const struct hk_service *s,
			   size_t max, struct hk_strlist *ret);

#endif
