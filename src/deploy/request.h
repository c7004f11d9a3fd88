/*
 * What one deployment may ask for beyond the configuration; kept as a number in the ledger, so
 * values never change.
 */
#ifndef HK_DEPLOY_REQUEST_H
#define HK_DEPLOY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum hk_request_flags {
	HK_REQUEST_BUILD = 1 << 0,
	HK_REQUEST_NO_BUILD = 1 << 1,
	HK_REQUEST_INSTALL = 1 << 2,
	HK_REQUEST_NO_INSTALL = 1 << 3,
	HK_REQUEST_RESTART = 1 << 4,
	HK_REQUEST_NO_RESTART = 1 << 5,
	HK_REQUEST_ROLLBACK = 1 << 6, /* make a release live that is there, instead of a new one */
	HK_REQUEST_OVERRIDE_RATELIMIT = 1 << 7,
	HK_REQUEST_INJECT_SECRETS = 1 << 9,
	HK_REQUEST_WITH_ENV = 1 << 12,	    /* of a rollback: .env goes back, too */
	HK_REQUEST_WITH_DATABASE = 1 << 13, /* and so does the database */
	HK_REQUEST_STRICT = 1 << 8, /* git moves the ref only when the deployment has succeeded */
};

/* A switch of a request, with the same name on the command line and as a push option. */
struct hk_request_option {
	const char *name;
	unsigned flag;
	unsigned excludes; /* flags that contradict it */
	const char *help;  /* for the command line */
};

extern const struct hk_request_option hk_request_options[];
extern const size_t hk_request_options_len;

/* NULL when there is none of that name. */
const struct hk_request_option *hk_request_option_find(const char *name);

/* The name of a given option that contradicts o, or NULL. */
const char *hk_request_contradicts(const struct hk_request_option *o, unsigned flags);

#endif
