/*
 * List of owned strings.
 */
#include <base/strlist.h>

#include <stdarg.h>
#include <string.h>

#include <base/alloc.h>

void hk_strlist_release(struct hk_strlist *l)
{
	for (size_t i = 0; i < l->len; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct hk_strlist)HK_STRLIST_INIT;
}

static void take(struct hk_strlist *l, char *s)
{
	if (l->len + 1 >= l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->items = hk_xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->len++] = s;
	l->items[l->len] = NULL;
}

void hk_strlist_wipe(struct hk_strlist *l)
{
	for (size_t i = 0; i < l->len; i++)
		explicit_bzero(l->items[i], strlen(l->items[i]));
	hk_strlist_release(l);
}

void hk_strlist_add(struct hk_strlist *l, const char *s)
{
	take(l, hk_xstrdup(s));
}

void hk_strlist_addf(struct hk_strlist *l, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	take(l, s);
}

void hk_strlist_add_list(struct hk_strlist *l, const struct hk_strlist *from)
{
	size_t n = from->len; /* from may be l itself */

	for (size_t i = 0; i < n; i++)
		hk_strlist_add(l, from->items[i]);
}

bool hk_strlist_has(const struct hk_strlist *l, const char *s)
{
	for (size_t i = 0; i < l->len; i++)
		if (!strcmp(l->items[i], s))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void hk_strlist_sort(struct hk_strlist *l)
{
	if (l->len > 1)
		qsort(l->items, l->len, sizeof(*l->items), compare);
}

const char *const *hk_strlist_argv(const struct hk_strlist *l)
{
	static const char *const none[] = { NULL };

	return l->items ? (const char *const *)l->items : none;
}
