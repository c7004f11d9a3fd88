/*
 * Package managers: the commands that install a tree's dependencies and build it.
 */
#ifndef HK_DEPLOY_PACKAGE_H
#define HK_DEPLOY_PACKAGE_H

#include <stdbool.h>

#include <base/error.h>
#include <base/json.h>
#include <base/strlist.h>

#define HK_PACKAGE_COMMANDS_MAX 3

/* Commands that run one after the other; release with hk_commands_release. */
struct hk_commands {
	size_t len;
	struct hk_strlist argv[HK_PACKAGE_COMMANDS_MAX];
};

#define HK_COMMANDS_INIT \
	{                \
		.len = 0 \
	}
#define hk_auto_commands HK_CLEANUP(hk_commands_release) struct hk_commands
void hk_commands_release(struct hk_commands *c);

/* Appends one command, given as words up to NULL. */
void hk_commands_add(struct hk_commands *c, ...) __attribute__((sentinel));

struct hk_package_manager {
	const char *name;
	bool (*has_manifest)(int tree_fd);
	bool (*has_build)(int tree_fd);
	/*
	 * Everything a build needs, into the staging folder; nothing when !will_build and the rest
	 * is done in the release.
	 */
	void (*install)(int tree_fd, bool will_build, struct hk_commands *ret);
	void (*build)(int tree_fd, struct hk_commands *ret);
	/* What the release needs at run time, given what install left in it. */
	void (*finish)(int release_fd, bool installed, bool built, struct hk_commands *ret);
	/*
	 * A folder that install made in staging and that cannot be moved into a release; NULL:
	 * none.
	 */
	const char *unmovable;
};

extern const struct hk_package_manager hk_package_npm;
extern const struct hk_package_manager hk_package_pip;

/* The manager whose manifest the tree has; NULL when there is none. */
const struct hk_package_manager *hk_package_find(int tree_fd);

/* package.json of a tree; HK_E_CONFIG_INVALID with line and column when it is no JSON object. */
int hk_package_json(int tree_fd, struct hk_json **ret, struct hk_error *err) HK_MUST_CHECK;

/* Whether the text of a package.json has a script of that name. */
bool hk_package_has_script(const char *text, size_t len, const char *name);

/* scripts.NAME of package.json; NULL when there is none; the caller frees. */
char *hk_package_script(int tree_fd, const char *name);

#endif
