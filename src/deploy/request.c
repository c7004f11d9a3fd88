/*
 * The switches of a request: command line and push options read the same rows.
 */
#include <deploy/request.h>

#include <string.h>

#include <base/cleanup.h>

const struct hk_request_option hk_request_options[] = {
	{ "build", HK_REQUEST_BUILD, HK_REQUEST_NO_BUILD, "Build, whatever the settings say." },
	{ "no-build", HK_REQUEST_NO_BUILD, HK_REQUEST_BUILD, "Do not build." },
	{ "install", HK_REQUEST_INSTALL, HK_REQUEST_NO_INSTALL,
	  "Install dependencies, whatever the settings say." },
	{ "no-install", HK_REQUEST_NO_INSTALL, HK_REQUEST_INSTALL, "Do not." },
	{ "restart", HK_REQUEST_RESTART, HK_REQUEST_NO_RESTART,
	  "Restart the service afterwards (this is the default)." },
	{ "no-restart", HK_REQUEST_NO_RESTART, HK_REQUEST_RESTART,
	  "Leave the service as it is; no health check." },
	{ "inject-secrets", HK_REQUEST_INJECT_SECRETS, 0,
	  "Write the secrets of the vault into .env before the release is live." },
	{ "override-ratelimit", HK_REQUEST_OVERRIDE_RATELIMIT, 0,
	  "Deploy in spite of rate limit and cooldown." },
};

const size_t hk_request_options_len = HK_ARRAY_LEN(hk_request_options);

const struct hk_request_option *hk_request_option_find(const char *name)
{
	for (size_t i = 0; i < hk_request_options_len; i++)
		if (!strcmp(hk_request_options[i].name, name))
			return &hk_request_options[i];
	return NULL;
}

const char *hk_request_contradicts(const struct hk_request_option *o, unsigned flags)
{
	for (size_t i = 0; i < hk_request_options_len; i++)
		if (flags & o->excludes & hk_request_options[i].flag)
			return hk_request_options[i].name;
	return NULL;
}
