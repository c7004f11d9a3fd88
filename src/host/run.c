/*
 * Running the machine's programs (contract in run.h).
 */
#include <host/run.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <sys/process.h>

#define LIMIT_MS 60000

static void take_line(void *ctx, const char *line, size_t len)
{
	struct hk_buf *last = ctx;

	if (!len)
		return;
	hk_buf_reset(last);
	hk_buf_add(last, line, len);
}

int hk_host_read(const char *const *argv, hk_line_fn *fn, void *ctx, struct hk_error *err)
{
	static const char *const env[] = { "PATH=" HK_HOST_PATH, "LC_ALL=C.UTF-8", "HOME=/root",
					   NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;

	spec.argv = argv;
	spec.env = env;
	spec.timeout_ms = LIMIT_MS;
	spec.on_line = fn;
	spec.ctx = ctx;
	return hk_process_run(&spec, NULL, err);
}

int hk_host_run(const char *const *argv, struct hk_error *err)
{
	hk_auto_buf last = HK_BUF_INIT;
	hk_auto_free char *message = NULL;

	if (!hk_host_read(argv, take_line, &last, err))
		return 0;
	if (!last.len)
		return err->code;
	message = hk_xstrdup(err->message);
	return hk_error_set(err, err->code, "%s: %s", message, last.data);
}
