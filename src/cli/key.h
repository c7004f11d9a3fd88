/*
 * Keys for other commands: `project create --key`.
 */
#ifndef HK_CLI_KEY_H
#define HK_CLI_KEY_H

#include <base/error.h>
#include <host/keys.h>

/* The public keys of a file, or of standard input for "-"; see hk_keys_read. */
int hk_cli_read_keys(const char *file, const char *label, struct hk_keys *ret,
		     struct hk_error *err) HK_MUST_CHECK;

/* Adds them to a project that is there. */
int hk_cli_add_keys(const char *root, const char *project, const struct hk_keys *keys,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
