/*
 * The table of parts.
 */
#include <host/parts.h>

#include <host/site.h>
#include <host/unit.h>

static int remove_site(const struct hk_host_project *hp, struct hk_error *err HK_UNUSED)
{
	hk_host_site_undo(hp);
	return 0;
}

const struct hk_host_part hk_host_parts[] = {
	{ "the service unit", hk_host_unit_make, hk_host_unit_remove },
	{ "the right to restart it", hk_host_rule_make, hk_host_rule_remove },
	{ "its start with the machine", hk_host_enable_make, hk_host_enable_remove },
	{ "the site", hk_host_site_make, remove_site },
};

const size_t hk_host_parts_len = HK_ARRAY_LEN(hk_host_parts);
