/*
 * The limits in JSON, as `ratelimit show` and `deploy status` answer.
 */
#ifndef HK_CLI_RATELIMIT_H
#define HK_CLI_RATELIMIT_H

#include <base/json.h>
#include <deploy/limits.h>

struct hk_json *hk_cli_ratelimit_json(const struct hk_project *p, const struct hk_limits *limits);

#endif
