/*
 * The start of every command that works on a project: its folders, its ledger, and recovery.
 */
#ifndef HK_CLI_OPEN_H
#define HK_CLI_OPEN_H

#include <cli/cli.h>
#include <deploy/project.h>

/*
 * Opens both, makes a damaged ledger anew, ends deployments whose worker died, and deploys pushes
 * that were lost. What was done is said on stderr. ledger may be NULL on failure; the caller
 * closes.
 */
int hk_cli_open(struct hk_cli_call *call, struct hk_project *p, struct hk_ledger **ret_ledger,
		struct hk_error *err) HK_MUST_CHECK;

/* Says what a recovery has done, on stderr, and empties the list. */
void hk_cli_notes(struct hk_strlist *notes);

/* What else is to be known, on stderr. */
void hk_cli_say_notes(const struct hk_strlist *notes);

#endif
