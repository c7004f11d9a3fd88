/*
 * Pushes that were lost: git moves a ref before post-receive runs, and a client that dies in
 * between takes the hook with it; pushing again says "Everything up-to-date". What hooks have seen
 * of the refs is in the ledger, so the difference tells.
 */
#ifndef HK_DEPLOY_MISSED_H
#define HK_DEPLOY_MISSED_H

#include <deploy/project.h>
#include <deploy/submit.h>
#include <repo/repo.h>

/* From now on, refs are what they are: for a new ledger. */
int hk_missed_begin(struct hk_ledger *l, struct hk_repo *repo, struct hk_error *err) HK_MUST_CHECK;

/*
 * Looks for refs that would deploy and that no hook has seen as they are. With [push] missed =
 * deploy, the one that comes first by the rules of a push is submitted and the others are named;
 * with report, all are only named, each time. Pushes whose hook has yet to come are waited for a
 * moment, or left for the next time. What was found is added to notes, for people.
 */
int hk_missed_handle(const struct hk_project *p, struct hk_ledger *l, struct hk_repo *repo,
		     hk_submit_head_fn *head, struct hk_strlist *notes,
		     struct hk_error *err) HK_MUST_CHECK;

#endif
