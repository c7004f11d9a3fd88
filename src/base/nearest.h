/*
 * Near misses: which of many names somebody may have meant.
 */
#ifndef HK_BASE_NEAREST_H
#define HK_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#include <base/cleanup.h>

#define HK_NEAREST_MAX 8

/*
 * How many bytes must be inserted, deleted or replaced to make one string the other; of long ones
 * only the first 200 bytes are compared.
 */
size_t hk_nearest_distance(const char *a, const char *b, bool fold_case);

/* The names nearest to one, nearest first; release with hk_nearest_release. */
struct hk_nearest {
	const char *what; /* borrowed */
	char *names[HK_NEAREST_MAX];
	size_t distances[HK_NEAREST_MAX];
	size_t len;
	size_t max; /* how many to keep, up to HK_NEAREST_MAX */
};

#define hk_auto_nearest HK_CLEANUP(hk_nearest_release) struct hk_nearest

/* Keeps a copy of name if it is near enough; of equally near names the first one stays first. */
void hk_nearest_consider(struct hk_nearest *n, const char *name);
void hk_nearest_release(struct hk_nearest *n);

#endif
