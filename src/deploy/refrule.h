/*
 * Which refs deploy: [deploy] branches and tags, and refs/deploy/.
 */
#ifndef HK_DEPLOY_REFRULE_H
#define HK_DEPLOY_REFRULE_H

#include <stdbool.h>

#include <base/buf.h>
#include <conf/conf.h>

/* In rising order of precedence when one push has several: only one deployment is made. */
enum hk_ref_class {
	HK_REF_OTHER,  /* does not deploy */
	HK_REF_BRANCH, /* matches [deploy] branches */
	HK_REF_TAG,    /* matches [deploy] tags */
	HK_REF_COMMIT, /* refs/deploy/… */
};

enum hk_ref_class hk_ref_classify(const struct hk_conf *conf, const char *ref);

/* The first of [deploy] branches that is a name and no pattern; NULL when there is none. */
const char *hk_ref_first_branch(const struct hk_conf *conf);

/* "branch 'main'", "tag 'v1'", "commit", or "ref 'refs/notes/x'"; appended to out. */
void hk_ref_describe(const char *ref, struct hk_buf *out);

/* The name without refs/heads/ or refs/tags/, or the whole of any other ref. */
const char *hk_ref_short(const char *ref);

/* 40 zeros stand for "no object" in hooks; see githooks(5). */
bool hk_ref_is_null_oid(const char *oid);

/* One line of a post-receive hook's input. Strings point into the line. */
struct hk_ref_update {
	const char *old_oid;
	const char *new_oid;
	const char *ref;
};

/*
 * Splits "<old> SP <new> SP <ref>" in place (githooks(5)). HK_E_USAGE unless both ids are 40 hex
 * digits and the ref begins with refs/ and has no control characters; line and ret are unchanged
 * then.
 */
int hk_ref_parse_update(char *line, struct hk_ref_update *ret, struct hk_error *err) HK_MUST_CHECK;

#endif
