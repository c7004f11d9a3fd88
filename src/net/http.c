/*
 * HTTP through libcurl, one exchange per call and no connection kept: a health check has to find
 * out what a new client would see.
 */
#include <net/http.h>

#include <errno.h>
#include <pthread.h>

#include <curl/curl.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/clock.h>
#include <base/lines.h>

#define EXCERPT_RAW_MAX 1024 /* bytes of a body that are kept to make the excerpt from */

struct exchange {
	CURL *curl;
	struct curl_slist *headers;
	int64_t max_body;
	int64_t body_bytes;
	bool too_large;
	struct hk_buf head;
	char detail[CURL_ERROR_SIZE];
};

static CURLcode global_result;

static void init_global(void)
{
	/* curl_easy_init would otherwise ask for everything. */
	global_result = curl_global_init(CURL_GLOBAL_NOTHING);
}

static void release_exchange(struct exchange *x)
{
	curl_easy_cleanup(x->curl);
	curl_slist_free_all(x->headers);
	hk_buf_release(&x->head);
}

static void release_url(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void release_string(char **s)
{
	curl_free(*s);
}

/* Copies foreign text as one printable line, cut to fit. */
static void make_printable(char *out, size_t size, const char *text, size_t len)
{
	hk_auto_buf flat = HK_BUF_INIT;
	hk_auto_buf safe = HK_BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		bool blank = (unsigned char)text[i] <= ' ' || text[i] == 0x7f;

		if (!blank)
			hk_buf_addch(&flat, text[i]);
		else if (flat.len && flat.data[flat.len - 1] != ' ')
			hk_buf_addch(&flat, ' ');
	}
	if (flat.len && flat.data[flat.len - 1] == ' ')
		hk_buf_cut(&flat, flat.len - 1);
	hk_lines_sanitize(&safe, flat.data, flat.len, size - 1);
	snprintf(out, size, "%s", safe.data);
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t len = size * n;
	size_t room = EXCERPT_RAW_MAX - x->head.len;

	hk_buf_add(&x->head, data, len < room ? len : room);
	x->body_bytes += (int64_t)len;
	x->too_large = x->body_bytes > x->max_body;
	return x->too_large ? 0 : len;
}

static bool has_scheme(const char *url, const char *wanted)
{
	HK_CLEANUP(release_url) CURLU *u = curl_url();
	HK_CLEANUP(release_string) char *scheme = NULL;

	return u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	       !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) && !strcasecmp(scheme, wanted);
}

static const struct {
	CURLoption option;
	long value;
} fixed_numbers[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_HTTP09_ALLOWED, 0 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
	{ CURLOPT_FORBID_REUSE, 1 },
};

static const struct {
	CURLoption option;
	const char *value;
} fixed_strings[] = {
	{ CURLOPT_PROXY, "" },
};

static CURLcode set_options(struct exchange *x, const char *url, const char *protocols,
			    int64_t timeout_ms)
{
	CURLcode rc = curl_easy_setopt(x->curl, CURLOPT_URL, url);

	for (size_t i = 0; !rc && i < HK_ARRAY_LEN(fixed_numbers); i++)
		rc = curl_easy_setopt(x->curl, fixed_numbers[i].option, fixed_numbers[i].value);
	for (size_t i = 0; !rc && i < HK_ARRAY_LEN(fixed_strings); i++)
		rc = curl_easy_setopt(x->curl, fixed_strings[i].option, fixed_strings[i].value);
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, protocols);
	/* For libcurl, a limit of 0 is none. */
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_TIMEOUT_MS,
				      (long)(timeout_ms > 0 ? timeout_ms : 1));
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->detail);
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, take_body);
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
	return rc;
}

static int fail_set_up(const char *why, struct hk_error *err)
{
	return hk_error_set(err, HK_E_INTERNAL, "cannot set up libcurl%s%s", *why ? ": " : "", why);
}

static int set_up(struct exchange *x, const char *url, const char *protocols, int64_t timeout_ms,
		  struct hk_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CURLcode rc;

	pthread_once(&once, init_global);
	x->curl = global_result ? NULL : curl_easy_init();
	if (!x->curl)
		return fail_set_up("", err);
	rc = set_options(x, url, protocols, timeout_ms);
	return rc ? fail_set_up(curl_easy_strerror(rc), err) : 0;
}

static enum hk_http_outcome judge(const struct exchange *x, CURLcode rc)
{
	long sys_errno = 0;

	if (rc == CURLE_OK)
		return HK_HTTP_ANSWERED;
	if (x->too_large)
		return HK_HTTP_TOO_LARGE;
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return HK_HTTP_TIMEOUT;
	curl_easy_getinfo(x->curl, CURLINFO_OS_ERRNO, &sys_errno);
	if (rc == CURLE_COULDNT_CONNECT && sys_errno == ECONNREFUSED)
		return HK_HTTP_REFUSED;
	return HK_HTTP_BROKEN;
}

static void fill(struct exchange *x, CURLcode rc, struct hk_http_response *ret)
{
	const char *detail = x->detail[0] ? x->detail : curl_easy_strerror(rc);
	struct curl_header *location;
	long status = 0;

	ret->outcome = judge(x, rc);
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	ret->body_bytes = x->body_bytes;
	make_printable(ret->excerpt, sizeof(ret->excerpt), x->head.data, x->head.len);
	if (rc)
		make_printable(ret->detail, sizeof(ret->detail), detail, strlen(detail));
	if (status >= 300 && status < 400 &&
	    !curl_easy_header(x->curl, "Location", 0, CURLH_HEADER, -1, &location))
		make_printable(ret->location, sizeof(ret->location), location->value,
			       strlen(location->value));
}

static void perform(struct exchange *x, struct hk_http_response *ret)
{
	int64_t start = hk_clock_mono_ms();
	CURLcode rc = curl_easy_perform(x->curl);

	*ret = (struct hk_http_response){ .ms = hk_clock_mono_ms() - start };
	fill(x, rc, ret);
}

int hk_http_get(const char *url, int64_t timeout_ms, int64_t max_body, struct hk_http_response *ret,
		struct hk_error *err)
{
	HK_CLEANUP(release_exchange)
	struct exchange x = { .max_body = max_body, .head = HK_BUF_INIT };
	CURLcode rc;

	/* A URL that is no http URL is the caller's bug, and not an answer. */
	if (!has_scheme(url, "http"))
		return hk_error_set(err, HK_E_INTERNAL, "'%s' is not an http URL", url);
	if (set_up(&x, url, "http", timeout_ms, err))
		return err->code;
	rc = curl_easy_setopt(x.curl, CURLOPT_USERAGENT,
			      "hostkit/" PACKAGE_VERSION " health-check");
	if (rc)
		return fail_set_up(curl_easy_strerror(rc), err);
	perform(&x, ret);
	return 0;
}

static CURLcode set_post(struct exchange *x, const struct hk_http_post *post)
{
	CURLcode rc = curl_easy_setopt(x->curl, CURLOPT_USERAGENT, "hostkit/" PACKAGE_VERSION);

	for (size_t i = 0; i < post->headers->len; i++) {
		struct curl_slist *more = curl_slist_append(x->headers, post->headers->items[i]);

		if (!more)
			return CURLE_OUT_OF_MEMORY;
		x->headers = more;
	}
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_POST, 1L);
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->len);
	if (!rc)
		rc = curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, post->body);
	return rc;
}

int hk_http_post(const struct hk_http_post *post, struct hk_http_response *ret,
		 struct hk_error *err)
{
	HK_CLEANUP(release_exchange)
	struct exchange x = { .max_body = post->max_body, .head = HK_BUF_INIT };
	curl_off_t retry = 0;
	CURLcode rc;

	if (!has_scheme(post->url, "http") && !has_scheme(post->url, "https"))
		return hk_error_set(err, HK_E_INTERNAL, "the URL is not one of http or https");
	if (set_up(&x, post->url, "http,https", post->timeout_ms, err))
		return err->code;
	rc = set_post(&x, post);
	if (rc)
		return fail_set_up(curl_easy_strerror(rc), err);
	perform(&x, ret);
	curl_easy_getinfo(x.curl, CURLINFO_RETRY_AFTER, &retry);
	ret->retry_s = retry;
	return 0;
}
