/*
 * Error translation and configuration look-ups.
 */
#include <repo/git_edge.h>

#include <errno.h>
#include <stdarg.h>

#include <base/alloc.h>

int hk_git_error(struct hk_error *err, enum hk_code code, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	char text[HK_ERROR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return hk_error_set(err, code, "%s: %s", text,
			    last && last->message ? last->message : "unknown failure");
}

int hk_git_error_object(struct hk_error *err, const struct hk_repo *repo, int rc,
			const git_oid *oid, const char *what)
{
	char hex[GIT_OID_HEXSZ + 1];

	git_oid_tostr(hex, sizeof(hex), oid);
	if (rc == GIT_ENOTFOUND)
		hk_error_set(err, HK_E_REPOSITORY_FAILED, "object '%s' of %s is missing", hex,
			     what);
	else
		hk_git_error(err, HK_E_REPOSITORY_FAILED, "object '%s' of %s is corrupt", hex,
			     what);
	return hk_error_hint(err, "see what is broken: git -C %s fsck", repo->path);
}

static int lookup(struct hk_repo *repo, const char *key, git_config_entry **ret,
		  struct hk_error *err)
{
	int rc = git_config_get_entry(ret, repo->config, key);

	*ret = rc ? NULL : *ret;
	/* A name that cannot be a key is one that nobody can have set. */
	if (!rc || rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
		return 0;
	return hk_git_error(err, HK_E_REPOSITORY_FAILED,
			    "cannot read '%s' of the git configuration", key);
}

int hk_git_config_string(struct hk_repo *repo, const char *key, char **ret, struct hk_error *err)
{
	git_config_entry *entry = NULL;
	int rc = lookup(repo, key, &entry, err);

	if (rc)
		return rc;
	*ret = entry ? hk_xstrdup(entry->value ? entry->value : "") : NULL;
	git_config_entry_free(entry);
	return 0;
}
