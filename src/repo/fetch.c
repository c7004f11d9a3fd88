/*
 * Fetching by libgit2 (contract in fetch.h).
 *
 * Refs are not mirrored: names of two repositories could not live in one folder (a and a/b), and a
 * tag of something that is no commit stops libgit2's negotiation when it lies outside refs/tags/.
 */
#include <repo/fetch.h>

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <git2/remote.h>
#include <git2/revwalk.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/clock.h>
#include <base/human.h>
#include <base/nearest.h>
#include <repo/git_edge.h>
#include <repo/upload_pack.h>

#define NEAREST 3
#define CANDIDATES_MAX 5
#define SAY_MS 2000
#define OID_DIGITS (HK_OID_LEN - 1)

struct fetch {
	struct hk_repo *repo;
	const struct hk_fetch_spec *spec;
	git_remote *remote;
	const git_remote_head **heads; /* what the other side has; the remote's */
	size_t n_heads;
	size_t key;	     /* the next one to try */
	int64_t said_at;     /* 0: nothing was said yet */
	struct hk_error why; /* of a callback that ended it */
};

/* --- What the other side asks for */

/* An agent has no file. */
static const char *const keys[] = { NULL, "id_ed25519", "id_ecdsa", "id_rsa" };

static int no_key(struct fetch *f)
{
	const char *home = f->spec->ssh_home;

	hk_error_set(&f->why, HK_E_FETCH_FAILED,
		     "'%s' accepts neither a key of an ssh agent nor one of '%s/.ssh'",
		     f->spec->url, home);
	hk_error_hint(&f->why,
		      "make one with ssh-keygen -t ed25519 -N '' -f %s/.ssh/id_ed25519 and add its "
		      ".pub to the keys that may read the repository",
		      home);
	return GIT_EUSER;
}

static int next_key(struct fetch *f, git_credential **out, const char *user)
{
	while (f->key < HK_ARRAY_LEN(keys)) {
		const char *name = keys[f->key++];
		hk_auto_free char *path = NULL;

		if (!name && getenv("SSH_AUTH_SOCK"))
			return git_credential_ssh_key_from_agent(out, user);
		if (!name)
			continue;
		path = hk_xasprintf("%s/.ssh/%s", f->spec->ssh_home, name);
		if (!access(path, R_OK))
			return git_credential_ssh_key_new(out, user, NULL, path, NULL);
	}
	return no_key(f);
}

static int give_credentials(git_credential **out, const char *url HK_UNUSED, const char *user,
			    unsigned allowed, void *payload)
{
	struct fetch *f = payload;
	struct passwd *pw = getpwuid(geteuid());

	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, pw ? pw->pw_name : "git");
	if (allowed & GIT_CREDENTIAL_SSH_KEY)
		return next_key(f, out, user);
	hk_error_set(&f->why, HK_E_FETCH_FAILED,
		     "'%s' asks for a user and a password, or there is no such repository",
		     f->spec->url);
	hk_error_hint(&f->why, "a private repository: use ssh and a deploy key, USER@HOST:PATH");
	return GIT_EUSER;
}

/* The port that the URL names behind that host; "22" when it does not. */
static void find_port(const char *url, const char *host, char *ret, size_t size)
{
	const char *at = strstr(url, host);
	size_t len;

	snprintf(ret, size, "22");
	if (!at || strncmp(url, "ssh://", 6) || at[strlen(host)] != ':')
		return;
	at += strlen(host) + 1;
	len = strspn(at, "0123456789");
	if (len && len < size)
		snprintf(ret, size, "%.*s", (int)len, at);
}

/* Answers with what libgit2 found, in words of ours. */
static int check_certificate(git_cert *cert, int valid, const char *host, void *payload)
{
	struct fetch *f = payload;
	const char *home = f->spec->ssh_home;
	char port[8];

	if (valid)
		return 0;
	if (cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2) {
		find_port(f->spec->url, host, port, sizeof(port));
		hk_error_set(&f->why, HK_E_FETCH_FAILED,
			     "the key of host '%s' is not in '%s/.ssh/known_hosts'", host, home);
		hk_error_hint(&f->why,
			      "add it, and compare its fingerprint with the one that the host's "
			      "operator gives: ssh-keyscan -p %s %s >>%s/.ssh/known_hosts",
			      port, host, home);
		return GIT_EUSER;
	}
	hk_error_set(&f->why, HK_E_FETCH_FAILED, "the certificate of '%s' cannot be verified",
		     host);
	hk_error_hint(&f->why,
		      "with an authority of your own: git config -f %s/.gitconfig http.sslCAInfo "
		      "FILE",
		      f->repo->home);
	return GIT_EUSER;
}

static int say_progress(const git_indexer_progress *p, void *payload)
{
	struct fetch *f = payload;
	bool complete = p->received_objects == p->total_objects;
	char size[HK_HUMAN_LEN];
	hk_auto_buf line = HK_BUF_INIT;

	if (!f->said_at)
		f->said_at = hk_clock_mono_ms();
	if (hk_clock_mono_ms() - f->said_at < SAY_MS)
		return 0;
	f->said_at = hk_clock_mono_ms();
	hk_buf_addf(&line, "received %u of %u objects, %s", p->received_objects, p->total_objects,
		    hk_human_size((int64_t)p->received_bytes, size));
	if (complete && p->total_deltas)
		hk_buf_addf(&line, "; resolved %u of %u deltas", p->indexed_deltas,
			    p->total_deltas);
	f->spec->progress(f->spec->ctx, line.data);
	return 0;
}

/* --- Connecting */

static int failed(struct fetch *f, struct hk_error *err)
{
	if (f->why.code) {
		*err = f->why;
		return err->code;
	}
	return hk_git_error(err, HK_E_FETCH_FAILED, "cannot fetch from '%s'", f->spec->url);
}

/* As git does it, but not libgit2 by itself. known_hosts is looked for where .gitconfig is. */
static int use_settings(struct fetch *f, struct hk_error *err)
{
	hk_auto_free char *authorities = NULL;

	if (hk_git_config_string(f->repo, "http.sslCAInfo", &authorities, err))
		return err->code;
	if (authorities &&
	    git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, authorities, (const char *)NULL))
		return hk_git_error(err, HK_E_FETCH_FAILED, "cannot read http.sslCAInfo '%s'",
				    authorities);
	if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_GLOBAL, f->spec->ssh_home))
		return hk_git_error(err, HK_E_INTERNAL, "cannot set the home '%s' in libgit2",
				    f->spec->ssh_home);
	return 0;
}

static int use_upload_pack(git_transport **out, git_remote *owner, void *payload)
{
	struct fetch *f = payload;

	return hk_upload_pack_transport(out, owner, f->repo->home);
}

static bool is_local(const char *url)
{
	return *url == '/' || !strncmp(url, "file://", 7);
}

static void set_callbacks(struct fetch *f, git_remote_callbacks *ret)
{
	ret->credentials = give_credentials;
	ret->certificate_check = check_certificate;
	ret->transfer_progress = say_progress;
	ret->payload = f;
	if (is_local(f->spec->url))
		ret->transport = use_upload_pack;
}

static int connect_remote(struct fetch *f, struct hk_error *err)
{
	git_remote_connect_options options;
	int rc;

	if (use_settings(f, err))
		return err->code;
	git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	set_callbacks(f, &options.callbacks);
	options.proxy_opts.type = GIT_PROXY_AUTO;
	rc = git_remote_create_anonymous(&f->remote, f->repo->git, f->spec->url);
	if (!rc)
		rc = git_remote_connect_ext(f->remote, GIT_DIRECTION_FETCH, &options);
	if (!rc)
		rc = git_remote_ls(&f->heads, &f->n_heads, f->remote);
	return rc ? failed(f, err) : 0;
}

static int download(struct fetch *f, char **refspecs, size_t n, struct hk_error *err)
{
	const git_strarray list = { .strings = refspecs, .count = n };
	git_fetch_options options;
	int rc;

	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	set_callbacks(f, &options.callbacks);
	options.proxy_opts.type = GIT_PROXY_AUTO;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	rc = git_remote_download(f->remote, &list, &options);
	return rc ? failed(f, err) : 0;
}

/* --- A branch or a tag */

static const char *below(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(name, folder, n) ? NULL : name + n;
}

static int missing(struct fetch *f, const char *folder, struct hk_error *err)
{
	const char *name = f->spec->ref + strlen(folder);
	hk_auto_nearest nearest = { .what = name, .max = NEAREST };
	const char *noun = strstr(folder, "tags") ? "tag" : "branch";
	hk_auto_buf names = HK_BUF_INIT;

	for (size_t i = 0; i < f->n_heads; i++) {
		const char *other = below(f->heads[i]->name, folder);

		if (other && !strstr(other, "^{}"))
			hk_nearest_consider(&nearest, other);
	}
	hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' has no %s '%s'", f->spec->url, noun, name);
	for (size_t i = 0; i < nearest.len; i++)
		hk_buf_addf(&names, "%s'%s'", i ? ", " : "", nearest.names[i]);
	if (!f->n_heads)
		return hk_error_hint(err, "nothing was pushed to it yet");
	if (!nearest.len)
		return hk_error_hint(err, "it has no %s at all", noun);
	return hk_error_hint(err, "it has the %s %s", noun, names.data);
}

static int fetch_ref(struct fetch *f, git_oid *ret, struct hk_error *err)
{
	static const char *const folders[] = { "refs/heads/", "refs/tags/" };
	hk_auto_free char *keeper = hk_fetch_keeper(f->spec->url);
	hk_auto_free char *refspec = hk_xasprintf("+%s:%s", f->spec->ref, keeper);

	for (size_t i = 0; i < f->n_heads; i++) {
		if (strcmp(f->heads[i]->name, f->spec->ref))
			continue;
		git_oid_cpy(ret, &f->heads[i]->oid);
		return download(f, &refspec, 1, err);
	}
	return missing(f, folders[!below(f->spec->ref, folders[0])], err);
}

/* --- A commit */

/* Only what branches and tags there lead to: not what was pushed here, or fetched elsewhere. */
static void push_heads(struct fetch *f, git_revwalk *walk)
{
	for (size_t i = 0; i < f->n_heads; i++) {
		const char *name = f->heads[i]->name;

		if (!below(name, "refs/heads/") && !below(name, "refs/tags/"))
			continue;
		/* What is no commit leads to none. */
		if (git_revwalk_push(walk, &f->heads[i]->oid))
			git_error_clear();
	}
}

static int judge(struct fetch *f, const git_oid *found, size_t n, git_oid *ret,
		 struct hk_error *err)
{
	hk_auto_buf names = HK_BUF_INIT;
	char hex[HK_OID_LEN];

	if (n == 1) {
		git_oid_cpy(ret, &found[0]);
		return 0;
	}
	if (!n) {
		hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' has no commit '%s' on a branch or tag",
			     f->spec->url, f->spec->commit);
		return hk_error_hint(err, "push it to a branch there");
	}
	hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' is the start of several commits of '%s'",
		     f->spec->commit, f->spec->url);
	for (size_t i = 0; i < n; i++)
		hk_buf_addf(&names, "%s%s", i ? ", " : "",
			    git_oid_tostr(hex, sizeof(hex), &found[i]));
	return hk_error_hint(err, "give more digits: %s", names.data);
}

static int find_commit(struct fetch *f, git_revwalk *walk, git_oid *ret, struct hk_error *err)
{
	size_t digits = strlen(f->spec->commit), n = 0;
	git_oid found[CANDIDATES_MAX], prefix, oid;
	int rc = 0;

	git_oid_fromstrn(&prefix, f->spec->commit, digits);
	while (n < CANDIDATES_MAX && !(n && digits == OID_DIGITS) &&
	       !(rc = git_revwalk_next(&oid, walk)))
		if (!git_oid_ncmp(&oid, &prefix, digits))
			git_oid_cpy(&found[n++], &oid);
	if (rc && rc != GIT_ITEROVER)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot look for the commit '%s'",
				    f->spec->commit);
	return judge(f, found, n, ret, err);
}

static int fetch_commit(struct fetch *f, git_oid *ret, struct hk_error *err)
{
	hk_auto_free char *heads = hk_xstrdup("+refs/heads/*:" HK_FETCH_REFS "heads/*");
	hk_auto_free char *tags = hk_xstrdup("+refs/tags/*:" HK_FETCH_REFS "tags/*");
	char *refspecs[] = { heads, tags };
	git_revwalk *walk = NULL;
	int rc;

	if (download(f, refspecs, HK_ARRAY_LEN(refspecs), err))
		return err->code;
	if (git_revwalk_new(&walk, f->repo->git))
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot look for the commit '%s'",
				    f->spec->commit);
	push_heads(f, walk);
	rc = find_commit(f, walk, ret, err);
	git_revwalk_free(walk);
	return rc;
}

/* --- The whole */

char *hk_fetch_keeper(const char *url)
{
	char hex[HK_OID_LEN];
	git_oid oid;

	git_odb_hash(&oid, url, strlen(url), GIT_OBJECT_BLOB);
	return hk_xasprintf(HK_FETCH_REFS "%s", git_oid_tostr(hex, sizeof(hex), &oid));
}

static int keep(struct fetch *f, const git_oid *oid, struct hk_commit *ret, struct hk_error *err)
{
	hk_auto_free char *keeper = hk_fetch_keeper(f->spec->url);
	char hex[HK_OID_LEN];

	if (hk_repo_resolve(f->repo, git_oid_tostr(hex, sizeof(hex), oid), ret, err))
		return err->code;
	return hk_repo_update_ref(f->repo, f->spec->pin, ret->oid, err)
		       ? err->code
		       : hk_repo_update_ref(f->repo, keeper, ret->oid, err);
}

int hk_repo_fetch(struct hk_repo *repo, const struct hk_fetch_spec *spec, struct hk_commit *ret,
		  struct hk_error *err)
{
	struct fetch f = { .repo = repo, .spec = spec };
	git_oid oid;
	int rc = connect_remote(&f, err);

	if (!rc)
		rc = spec->ref ? fetch_ref(&f, &oid, err) : fetch_commit(&f, &oid, err);
	if (!rc)
		rc = keep(&f, &oid, ret, err);
	git_remote_free(f.remote);
	return rc;
}
