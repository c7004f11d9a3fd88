/*
 * Private to the command line: the options that every command takes.
 */
#ifndef HK_CLI_TABLE_H
#define HK_CLI_TABLE_H

#include <cli/cli.h>

/* root, json, help, version, in this order; ended by a row without a name. */
extern const struct hk_cli_option hk_cli_global_options[];

#endif
