/*
 * URLs of repositories (contract in url.h).
 */
#include <repo/url.h>

#include <stdbool.h>
#include <string.h>

#include <base/cleanup.h>

/* A scheme, and what may stand before its host: nothing, or a user. */
static const struct scheme {
	const char *prefix;
	bool has_host;
	bool has_user;
} schemes[] = {
	{ "https://", true, false },
	{ "ssh://", true, true },
	{ "file:///", false, false },
};

static const char hint[] = "https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, or the "
			   "absolute path of a repository on this machine";

static int refuse(struct hk_error *err, const char *reason, const char *what_to_do)
{
	hk_error_set(err, HK_E_USAGE, "the URL of the repository %s", reason);
	return hk_error_hint(err, "%s", what_to_do);
}

static int check_credentials(const struct scheme *s, const char *authority, size_t len,
			     struct hk_error *err)
{
	const char *at = memrchr(authority, '@', len);

	if (!at)
		return 0;
	/* With https a user alone may be a token as well. */
	if (!s->has_user)
		return refuse(err, "holds a user, password or token, which would be on record",
			      "a private repository: use ssh and a deploy key, USER@HOST:PATH");
	if (memchr(authority, ':', (size_t)(at - authority)))
		return refuse(err, "holds a password, which would be on record",
			      "leave it out and use a key: ssh://USER@HOST/PATH");
	return 0;
}

static int check_host(const char *host, struct hk_error *err)
{
	/* As ssh does: a host of that form could be taken for an option. */
	if (!*host || strchr("-:/@", *host))
		return refuse(err, "names no host", hint);
	return 0;
}

static int check_scheme(const struct scheme *s, const char *url, struct hk_error *err)
{
	const char *authority = url + strlen(s->prefix);
	size_t len = strcspn(authority, "/");
	const char *at = memrchr(authority, '@', len);

	if (!s->has_host)
		return 0;
	return check_credentials(s, authority, len, err) ? err->code
							 : check_host(at ? at + 1 : authority, err);
}

static int check_scp_like(const char *url, struct hk_error *err)
{
	size_t len = strcspn(url, ":/");
	const char *at = memrchr(url, '@', len);

	if (url[len] != ':')
		return refuse(err, "is none that hostkit fetches from", hint);
	if (url[len + 1] == ':')
		return refuse(err, "asks for a remote helper, which could run anything", hint);
	return check_host(at ? at + 1 : url, err);
}

int hk_url_check(const char *url, struct hk_error *err)
{
	for (const char *s = url; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 127)
			return refuse(err, "holds a blank or a control character", hint);
	if (*url == '/')
		return 0;
	for (size_t i = 0; i < HK_ARRAY_LEN(schemes); i++)
		if (!strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)))
			return check_scheme(&schemes[i], url, err);
	if (!strncmp(url, "http://", 7) || !strncmp(url, "git://", 6))
		return refuse(err, "uses a protocol that is neither encrypted nor authenticated",
			      hint);
	if (strstr(url, "://"))
		return refuse(err, "uses a protocol that hostkit does not fetch by", hint);
	return check_scp_like(url, err);
}
