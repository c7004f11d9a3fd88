/*
 * The declared environment of installs, builds and services. Nothing is inherited: PATH comes from
 * the configuration, secrets and settings from the project's .env, facts from the deployment.
 */
#ifndef HK_DEPLOY_ENVIRONMENT_H
#define HK_DEPLOY_ENVIRONMENT_H

#include <base/error.h>
#include <base/strlist.h>
#include <deploy/project.h>

/*
 * Appends NAME=value entries: PATH, HOME, USER, LOGNAME, SHELL, LANG, TMPDIR, NODE_ENV=production,
 * PORT (when set), HOST and HOSTNAME=127.0.0.1, caches of the package managers; then the .env file
 * of the project's home, which may replace any of these; then HOSTKIT_PROJECT and, with a
 * deployment (may be NULL), HOSTKIT_DEPLOYMENT, HOSTKIT_REF, HOSTKIT_COMMIT, HOSTKIT_TAG,
 * HOSTKIT_PUSHER, HOSTKIT_PUSHER_KEY and HOSTKIT_RELEASE, as far as they are known. Fails on an
 * .env file outside the grammar of dotenv.h.
 */
int hk_environment_build(const struct hk_project *p, const struct hk_deployment *d,
			 struct hk_strlist *ret, struct hk_error *err) HK_MUST_CHECK;

/* The same, without a deployment, with that text for the .env file; what names it in errors. */
int hk_environment_build_of(const struct hk_project *p, const char *text, size_t len,
			    const char *what, struct hk_strlist *ret,
			    struct hk_error *err) HK_MUST_CHECK;

/*
 * The facts of a deployment alone, put into an environment: what is not known is not in it then,
 * whatever .env says.
 */
void hk_environment_facts(const struct hk_project *p, const struct hk_deployment *d,
			  struct hk_strlist *env);

/* The same facts, but not the project's name, from a list that hk_environment_facts has made. */
void hk_environment_take_facts(struct hk_strlist *env, const struct hk_strlist *facts);

/* One of them, or, with NULL or "", its absence. */
void hk_environment_set_fact(struct hk_strlist *env, const char *name, const char *value);

/*
 * For commands of a deployment: TMPDIR is that folder of the project's state, whatever .env says,
 * and what honours XDG_CACHE_HOME has its cache with the others.
 */
void hk_environment_temporary(const struct hk_project *p, const char *name, struct hk_strlist *env);

/* The same without .env and without a deployment: for what must work whatever is broken. */
void hk_environment_plain(const struct hk_project *p, struct hk_strlist *ret);

/* Whether the value of a NAME=value entry is not for a screen that others may see, by its name. */
bool hk_environment_is_secret(const char *entry);

/*
 * The entry, for the environment of installs and builds (never of services), by which recovery
 * finds what a killed worker of that deployment has left running. The caller frees.
 */
char *hk_environment_mark(const struct hk_project *p, int64_t deployment);

#endif
