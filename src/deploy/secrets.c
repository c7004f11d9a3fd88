/*
 * Secrets (contract in secrets.h), and stage 8, which injects them.
 */
#include <deploy/secrets.h>

#include <errno.h>
#include <string.h>

#include <base/alloc.h>
#include <deploy/request.h>
#include <store/dotenv.h>
#include <sys/fs.h>
#include <sys/lock.h>

#define DOTENV ".env"
#define MASKED_MIN 8
#define MASK "********"

bool hk_secrets_are_injected(const struct hk_deploy *d)
{
	return d->project->conf.secrets_inject || d->row.flags & HK_REQUEST_INJECT_SECRETS;
}

int hk_secrets_read_dotenv(const struct hk_project *p, struct hk_buf *ret, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;

	if (!hk_fs_read_file(p->home_fd, DOTENV, HK_DOTENV_MAX, ret, &failed) ||
	    failed.sys_errno == ENOENT)
		return 0;
	*err = failed;
	hk_error_prefix(err, "in '%s'", p->home_path);
	if (failed.sys_errno == ELOOP)
		hk_error_hint(err, "it is a link: put the file itself in its place");
	return err->code;
}

int hk_secrets_write_dotenv(const struct hk_project *p, const struct hk_buf *text,
			    struct hk_error *err)
{
	if (hk_fs_write_file(p->home_fd, DOTENV, text->data, text->len, 0600, err))
		return hk_error_prefix(err, "in '%s'", p->home_path);
	return 0;
}

static bool in_dotenv(const struct hk_strlist *entries, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < entries->len; i++)
		if (!strncmp(entries->items[i], name, len) && entries->items[i][len] == '=')
			return true;
	return false;
}

int hk_secrets_find_missing(const struct hk_project *p, const struct hk_vault *v,
			    const struct hk_strlist *required, struct hk_strlist *ret,
			    struct hk_error *err)
{
	hk_auto_strlist entries = HK_STRLIST_INIT;
	hk_auto_buf text = HK_BUF_INIT;

	if (!required->len)
		return 0;
	if (hk_secrets_read_dotenv(p, &text, err) ||
	    hk_dotenv_parse(text.data, text.len, DOTENV, &entries, err))
		return err->code;
	for (size_t i = 0; i < required->len; i++)
		if (!in_dotenv(&entries, required->items[i]) &&
		    !(v && hk_vault_has(v, required->items[i])))
			hk_strlist_add(ret, required->items[i]);
	return 0;
}

static int check_required(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_project *p = d->project;
	bool injected = hk_secrets_are_injected(d);
	hk_auto_strlist missing = HK_STRLIST_INIT;
	hk_auto_buf names = HK_BUF_INIT;

	if (hk_secrets_find_missing(p, injected ? d->vault : NULL, &p->conf.secrets_required,
				    &missing, err))
		return err->code;
	if (!missing.len)
		return 0;
	for (size_t i = 0; i < missing.len; i++)
		hk_buf_addf(&names, "%s%s", i ? ", " : "", missing.items[i]);
	hk_error_set(err, HK_E_SECRET_MISSING, "required, but not set: %.400s", names.data);
	return injected ? hk_error_hint(err, "hostkit secrets set %s %s", p->name, missing.items[0])
			: hk_error_hint(err,
					"hostkit env set %s %s=..., or hostkit secrets set %s %s "
					"and deploy with --inject-secrets",
					p->name, missing.items[0], p->name, missing.items[0]);
}

/* Until it is injected, what the vault has in the place of a value is not what commands are given.
 */
static void find_replaced(struct hk_deploy *d)
{
	hk_auto_strlist entries = HK_STRLIST_INIT;
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error told; /* by the first command */

	if (!d->vault || !hk_vault_len(d->vault) ||
	    hk_secrets_read_dotenv(d->project, &text, &told) ||
	    hk_dotenv_parse(text.data, text.len, DOTENV, &entries, &told))
		return;
	for (size_t i = 0; i < entries.len; i++) {
		const char *value = strchr(entries.items[i], '=');
		hk_auto_free char *name =
			hk_xstrndup(entries.items[i], (size_t)(value - entries.items[i]));

		if (hk_vault_has(d->vault, name))
			hk_strlist_add(&d->replaced_secrets, value + 1);
	}
	hk_strlist_wipe(&entries);
	hk_buf_wipe(&text);
}

int hk_secrets_begin(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;

	if (hk_vault_open(d->project->state_fd, d->project->name, false, &d->vault, &failed)) {
		if (hk_secrets_are_injected(d)) {
			*err = failed;
			return err->code;
		}
		hk_report_say(d->report, HK_REPORT_WARNING,
			      "%s; secrets in the output are not masked", failed.message);
	}
	find_replaced(d);
	return check_required(d, err);
}

/* --- Masking */

/* How many bytes at p are a secret, or a line of one. */
static size_t match_value(const char *value, const char *p, size_t left)
{
	for (;;) {
		size_t n = strcspn(value, "\n");

		if (n >= MASKED_MIN && n <= left && !memcmp(value, p, n))
			return n;
		if (!value[n])
			return 0;
		value += n + 1;
	}
}

static size_t match_any(const struct hk_deploy *d, const char *p, size_t left)
{
	size_t longest = 0, n;

	for (size_t i = 0; d->vault && i < hk_vault_len(d->vault); i++) {
		n = match_value(hk_vault_at(d->vault, i).value, p, left);
		longest = n > longest ? n : longest;
	}
	for (size_t i = 0; i < d->replaced_secrets.len; i++) {
		n = match_value(d->replaced_secrets.items[i], p, left);
		longest = n > longest ? n : longest;
	}
	return longest;
}

void hk_secrets_mask(const struct hk_deploy *d, const char *line, size_t len, struct hk_buf *out)
{
	for (size_t at = 0; at < len;) {
		size_t longest = match_any(d, line + at, len - at);

		if (longest)
			hk_buf_addstr(out, MASK);
		else
			hk_buf_addch(out, line[at]);
		at += longest ? longest : 1;
	}
}

/* --- The stage */

static bool applies(const struct hk_deploy *d)
{
	return hk_secrets_are_injected(d);
}

/* Order and comments stay; `hostkit env` waits meanwhile. */
static int inject(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_project *p = d->project;
	hk_auto_buf text = HK_BUF_INIT;
	size_t n = hk_vault_len(d->vault);

	if (hk_secrets_read_dotenv(p, &d->dotenv_before, err))
		return err->code;
	hk_buf_add(&text, d->dotenv_before.data, d->dotenv_before.len);
	for (size_t i = 0; i < n; i++) {
		struct hk_secret s = hk_vault_at(d->vault, i);

		if (hk_dotenv_set(&text, s.name, s.value, DOTENV, err))
			return err->code;
	}
	d->injected = true;
	if (hk_secrets_write_dotenv(p, &text, err))
		return err->code;
	hk_deploy_detail(d, "%zu secret%s into .env", n, n == 1 ? "" : "s");
	return 0;
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	HK_CLEANUP(hk_lock_release) struct hk_lock lock = HK_LOCK_INIT;

	if (!d->vault || !hk_vault_len(d->vault))
		return hk_deploy_skip(d, "the vault is empty");
	if (hk_lock_wait(&lock, d->project->state_fd, "env.lock", err))
		return err->code;
	return inject(d, err);
}

/* The old release goes on with the .env that it was made for. */
static void undo(struct hk_deploy *d)
{
	struct hk_error failed;

	if (d->injected && hk_secrets_write_dotenv(d->project, &d->dotenv_before, &failed))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", failed.message);
	d->injected = false;
}

const struct hk_stage hk_stage_secrets = {
	.name = "secrets",
	.title = "secrets",
	.applies = applies,
	.run = run,
	.undo = undo,
};
