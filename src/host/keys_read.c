/*
 * Public keys as they are handed over: everything that is no such key is told for what it is.
 */
#include <host/keys.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <base/alloc.h>
#include <base/human.h>
#include <base/lines.h>
#include <base/utf8.h>
#include <host/key_line.h>
#include <host/label.h>
#include <sys/fs.h>
#include <sys/process.h>

#define LINE_BYTES_MAX 16384
#define KEYS_MAX 100
#define KEYGEN_MS 10000
#define SHOWN_MAX 40

/* Kinds of keys; those that sshd still takes but nobody should use are refused by their size. */
static const struct kind {
	const char *name;
	int64_t min_bits;
} kinds[] = {
	{ "ssh-ed25519", 0 },	      { "sk-ssh-ed25519@openssh.com", 0 },
	{ "ecdsa-sha2-nistp256", 0 }, { "ecdsa-sha2-nistp384", 0 },
	{ "ecdsa-sha2-nistp521", 0 }, { "sk-ecdsa-sha2-nistp256@openssh.com", 0 },
	{ "ssh-rsa", 2048 },
};

static const char make_one[] = "make one with: ssh-keygen -t ed25519";

static const struct kind *find_kind(const char *word, size_t len)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].name) == len && !strncmp(kinds[i].name, word, len))
			return &kinds[i];
	return NULL;
}

/* What people hand over by mistake, by a text that is in it. */
static int explain(const char *line, struct hk_error *err)
{
	static const struct {
		const char *text;
		const char *message;
		const char *hint;
	} mistakes[] = {
		{ "PRIVATE KEY", "this is a private key",
		  "it is secret and stays where it was made; hand over the .pub file beside it" },
		{ "BEGIN SSH2 PUBLIC KEY", "this is a key in the form of RFC 4716",
		  "convert it with: ssh-keygen -i -f FILE" },
		{ "PuTTY-User-Key-File", "this is a private key of PuTTY",
		  "it is secret; copy the public key out of PuTTYgen's window" },
		{ "-cert-v01@openssh.com ", "this is a certificate", "hand over the key itself" },
		{ "ssh-dss ", "DSA keys are not safe any more", make_one },
	};
	size_t n = strcspn(line, " \t");
	hk_auto_buf shown = HK_BUF_INIT;

	for (size_t i = 0; i < HK_ARRAY_LEN(mistakes); i++)
		if (strstr(line, mistakes[i].text)) {
			hk_error_set(err, HK_E_USAGE, "%s", mistakes[i].message);
			return hk_error_hint(err, "%s", mistakes[i].hint);
		}
	hk_lines_plain(&shown, line, n, SHOWN_MAX);
	if (strstr(line, " ssh-") || strstr(line, " ecdsa-") || strstr(line, " sk-")) {
		hk_error_set(err, HK_E_USAGE, "the key has options in front ('%s')", shown.data);
		return hk_error_hint(err, "leave them out: hostkit writes its own");
	}
	hk_error_set(err, HK_E_USAGE, "'%s' does not begin a public key", shown.data);
	return hk_error_hint(err, "it looks like: ssh-ed25519 AAAA... COMMENT, in a .pub file");
}

static void keep_first(void *ctx, const char *line, size_t len)
{
	struct hk_buf *out = ctx;

	if (!out->len)
		hk_buf_add(out, line, len);
}

/* ssh-keygen -l: "256 SHA256:… comment (ED25519)". It is what knows whether a key is one. */
static int ask_keygen(const char *type, const char *blob, struct hk_buf *ret, struct hk_error *err)
{
	static const char *const argv[] = { "ssh-keygen", "-l", "-f", "-", NULL };
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", NULL };
	hk_auto_close int in = memfd_create("key", MFD_CLOEXEC);
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_free char *line = hk_xasprintf("%s %s\n", type, blob);

	if (in < 0 || hk_fs_write_all(in, line, strlen(line)) || lseek(in, 0, SEEK_SET))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot hand over the key");
	spec.argv = argv;
	spec.env = env;
	spec.stdin_fd = in;
	spec.timeout_ms = KEYGEN_MS;
	spec.on_line = keep_first;
	spec.ctx = ret;
	if (!hk_process_run(&spec, NULL, err))
		return 0;
	if (err->code == HK_E_COMMAND_NOT_FOUND)
		return hk_error_hint(err, "install it: apt-get install openssh-client");
	if (err->code != HK_E_COMMAND_FAILED)
		return err->code;
	hk_error_set(err, HK_E_USAGE, "ssh-keygen does not take it for a public key");
	return hk_error_hint(err, "copy the .pub file as it is, in one line");
}

static int check_key(const struct kind *kind, const struct hk_key *key, struct hk_error *err)
{
	hk_auto_buf answer = HK_BUF_INIT;
	hk_auto_free char *bits = NULL;
	int64_t n = 0;

	if (ask_keygen(key->type, key->blob, &answer, err))
		return err->code;
	if (!strstr(answer.data, key->fingerprint))
		return hk_error_set(err, HK_E_INTERNAL, "ssh-keygen finds another fingerprint: %s",
				    answer.data);
	bits = hk_xstrndup(answer.data, strcspn(answer.data, " "));
	if (hk_human_parse_int(bits, 0, 1 << 20, &n, err))
		return err->code;
	if (n >= kind->min_bits)
		return 0;
	hk_error_set(err, HK_E_USAGE, "an RSA key of %d bits is not safe: %d are needed", (int)n,
		     (int)kind->min_bits);
	return hk_error_hint(err, "%s", make_one);
}

static int choose_label(const char *wanted, const char *comment, struct hk_key *key,
			struct hk_error *err)
{
	char label[HK_LABEL_LEN];

	if (wanted) {
		key->label = hk_xstrdup(wanted);
		return hk_label_check(wanted, err);
	}
	hk_label_from(comment, label);
	key->label = hk_xstrdup(label);
	if (*label)
		return 0;
	hk_error_set(err, HK_E_USAGE, "the key has no comment to be called by");
	return hk_error_hint(err, "give it a name with --label, such as --label ann@laptop");
}

static int read_line(const char *line, const char *label, struct hk_keys *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_key_release) struct hk_key key = { .label = NULL };
	size_t type_len = strcspn(line, " \t"), blob_len;
	const struct kind *kind = find_kind(line, type_len);
	const char *blob = line + type_len + strspn(line + type_len, " \t");
	const char *comment;

	if (!kind)
		return explain(line, err);
	blob_len = strcspn(blob, " \t");
	comment = blob + blob_len + strspn(blob + blob_len, " \t");
	key.type = hk_xstrndup(line, type_len);
	key.blob = hk_xstrndup(blob, blob_len);
	if (hk_fingerprint_of(key.blob, key.fingerprint, err) || check_key(kind, &key, err) ||
	    choose_label(label, comment, &key, err))
		return err->code;
	hk_keys_append(ret, &key);
	return 0;
}

static int check_bytes(const char *line, size_t len, struct hk_error *err)
{
	if (len && line[len - 1] == '\r') {
		hk_error_set(err, HK_E_USAGE, "the line ends with CR LF, as on Windows");
		return hk_error_hint(err, "convert the file with: sed -i 's/\\r$//' FILE");
	}
	if (len > LINE_BYTES_MAX)
		return hk_error_set(err, HK_E_USAGE, "the line has over %d bytes", LINE_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return hk_error_set(err, HK_E_USAGE, "the line has control characters");
	if (!hk_utf8_valid(line, len))
		return hk_error_set(err, HK_E_USAGE, "the line is not UTF-8");
	return 0;
}

static int take_line(const char *text, size_t len, const char *label, struct hk_keys *ret,
		     struct hk_error *err)
{
	hk_auto_free char *line = NULL;
	size_t skip;

	if (check_bytes(text, len, err))
		return err->code;
	line = hk_xstrndup(text, len);
	skip = strspn(line, " \t");
	if (!line[skip] || line[skip] == '#')
		return 0;
	if (label && ret->len)
		return hk_error_set(err, HK_E_USAGE, "--label names one key, and this is another");
	if (ret->len == KEYS_MAX)
		return hk_error_set(err, HK_E_USAGE, "more than %d keys", KEYS_MAX);
	return read_line(line + skip, label, ret, err);
}

int hk_keys_read(const char *text, size_t len, const char *what, const char *label,
		 struct hk_keys *ret, struct hk_error *err)
{
	hk_auto_keys keys = HK_KEYS_INIT;
	int number = 0;

	for (const char *p = text, *end = text + len; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (!stop)
			stop = end;
		number++;
		if (take_line(p, (size_t)(stop - p), label, &keys, err))
			return hk_error_prefix(err, "%s:%d", what, number);
		p = stop + 1;
	}
	if (!keys.len) {
		hk_error_set(err, HK_E_USAGE, "there is no key in %s", what);
		return hk_error_hint(err, "%s", make_one);
	}
	*ret = keys;
	keys = (struct hk_keys)HK_KEYS_INIT;
	return 0;
}
