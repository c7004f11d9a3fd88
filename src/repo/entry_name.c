/*
 * Name checks. A name is compared with the refused ones after everything that some filesystem
 * ignores was taken away: letter case (HFS+, NTFS), code points without width (HFS+), trailing
 * dots and spaces and a ":stream" (NTFS). A backslash separates on NTFS, so every part is looked
 * at.
 */
#include <repo/entry_name.h>

#include <string.h>

#define MODULES_LINK "is a '.gitmodules' that is a link"

static const struct {
	const char *name;
	bool link_only;
	const char *reason;
} refused[] = {
	{ ".git", false, "is a spelling of '.git'" },
	{ "git~1", false, "is a spelling of '.git' (the short name NTFS gives it)" },
	{ ".gitmodules", true, MODULES_LINK },
	{ "gitmod~1", true, MODULES_LINK },
	{ "gitmod~2", true, MODULES_LINK },
	{ "gitmod~3", true, MODULES_LINK },
	{ "gitmod~4", true, MODULES_LINK },
};

/* The length of a code point at s that HFS+ ignores in names, or 0. All take three bytes. */
static size_t ignorable(const unsigned char *s, size_t len)
{
	if (len < 3)
		return 0;
	if (s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		return 3;
	if (s[0] != 0xe2)
		return 0;
	if (s[1] == 0x80 && ((s[2] >= 0x8c && s[2] <= 0x8f) || (s[2] >= 0xaa && s[2] <= 0xae)))
		return 3;
	return s[1] == 0x81 && s[2] >= 0xaa && s[2] <= 0xaf ? 3 : 0;
}

static size_t trimmed(const char *s, size_t len)
{
	for (;;) {
		if (len && (s[len - 1] == '.' || s[len - 1] == ' '))
			len--;
		else if (len >= 3 && ignorable((const unsigned char *)s + len - 3, 3))
			len -= 3;
		else
			return len;
	}
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_folded(const char *s, size_t len, const char *want)
{
	size_t skip;

	while (len) {
		skip = ignorable((const unsigned char *)s, len);
		if (!skip && (!*want || lower(*s) != *want))
			return false;
		want += skip ? 0 : 1;
		s += skip ? skip : 1;
		len -= skip ? skip : 1;
	}
	return !*want;
}

/*
 * The short name that NTFS gives '.gitmodules' when "gitmod~1" to "~4" are taken: the beginning of
 * a hash, '~' and a number, eight bytes in all.
 */
static bool is_hashed_modules(const char *s, size_t len)
{
	static const char hash[] = "gi7eba";
	size_t n = 0;

	if (len != 8)
		return false;
	while (hash[n] && lower(s[n]) == hash[n])
		n++;
	if (s[n] != '~' || s[n + 1] == '0')
		return false;
	for (n++; n < len; n++)
		if (s[n] < '0' || s[n] > '9')
			return false;
	return true;
}

static const char *part_refusal(const char *part, size_t len, bool link)
{
	const char *stream = memchr(part, ':', len);

	len = trimmed(part, stream ? (size_t)(stream - part) : len);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (refused[i].link_only && !link)
			continue;
		if (equal_folded(part, len, refused[i].name))
			return refused[i].reason;
	}
	return link && is_hashed_modules(part, len) ? MODULES_LINK : NULL;
}

const char *hk_entry_name_refusal(const char *name, size_t len, bool link)
{
	const char *reason, *end;

	if (!len)
		return "has an empty name";
	if (len == 1 && name[0] == '.')
		return "is named '.'";
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return "is named '..'";
	if (memchr(name, '/', len))
		return "has a slash in its name";
	if (memchr(name, '\0', len))
		return "has a NUL in its name";
	while ((end = memchr(name, '\\', len))) {
		reason = part_refusal(name, (size_t)(end - name), link);
		if (reason)
			return reason;
		len -= (size_t)(end - name) + 1;
		name = end + 1;
	}
	return part_refusal(name, len, link);
}

const char *hk_entry_label(const char *path, char out[HK_ENTRY_LABEL_LEN])
{
	size_t len = strlen(path), at = 0;
	const char *s = path;

	/* Four bytes of escape for every byte always fit. */
	if (len > (HK_ENTRY_LABEL_LEN - 8) / 4) {
		memcpy(out, "...", 3);
		at = 3;
		s += len - (HK_ENTRY_LABEL_LEN - 8) / 4;
	}
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 32 && c != 127) {
			out[at++] = *s;
			continue;
		}
		snprintf(out + at, 5, "\\%03o", c);
		at += 4;
	}
	out[at] = '\0';
	return out;
}
