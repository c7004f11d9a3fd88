/*
 * The project's site of the web server, for [project] domain.
 */
#ifndef HK_HOST_SITE_H
#define HK_HOST_SITE_H

#include <host/host.h>

/* Nothing is made, and what was made is taken away, while no domain is set. */
int hk_host_site_make(const struct hk_host_project *hp, bool *ret_made,
		      struct hk_error *err) HK_MUST_CHECK;
void hk_host_site_undo(const struct hk_host_project *hp);

#endif
