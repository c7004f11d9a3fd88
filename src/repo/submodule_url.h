/*
 * Which URLs of a .gitmodules may be fetched from. Who pushes a commit chooses them, so they are
 * limited to what git takes for safe in submodules (CVE-2018-17456, CVE-2022-39253): https, ssh,
 * and its short form host:path.
 */
#ifndef HK_REPO_SUBMODULE_URL_H
#define HK_REPO_SUBMODULE_URL_H

#include <stdbool.h>

/*
 * Says why a URL must not be used, as the end of the sentence "the URL 'x' …"; NULL when it may.
 * local_allowed: paths of this machine may be (protocol.file.allow = always, git-config(1)).
 */
const char *hk_submodule_url_refusal(const char *url, bool local_allowed);

/* Whether it is a path of this machine, as a file:// URL or plainly. */
bool hk_submodule_url_is_local(const char *url);

#endif
