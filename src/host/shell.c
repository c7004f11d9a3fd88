/*
 * Taking a client's command apart.
 */
#include <host/shell.h>

#include <stdbool.h>
#include <string.h>

#include <base/alloc.h>
#include <base/lines.h>
#include <base/utf8.h>
#include <base/words.h>

#define SHOWN_MAX 80

/* As git's clients send them, and as people may type them. */
static const struct {
	const char *first, *second; /* words */
	const char *program;
} git_commands[] = {
	{ "git-receive-pack", NULL, "git-receive-pack" },
	{ "git-upload-pack", NULL, "git-upload-pack" },
	{ "git", "receive-pack", "git-receive-pack" },
	{ "git", "upload-pack", "git-upload-pack" },
};

void hk_shell_request_release(struct hk_shell_request *r)
{
	hk_strlist_release(&r->words);
}

static int refuse(const char *word, const char *why, struct hk_error *err)
{
	hk_auto_buf shown = HK_BUF_INIT;

	hk_lines_plain(&shown, word, strlen(word), SHOWN_MAX);
	return hk_error_set(err, HK_E_NOT_ALLOWED, "'%s' %s", shown.data, why);
}

static int check_bytes(const char *text, struct hk_error *err)
{
	size_t len = strnlen(text, HK_SHELL_MAX + 1);

	if (len > HK_SHELL_MAX)
		return hk_error_set(err, HK_E_NOT_ALLOWED, "the command has over %d bytes",
				    HK_SHELL_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return hk_error_set(err, HK_E_NOT_ALLOWED,
					    "a command is one line, without "
					    "control characters");
	if (!hk_utf8_valid(text, len))
		return hk_error_set(err, HK_E_NOT_ALLOWED, "the command is not UTF-8");
	return 0;
}

static int split(const char *text, struct hk_strlist *ret, struct hk_error *err)
{
	struct hk_error wrong = HK_ERROR_INIT;

	if (!hk_words_split_read(text, ret, &wrong))
		return 0;
	/* In one: the hint is to be what is possible here. */
	return hk_error_set(err, HK_E_NOT_ALLOWED, "there is no shell here: %s%s%s", wrong.message,
			    *wrong.hint ? "; " : "", wrong.hint);
}

/* Whether a text is one of the own repository's names, behind one of the prefixes. */
static bool is_name(const char *text, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(text, name, len) && (!text[len] || !strcmp(text + len, "/"));
}

static bool is_own(const char *text, const struct hk_shell_own *own)
{
	hk_auto_free char *tilde = hk_xasprintf("~%s/", own->project);
	hk_auto_free char *dot_git = hk_xasprintf("%s.git", own->project);
	const char *const prefixes[] = { "", "/", "~/", tilde };
	const char *const names[] = { own->project, dot_git, "repo.git" };

	if (is_name(text, own->repo_path))
		return true;
	for (size_t i = 0; i < HK_ARRAY_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		for (size_t j = 0; j < HK_ARRAY_LEN(names); j++)
			if (!strncmp(text, prefixes[i], len) && is_name(text + len, names[j]))
				return true;
	}
	return false;
}

static int take_git(const struct hk_strlist *words, size_t n, const char *program,
		    const struct hk_shell_own *own, struct hk_shell_request *ret,
		    struct hk_error *err)
{
	if (words->len != n + 1)
		return hk_error_set(err, HK_E_NOT_ALLOWED, "%s takes one word here, a repository",
				    program);
	if (words->items[n][0] == '-')
		return refuse(words->items[n], "is an option, and none is possible", err);
	if (!is_own(words->items[n], own)) {
		hk_auto_free char *why =
			hk_xasprintf("is not the repository of '%s'", own->project);

		return refuse(words->items[n], why, err);
	}
	ret->git = program;
	return 0;
}

int hk_shell_parse(const char *text, const struct hk_shell_own *own, struct hk_shell_request *ret,
		   struct hk_error *err)
{
	hk_auto_strlist words = HK_STRLIST_INIT;
	size_t first;

	if (check_bytes(text, err) || split(text, &words, err))
		return err->code;
	if (!words.len)
		return hk_error_set(err, HK_E_NOT_ALLOWED, "there is no shell here");
	for (size_t i = 0; i < HK_ARRAY_LEN(git_commands); i++) {
		const char *second = git_commands[i].second;

		if (!strcmp(words.items[0], git_commands[i].first) &&
		    (!second || (words.len > 1 && !strcmp(words.items[1], second))))
			return take_git(&words, second ? 2 : 1, git_commands[i].program, own, ret,
					err);
	}
	first = !strcmp(words.items[0], "hostkit");
	if (words.len == first)
		return hk_error_set(err, HK_E_NOT_ALLOWED, "hostkit needs a command here");
	for (size_t i = first; i < words.len; i++)
		hk_strlist_add(&ret->words, words.items[i]);
	return 0;
}
