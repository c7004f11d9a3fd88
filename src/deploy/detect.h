/*
 * What kind of application a tree is, by its files; one row per kind, in the order of the pipeline
 * document. Everything that depends on the kind (default commands, how a release is assembled, what
 * starts it) is in the row.
 */
#ifndef HK_DEPLOY_DETECT_H
#define HK_DEPLOY_DETECT_H

#include <stdbool.h>

#include <base/error.h>
#include <base/strlist.h>

struct hk_detected;

/* What the package manager of a kind runs; see package.h. */
struct hk_package_manager;

struct hk_app_type {
	const char *name;  /* value of [project] runtime, in the ledger */
	const char *title; /* for people */
	/* Recognises a tree; may fill in ret->server_dir and ret->flattened. */
	bool (*matches)(int tree_fd, struct hk_detected *ret);
	const struct hk_package_manager *packages; /* NULL: no dependencies */
	bool standalone; /* the release is assembled from the build's output and brings its
			    dependencies */
	bool is_served;	 /* its files are what a web server shows: no secrets among them */
	/* Default start command; may leave ret empty (nothing to start). */
	int (*start)(int release_fd, const struct hk_detected *d, struct hk_strlist *ret,
		     struct hk_error *err);
};

struct hk_detected {
	const struct hk_app_type *type;
	/*
	 * Next.js standalone: the folder of server.js relative to the tree (".next/standalone",
	 * ".next/standalone/apps/web"), or "." when the tree is the standalone output itself.
	 */
	char *server_dir;
	/*
	 * Where the same server.js is within the release: "" when the folder above became the
	 * release, "apps/web" when modules it needs lie beside it and the whole output was taken.
	 */
	char *entry_dir;
};

#define HK_DETECTED_INIT     \
	{                    \
		.type = NULL \
	}
void hk_detected_release(struct hk_detected *d);

/*
 * Detects the kind of the tree, or checks it against runtime (a row's name; "auto" detects).
 * HK_E_TYPE_UNKNOWN with a suggestion when no row matches.
 */
int hk_detect(int tree_fd, const char *runtime, struct hk_detected *ret,
	      struct hk_error *err) HK_MUST_CHECK;

/* Whether the tree is the output of a build already (flattened standalone): no install, no build.
 */
bool hk_detected_is_output(const struct hk_detected *d);

#endif
