/*
 * Reading a secret (contract in secrets_input.h).
 */
#include <cli/secrets_input.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <store/vault.h>

/* Up to the end, or the end of a line; returns how many bytes, -1 for a failure. */
static ssize_t read_bytes(int fd, char *out, size_t max, bool one_line)
{
	size_t len = 0;

	while (len < max) {
		ssize_t n = read(fd, out + len, one_line ? 1 : max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n || (one_line && out[len] == '\n'))
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static ssize_t ask(const char *name, char *out, size_t max, struct hk_error *err)
{
	hk_auto_close int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios shown, hidden;
	ssize_t n;

	if (tty < 0 || tcgetattr(tty, &shown)) {
		hk_error_set(err, HK_E_USAGE, "there is no terminal to ask for the value of '%s'",
			     name);
		hk_error_hint(err, "give it on standard input: --stdin");
		return -1;
	}
	hidden = shown;
	hidden.c_lflag &= (tcflag_t)~ECHO;
	hidden.c_lflag |= ECHONL;
	/* In this order: what is typed at the prompt is neither shown nor thrown away. */
	tcsetattr(tty, TCSAFLUSH, &hidden);
	dprintf(tty, "value of %s (not shown): ", name);
	n = read_bytes(tty, out, max, true);
	tcsetattr(tty, TCSAFLUSH, &shown);
	if (n < 0)
		hk_error_set_errno(err, HK_E_IO, errno, "cannot read from the terminal");
	return n;
}

static int check(const char *name, const char *text, size_t len, struct hk_error *err)
{
	if (len > HK_VAULT_VALUE_MAX)
		return hk_error_set(err, HK_E_USAGE, "the value of '%s' is longer than %d bytes",
				    name, HK_VAULT_VALUE_MAX);
	if (strlen(text) != len)
		return hk_error_set(err, HK_E_USAGE, "the value of '%s' has a NUL byte", name);
	return len ? 0 : hk_error_set(err, HK_E_USAGE, "the value of '%s' is empty", name);
}

int hk_secrets_input(const char *name, bool from_stdin, char **ret, struct hk_error *err)
{
	size_t max = HK_VAULT_VALUE_MAX + 2;
	char *text = hk_vault_alloc(max + 1);
	ssize_t n;

	if (!text)
		return hk_error_set(err, HK_E_VAULT_FAILED, "no locked memory is left for secrets");
	n = from_stdin ? read_bytes(STDIN_FILENO, text, max, false) : ask(name, text, max, err);
	if (n < 0 && !err->code)
		hk_error_set_errno(err, HK_E_IO, errno, "cannot read standard input");
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n >= 0)
		text[n] = '\0';
	if (n < 0 || check(name, text, (size_t)n, err)) {
		hk_vault_free(text);
		return err->code;
	}
	*ret = text;
	return 0;
}
