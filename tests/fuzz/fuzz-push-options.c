/*
 * deploy/pushopt.h: push options as clients send them, a line each.
 */
#include "fuzz.h"

#include <deploy/pushopt.h>
#include <deploy/request.h>

static void check_state(const struct hk_push_options *o)
{
	for (size_t i = 0; i < hk_request_options_len; i++)
		if (o->flags & hk_request_options[i].flag)
			FUZZ_CHECK(!hk_request_contradicts(&hk_request_options[i], o->flags));
	FUZZ_CHECK(!o->reason || (!fuzz_has_control(o->reason) && strlen(o->reason) <= 300));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hk_auto_free char *text = hk_xmalloc(size + 1);
	struct hk_push_options o = HK_PUSH_OPTIONS_INIT;
	struct hk_conf conf = { .push_allow = HK_STRLIST_INIT };
	char *save = NULL;

	memcpy(text, data, size);
	text[size] = '\0';
	/* All but one are allowed. */
	for (size_t i = 0; i + 1 < hk_request_options_len; i++)
		hk_strlist_add(&conf.push_allow, hk_request_options[i].name);
	hk_strlist_add(&conf.push_allow, "reason");
	hk_strlist_add(&conf.push_allow, "dry-run");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct hk_error err = HK_ERROR_INIT;
		unsigned before = o.flags;

		if (hk_push_option_add(&o, line, &conf, &err)) {
			FUZZ_CHECK(err.code == HK_E_USAGE || err.code == HK_E_NOT_ALLOWED);
			FUZZ_CHECK(!fuzz_has_control(err.message) && !fuzz_has_control(err.hint));
			FUZZ_CHECK(o.flags == before);
		}
		FUZZ_CHECK(!(o.flags & HK_REQUEST_OVERRIDE_RATELIMIT));
		check_state(&o);
	}
	hk_push_options_release(&o);
	hk_strlist_release(&conf.push_allow);
	return 0;
}
