/*
 * Snapshots of .env (contract in snapshot.h), and stage 5, which takes one, and a checkpoint of the
 * database.
 */
#include <deploy/snapshot.h>

#include <string.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/checkpoint.h>
#include <deploy/deploy.h>
#include <deploy/secrets.h>
#include <store/dotenv.h>
#include <store/vault.h>
#include <sys/fs.h>
#include <sys/lock.h>

#define DOTENV ".env"
#define PREFIX "env-"
#define WAS_THERE '+' /* in front of the text */
#define WAS_MISSING '-'

static char *text_name(int64_t deployment)
{
	return hk_xasprintf(PREFIX "%lld", (long long)deployment);
}

static int open_vault(const struct hk_project *p, bool to_write, struct hk_vault **ret,
		      struct hk_error *err)
{
	return hk_vault_open(p->state_fd, p->name, to_write, ret, err);
}

int hk_snapshot_take(const struct hk_project *p, int64_t deployment, struct hk_error *err)
{
	HK_CLEANUP(hk_lock_release) struct hk_lock lock = HK_LOCK_INIT;
	HK_CLEANUP(hk_cleanup_vault) struct hk_vault *v = NULL;
	hk_auto_free char *name = text_name(deployment);
	struct hk_buf text = HK_BUF_INIT;
	int ret;

	/* `hostkit env` and the vault's other writers wait meanwhile. */
	if (hk_lock_wait(&lock, p->state_fd, "env.lock", err) || open_vault(p, true, &v, err))
		return err->code;
	hk_buf_addch(&text, hk_fs_exists(p->home_fd, DOTENV) ? WAS_THERE : WAS_MISSING);
	ret = hk_secrets_read_dotenv(p, &text, err);
	if (!ret)
		ret = hk_vault_write_text(v, name, text.data, text.len, err);
	hk_buf_wipe(&text);
	return ret;
}

void hk_snapshot_release(struct hk_snapshot *s)
{
	/* It begins with the mark. */
	if (s->text)
		hk_vault_free(s->text - 1);
	*s = (struct hk_snapshot)HK_SNAPSHOT_INIT;
}

static int64_t deployment_of(const char *text)
{
	struct hk_error ignored;
	int64_t id;

	if (strncmp(text, PREFIX, sizeof(PREFIX) - 1) ||
	    hk_human_parse_int(text + sizeof(PREFIX) - 1, 1, INT64_MAX, &id, &ignored))
		return 0;
	return id;
}

static int find_newest(const struct hk_vault *v, int64_t *ret, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_vault_list_texts(v, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++)
		if (deployment_of(names.items[i]) > *ret)
			*ret = deployment_of(names.items[i]);
	return 0;
}

int hk_snapshot_read(const struct hk_project *p, int64_t deployment, struct hk_snapshot *ret,
		     struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_vault) struct hk_vault *v = NULL;
	hk_auto_free char *name = NULL;
	char *text = NULL;
	size_t len = 0;

	if (open_vault(p, false, &v, err) || (!deployment && find_newest(v, &deployment, err)))
		return err->code;
	name = text_name(deployment);
	if (hk_vault_read_text(v, name, &text, &len, err))
		return err->code;
	if (!text || !len) {
		hk_vault_free(text);
		if (!deployment)
			return hk_error_set(err, HK_E_CHECKPOINT_NOT_FOUND,
					    "there is no snapshot of the environment of '%s' yet",
					    p->name);
		hk_error_set(err, HK_E_CHECKPOINT_NOT_FOUND,
			     "there is no snapshot of the environment before deployment %lld",
			     (long long)deployment);
		return hk_error_hint(err, "see the deployments: hostkit deploy history %s",
				     p->name);
	}
	*ret = (struct hk_snapshot){
		.deployment = deployment,
		.had_env = *text == WAS_THERE,
		.text = text + 1,
		.len = len - 1,
	};
	return 0;
}

int hk_snapshot_remove(const struct hk_project *p, int64_t deployment, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_vault) struct hk_vault *v = NULL;
	hk_auto_free char *name = text_name(deployment);
	hk_auto_free char *file = hk_xasprintf("vault/text-%s", name);

	/* Most deployments of a project without .env have none, and no vault is to be made. */
	if (!hk_fs_exists(p->state_fd, file))
		return 0;
	if (open_vault(p, true, &v, err))
		return err->code;
	return hk_vault_remove_text(v, name, err);
}

int hk_snapshot_restore(const struct hk_project *p, int64_t deployment, struct hk_error *err)
{
	HK_CLEANUP(hk_snapshot_release) struct hk_snapshot s = HK_SNAPSHOT_INIT;
	HK_CLEANUP(hk_lock_release) struct hk_lock lock = HK_LOCK_INIT;

	if (hk_snapshot_read(p, deployment, &s, err) ||
	    hk_lock_wait(&lock, p->state_fd, "env.lock", err))
		return err->code;
	if (s.had_env) {
		if (hk_fs_write_file(p->home_fd, DOTENV, s.text, s.len, 0600, err))
			return hk_error_prefix(err, "in '%s'", p->home_path);
		return 0;
	}
	if (hk_fs_remove_tree(p->home_fd, DOTENV, err))
		return hk_error_prefix(err, "in '%s'", p->home_path);
	return hk_fs_sync_dir(p->home_fd, err);
}

/* --- Comparing */

/* The value of a name; NULL: it is not there. */
static const char *value_of(const struct hk_strlist *entries, const char *name, size_t len)
{
	for (size_t i = 0; i < entries->len; i++)
		if (!strncmp(entries->items[i], name, len) && entries->items[i][len] == '=')
			return entries->items[i] + len + 1;
	return NULL;
}

static void compare(const struct hk_strlist *old, const struct hk_strlist *now,
		    hk_env_change_fn *fn, void *ctx)
{
	for (size_t i = 0; i < old->len; i++) {
		size_t len = strcspn(old->items[i], "=");
		hk_auto_free char *name = hk_xstrndup(old->items[i], len);
		const char *was = old->items[i] + len + 1, *is = value_of(now, name, len);

		if (!is || strcmp(was, is))
			fn(ctx, name, is ? HK_ENV_CHANGED : HK_ENV_REMOVED, was, is);
	}
	for (size_t i = 0; i < now->len; i++) {
		size_t len = strcspn(now->items[i], "=");
		hk_auto_free char *name = hk_xstrndup(now->items[i], len);

		if (!value_of(old, name, len))
			fn(ctx, name, HK_ENV_ADDED, NULL, now->items[i] + len + 1);
	}
}

int hk_snapshot_compare(const struct hk_project *p, const struct hk_snapshot *s,
			hk_env_change_fn *fn, void *ctx, struct hk_error *err)
{
	struct hk_strlist old = HK_STRLIST_INIT, now = HK_STRLIST_INIT;
	struct hk_buf text = HK_BUF_INIT;
	int ret = hk_secrets_read_dotenv(p, &text, err);

	if (!ret)
		ret = hk_dotenv_parse(text.data, text.len, DOTENV, &now, err);
	if (!ret)
		ret = hk_dotenv_parse(s->text, s->len, "the snapshot of " DOTENV, &old, err);
	if (!ret)
		compare(&old, &now, fn, ctx);
	hk_buf_wipe(&text);
	hk_strlist_wipe(&old);
	hk_strlist_wipe(&now);
	return ret;
}

/* --- The stage */

static bool wants_environment(const struct hk_project *p)
{
	return hk_fs_exists(p->home_fd, DOTENV) || hk_fs_exists(p->state_fd, "vault/secrets");
}

static bool wants_checkpoint(const struct hk_project *p)
{
	return p->conf.database_before_deploy && hk_database_kind(p->conf.database_kind);
}

static bool applies(const struct hk_deploy *d)
{
	return wants_checkpoint(d->project) || wants_environment(d->project);
}

static int make_checkpoint(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_checkpoint what = { .deployment = d->row.id };
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint made = HK_CHECKPOINT_INIT;
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;
	char size[HK_HUMAN_LEN];

	if (hk_checkpoints_open(d->project, d->ledger, d->row.id,
				hk_secrets_are_injected(d) ? d->vault : NULL, &c, err))
		return err->code;
	c.db.cancel_fd = d->cancel_fd;
	c.db.on_line = hk_deploy_output;
	c.db.ctx = d;
	/* Applications make theirs when they first run; a path that is wrong looks the same. */
	if (!hk_checkpoints_has_database(&c)) {
		hk_report_say(d->report, HK_REPORT_WARNING,
			      "there is no database '%s' yet: no checkpoint is made",
			      d->project->conf.database_path);
		hk_deploy_detail(d, "no database yet");
		return 0;
	}
	if (hk_checkpoint_make(&c, &what, &made, err))
		return err->code;
	hk_deploy_detail(d, "checkpoint %lld, %s", (long long)made.id,
			 hk_human_size(made.size, size));
	return 0;
}

static int explain(struct hk_error *err)
{
	hk_error_prefix(err, "the database checkpoint");
	if (!*err->hint && err->code == HK_E_CHECKPOINT_FAILED)
		hk_error_hint(err,
			      "see to the database, or deploy without a checkpoint: [database] "
			      "before_deploy = no");
	return err->code;
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	bool environment = wants_environment(d->project);
	size_t len;

	if (environment && hk_snapshot_take(d->project, d->row.id, err))
		return hk_error_prefix(err, "the snapshot of " DOTENV);
	if (wants_checkpoint(d->project) && make_checkpoint(d, err))
		return explain(err);
	len = strlen(d->detail);
	if (environment)
		snprintf(d->detail + len, sizeof(d->detail) - len, "%s" DOTENV, len ? "; " : "");
	return 0;
}

const struct hk_stage hk_stage_snapshot = {
	.name = "snapshot",
	.title = "snapshot",
	.applies = applies,
	.run = run,
};
