/*
 * Push options: git push -o NAME, or -o NAME=VALUE.
 */
#ifndef HK_DEPLOY_PUSHOPT_H
#define HK_DEPLOY_PUSHOPT_H

#include <stdbool.h>

#include <conf/conf.h>

struct hk_push_options {
	unsigned flags; /* enum hk_request_flags */
	char *reason;	/* one printable line; NULL: not given */
	bool dry_run;
};

#define HK_PUSH_OPTIONS_INIT \
	{                    \
		.flags = 0   \
	}
void hk_push_options_release(struct hk_push_options *o);

/*
 * Adds what one option says. HK_E_USAGE for one that is unknown (the hint lists the known ones),
 * that has a value too many or too few, or contradicts one before; HK_E_NOT_ALLOWED when [push]
 * allow does not have it. o is unchanged then. text is what a client sent: any bytes.
 */
int hk_push_option_add(struct hk_push_options *o, const char *text, const struct hk_conf *conf,
		       struct hk_error *err) HK_MUST_CHECK;

#endif
