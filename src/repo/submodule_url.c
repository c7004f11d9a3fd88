/*
 * URLs of submodules (contract in submodule_url.h), told apart as in connect.c of git.
 */
#include <repo/submodule_url.h>

#include <stddef.h>
#include <string.h>

#define FILE_SCHEME "file://"

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 32 || *s == 127)
			return true;
	return false;
}

/* [user@]host[:port] of len bytes. */
static const char *authority_refusal(const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	size_t user = at ? (size_t)(at - s) : 0;
	const char *host = at ? at + 1 : s;

	if (at && memchr(s, ':', user))
		return "has a password in it, which does not belong into a commit";
	if (host == s + len || *host == ':')
		return "names no host";
	if (*s == '-' || *host == '-')
		return "has a name that begins with '-', like an option";
	return NULL;
}

/* Whether it is host:path: a colon before the first slash. */
static bool is_short(const char *url)
{
	return url[strcspn(url, ":/")] == ':';
}

static const char *short_refusal(const char *url)
{
	size_t len = strcspn(url, ":");
	const char *path = url + len + 1;

	if (*path == ':')
		return "names a remote helper, which could run any command";
	if (!*path)
		return "names no path";
	if (*path == '-')
		return "has a path that begins with '-', like an option";
	return authority_refusal(url, len);
}

bool hk_submodule_url_is_local(const char *url)
{
	return begins(url, FILE_SCHEME) || (!strstr(url, "://") && !is_short(url));
}

static bool is_relative(const char *url)
{
	return begins(url, "./") || begins(url, "../") || !strcmp(url, ".") || !strcmp(url, "..");
}

static const char *local_refusal(const char *url, bool allowed)
{
	const char *path = begins(url, FILE_SCHEME) ? url + strlen(FILE_SCHEME) : url;

	if (is_relative(url))
		return "is relative, and what was pushed has no remote that it could be relative to";
	if (*path != '/')
		return "is no absolute path and no URL";
	return allowed ? NULL : "is a path of this machine, which git refuses for submodules";
}

const char *hk_submodule_url_refusal(const char *url, bool local_allowed)
{
	static const char *const schemes[] = { "https://", "ssh://" };

	if (!*url)
		return "is empty";
	if (has_control(url))
		return "has a control character";
	if (*url == '-')
		return "begins with '-', like an option";
	if (hk_submodule_url_is_local(url))
		return local_refusal(url, local_allowed);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const char *rest = url + strlen(schemes[i]);

		if (begins(url, schemes[i]))
			return authority_refusal(rest, strcspn(rest, "/?#"));
	}
	return strstr(url, "://") && !strstr(url, "::") ? "is neither https nor ssh"
							: short_refusal(url);
}
