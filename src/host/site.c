/*
 * The project's site (contract in site.h).
 */
#include <host/site.h>

int hk_host_site_make(const struct hk_host_project *hp, bool *ret_made,
		      struct hk_error *err HK_UNUSED)
{
	*ret_made = false;
	if (*hp->conf->project_domain)
		hk_strlist_addf(hp->notes, "this version makes no site for '%s'",
				hp->conf->project_domain);
	return 0;
}

void hk_host_site_undo(const struct hk_host_project *hp HK_UNUSED)
{
}
