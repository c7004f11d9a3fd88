/*
 * The ssh keys of a project: HOME/.ssh/authorized_keys, whose lines sshd reads. A line of ours
 * gives its key the forced command `hostkit shell` and nothing else:
 *
 *   restrict,command="/usr/local/bin/hostkit shell --key ann" ssh-ed25519 AAAA… ann
 *
 * Under another root than "/" the command also has --root and --project. Lines that are not ours
 * are kept as they are.
 *
 * Under "/" folder and file are root's, and readable for the project's group: sshd takes root for
 * an owner, and who is the project's user cannot add a key. Nothing is followed there, and a folder
 * that is not root's is refused. Under another root both are the caller's alone.
 */
#ifndef HK_HOST_KEYS_H
#define HK_HOST_KEYS_H

#include <stdbool.h>

#include <base/buf.h>
#include <base/error.h>
#include <store/fingerprint.h>

struct hk_key {
	char *label;
	char *type; /* "ssh-ed25519" */
	char *blob; /* the key in base64 */
	char fingerprint[HK_FINGERPRINT_LEN];
	char *program; /* of a line of ours: the hostkit that it runs; else NULL */
};

struct hk_keys {
	struct hk_key *items;
	size_t len;
	size_t others; /* lines of a file that are not ours */
};

#define HK_KEYS_INIT          \
	{                     \
		.items = NULL \
	}
#define hk_auto_keys HK_CLEANUP(hk_keys_release) struct hk_keys
void hk_keys_release(struct hk_keys *k);

/* NULL when there is none. */
const struct hk_key *hk_keys_find(const struct hk_keys *k, const char *label);

/*
 * Public keys as people hand them over: one per line, as in a .pub file; empty lines and comments
 * are left out. Each is looked at by ssh-keygen(1). label (may be NULL) names the only one; else
 * each is called by its comment. what is the file's name for messages, "WHAT:LINE: …". HK_E_USAGE
 * for anything else than a public key of a kind that is still safe: a private key, options, DSA,
 * RSA below 2048 bits, a certificate, CR LF; HK_E_COMMAND_NOT_FOUND without ssh-keygen.
 */
int hk_keys_read(const char *text, size_t len, const char *what, const char *label,
		 struct hk_keys *ret, struct hk_error *err) HK_MUST_CHECK;

/* Whose keys; all borrowed. */
struct hk_keys_of {
	const char *root;
	const char *project;
	const char *home; /* its home */
};

/* The keys that are ours, in the order of the file. */
int hk_keys_list(const struct hk_keys_of *of, struct hk_keys *ret,
		 struct hk_error *err) HK_MUST_CHECK;

/* All of them or none; HK_E_USAGE when a label or a key is there already, HK_E_PERMISSION. */
int hk_keys_add(const struct hk_keys_of *of, const struct hk_keys *keys,
		struct hk_error *err) HK_MUST_CHECK;

/* HK_E_KEY_NOT_FOUND; the hint lists the labels. */
int hk_keys_remove(const struct hk_keys_of *of, const char *label,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
