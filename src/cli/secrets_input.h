/*
 * A secret's way in: from a terminal that shows nothing, or from standard input. Never from argv.
 */
#ifndef HK_CLI_SECRETS_INPUT_H
#define HK_CLI_SECRETS_INPUT_H

#include <stdbool.h>

#include <base/error.h>

/*
 * Asks on the terminal (HK_E_USAGE when there is none), or with from_stdin reads to the end,
 * without a last line end. *ret is for hk_vault_free.
 */
int hk_secrets_input(const char *name, bool from_stdin, char **ret,
		     struct hk_error *err) HK_MUST_CHECK;

#endif
