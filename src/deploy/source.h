/*
 * Where a deployment comes from when it is not the project's own repository: a folder of this
 * machine, or another repository. Its row has the path or URL as its source then, and as its ref
 * the branch or tag there, or one of the words below. No ref of the own repository is meant by it,
 * whatever it is called: nothing is superseded by such a row, or waits for it.
 */
#ifndef HK_DEPLOY_SOURCE_H
#define HK_DEPLOY_SOURCE_H

#include <stdbool.h>

#include <base/buf.h>
#include <deploy/project.h>
#include <store/ledger.h>

#define HK_SOURCE_FOLDER "source" /* ref of a folder, which has neither object nor commit */
#define HK_SOURCE_COMMIT                                                         \
	"commit" /* ref of a commit; the object is what was asked for: 4+ digits \
		  */

bool hk_source_is_folder(const struct hk_deployment *d);
bool hk_source_is_repository(const struct hk_deployment *d);

/*
 * "folder '/srv/site'", "branch 'main' of 'URL'", "commit 1234567 of 'URL'"; without a source
 * "branch 'main' at 1234567". Appended to out; the strings may be NULL.
 */
void hk_source_describe(const char *source, const char *ref, const char *object,
			struct hk_buf *out);

/* The command that asks for the same once more, where the first one was given. */
void hk_source_command(const char *project, const struct hk_deployment *d, struct hk_buf *out);

/*
 * The absolute path without links of a folder that may be deployed. HK_E_SOURCE_NOT_FOUND when it
 * is not there or cannot be read; HK_E_USAGE for the root, and where it and the project's releases
 * contain each other. The caller frees *ret.
 */
int hk_source_find_folder(const struct hk_project *p, const char *path, char **ret,
			  struct hk_error *err) HK_MUST_CHECK;

#endif
