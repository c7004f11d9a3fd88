/*
 * Hints for the holder of a key (contract in key_reader.h).
 */
#include <deploy/key_reader.h>

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/buf.h>

#define PROGRAM "hostkit "
#define WORD "abcdefghijklmnopqrstuvwxyz-"

void hk_key_reader_init(struct hk_key_reader *r, const struct hk_strlist *commands)
{
	struct passwd *pw = getpwuid(geteuid());
	char host[256] = "HOST";

	gethostname(host, sizeof(host) - 1);
	if (pw)
		snprintf(r->to, sizeof(r->to), "%.60s@%s", pw->pw_name, host);
	hk_strlist_add_list(&r->commands, commands);
}

void hk_key_reader_find(struct hk_key_reader *r)
{
	const char *list = getenv("HOSTKIT_KEY_COMMANDS");
	hk_auto_strlist commands = HK_STRLIST_INIT;

	if (!list)
		return;
	while (*list) {
		size_t len = strcspn(list, ",");
		hk_auto_free char *command = hk_xstrndup(list, len);

		hk_strlist_add(&commands, command);
		list += len;
		list += strspn(list, ", ");
	}
	hk_key_reader_init(r, &commands);
}

void hk_key_reader_release(struct hk_key_reader *r)
{
	hk_strlist_release(&r->commands);
	*r = (struct hk_key_reader)HK_KEY_READER_INIT;
}

/* By its first word, or its first two. */
static bool may_run(const struct hk_key_reader *r, const char *command)
{
	size_t one = strspn(command, WORD);
	size_t two = command[one] == ' ' ? one + 1 + strspn(command + one + 1, WORD) : one;
	hk_auto_free char *group = hk_xstrndup(command, one);
	hk_auto_free char *both = hk_xstrndup(command, two);

	return hk_strlist_has(&r->commands, group) || hk_strlist_has(&r->commands, both);
}

static bool is_program(const char *text, const char *at)
{
	static const char push[] = "git push ";
	size_t before = (size_t)(at - text), len = sizeof(push) - 1;

	if (before >= len && !strncmp(at - len, push, len))
		return false;
	return !before || strchr(" (", at[-1]);
}

static bool is_for_others(const char *hint)
{
	return strstr(hint, "as root") || strstr(hint, "on the server");
}

char *hk_key_reader_say(const struct hk_key_reader *r, const char *hint)
{
	hk_auto_buf out = HK_BUF_INIT;
	const char *rest = hint, *at;

	while (*r->to && !is_for_others(hint) && (at = strstr(rest, PROGRAM))) {
		const char *command = at + sizeof(PROGRAM) - 1;

		hk_buf_add(&out, rest, (size_t)(at - rest));
		if (is_program(hint, at) && may_run(r, command))
			hk_buf_addf(&out, "ssh %s ", r->to);
		else
			hk_buf_addstr(&out, PROGRAM);
		rest = command;
	}
	hk_buf_addstr(&out, rest);
	return hk_xstrdup(out.data);
}
