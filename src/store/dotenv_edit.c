/*
 * Editing .env files: the text stays what it is, but for the value in question.
 */
#include <store/dotenv.h>

#include <ctype.h>

#include <base/alloc.h>

/* Where a name stands: the last time, which is the one that counts. */
struct place {
	const char *name;
	bool found;
	size_t start, end;
	size_t value_start, value_end;
};

static int note_place(void *ctx, const struct hk_dotenv_entry *e, struct hk_error *err HK_UNUSED)
{
	struct place *p = ctx;

	if (strlen(p->name) != e->name_len || strncmp(p->name, e->assignment, e->name_len))
		return 0;
	p->found = true;
	p->start = e->start;
	p->end = e->end;
	p->value_start = e->value_start;
	p->value_end = e->value_end;
	return 0;
}

static int find(const struct hk_buf *text, const char *what, struct place *p, struct hk_error *err)
{
	return hk_dotenv_scan(text->data, text->len, what, note_place, p, err);
}

bool hk_dotenv_is_name(const char *name)
{
	if (!*name || isdigit((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (*name != '_' && !isalnum((unsigned char)*name))
			return false;
	return true;
}

/* Without quotes only what every reader of such files takes as it is. */
static bool is_plain(const char *value)
{
	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_./:@%+,-", *c))
			return false;
	return *value != '\0';
}

/* quoted: also where it need not be. */
static void add_value(struct hk_buf *out, const char *value, bool quoted)
{
	static const char escaped[] = "\\\"$`";

	if (!quoted && is_plain(value)) {
		hk_buf_addstr(out, value);
		return;
	}
	if (!strchr(value, '\'')) {
		hk_buf_addf(out, "'%s'", value);
		return;
	}
	hk_buf_addch(out, '"');
	for (const char *c = value; *c; c++) {
		if (strchr(escaped, *c))
			hk_buf_addch(out, '\\');
		hk_buf_addch(out, *c);
	}
	hk_buf_addch(out, '"');
}

/* Puts new in the place of the bytes from start to end. */
static void replace(struct hk_buf *text, size_t start, size_t end, const struct hk_buf *new)
{
	struct hk_buf edited = HK_BUF_INIT;

	hk_buf_add(&edited, text->data, start);
	hk_buf_add(&edited, new->data, new->len);
	hk_buf_add(&edited, text->data + end, text->len - end);
	hk_buf_release(text);
	*text = edited;
}

int hk_dotenv_set(struct hk_buf *text, const char *name, const char *value, const char *what,
		  struct hk_error *err)
{
	struct place p = { .name = name };
	hk_auto_buf new = HK_BUF_INIT;

	if (find(text, what, &p, err))
		return err->code;
	if (p.found) {
		/* A comment may follow a closing quote at once, but not a bare word. */
		add_value(&new, value, p.value_end < text->len && text->data[p.value_end] == '#');
		replace(text, p.value_start, p.value_end, &new);
		return 0;
	}
	if (text->len && text->data[text->len - 1] != '\n')
		hk_buf_addch(text, '\n');
	hk_buf_addf(text, "%s=", name);
	add_value(text, value, false);
	hk_buf_addch(text, '\n');
	return 0;
}

int hk_dotenv_unset(struct hk_buf *text, const char *name, const char *what, bool *ret_found,
		    struct hk_error *err)
{
	hk_auto_buf nothing = HK_BUF_INIT;

	*ret_found = false;
	for (;;) {
		struct place p = { .name = name };

		if (find(text, what, &p, err))
			return err->code;
		if (!p.found)
			return 0;
		*ret_found = true;
		replace(text, p.start, p.end, &nothing);
	}
}
