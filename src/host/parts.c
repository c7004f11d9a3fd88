/*
 * The table of parts.
 */
#include <host/parts.h>

#include <host/site.h>
#include <host/unit.h>
#include <sys/failpoint.h>

const struct hk_host_part hk_host_parts[] = {
	{ "the service unit", hk_host_unit_make, hk_host_unit_remove },
	{ "the right to restart it", hk_host_rule_make, hk_host_rule_remove },
	{ "its start with the machine", hk_host_enable_make, hk_host_enable_remove },
	{ "the site", hk_host_site_make, hk_host_site_remove },
};

const size_t hk_host_parts_len = HK_ARRAY_LEN(hk_host_parts);

int hk_host_parts_make(const struct hk_host_project *hp, unsigned *ret_made, struct hk_error *err)
{
	for (size_t i = 0; i < hk_host_parts_len; i++) {
		bool made = false;
		int ret = hk_host_parts[i].make(hp, &made, err);

		*ret_made |= (unsigned)made << i;
		if (ret)
			return hk_error_prefix(err, "%s", hk_host_parts[i].title);
		if (HK_FAILPOINT(part_made, err))
			return err->code;
	}
	return 0;
}

int hk_host_parts_remove(const struct hk_host_project *hp, unsigned which, struct hk_error *err)
{
	for (size_t i = hk_host_parts_len; i-- > 0;)
		if (which & 1U << i && hk_host_parts[i].remove(hp, err))
			return hk_error_prefix(err, "%s", hk_host_parts[i].title);
	return 0;
}
