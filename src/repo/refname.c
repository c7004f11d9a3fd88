/*
 * Near misses among ref names.
 */
#include <repo/refname.h>

#include <base/nearest.h>

#define SCAN_MAX 5000

void hk_refname_nearest_of(const struct hk_strlist *names, const char *what, size_t max,
			   struct hk_strlist *ret)
{
	hk_auto_nearest n = { .what = what, .max = max < HK_NEAREST_MAX ? max : HK_NEAREST_MAX };

	for (size_t i = 0; i < names->len; i++)
		hk_nearest_consider(&n, names->items[i]);
	for (size_t i = 0; i < n.len; i++)
		hk_strlist_add(ret, n.names[i]);
}

void hk_refname_nearest(struct hk_repo *repo, const char *what, size_t max, struct hk_strlist *ret)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	git_reference_iterator *it = NULL;
	const char *name;

	if (git_reference_iterator_new(&it, repo->git))
		return;
	for (size_t i = 0; i < SCAN_MAX && !git_reference_next_name(&name, it); i++)
		hk_strlist_add(&names, name);
	git_reference_iterator_free(it);
	hk_refname_nearest_of(&names, what, max, ret);
}
