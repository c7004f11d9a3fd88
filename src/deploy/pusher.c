/*
 * Who pushes, by the environment of `hostkit shell` or by the account.
 */
#include <deploy/pusher.h>

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include <host/label.h>

#define KEY_SHOWN 16 /* "SHA256:" and enough to tell keys apart */

/* Whom root was before it became the project's user. */
#define CALLER "HOSTKIT_CALLER"

struct hk_pusher hk_pusher_find(void)
{
	const char *label = getenv("HOSTKIT_KEY");
	const char *key = getenv("HOSTKIT_KEY_FINGERPRINT");
	const char *caller = getenv(CALLER);
	struct hk_pusher p = { .name = "" };
	struct passwd *pw;

	if (label && key && hk_label_is_valid(label) && hk_label_is_fingerprint(key)) {
		snprintf(p.name, sizeof(p.name), "%s", label);
		snprintf(p.key, sizeof(p.key), "%s", key);
		return p;
	}
	if (caller && hk_label_is_valid(caller)) {
		snprintf(p.name, sizeof(p.name), "%s", caller);
		return p;
	}
	pw = getpwuid(getuid());
	if (pw)
		snprintf(p.name, sizeof(p.name), "%s", pw->pw_name);
	return p;
}

void hk_pusher_remember(void)
{
	struct hk_pusher p = hk_pusher_find();
	const char *sudo = getenv("SUDO_USER");

	setenv(CALLER, sudo && hk_label_is_valid(sudo) ? sudo : p.name, 1);
}

const char *hk_pusher_name(const struct hk_pusher *p)
{
	return *p->name ? p->name : NULL;
}

const char *hk_pusher_key(const struct hk_pusher *p)
{
	return *p->key ? p->key : NULL;
}

void hk_pusher_describe(const char *name, const char *key, struct hk_buf *out)
{
	hk_buf_addstr(out, name ? name : "-");
	if (key)
		hk_buf_addf(out, " (%.*s…)", KEY_SHOWN, key);
}
