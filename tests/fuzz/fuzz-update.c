/*
 * deploy/refrule.h: what git hands to the hook, one line, and what is said about its ref.
 */
#include "fuzz.h"

#include <deploy/refrule.h>

static char *globs[] = { "main", "v*", "release/*", "[a-c]?", "*" };

static bool is_hex40(const char *s)
{
	for (int i = 0; i < 40; i++)
		if (!s[i] || !strchr("0123456789abcdef", s[i]))
			return false;
	return !s[40];
}

static bool begins(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static void check_ref(const char *ref)
{
	struct hk_conf conf = HK_CONF_INIT;
	const char *name = hk_ref_short(ref);
	hk_auto_buf text = HK_BUF_INIT;

	conf.deploy_branches = (struct hk_strlist){ globs, HK_ARRAY_LEN(globs), 0 };
	conf.deploy_tags = (struct hk_strlist){ globs, 2, 0 };
	FUZZ_CHECK(name >= ref && name <= ref + strlen(ref));
	switch (hk_ref_classify(&conf, ref)) {
	case HK_REF_BRANCH:
		FUZZ_CHECK(begins(ref, "refs/heads/") && name == ref + 11);
		break;
	case HK_REF_TAG:
		FUZZ_CHECK(begins(ref, "refs/tags/") && name == ref + 10);
		FUZZ_CHECK(*name == 'v' || !strcmp(name, "main"));
		break;
	case HK_REF_COMMIT:
		FUZZ_CHECK(begins(ref, "refs/deploy/"));
		break;
	case HK_REF_OTHER:
		FUZZ_CHECK(strcmp(ref, "refs/heads/main") && !begins(ref, "refs/deploy/"));
	}
	hk_ref_describe(ref, &text);
	FUZZ_CHECK(text.len && !fuzz_has_control(text.data));
	FUZZ_CHECK(begins(ref, "refs/deploy/") || strstr(text.data, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hk_auto_free char *line = hk_xstrndup((const char *)data, size);
	hk_auto_free char *copy = hk_xstrdup(line);
	struct hk_error err = HK_ERROR_INIT;
	struct hk_ref_update update = { NULL, NULL, NULL };

	if (hk_ref_parse_update(line, &update, &err) < 0) {
		FUZZ_CHECK(err.code == HK_E_USAGE && !update.ref);
		FUZZ_CHECK(!strcmp(line, copy));
		return 0;
	}
	FUZZ_CHECK(err.code == HK_OK);
	FUZZ_CHECK(is_hex40(update.old_oid) && is_hex40(update.new_oid));
	FUZZ_CHECK(begins(update.ref, "refs/") && update.ref[5]);
	FUZZ_CHECK(!fuzz_has_control(update.ref) && !strchr(update.ref, '\t'));
	FUZZ_CHECK(!strcmp(update.ref, copy + 82));
	FUZZ_CHECK(hk_ref_is_null_oid(update.new_oid) == (strspn(copy + 41, "0") == 40));
	check_ref(update.ref);
	return 0;
}
