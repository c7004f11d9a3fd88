/*
 * Checkpoints (contract in checkpoint.h).
 */
#include <deploy/checkpoint.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <deploy/environment.h>
#include <deploy/snapshot.h>
#include <store/digest.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define FOLDER "checkpoints"
#define TMP ".tmp"
#define COUNT_MS 3000

static char *dump_name(int64_t id)
{
	return hk_xasprintf("%lld.dump", (long long)id);
}

static int open_folder(const struct hk_project *p, int *ret, struct hk_error *err)
{
	if (hk_fs_mkdir_p(p->state_fd, FOLDER, 0700, err) ||
	    hk_fs_open_dir(p->state_fd, FOLDER, ret, err))
		return hk_error_prefix(err, "in '%s'", p->state_path);
	return 0;
}

/* The secrets that .env has only after the checkpoint is made. */
static void add_vault(const struct hk_vault *vault, struct hk_strlist *env)
{
	for (size_t i = 0; vault && i < hk_vault_len(vault); i++) {
		const struct hk_secret s = hk_vault_at(vault, i);

		hk_environment_set_fact(env, s.name, s.value);
	}
}

/* All but the environment. */
static int prepare(const struct hk_project *p, struct hk_ledger *l, int64_t deployment,
		   struct hk_checkpoints *ret, struct hk_error *err)
{
	hk_auto_free char *state = realpath(p->state_path, NULL);

	*ret = (struct hk_checkpoints){
		.project = p,
		.ledger = l,
		.kind = hk_database_kind(p->conf.database_kind),
		.mark = hk_environment_mark(p, deployment),
		.dir_fd = -1,
		.dir_path = hk_xasprintf("%s/" FOLDER, state ? state : p->state_path),
	};
	ret->db = (struct hk_database){
		.conf = &p->conf,
		.home_fd = p->home_fd,
		.home_path = p->home_path,
		.project = p->name,
		.env = &ret->env,
		.mark = ret->mark,
		.cancel_fd = -1,
		.deadline = hk_clock_deadline(p->conf.database_timeout),
	};
	return open_folder(p, &ret->dir_fd, err);
}

int hk_checkpoints_open(const struct hk_project *p, struct hk_ledger *l, int64_t deployment,
			const struct hk_vault *vault, struct hk_checkpoints *ret,
			struct hk_error *err)
{
	if (prepare(p, l, deployment, ret, err))
		return err->code;
	if (!ret->kind)
		return 0;
	if (hk_environment_build(p, NULL, &ret->env, err))
		return err->code;
	add_vault(vault, &ret->env);
	return ret->kind->check_settings(&ret->db, err);
}

/* --- Which database they are of */

int hk_checkpoints_target(const struct hk_checkpoints *c, char ret[HK_DATABASE_TARGET_LEN],
			  struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;

	if (c->kind && c->kind->target && c->kind->target(&c->db, &text, err))
		return err->code;
	snprintf(ret, HK_DATABASE_TARGET_LEN, "%s", text.data);
	return 0;
}

int hk_checkpoints_check_target(const struct hk_checkpoints *c, const char *what,
				const char *target, struct hk_error *err)
{
	char now[HK_DATABASE_TARGET_LEN];

	if (!target || !*target || !c->kind || !c->kind->target)
		return 0;
	if (hk_checkpoints_target(c, now, err))
		return err->code;
	if (!strcmp(now, target))
		return 0;
	return hk_error_set(err, HK_E_CONFIG_INVALID,
			    "%s the database '%.200s', and the settings name '%.200s'", what,
			    target, now);
}

/* As what .env was names it. */
static int open_snapshot(const struct hk_project *p, struct hk_ledger *l, int64_t deployment,
			 int64_t environment, struct hk_checkpoints *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_snapshot_release) struct hk_snapshot s = HK_SNAPSHOT_INIT;

	if (prepare(p, l, deployment, ret, err) || hk_snapshot_read(p, environment, &s, err) ||
	    hk_environment_build_of(p, s.text, s.len, "the snapshot of .env", &ret->env, err))
		return err->code;
	return ret->kind ? ret->kind->check_settings(&ret->db, err) : 0;
}

int hk_checkpoints_open_target(const struct hk_project *p, struct hk_ledger *l,
			       const struct hk_restore *r, const char *what,
			       struct hk_checkpoints *ret, struct hk_error *err)
{
	struct hk_error first = HK_ERROR_INIT, second;

	if (!hk_checkpoints_open(p, l, r->deployment, NULL, ret, &first) &&
	    !hk_checkpoints_check_target(ret, what, r->target, &first))
		return 0;
	if (r->environment && *r->target) {
		hk_checkpoints_close(ret);
		if (!open_snapshot(p, l, r->deployment, r->environment, ret, &second) &&
		    !hk_checkpoints_check_target(ret, what, r->target, &second))
			return 0;
	}
	*err = first;
	return err->code;
}

void hk_checkpoints_close(struct hk_checkpoints *c)
{
	hk_strlist_wipe(&c->env);
	free(c->mark);
	free(c->dir_path);
	hk_cleanup_close(&c->dir_fd);
	*c = (struct hk_checkpoints)HK_CHECKPOINTS_INIT;
}

int hk_checkpoints_need_kind(const struct hk_checkpoints *c, struct hk_error *err)
{
	if (c->kind)
		return 0;
	hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' has no database: [database] kind is none",
		     c->project->name);
	return hk_error_hint(err,
			     "say what it has: hostkit config set %s database.kind sqlite, and "
			     "hostkit config set %s database.path shared/app.db",
			     c->project->name, c->project->name);
}

bool hk_checkpoints_has_database(const struct hk_checkpoints *c)
{
	return c->kind && (!c->kind->exists || c->kind->exists(&c->db));
}

void hk_dump_release(struct hk_dump *d)
{
	hk_cleanup_close(&d->fd);
	free((char *)d->path);
	*d = (struct hk_dump){ .fd = -1 };
}

/* --- Making */

/* A lost ledger counts from the beginning again: what it does not know is not overwritten. */
static int add_row(struct hk_checkpoints *c, struct hk_checkpoint *row, struct hk_error *err)
{
	for (;;) {
		hk_auto_free char *name = NULL;

		if (hk_ledger_add_checkpoint(c->ledger, row, &row->id, err))
			return err->code;
		name = dump_name(row->id);
		if (!hk_fs_exists(c->dir_fd, name))
			return 0;
		if (hk_ledger_delete_checkpoint(c->ledger, row->id, err))
			return err->code;
	}
}

/* One that could not be restored is none. */
static int check_made(struct hk_checkpoints *c, const struct hk_dump *d, struct hk_error *err)
{
	if (!c->kind->check || !c->kind->check(&c->db, d, err))
		return 0;
	if (err->code == HK_E_CHECKPOINT_DAMAGED)
		err->code = HK_E_CHECKPOINT_FAILED;
	return hk_error_prefix(err, "what was dumped cannot be restored");
}

static int fill(struct hk_checkpoints *c, const struct hk_dump *d, struct hk_checkpoint *row,
		struct hk_error *err)
{
	char digest[HK_SHA256_HEX_LEN];

	c->db.deadline = hk_clock_deadline(c->project->conf.database_timeout);
	if (c->kind->dump(&c->db, d, err))
		return err->code;
	if (fsync(d->fd))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot write '%s'", d->path);
	if (hk_digest_file(d->fd, digest, &row->size, err))
		return hk_error_prefix(err, "'%s'", d->path);
	if (!row->size)
		return hk_error_set(err, HK_E_CHECKPOINT_FAILED, "the dump is empty");
	if (check_made(c, d, err))
		return err->code;
	row->sha256 = hk_xstrdup(digest);
	return 0;
}

static int write_dump(struct hk_checkpoints *c, struct hk_checkpoint *row, struct hk_error *err)
{
	hk_auto_free char *name = dump_name(row->id);
	hk_auto_free char *tmp = hk_xasprintf("%s" TMP, name);
	HK_CLEANUP(hk_dump_release) struct hk_dump d = { .fd = -1 };
	int ret;

	d.path = hk_xasprintf("%s/%s", c->dir_path, tmp);
	if (HK_FAILPOINT(checkpoint_begun, err))
		return err->code;
	d.fd = openat(c->dir_fd, tmp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d.fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make '%s'", d.path);
	ret = fill(c, &d, row, err);
	if (!ret && renameat(c->dir_fd, tmp, c->dir_fd, name))
		ret = hk_error_set_errno(err, HK_E_IO, errno, "cannot rename '%s'", d.path);
	if (ret && unlinkat(c->dir_fd, tmp, 0) && errno != ENOENT)
		return err->code;
	return ret ? ret : hk_fs_sync_dir(c->dir_fd, err);
}

int hk_checkpoint_make(struct hk_checkpoints *c, const struct hk_checkpoint *what,
		       struct hk_checkpoint *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release)
	struct hk_checkpoint row = {
		.kind = hk_xstrdup(c->kind->name),
		.label = what->label ? hk_xstrdup(what->label) : NULL,
		.deployment = what->deployment,
		.safety = what->safety,
		.created_at = hk_clock_wall_ms(),
	};
	int64_t began = hk_clock_mono_ms();
	char target[HK_DATABASE_TARGET_LEN];
	struct hk_error ignored;

	if (hk_checkpoints_target(c, target, err))
		return err->code;
	row.target = *target ? hk_xstrdup(target) : NULL;
	if (add_row(c, &row, err))
		return err->code;
	if (write_dump(c, &row, err) || HK_FAILPOINT(checkpoint_renamed, err)) {
		/* What cannot be removed now is swept by the next recovery. */
		if (hk_checkpoint_delete(c->project, c->ledger, row.id, &ignored))
			hk_log_debug("%s", ignored.message);
		return err->code;
	}
	row.ms = hk_clock_mono_ms() - began;
	if (hk_ledger_finish_checkpoint(c->ledger, &row, err))
		return err->code;
	*ret = row;
	row = (struct hk_checkpoint)HK_CHECKPOINT_INIT;
	return 0;
}

/* --- Reading */

static int is_damaged(const struct hk_checkpoints *c, const struct hk_checkpoint *row,
		      const char *why, struct hk_error *err)
{
	hk_error_set(err, HK_E_CHECKPOINT_DAMAGED,
		     "checkpoint %lld is damaged, and is not used: %s", (long long)row->id, why);
	return hk_error_hint(err, "take another one: hostkit checkpoint list %s", c->project->name);
}

static int verify(struct hk_checkpoints *c, const struct hk_checkpoint *row,
		  const struct hk_dump *d, struct hk_error *err)
{
	struct hk_error found = HK_ERROR_INIT;
	char digest[HK_SHA256_HEX_LEN];
	int64_t size;

	if (hk_digest_file(d->fd, digest, &size, err))
		return hk_error_prefix(err, "'%s'", d->path);
	if (size != row->size)
		return is_damaged(c, row, "its dump has another size than when it was made", err);
	if (strcmp(digest, row->sha256))
		return is_damaged(c, row, "its dump is not what was written (SHA-256)", err);
	c->db.deadline = hk_clock_deadline(c->project->conf.database_timeout);
	if (!c->kind->check || !c->kind->check(&c->db, d, &found))
		return 0;
	if (found.code == HK_E_CHECKPOINT_DAMAGED)
		return is_damaged(c, row, found.message, err);
	*err = found;
	return err->code;
}

int hk_checkpoint_open(struct hk_checkpoints *c, int64_t id, struct hk_checkpoint *ret,
		       struct hk_dump *ret_dump, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint row = HK_CHECKPOINT_INIT;
	HK_CLEANUP(hk_dump_release) struct hk_dump d = { .fd = -1 };
	hk_auto_free char *name = dump_name(id);

	if (hk_ledger_get_checkpoint(c->ledger, id, &row, err) || hk_checkpoints_need_kind(c, err))
		return err->code;
	if (strcmp(row.kind, c->kind->name)) {
		hk_error_set(err, HK_E_CONFIG_INVALID,
			     "checkpoint %lld is of a database of the kind %s, and [database] kind "
			     "is %s",
			     (long long)id, row.kind, c->kind->name);
		return hk_error_hint(err, "hostkit config set %s database.kind %s",
				     c->project->name, row.kind);
	}
	d.path = hk_xasprintf("%s/%s", c->dir_path, name);
	d.fd = openat(c->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (d.fd < 0 && (errno == ENOENT || errno == ELOOP))
		return is_damaged(c, &row, "its dump is missing", err);
	if (d.fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open '%s'", d.path);
	if (verify(c, &row, &d, err))
		return err->code;
	*ret = row;
	row = (struct hk_checkpoint)HK_CHECKPOINT_INIT;
	*ret_dump = d;
	d = (struct hk_dump){ .fd = -1 };
	return 0;
}

int hk_checkpoint_count_rows(struct hk_checkpoints *c, int64_t id, struct hk_rows *ret,
			     struct hk_error *err)
{
	hk_auto_free char *name = dump_name(id);
	hk_auto_free char *path = hk_xasprintf("%s/%s", c->dir_path, name);
	const struct hk_dump d = { .fd = -1, .path = path };
	struct hk_rows rows = { .len = 0 };

	if (hk_checkpoints_need_kind(c, err))
		return err->code;
	c->db.deadline = hk_clock_deadline(COUNT_MS);
	if (c->kind->rows && c->kind->rows(&c->db, &d, &rows, err)) {
		hk_rows_release(&rows);
		return err->code;
	}
	*ret = rows;
	return 0;
}

/* --- Deleting */

static int remove_files(int dir_fd, int64_t id, struct hk_error *err)
{
	hk_auto_free char *name = dump_name(id);
	hk_auto_free char *tmp = hk_xasprintf("%s" TMP, name);

	if (hk_fs_remove_tree(dir_fd, name, err) || hk_fs_remove_tree(dir_fd, tmp, err))
		return err->code;
	return hk_fs_sync_dir(dir_fd, err);
}

int hk_checkpoint_delete(const struct hk_project *p, struct hk_ledger *l, int64_t id,
			 struct hk_error *err)
{
	struct hk_restore open;
	hk_auto_close int dir_fd = -1;

	if (hk_ledger_open_restore(l, &open, err))
		return err->code;
	if (open.id && (open.checkpoint == id || open.safety == id)) {
		hk_error_set(err, HK_E_NOT_ALLOWED, "a restore needs checkpoint %lld",
			     (long long)id);
		return hk_error_hint(err, "hostkit recover %s", p->name);
	}
	if (hk_ledger_set_checkpoint_deleting(l, id, err) || open_folder(p, &dir_fd, err) ||
	    remove_files(dir_fd, id, err))
		return err->code;
	return hk_ledger_delete_checkpoint(l, id, err);
}

struct pruning {
	const struct hk_project *p;
	struct hk_ledger *l;
	int64_t seen, now;
	unsigned gone;
};

/* Called newest first. */
static int prune_one(void *ctx, const struct hk_checkpoint *row, struct hk_error *err)
{
	struct pruning *pr = ctx;
	const struct hk_conf *conf = &pr->p->conf;
	bool old;

	if (row->state != HK_CHECKPOINT_READY)
		return 0;
	old = conf->database_keep_for && pr->now - row->created_at > conf->database_keep_for;
	if (++pr->seen <= conf->database_keep && !old)
		return 0;
	if (row->kept)
		return 0;
	if (hk_checkpoint_delete(pr->p, pr->l, row->id, err))
		return err->code;
	pr->gone++;
	return 0;
}

int hk_checkpoint_prune(const struct hk_project *p, struct hk_ledger *l, unsigned *ret_gone,
			struct hk_error *err)
{
	struct pruning pr = { .p = p, .l = l, .now = hk_clock_wall_ms() };

	if (hk_ledger_each_checkpoint(l, prune_one, &pr, err))
		return err->code;
	if (ret_gone)
		*ret_gone = pr.gone;
	return 0;
}

struct sweeping {
	const struct hk_project *p;
	struct hk_ledger *l;
	struct hk_strlist *notes;
};

static int sweep_one(void *ctx, const struct hk_checkpoint *row, struct hk_error *err)
{
	const struct sweeping *s = ctx;

	if (row->state == HK_CHECKPOINT_READY)
		return 0;
	if (hk_checkpoint_delete(s->p, s->l, row->id, err))
		return err->code;
	if (row->state == HK_CHECKPOINT_MAKING)
		hk_strlist_addf(s->notes, "removed checkpoint %lld, which was not complete",
				(long long)row->id);
	return 0;
}

int hk_checkpoint_sweep(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
			struct hk_error *err)
{
	struct sweeping s = { .p = p, .l = l, .notes = notes };

	return hk_ledger_each_checkpoint(l, sweep_one, &s, err);
}
