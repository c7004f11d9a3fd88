/*
 * hostkit deploy NAME --cleanup, in a file of its own: nothing is deployed.
 */
#ifndef HK_CLI_CLEANUP_H
#define HK_CLI_CLEANUP_H

#include <cli/cli.h>

/* HK_E_USAGE beside options of a deployment; HK_E_LOCKED while one runs. */
int hk_cli_cleanup(struct hk_cli_call *call, struct hk_error *err) HK_MUST_CHECK;

#endif
