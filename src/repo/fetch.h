/*
 * Fetching from another repository into a project's own: by https, ssh, or from a folder of this
 * machine (see url.h). Always asks the other side: what it has now is what is resolved.
 *
 * Blocks for as long as the network does, in places where nothing can be asked to stop: callers run
 * it in a process of its own.
 */
#ifndef HK_REPO_FETCH_H
#define HK_REPO_FETCH_H

#include <base/error.h>
#include <repo/repo.h>

/*
 * A ref of this prefix per URL holds the commit that was fetched last, so that the next fetch
 * brings only what is new. Clients do not see it.
 */
#define HK_FETCH_REFS "refs/hostkit/fetch/"

struct hk_fetch_spec {
	const char *url;
	const char *ref;    /* refs/heads/… or refs/tags/… there; NULL: a commit */
	const char *commit; /* 4 to 40 digits of its id; it must be on a branch or tag there */
	const char *pin;    /* the ref of the own repository that is to hold the commit */
	/*
	 * The folder whose .ssh holds the keys (id_ed25519, id_ecdsa, id_rsa, without a passphrase)
	 * and known_hosts. An agent ($SSH_AUTH_SOCK) is asked first. A host whose key is not known
	 * is refused.
	 */
	const char *ssh_home;
	/* Called with a line about every two seconds. */
	void (*progress)(void *ctx, const char *line);
	void *ctx;
};

/*
 * *ret is the commit that the pin and the URL's ref hold then. HK_E_REF_NOT_FOUND names the nearest
 * names, or for an id that is not enough the candidates; HK_E_FETCH_FAILED; HK_E_REPOSITORY_FAILED
 * for the own repository. Objects that were received before a failure are no harm.
 */
int hk_repo_fetch(struct hk_repo *repo, const struct hk_fetch_spec *spec, struct hk_commit *ret,
		  struct hk_error *err) HK_MUST_CHECK;

/* The ref that keeps what was fetched from a URL; the caller frees. */
char *hk_fetch_keeper(const char *url);

#endif
