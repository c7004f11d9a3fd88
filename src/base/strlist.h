/*
 * A list of owned strings, always NULL-terminated so that items can serve as argv or environ.
 */
#ifndef HK_BASE_STRLIST_H
#define HK_BASE_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

#include <base/cleanup.h>

struct hk_strlist {
	char **items; /* NULL while nothing was ever added; see hk_strlist_argv */
	size_t len;
	size_t cap;
};

#define HK_STRLIST_INIT       \
	{                     \
		.items = NULL \
	}
#define hk_auto_strlist HK_CLEANUP(hk_strlist_release) struct hk_strlist

void hk_strlist_release(struct hk_strlist *l);
void hk_strlist_wipe(struct hk_strlist *l); /* for secrets: zeroes the items, then releases */
void hk_strlist_add(struct hk_strlist *l, const char *s); /* copies */
void hk_strlist_addf(struct hk_strlist *l, const char *fmt, ...) HK_PRINTF(2, 3);
void hk_strlist_add_list(struct hk_strlist *l, const struct hk_strlist *from); /* copies */
bool hk_strlist_has(const struct hk_strlist *l, const char *s);
void hk_strlist_sort(struct hk_strlist *l); /* by byte value */

/* The items as a NULL-terminated vector; never NULL itself; owned by the list. */
const char *const *hk_strlist_argv(const struct hk_strlist *l);

#endif
