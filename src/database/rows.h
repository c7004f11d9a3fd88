/*
 * The rows of a database's tables, for who is about to give them up.
 */
#ifndef HK_DATABASE_ROWS_H
#define HK_DATABASE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HK_ROWS_TABLES_MAX 20

struct hk_table_rows {
	char *table;
	int64_t now, then; /* live, and in the dump; -1: no such table there, or not known */
};

struct hk_rows {
	struct hk_table_rows items[HK_ROWS_TABLES_MAX];
	size_t len;
	bool more;	/* there are other tables */
	bool estimated; /* now is what the server believes; then is not known */
};

/* The entry of a table, which is added; NULL: there are too many. */
struct hk_table_rows *hk_rows_of(struct hk_rows *rows, const char *table);
void hk_rows_release(struct hk_rows *rows);

#endif
