/*
 * Paths below a release.
 */
#include <conf/relpath.h>

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* What is wrong with a component of len bytes, as the end of "'PATH' …"; NULL: nothing. */
static const char *refusal(const char *part, size_t len)
{
	if (!len)
		return "has an empty component: write it without '//' and without a '/' at its end";
	if (len == 1 && *part == '.')
		return "has a component '.': leave it out";
	if (len == 2 && !memcmp(part, "..", 2))
		return "goes through '..'";
	if (len == 4 && !strncasecmp(part, ".git", 4))
		return "is git's";
	return NULL;
}

int hk_relpath_check(const char *path, struct hk_error *err)
{
	const char *why;

	if (*path == '/')
		return hk_error_set(err, HK_E_CONFIG_INVALID,
				    "'%s' is an absolute path; it has to begin in the release",
				    path);
	if (!strcmp(path, ".env"))
		return hk_error_set(err, HK_E_CONFIG_INVALID,
				    "'%s' is hostkit's: it lies in the project's home already",
				    path);
	for (const char *part = path;; part++) {
		size_t len = strcspn(part, "/");

		why = refusal(part, len);
		if (why)
			return hk_error_set(err, HK_E_CONFIG_INVALID, "'%s' %s", path, why);
		part += len;
		if (!*part)
			return 0;
	}
}

bool hk_relpath_overlap(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t len = la < lb ? la : lb;

	return !strncmp(a, b, len) && (la == lb || (la < lb ? b : a)[len] == '/');
}
