/*
 * Ref rules and the update lines of hooks.
 */
#include <deploy/refrule.h>

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#define OID_HEX 40

struct ref_kind {
	const char *prefix;
	const char *noun;
};

static const struct ref_kind kinds[] = {
	{ "refs/heads/", "branch" },
	{ "refs/tags/", "tag" },
	{ "refs/hostkit/releases/", "release" },
};

static const struct ref_kind *kind_of(const char *ref)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(kinds); i++)
		if (!strncmp(ref, kinds[i].prefix, strlen(kinds[i].prefix)))
			return &kinds[i];
	return NULL;
}

const char *hk_ref_short(const char *ref)
{
	const struct ref_kind *kind = kind_of(ref);

	return kind ? ref + strlen(kind->prefix) : ref;
}

static bool matches_any(const struct hk_strlist *globs, const char *name)
{
	for (size_t i = 0; i < globs->len; i++)
		if (!fnmatch(globs->items[i], name, FNM_PATHNAME))
			return true;
	return false;
}

enum hk_ref_class hk_ref_classify(const struct hk_conf *conf, const char *ref)
{
	const char *name = hk_ref_short(ref);

	if (!strncmp(ref, "refs/deploy/", 12))
		return HK_REF_COMMIT;
	if (!strncmp(ref, "refs/heads/", 11) && matches_any(&conf->deploy_branches, name))
		return HK_REF_BRANCH;
	if (!strncmp(ref, "refs/tags/", 10) && matches_any(&conf->deploy_tags, name))
		return HK_REF_TAG;
	return HK_REF_OTHER;
}

const char *hk_ref_first_branch(const struct hk_conf *conf)
{
	const struct hk_strlist *branches = &conf->deploy_branches;

	for (size_t i = 0; i < branches->len; i++)
		if (!strpbrk(branches->items[i], "*?["))
			return branches->items[i];
	return NULL;
}

void hk_ref_describe(const char *ref, struct hk_buf *out)
{
	const struct ref_kind *kind = kind_of(ref);

	if (!strncmp(ref, "refs/deploy/", 12))
		hk_buf_addstr(out, "commit");
	else
		hk_buf_addf(out, "%s '%s'", kind ? kind->noun : "ref", hk_ref_short(ref));
}

bool hk_ref_is_null_oid(const char *oid)
{
	return strspn(oid, "0") == OID_HEX && !oid[OID_HEX];
}

static bool is_oid(const char *s)
{
	return strspn(s, "0123456789abcdef") == OID_HEX && !s[OID_HEX];
}

static bool is_ref(const char *s)
{
	if (strncmp(s, "refs/", 5) || !s[5])
		return false;
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return false;
	return true;
}

int hk_ref_parse_update(char *line, struct hk_ref_update *ret, struct hk_error *err)
{
	char *first = strchr(line, ' ');
	char *second = first ? strchr(first + 1, ' ') : NULL;

	if (second) {
		*first = '\0';
		*second = '\0';
		if (is_oid(line) && is_oid(first + 1) && is_ref(second + 1)) {
			*ret = (struct hk_ref_update){ line, first + 1, second + 1 };
			return 0;
		}
		*first = ' ';
		*second = ' ';
	}
	return hk_error_set(err, HK_E_USAGE, "'%.100s' is not a ref update: <old> <new> <ref>",
			    line);
}
