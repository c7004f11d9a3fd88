/*
 * Escaping for roff.
 */
#include <base/roff.h>

#include <stdbool.h>

/* Characters that roff takes for something else, and how it is told not to. */
static const struct {
	char c;
	const char *text;
} escapes[] = {
	{ '\\', "\\(rs" }, { '-', "\\-" },   { '^', "\\(ha" }, { '~', "\\(ti" },
	{ '\'', "\\(aq" }, { '`', "\\(ga" }, { '"', "\\(dq" },
};

static const char *escape_of(char c)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(escapes); i++)
		if (escapes[i].c == c)
			return escapes[i].text;
	return NULL;
}

void hk_roff_text(struct hk_buf *out, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		const char *escape = escape_of(*text);

		if (line_start && *text == '.')
			hk_buf_addstr(out, "\\&"); /* not a request */
		if (escape)
			hk_buf_addstr(out, escape);
		else
			hk_buf_addch(out, *text);
		line_start = *text == '\n';
	}
}
