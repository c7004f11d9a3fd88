/*
 * hostkit doctor: looks at an installation and its projects for what keeps deployments from
 * working, and names what mends it. Nothing is changed, created or recovered, and a project whose
 * settings are broken is looked at all the same.
 */
#ifndef HK_DEPLOY_DOCTOR_H
#define HK_DEPLOY_DOCTOR_H

#include <base/error.h>
#include <base/strlist.h>

enum hk_doctor_level {
	HK_DOCTOR_OK,
	HK_DOCTOR_WARN, /* it works, but not for long or not for everything */
	HK_DOCTOR_FAIL, /* a deployment or the service fails, or is unsafe */
};

const char *hk_doctor_level_name(enum hk_doctor_level level); /* "ok", "warn", "fail" */

/* What a check has found; all borrowed. A check has one or more. */
struct hk_finding {
	const char *scope; /* "installation", or the project's name */
	const char *check; /* stable: "hooks", "git", … */
	enum hk_doctor_level level;
	const char *message; /* one line, printable */
	const char *hint;    /* what mends it, a command where there is one; NULL with ok */
};

typedef void hk_doctor_fn(void *ctx, const struct hk_finding *f);

void hk_doctor_installation(const char *root, hk_doctor_fn *fn, void *ctx);

/*
 * What the machine has for a project under "/": its user, unit, rights, and the modes of its
 * folders. Opens nothing of the user's, so that it is for root and for the user to call. Errors as
 * below.
 */
int hk_doctor_host(const char *name, hk_doctor_fn *fn, void *ctx,
		   struct hk_error *err) HK_MUST_CHECK;

/*
 * For the project's user to call, under "/". env gets NAME=value for what installs, builds and the
 * service will see, less the facts of a deployment; nothing when .env is broken. Values may be
 * secrets: see hk_environment_is_secret. An error (HK_E_NAME_INVALID, HK_E_PROJECT_NOT_FOUND) means
 * that there is no such project.
 */
int hk_doctor_project(const char *root, const char *name, hk_doctor_fn *fn, void *ctx,
		      struct hk_strlist *env, struct hk_error *err) HK_MUST_CHECK;

#endif
