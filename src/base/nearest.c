/*
 * Near misses (contract in nearest.h).
 */
#include <base/nearest.h>

#include <ctype.h>
#include <string.h>

#include <base/alloc.h>

#define COMPARED_MAX 200 /* the tables are quadratic in time */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static bool same(char a, char b, bool fold_case)
{
	return a == b || (fold_case && tolower((unsigned char)a) == tolower((unsigned char)b));
}

size_t hk_nearest_distance(const char *a, const char *b, bool fold_case)
{
	size_t a_len = strnlen(a, COMPARED_MAX), b_len = strnlen(b, COMPARED_MAX);
	size_t row[COMPARED_MAX + 1]; /* distances of a[0..i) to every prefix of b */

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = diagonal + !same(a[i - 1], b[j - 1], fold_case);

			diagonal = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[b_len];
}

/* Keeps the list sorted. */
void hk_nearest_consider(struct hk_nearest *n, const char *name)
{
	size_t distance = hk_nearest_distance(n->what, name, false);
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

void hk_nearest_release(struct hk_nearest *n)
{
	for (size_t i = 0; i < n->len; i++)
		free(n->names[i]);
	n->len = 0;
}
