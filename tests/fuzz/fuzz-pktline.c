/*
 * hook/pktline.h: what is read is what was sent, and what is written is read back.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <hook/pktline.h>

static void check_back(const struct hk_buf *line)
{
	hk_auto_buf out = HK_BUF_INIT, back = HK_BUF_INIT;
	struct hk_error err = HK_ERROR_INIT;
	int fd = memfd_create("back", MFD_CLOEXEC);
	bool more;

	hk_pktline_add(&out, line->data, line->len);
	hk_pktline_flush(&out);
	FUZZ_CHECK(write(fd, out.data, out.len) == (ssize_t)out.len && !lseek(fd, 0, SEEK_SET));
	FUZZ_CHECK(!hk_pktline_read(fd, &more, &back, &err) && more);
	/* A newline at the end is not part of a line. */
	FUZZ_CHECK(back.len == line->len || back.len + 1 == line->len);
	FUZZ_CHECK(!memcmp(back.data, line->data, back.len));
	FUZZ_CHECK(!hk_pktline_read(fd, &more, &back, &err) && !more);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("sent", MFD_CLOEXEC);
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf line = HK_BUF_INIT;
	bool more = true;

	FUZZ_CHECK(write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
	while (!hk_pktline_read(fd, &more, &line, &err)) {
		FUZZ_CHECK(line.len <= HK_PKTLINE_MAX && (more || !line.len));
		if (more && line.len)
			check_back(&line);
	}
	FUZZ_CHECK(err.code == HK_E_IO && *err.message);
	close(fd);
	return 0;
}
