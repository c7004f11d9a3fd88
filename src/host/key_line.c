/*
 * Lines of authorized_keys.
 */
#include <host/key_line.h>

#include <string.h>

#include <base/alloc.h>
#include <base/words.h>
#include <host/label.h>

#define OPTIONS "restrict,command=\""

void hk_key_release(struct hk_key *k)
{
	free(k->label);
	free(k->type);
	free(k->blob);
	free(k->program);
	*k = (struct hk_key){ .label = NULL };
}

void hk_keys_release(struct hk_keys *k)
{
	for (size_t i = 0; i < k->len; i++)
		hk_key_release(&k->items[i]);
	free(k->items);
	*k = (struct hk_keys)HK_KEYS_INIT;
}

void hk_keys_append(struct hk_keys *k, struct hk_key *key)
{
	k->items = hk_xreallocarray(k->items, k->len + 1, sizeof(*k->items));
	k->items[k->len++] = *key;
	*key = (struct hk_key){ .label = NULL };
}

const struct hk_key *hk_keys_find(const struct hk_keys *k, const char *label)
{
	for (size_t i = 0; i < k->len; i++)
		if (!strcmp(k->items[i].label, label))
			return &k->items[i];
	return NULL;
}

/* The command between the quotes; sshd knows \" and takes every other backslash as it is. */
static const char *read_quoted(const char *s, struct hk_buf *out)
{
	while (*s && *s != '"') {
		if (*s == '\\' && s[1] == '"')
			s++;
		hk_buf_addch(out, *s++);
	}
	return *s ? s + 1 : NULL;
}

static void write_quoted(const char *s, struct hk_buf *out)
{
	for (; *s; s++) {
		if (*s == '"')
			hk_buf_addch(out, '\\');
		hk_buf_addch(out, *s);
	}
}

/* PROGRAM shell --key LABEL [--root DIR --project NAME] */
static bool is_ours(const struct hk_strlist *words)
{
	const char *slash = words->len ? strrchr(words->items[0], '/') : NULL;

	return (words->len == 4 || words->len == 8) && slash && !strcmp(slash, "/hostkit") &&
	       !strcmp(words->items[1], "shell") && !strcmp(words->items[2], "--key") &&
	       hk_label_is_valid(words->items[3]) &&
	       (words->len == 4 ||
		(!strcmp(words->items[4], "--root") && !strcmp(words->items[6], "--project")));
}

static char *next_word(const char **s)
{
	size_t n;
	char *word;

	*s += strspn(*s, " \t");
	n = strcspn(*s, " \t");
	word = hk_xstrndup(*s, n);
	*s += n;
	return word;
}

bool hk_key_line_read(const char *line, struct hk_key *ret)
{
	HK_CLEANUP(hk_key_release) struct hk_key key = { .label = NULL };
	hk_auto_strlist words = HK_STRLIST_INIT;
	hk_auto_buf command = HK_BUF_INIT;
	struct hk_error ignored;
	size_t n = sizeof(OPTIONS) - 1;

	if (strncmp(line, OPTIONS, n))
		return false;
	line = read_quoted(line + n, &command);
	if (!line || *line != ' ' || hk_words_split(command.data, &words, &ignored) ||
	    !is_ours(&words))
		return false;
	key.program = hk_xstrdup(words.items[0]);
	key.label = hk_xstrdup(words.items[3]);
	key.type = next_word(&line);
	key.blob = next_word(&line);
	if (hk_fingerprint_of(key.blob, key.fingerprint, &ignored))
		return false;
	*ret = key;
	key = (struct hk_key){ .label = NULL };
	return true;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

int hk_key_line_write(const struct hk_keys_of *of, const struct hk_key *key, const char *program,
		      struct hk_buf *out, struct hk_error *err)
{
	hk_auto_buf command = HK_BUF_INIT;

	/* A line end in it would begin a line without a forced command. */
	if (has_control(program) || has_control(of->root))
		return hk_error_set(err, HK_E_NOT_SUPPORTED,
				    "a path with control characters cannot be written into "
				    "authorized_keys");
	hk_words_quote(&command, program);
	hk_buf_addf(&command, " shell --key %s", key->label);
	if (strcmp(of->root, "/")) {
		hk_buf_addstr(&command, " --root ");
		hk_words_quote(&command, of->root);
		hk_buf_addf(&command, " --project %s", of->project);
	}
	hk_buf_addstr(out, OPTIONS);
	write_quoted(command.data, out);
	hk_buf_addf(out, "\" %s %s %s\n", key->type, key->blob, key->label);
	return 0;
}
