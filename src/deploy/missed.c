/*
 * Finding and deploying lost pushes (contract in missed.h).
 */
#include <deploy/missed.h>

#include <poll.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/refrule.h>
#include <sys/failpoint.h>
#include <sys/proclist.h>

/* Not the name of any ref: that the ledger knows what refs were there when it began. */
#define BEGUN "begun"
#define SETTLE_MS 5000 /* for a hook that runs already to record what it was given */
#define LOOK_MS 50

struct refs {
	const struct hk_project *p;
	struct hk_ledger *l;
	bool all; /* also those that would not deploy, or were seen */
	struct hk_strlist names, objects;
};

static void refs_release(struct refs *r)
{
	hk_strlist_release(&r->names);
	hk_strlist_release(&r->objects);
}

#define hk_auto_refs HK_CLEANUP(refs_release) struct refs

/* refs/deploy/ is emptied by the worker: what is there while no row asks for it was lost. */
struct wanted {
	const char *ref, *object;
	bool found;
};

static int note_wanted(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct wanted *w = ctx;

	w->found |= !strcmp(d->ref, w->ref) && !strcmp(d->object, w->object);
	return 0;
}

/* In the strict mode the deployment comes first: only that the ref moved was not seen. */
static int was_deployed(const struct refs *r, const char *name, const char *oid, bool *ret,
			struct hk_error *err)
{
	const struct hk_ref_seen seen = { .name = name, .object = oid };

	if (hk_submit_is_done(r->l, name, oid, ret, err))
		return err->code;
	return *ret ? hk_ledger_see_refs(r->l, &seen, 1, err) : 0;
}

static int was_seen(const struct refs *r, const char *name, const char *oid, bool *ret,
		    struct hk_error *err)
{
	struct wanted w = { name, oid, false };
	hk_auto_free char *seen = NULL;

	if (hk_ref_classify(&r->p->conf, name) != HK_REF_COMMIT) {
		if (hk_ledger_get_seen_ref(r->l, name, &seen, err))
			return err->code;
		*ret = seen && !strcmp(seen, oid);
		return *ret ? 0 : was_deployed(r, name, oid, ret, err);
	}
	if (hk_ledger_each_deployment(r->l, HK_DEPLOYMENTS_OPEN, -1, note_wanted, &w, err))
		return err->code;
	*ret = w.found;
	return 0;
}

static int take_ref(void *ctx, const char *name, const char *oid, struct hk_error *err)
{
	struct refs *r = ctx;
	bool seen = false;

	if (!r->all) {
		if (hk_ref_classify(&r->p->conf, name) == HK_REF_OTHER)
			return 0;
		if (was_seen(r, name, oid, &seen, err))
			return err->code;
	}
	if (!seen) {
		hk_strlist_add(&r->names, name);
		hk_strlist_add(&r->objects, oid);
	}
	return 0;
}

static int list(struct refs *r, struct hk_repo *repo, struct hk_error *err)
{
	static const char *const globs[] = { "refs/heads/*", "refs/tags/*", "refs/deploy/*" };

	hk_strlist_release(&r->names);
	hk_strlist_release(&r->objects);
	for (size_t i = 0; i < HK_ARRAY_LEN(globs); i++)
		if (hk_repo_each_ref(repo, globs[i], take_ref, r, err))
			return err->code;
	return 0;
}

/* As for the ledger, with room for one more; the caller frees. */
static struct hk_ref_seen *as_seen(const struct refs *r)
{
	struct hk_ref_seen *seen = hk_xcalloc(r->names.len + 1, sizeof(*seen));

	for (size_t i = 0; i < r->names.len; i++) {
		seen[i].name = r->names.items[i];
		seen[i].object = r->objects.items[i];
	}
	return seen;
}

int hk_missed_begin(struct hk_ledger *l, struct hk_repo *repo, struct hk_error *err)
{
	hk_auto_refs r = { .l = l, .all = true };
	struct hk_ref_seen *seen;
	int ret;

	if (list(&r, repo, err))
		return err->code;
	seen = as_seen(&r);
	seen[r.names.len] = (struct hk_ref_seen){ .name = BEGUN, .object = "" };
	ret = hk_ledger_see_refs(l, seen, r.names.len + 1, err);
	free(seen);
	return ret;
}

/* What receive-pack does in the repository now. */
enum pushes {
	NO_PUSH,
	HOOK_RUNS, /* every receive-pack has got as far as post-receive */
	REF_MOVES, /* one may be just moving a ref */
};

static bool runs_hook(const struct hk_proclist *all, pid_t receive_pack)
{
	for (size_t i = 0; i < all->len; i++)
		if (all->items[i].ppid == receive_pack &&
		    hk_proclist_runs(all->items[i].pid, "hooks/post-receive"))
			return true;
	return false;
}

static enum pushes look_at_pushes(const struct hk_project *p)
{
	hk_auto_proclist all = HK_PROCLIST_INIT;
	enum pushes found = NO_PUSH;

	hk_proclist_in_folder(p->repo_path, &all);
	for (size_t i = 0; i < all.len; i++) {
		if (!hk_proclist_runs(all.items[i].pid, "receive-pack"))
			continue;
		if (!runs_hook(&all, all.items[i].pid))
			return REF_MOVES;
		found = HOOK_RUNS;
	}
	return found;
}

static bool has(const struct refs *r, const char *name, const char *object)
{
	for (size_t i = 0; i < r->names.len; i++)
		if (!strcmp(r->names.items[i], name) && !strcmp(r->objects.items[i], object))
			return true;
	return false;
}

/*
 * Listed before and after a look at who pushes: what has moved since the first list is of a push
 * that came behind the look, and what was recorded since is not missed.
 */
static int list_around_look(struct refs *r, struct hk_repo *repo, enum pushes *ret,
			    struct hk_error *err)
{
	hk_auto_refs before = { .p = r->p, .l = r->l }, after = { .p = r->p, .l = r->l };

	refs_release(r);
	if (list(&before, repo, err))
		return err->code;
	if (!before.names.len)
		return 0;
	*ret = look_at_pushes(r->p);
	if (HK_FAILPOINT(missed_looked, err) || list(&after, repo, err))
		return err->code;
	for (size_t i = 0; i < after.names.len; i++) {
		if (!has(&before, after.names.items[i], after.objects.items[i]))
			continue;
		hk_strlist_add(&r->names, after.names.items[i]);
		hk_strlist_add(&r->objects, after.objects.items[i]);
	}
	return 0;
}

/* Lists until nothing is missed, or what is missed cannot be a push that is just arriving. */
static int find(struct refs *r, struct hk_repo *repo, struct hk_error *err)
{
	int64_t deadline = hk_clock_deadline(SETTLE_MS);

	for (;;) {
		enum pushes pushes = REF_MOVES;
		int ret = list_around_look(r, repo, &pushes, err);

		if (ret || !r->names.len)
			return ret;
		if (pushes == NO_PUSH || (pushes == HOOK_RUNS && !hk_clock_left(deadline)))
			return 0;
		if (!hk_clock_left(deadline)) {
			refs_release(r);
			return 0;
		}
		poll(NULL, 0, LOOK_MS);
	}
}

static void note(const struct refs *r, size_t i, struct hk_strlist *notes, const char *what)
{
	hk_auto_buf ref = HK_BUF_INIT;

	hk_ref_describe(r->names.items[i], &ref);
	hk_strlist_addf(notes, "%s at %.7s was pushed, but its hook did not get to it: %s",
			ref.data, r->objects.items[i], what);
}

/* The one that a push of all of them would deploy. */
static size_t choose(const struct refs *r)
{
	size_t best = 0;

	for (size_t i = 1; i < r->names.len; i++)
		if (hk_ref_classify(&r->p->conf, r->names.items[i]) >=
		    hk_ref_classify(&r->p->conf, r->names.items[best]))
			best = i;
	return best;
}

/* Submits it, unless a deployment that is open does the same already. */
static int submit(const struct refs *r, const struct hk_deployment_request *req,
		  hk_submit_head_fn *head, int64_t *ret_id, struct hk_error *err)
{
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	bool same;

	if (hk_submit_find_same(r->p, r->l, req, &same, &s, err) ||
	    (same ? hk_ledger_see_refs(r->l, req->seen, req->n_seen, err)
		  : hk_submit(r->p, r->l, req, head, &s, err)))
		return err->code;
	*ret_id = s.id;
	return 0;
}

static int deploy(const struct refs *r, hk_submit_head_fn *head, struct hk_strlist *notes,
		  struct hk_error *err)
{
	struct hk_ref_seen *seen = as_seen(r);
	size_t best = choose(r);
	const struct hk_deployment_request req = {
		.trigger = "recovery",
		.ref = r->names.items[best],
		.object = r->objects.items[best],
		.seen = seen,
		.n_seen = r->names.len,
	};
	hk_auto_free char *what = NULL;
	int64_t id = 0;
	int ret;

	ret = submit(r, &req, head, &id, err);
	free(seen);
	if (ret)
		return ret;
	what = hk_xasprintf("deployment %lld deploys it", (long long)id);
	for (size_t i = 0; i < r->names.len; i++)
		note(r, i, notes, i == best ? what : "not deployed, as with one push");
	return 0;
}

static int report(struct refs *r, struct hk_repo *repo, struct hk_strlist *notes,
		  struct hk_error *err)
{
	for (size_t i = 0; i < r->names.len; i++) {
		hk_auto_free char *what = hk_xasprintf("to deploy it: git push hostkit "
						       "%.7s:refs/deploy/now",
						       r->objects.items[i]);

		note(r, i, notes, what);
		/* Else pushing it once more would be "up-to-date". */
		if (hk_ref_classify(&r->p->conf, r->names.items[i]) == HK_REF_COMMIT &&
		    hk_repo_delete_ref(repo, r->names.items[i], r->objects.items[i], err))
			return err->code;
	}
	return 0;
}

int hk_missed_handle(const struct hk_project *p, struct hk_ledger *l, struct hk_repo *repo,
		     hk_submit_head_fn *head, struct hk_strlist *notes, struct hk_error *err)
{
	hk_auto_refs r = { .p = p, .l = l };
	hk_auto_free char *begun = NULL;
	int ret;

	if (hk_ledger_get_seen_ref(l, BEGUN, &begun, err))
		return err->code;
	if (!begun)
		return hk_missed_begin(l, repo, err);
	ret = find(&r, repo, err);
	if (ret || !r.names.len)
		return ret;
	if (!strcmp(p->conf.push_missed, "report"))
		return report(&r, repo, notes, err);
	return deploy(&r, head, notes, err);
}
