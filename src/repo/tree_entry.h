/*
 * The entries of a tree object, as they are stored: no name or mode is made acceptable on the way.
 */
#ifndef HK_REPO_TREE_ENTRY_H
#define HK_REPO_TREE_ENTRY_H

#include <repo/git_edge.h>

struct hk_tree_entry {
	unsigned mode;
	const char *name; /* NUL-terminated, in the tree's data */
	git_oid oid;
};

/* Modes of what is no file and no link. */
enum {
	HK_MODE_TREE = 0040000,
	HK_MODE_SUBMODULE = 0160000,
};

/* Reads the entry at *at and moves behind it: 1, 0 at the end, -1 when the tree is malformed. */
int hk_tree_next(const char **at, const char *end, struct hk_tree_entry *ret);

/* The first entry of that name in a tree's data; false when there is none. */
bool hk_tree_find(const char *at, const char *end, const char *name, struct hk_tree_entry *ret);

#endif
