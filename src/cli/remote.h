/*
 * Which commands a client of `hostkit shell` may run: those whose rows say so, as far as [project]
 * shell names them, for the own project only.
 */
#ifndef HK_CLI_REMOTE_H
#define HK_CLI_REMOTE_H

#include <base/buf.h>
#include <base/error.h>
#include <base/strlist.h>
#include <cli/cli.h>
#include <conf/conf.h>

/*
 * Appends to ret_argv the command line that the client's words come to, from behind the program's
 * name: made anew from what they were understood as, with the project's name put in where they left
 * it out. HK_E_NOT_ALLOWED for another command, another project, a root, an option that is for the
 * machine's own users or that [push] allow lacks, and for a file of the machine; HK_E_USAGE for
 * what the command would not understand.
 */
int hk_cli_remote(const struct hk_strlist *words, const char *project, const struct hk_conf *conf,
		  struct hk_strlist *ret_argv, struct hk_error *err) HK_MUST_CHECK;

/* Whether it is one for keys that commands, as [project] shell lists them, name. */
bool hk_cli_remote_may(const struct hk_cli_command *c, const struct hk_strlist *commands);

/* "deploy, rollback, ratelimit show" */
void hk_cli_remote_list(const struct hk_conf *conf, struct hk_buf *out);

#endif
