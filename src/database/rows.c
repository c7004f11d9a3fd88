/*
 * Rows by table (contract in rows.h).
 */
#include <database/rows.h>

#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>

struct hk_table_rows *hk_rows_of(struct hk_rows *rows, const char *table)
{
	struct hk_table_rows *r;

	for (size_t i = 0; i < rows->len; i++)
		if (!strcmp(rows->items[i].table, table))
			return &rows->items[i];
	if (rows->len == HK_ROWS_TABLES_MAX) {
		rows->more = true;
		return NULL;
	}
	r = &rows->items[rows->len++];
	*r = (struct hk_table_rows){ .table = hk_xstrdup(table), .now = -1, .then = -1 };
	return r;
}

void hk_rows_release(struct hk_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		free(rows->items[i].table);
	*rows = (struct hk_rows){ .len = 0 };
}
