/*
 * Reading blobs and writing them out.
 */
#include <repo/blob.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <repo/entry_name.h>
#include <sys/fs.h>

#define MIB ((size_t)1024 * 1024)

int hk_blobs_interrupted(const struct hk_export_spec *spec, struct hk_error *err)
{
	struct pollfd p = { .fd = spec->cancel_fd, .events = POLLIN };

	if (spec->cancel_fd >= 0 && poll(&p, 1, 0) > 0)
		return hk_error_set(err, HK_E_CANCELLED, "the export was cancelled");
	if (spec->deadline != INT64_MAX && hk_clock_mono_ms() >= spec->deadline)
		return hk_error_set(err, HK_E_STAGE_TIMEOUT,
				    "the time is over before every file was written");
	return 0;
}

int hk_blobs_write(const struct hk_export_spec *spec, int fd, const void *data, size_t len,
		   const char *path, struct hk_error *err)
{
	char label[HK_ENTRY_LABEL_LEN];
	const char *s = data;
	int rc;

	for (;;) {
		size_t piece = len < MIB ? len : MIB;

		rc = hk_fs_write_all(fd, s, piece);
		if (rc)
			return hk_error_set_errno(err, HK_E_IO, rc, "cannot write '%s'",
						  hk_entry_label(path, label));
		s += piece;
		len -= piece;
		if (!len)
			return 0;
		rc = hk_blobs_interrupted(spec, err);
		if (rc)
			return rc;
	}
}

int hk_blobs_unreadable(const struct hk_blobs *b, int rc, const git_oid *oid, const char *path,
			struct hk_error *err)
{
	char label[HK_ENTRY_LABEL_LEN];
	hk_auto_free char *what = *path ? hk_xasprintf("'%s'", hk_entry_label(path, label))
					: hk_xstrdup("the commit");

	return hk_git_error_object(err, b->repo, rc, oid, what);
}

static int wrong_type(const struct hk_blobs *b, const git_oid *oid, const char *path,
		      struct hk_error *err)
{
	git_error_set_str(GIT_ERROR_ODB, "it is of another type");
	return hk_blobs_unreadable(b, GIT_ERROR, oid, path, err);
}

int hk_blobs_read(const struct hk_blobs *b, const git_oid *oid, git_object_t type, const char *path,
		  git_odb_object **ret, struct hk_error *err)
{
	int rc = git_odb_read(ret, b->odb, oid);

	if (rc)
		return hk_blobs_unreadable(b, rc, oid, path, err);
	if (git_odb_object_type(*ret) == type)
		return 0;
	git_odb_object_free(*ret);
	*ret = NULL;
	return wrong_type(b, oid, path, err);
}

static int copy_stream(const struct hk_blobs *b, git_odb_stream *s, size_t size, const git_oid *oid,
		       const char *path, int fd, struct hk_error *err)
{
	size_t piece = size < MIB ? size : MIB;
	hk_auto_free char *data = hk_xmalloc(piece);
	int rc = 0, n;

	while (!rc && size) {
		n = git_odb_stream_read(s, data, piece < size ? piece : size);
		if (n <= 0)
			return hk_blobs_unreadable(b, GIT_ERROR, oid, path, err);
		size -= (size_t)n;
		rc = hk_blobs_write(b->spec, fd, data, (size_t)n, path, err);
		if (!rc && size)
			rc = hk_blobs_interrupted(b->spec, err);
	}
	return rc;
}

int hk_blobs_copy(const struct hk_blobs *b, const git_oid *oid, const char *path, int fd,
		  int64_t *ret_bytes, struct hk_error *err)
{
	hk_auto_git_odb_object *object = NULL;
	git_odb_stream *stream = NULL;
	git_object_t type;
	size_t size;
	int rc;

	if (!git_odb_open_rstream(&stream, &size, &type, b->odb, oid)) {
		rc = type == GIT_OBJECT_BLOB ? copy_stream(b, stream, size, oid, path, fd, err)
					     : wrong_type(b, oid, path, err);
		git_odb_stream_free(stream);
		*ret_bytes = (int64_t)size;
		return rc;
	}
	rc = hk_blobs_read(b, oid, GIT_OBJECT_BLOB, path, &object, err);
	if (rc)
		return rc;
	*ret_bytes = (int64_t)git_odb_object_size(object);
	return hk_blobs_write(b->spec, fd, git_odb_object_data(object), git_odb_object_size(object),
			      path, err);
}
