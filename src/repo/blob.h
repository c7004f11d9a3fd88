/*
 * Blobs from the object database to descriptors and buffers.
 */
#ifndef HK_REPO_BLOB_H
#define HK_REPO_BLOB_H

#include <stdint.h>

#include <base/buf.h>
#include <base/error.h>
#include <repo/export.h>
#include <repo/git_edge.h>

struct hk_blobs {
	struct hk_repo *repo;
	git_odb *odb;
	const struct hk_export_spec *spec;
};

/* The object of that type, or HK_E_REPOSITORY_FAILED naming it and the path it belongs to. */
int hk_blobs_read(const struct hk_blobs *b, const git_oid *oid, git_object_t type, const char *path,
		  git_odb_object **ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * HK_E_REPOSITORY_FAILED for an object that libgit2 could not read (rc), or read but not make
 * sense of.
 */
int hk_blobs_unreadable(const struct hk_blobs *b, int rc, const git_oid *oid, const char *path,
			struct hk_error *err);

/*
 * Writes a blob to fd. A loose one is streamed; a packed one passes through memory, as it does in
 * git. *ret_bytes is its size.
 */
int hk_blobs_copy(const struct hk_blobs *b, const git_oid *oid, const char *path, int fd,
		  int64_t *ret_bytes, struct hk_error *err) HK_MUST_CHECK;

/* 0, HK_E_CANCELLED or HK_E_STAGE_TIMEOUT. */
int hk_blobs_interrupted(const struct hk_export_spec *spec, struct hk_error *err) HK_MUST_CHECK;

/* Writes everything; looks at cancel and deadline after every MiB. path is for messages. */
int hk_blobs_write(const struct hk_export_spec *spec, int fd, const void *data, size_t len,
		   const char *path, struct hk_error *err) HK_MUST_CHECK;

#endif
