/*
 * Tree entries (contract in tree_entry.h): an octal mode, a blank, a name, a NUL, an id.
 */
#include <repo/tree_entry.h>

#include <string.h>

int hk_tree_next(const char **at, const char *end, struct hk_tree_entry *ret)
{
	const char *s = *at, *nul;

	if (s == end)
		return 0;
	nul = memchr(s, '\0', (size_t)(end - s));
	if (!nul || end - nul <= GIT_OID_RAWSZ)
		return -1;
	for (ret->mode = 0; *s >= '0' && *s <= '7' && ret->mode < 01000000; s++)
		ret->mode = ret->mode * 8 + (unsigned)(*s - '0');
	if (s == *at || *s != ' ')
		return -1;
	ret->name = s + 1;
	git_oid_fromraw(&ret->oid, (const unsigned char *)nul + 1);
	*at = nul + 1 + GIT_OID_RAWSZ;
	return 1;
}

bool hk_tree_find(const char *at, const char *end, const char *name, struct hk_tree_entry *ret)
{
	while (hk_tree_next(&at, end, ret) > 0)
		if (!strcmp(ret->name, name))
			return true;
	return false;
}
