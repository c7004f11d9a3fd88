/*
 * service logs --journal: what systemd's journal has of a project's unit.
 */
#ifndef HK_CLI_JOURNAL_H
#define HK_CLI_JOURNAL_H

#include <cli/cli.h>

/*
 * The last lines of it, for the project that is the call's first operand. Text: journalctl(1) takes
 * this process's place, so it returns only on failure. JSON: the call's data. HK_E_NOT_SUPPORTED
 * when systemd does not run the service, HK_E_PERMISSION when the caller may not read the journal.
 */
int hk_cli_journal(struct hk_cli_call *call, const char *lines, bool follow,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
