/*
 * Private to the command line: the options that every command takes, and a line taken apart.
 */
#ifndef HK_CLI_TABLE_H
#define HK_CLI_TABLE_H

#include <cli/cli.h>

/* root, json, help, version, in this order; ended by a row without a name. */
extern const struct hk_cli_option hk_cli_global_options[];

struct hk_cli_invocation {
	const char *root; /* NULL: none was given */
	bool json, help, version;
	struct hk_cli_call call; /* command NULL: none was given */
};

/*
 * Finds the command, its options and its operands, whose number is not looked at. Moves the words
 * of argv, into which the result points.
 */
int hk_cli_parse(struct hk_cli_invocation *in, int argc, char **argv,
		 struct hk_error *err) HK_MUST_CHECK;

#endif
