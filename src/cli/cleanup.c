/*
 * deploy --cleanup (contract in cleanup.h).
 */
#include <cli/cleanup.h>

#include <stdio.h>
#include <string.h>

#include <base/human.h>
#include <cli/open.h>
#include <deploy/recover.h>
#include <deploy/retention.h>
#include <repo/repo.h>
#include <sys/lock.h>

/* Cleaning up is all that is done: what else is asked for would be forgotten silently. */
static int check_options(const struct hk_cli_call *call, struct hk_error *err)
{
	const struct hk_cli_option *o = call->command->options;

	for (size_t i = 0; i < HK_CLI_OPTIONS_MAX && o[i].name; i++)
		if (call->values[i] && strcmp(o[i].name, "cleanup") && strcmp(o[i].name, "keep"))
			return hk_error_set(
				err, HK_E_USAGE,
				"--cleanup deploys nothing, so --%s does not go with it",
				o[i].name);
	return 0;
}

static int take_lock(const struct hk_project *p, struct hk_lock *lock, struct hk_error *err)
{
	bool held;

	if (hk_lock_try(lock, p->state_fd, "lock", &held, err))
		return err->code;
	if (held)
		return 0;
	hk_error_set(err, HK_E_LOCKED, "'%s' is being deployed", p->name);
	return hk_error_hint(err, "that cleans up at its end; see: hostkit deploy status %s",
			     p->name);
}

static int clean(const struct hk_project *p, struct hk_ledger *l, int64_t keep,
		 struct hk_strlist *gone, struct hk_strlist *kept, int64_t *ret_bytes,
		 struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	struct hk_retention r = { .project = p, .ledger = l, .keep = keep };
	unsigned swept = 0;

	if (hk_repo_open(p->repo_path, p->home_path, &repo, err))
		return err->code;
	r.repo = repo;
	if (hk_recover_sweep(p, 0, &swept, err) || hk_retention_prune(&r, gone, kept, err))
		return err->code;
	return hk_retention_delete(p, ret_bytes, err);
}

static void answer(struct hk_cli_call *call, const struct hk_strlist *gone,
		   const struct hk_strlist *kept, int64_t bytes)
{
	char size[HK_HUMAN_LEN];

	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "removed", hk_json_strlist(gone));
		hk_json_set(call->data, "kept_in_use", hk_json_strlist(kept));
		hk_json_set(call->data, "freed_bytes", hk_json_int(bytes));
		return;
	}
	for (size_t i = 0; i < gone->len; i++)
		printf("removed release %s\n", gone->items[i]);
	for (size_t i = 0; i < kept->len; i++)
		printf("kept release %s\n", kept->items[i]);
	printf("freed %s\n", hk_human_size(bytes, size));
	if (!gone->len && !bytes)
		printf("to keep fewer releases: hostkit deploy %s --cleanup --keep 1\n",
		       call->operands[0]);
}

int hk_cli_cleanup(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_lock_release) struct hk_lock lock = HK_LOCK_INIT;
	hk_auto_strlist gone = HK_STRLIST_INIT, kept = HK_STRLIST_INIT;
	const char *number = hk_cli_value(call, "keep");
	hk_auto_project p = HK_PROJECT_INIT;
	int64_t keep = 0, bytes = 0;

	if (check_options(call, err) ||
	    (number && hk_human_parse_int(number, 1, 1000, &keep, err)) ||
	    hk_cli_open(call, &p, &ledger, err) || take_lock(&p, &lock, err) ||
	    clean(&p, ledger, number ? keep : p.conf.deploy_keep_releases, &gone, &kept, &bytes,
		  err))
		return err->code;
	answer(call, &gone, &kept, bytes);
	return 0;
}
