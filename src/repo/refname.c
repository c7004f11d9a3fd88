/*
 * Near misses among ref names.
 */
#include <repo/refname.h>

#include <string.h>

#include <base/alloc.h>

#define SCAN_MAX 5000
#define COMPARED_MAX 200 /* bytes of a name; the tables are quadratic in time */
#define KEPT_MAX 8

struct nearest {
	char *names[KEPT_MAX];
	size_t distances[KEPT_MAX];
	size_t len, max;
};

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

size_t hk_refname_distance(const char *a, const char *b)
{
	size_t a_len = strnlen(a, COMPARED_MAX), b_len = strnlen(b, COMPARED_MAX);
	size_t row[COMPARED_MAX + 1]; /* distances of a[0..i) to every prefix of b */

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[b_len];
}

/* Keeps the list sorted; of equally near names the first one stays first. */
static void consider(struct nearest *n, const char *name, size_t distance)
{
	size_t at = n->len;

	while (at && n->distances[at - 1] > distance)
		at--;
	if (at == n->max)
		return;
	if (n->len == n->max)
		free(n->names[--n->len]);
	memmove(n->names + at + 1, n->names + at, (n->len - at) * sizeof(n->names[0]));
	memmove(n->distances + at + 1, n->distances + at, (n->len - at) * sizeof(n->distances[0]));
	n->names[at] = hk_xstrdup(name);
	n->distances[at] = distance;
	n->len++;
}

void hk_refname_nearest_of(const struct hk_strlist *names, const char *what, size_t max,
			   struct hk_strlist *ret)
{
	struct nearest n = { .max = max < KEPT_MAX ? max : KEPT_MAX };

	for (size_t i = 0; i < names->len; i++)
		consider(&n, names->items[i], hk_refname_distance(what, names->items[i]));
	for (size_t i = 0; i < n.len; i++) {
		hk_strlist_add(ret, n.names[i]);
		free(n.names[i]);
	}
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
