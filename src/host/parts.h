/*
 * What follows from a project's settings on the machine, as a table: made in its order, removed
 * backwards.
 */
#ifndef HK_HOST_PARTS_H
#define HK_HOST_PARTS_H

#include <host/host.h>

struct hk_host_part {
	const char *title; /* for people: "the service unit" */
	int (*make)(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err);
	int (*remove)(const struct hk_host_project *hp, struct hk_error *err);
};

extern const struct hk_host_part hk_host_parts[];
extern const size_t hk_host_parts_len;

/* Makes or changes what is not as it should be; *ret_made gets a bit for each row, also on failure.
 */
int hk_host_parts_make(const struct hk_host_project *hp, unsigned *ret_made,
		       struct hk_error *err) HK_MUST_CHECK;

/* Removes the rows of which bits are set. Stops at the first that cannot be. */
int hk_host_parts_remove(const struct hk_host_project *hp, unsigned which,
			 struct hk_error *err) HK_MUST_CHECK;

#endif
