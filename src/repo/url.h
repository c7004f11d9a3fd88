/*
 * Where a repository may be fetched from. Knows no libgit2.
 */
#ifndef HK_REPO_URL_H
#define HK_REPO_URL_H

#include <base/error.h>

/*
 * Allowed are https://HOST/…, ssh://[USER@]HOST/…, [USER@]HOST:PATH (gitglossary's scp-like form),
 * file:///PATH and an absolute path. HK_E_USAGE for anything else: other protocols, those that are
 * neither encrypted nor authenticated (http, git) among them, remote helpers (NAME::…), and every
 * URL that holds a password or token: it would be in the ledger, in logs and in process lists.
 * Such a URL is not repeated in the message.
 */
int hk_url_check(const char *url, struct hk_error *err) HK_MUST_CHECK;

#endif
