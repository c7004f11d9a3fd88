/*
 * Restarting the service, for commands that change what it is started with.
 */
#ifndef HK_CLI_SERVICE_H
#define HK_CLI_SERVICE_H

#include <cli/cli.h>

/* `service restart` of the project that is the call's first operand. */
int hk_cli_service_restart(struct hk_cli_call *call, struct hk_error *err) HK_MUST_CHECK;

#endif
