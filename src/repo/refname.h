/*
 * Which ref the user may have meant.
 */
#ifndef HK_REPO_REFNAME_H
#define HK_REPO_REFNAME_H

#include <base/strlist.h>
#include <repo/git_edge.h>

/*
 * Appends the names of up to max refs that are nearest to what by edit distance, nearest first.
 * In a repository with very many refs only the first ones are looked at.
 */
void hk_refname_nearest(struct hk_repo *repo, const char *what, size_t max, struct hk_strlist *ret);

/* The same among given names. */
void hk_refname_nearest_of(const struct hk_strlist *names, const char *what, size_t max,
			   struct hk_strlist *ret);

#endif
