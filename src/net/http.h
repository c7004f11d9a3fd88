/*
 * HTTP, for health checks and notifications. The only place that knows libcurl.
 */
#ifndef HK_NET_HTTP_H
#define HK_NET_HTTP_H

#include <stdint.h>

#include <base/error.h>
#include <base/strlist.h>

enum hk_http_outcome {
	HK_HTTP_ANSWERED,  /* a complete response: see status */
	HK_HTTP_REFUSED,   /* nobody listens */
	HK_HTTP_TIMEOUT,   /* connected or not, no complete response in time */
	HK_HTTP_TOO_LARGE, /* the body went over max_body */
	HK_HTTP_BROKEN,	   /* connection closed early, or not HTTP */
};

struct hk_http_response {
	enum hk_http_outcome outcome;
	int status; /* 0 unless a status line came */
	int64_t ms;
	int64_t body_bytes; /* received */
	int64_t retry_s;    /* Retry-After, in seconds from now; 0: none */
	char location[256]; /* of a redirect, "" otherwise; made printable */
	char excerpt[161];  /* the start of the body, made printable, one line */
	char detail[160];   /* the library's words for BROKEN and others */
};

/*
 * GET url, once: no proxy, no redirect followed, no netrc, http only. timeout_ms covers the whole
 * exchange. Returns 0 whenever the exchange was tried, whatever came of it; an error means that it
 * could not be tried (HK_E_INTERNAL).
 */
int hk_http_get(const char *url, int64_t timeout_ms, int64_t max_body, struct hk_http_response *ret,
		struct hk_error *err) HK_MUST_CHECK;

struct hk_http_post {
	const char *url;		  /* http or https; user and password in it are used */
	const struct hk_strlist *headers; /* "Name: value" */
	const void *body;
	size_t len;
	int64_t timeout_ms, max_body;
};

/*
 * POST, likewise, but https as well. HK_E_INTERNAL for a URL that cannot be used; no message has
 * the URL in it.
 */
int hk_http_post(const struct hk_http_post *post, struct hk_http_response *ret,
		 struct hk_error *err) HK_MUST_CHECK;

#endif
