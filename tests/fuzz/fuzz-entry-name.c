/*
 * repo/entry_name.h: names in a pushed tree. What git refuses with core.protectHFS and
 * core.protectNTFS is told here once more in another way, filesystem by filesystem: all of it has
 * to be refused.
 */
#include "fuzz.h"

#include <ctype.h>

#include <base/buf.h>
#include <repo/entry_name.h>

static bool hfs_ignores(uint32_t c)
{
	return (c >= 0x200c && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x206a && c <= 0x206f) || c == 0xfeff;
}

/* The name that HFS+ looks up. */
static void fold_hfs(const char *name, struct hk_buf *out)
{
	size_t len = strlen(name), n;
	uint32_t c;

	for (size_t i = 0; i < len; i += n) {
		n = hk_utf8_decode(name + i, len - i, &c);
		if (!hfs_ignores(c))
			hk_buf_add(out, name + i, n);
	}
}

/* The name that NTFS looks up, of a part between backslashes. */
static void fold_ntfs(const char *part, size_t len, struct hk_buf *out)
{
	hk_buf_add(out, part, len);
	hk_buf_cut(out, strcspn(out->data, ":"));
	while (out->len && strchr(". ", out->data[out->len - 1]))
		hk_buf_cut(out, out->len - 1);
}

/* "gitmod~1" to "gitmod~4", and what follows when these are taken: "gi7eba~1" up to "~1000000". */
static bool is_short_gitmodules(const char *name)
{
	static const char hashed[] = "gi7eba";
	size_t n = 0, digits;

	if (!strncasecmp(name, "gitmod~", 7))
		return name[7] >= '1' && name[7] <= '4' && !name[8];
	while (hashed[n] && tolower((unsigned char)name[n]) == hashed[n])
		n++;
	if (name[n] != '~' || name[n + 1] < '1' || name[n + 1] > '9')
		return false;
	digits = strspn(name + n + 1, "0123456789");
	return n + 1 + digits == 8 && !name[8];
}

static bool is_dot_git(const char *folded, bool ntfs, bool link)
{
	if (!strcasecmp(folded, ".git") || (ntfs && !strcasecmp(folded, "git~1")))
		return true;
	return link &&
	       (!strcasecmp(folded, ".gitmodules") || (ntfs && is_short_gitmodules(folded)));
}

static void check_allowed(const char *name, size_t len, bool link)
{
	hk_auto_buf hfs = HK_BUF_INIT;
	size_t n;

	FUZZ_CHECK(len && strlen(name) == len && !strchr(name, '/'));
	FUZZ_CHECK(strcmp(name, ".") && strcmp(name, ".."));
	fold_hfs(name, &hfs);
	FUZZ_CHECK(!is_dot_git(hfs.data, false, link));
	for (const char *p = name; *p; p += n + (p[n] == '\\')) {
		hk_auto_buf ntfs = HK_BUF_INIT;

		n = strcspn(p, "\\");
		fold_ntfs(p, n, &ntfs);
		FUZZ_CHECK(!is_dot_git(ntfs.data, true, link));
	}
}

static void check_label(const char *path)
{
	char label[HK_ENTRY_LABEL_LEN];

	FUZZ_CHECK(hk_entry_label(path, label) == label);
	FUZZ_CHECK(strlen(label) < sizeof(label));
	FUZZ_CHECK(!fuzz_has_control(label) && !strchr(label, '\t'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hk_auto_free char *name = hk_xmalloc(size + 1);
	hk_auto_free char *exact = hk_xmalloc(size ? size : 1);
	bool file, link;

	memcpy(name, data, size);
	memcpy(exact, data, size);
	name[size] = '\0';
	file = !hk_entry_name_refusal(exact, size, false);
	link = !hk_entry_name_refusal(exact, size, true);
	FUZZ_CHECK(file || !link);
	if (file)
		check_allowed(name, size, false);
	if (link)
		check_allowed(name, size, true);
	check_label(name);
	return 0;
}
