/*
 * Opening a project for a command.
 */
#include <cli/open.h>

#include <stdio.h>

#include <deploy/recover.h>
#include <deploy/repository.h>
#include <ui/head.h>

void hk_cli_notes(struct hk_strlist *notes)
{
	for (size_t i = 0; i < notes->len; i++)
		fprintf(stderr, "recovered: %s\n", notes->items[i]);
	hk_strlist_release(notes);
}

void hk_cli_say_notes(const struct hk_strlist *notes)
{
	for (size_t i = 0; i < notes->len; i++)
		fprintf(stderr, "note: %s\n", notes->items[i]);
}

/* Somebody may have edited the INI file; what the command is about does not depend on it. */
static void follow_settings(const struct hk_project *p)
{
	struct hk_error err = HK_ERROR_INIT;

	if (!hk_repository_follow(p, &err))
		return;
	fprintf(stderr, "warning: the repository does not follow the settings: %s\n", err.message);
	if (*err.hint)
		hk_cli_print_hint(stderr, "", err.hint);
}

int hk_cli_open(struct hk_cli_call *call, struct hk_project *p, struct hk_ledger **ret_ledger,
		struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	int ret;

	ret = hk_project_open(call->root, call->operands[0], p, err);
	if (!ret)
		follow_settings(p);
	if (!ret)
		ret = hk_recover_open_ledger(p, ret_ledger, &notes, err);
	if (!ret)
		ret = hk_recover_if_idle(p, *ret_ledger, &notes, err);
	if (!ret)
		hk_recover_missed(p, *ret_ledger, NULL, hk_head_write, &notes);
	hk_cli_notes(&notes);
	return ret;
}
