/*
 * Drivers' records of a service.
 */
#include <service/record.h>

#include <errno.h>
#include <limits.h>

#include <base/json.h>
#include <sys/fs.h>

#define RECORD_MAX 4096

static void copy_text(const struct hk_json *j, const char *key, char *out, size_t size)
{
	const char *s = hk_json_get_string(j, key);

	snprintf(out, size, "%s", s ? s : "");
}

static int64_t get_size(const struct hk_json *j, const char *key)
{
	int64_t v = hk_json_get_int(j, key, 0);

	return v < 0 ? 0 : v;
}

int hk_service_record_load(int state_fd, const char *file, struct hk_service_record *ret,
			   struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	hk_auto_json *j = NULL;
	struct hk_service_record r = { .since_ms = 0 };
	struct hk_error why = HK_ERROR_INIT;
	int64_t pid;

	if (hk_fs_read_file(state_fd, file, RECORD_MAX, &text, &why)) {
		if (why.sys_errno == ENOENT) {
			*ret = r;
			return 0;
		}
		*err = why;
		return err->code;
	}
	if (hk_json_parse(text.data, text.len, file, HK_E_SERVICE_FAILED, &j, err))
		return err->code;
	pid = hk_json_get_int(j, "pid", 0);
	if (pid < 0 || pid == 1 || pid > INT_MAX)
		return hk_error_set(err, HK_E_SERVICE_FAILED, "'%s' names no process", file);
	r.leader.pid = (pid_t)pid;
	r.leader.start = (uint64_t)hk_json_get_int(j, "start", 0);
	r.since_ms = hk_json_get_int(j, "since_ms", 0);
	r.app_log = get_size(j, "app_log");
	r.error_log = get_size(j, "error_log");
	copy_text(j, "boot", r.leader.boot, sizeof(r.leader.boot));
	copy_text(j, "release", r.release, sizeof(r.release));
	r.stopped = hk_json_get_int(j, "stopped", 0) != 0;
	*ret = r;
	return 0;
}

int hk_service_record_save(int state_fd, const char *file, const struct hk_service_record *r,
			   struct hk_error *err)
{
	hk_auto_json *j = hk_json_object();
	hk_auto_buf text = HK_BUF_INIT;

	hk_json_set(j, "pid", hk_json_int(r->leader.pid));
	hk_json_set(j, "start", hk_json_int((int64_t)r->leader.start));
	hk_json_set(j, "boot", hk_json_string(r->leader.boot));
	hk_json_set(j, "release", hk_json_string(r->release));
	hk_json_set(j, "since_ms", hk_json_int(r->since_ms));
	hk_json_set(j, "app_log", hk_json_int(r->app_log));
	hk_json_set(j, "error_log", hk_json_int(r->error_log));
	hk_json_set(j, "stopped", hk_json_int(r->stopped));
	hk_json_write(j, &text);
	hk_buf_addch(&text, '\n');
	return hk_fs_write_file(state_fd, file, text.data, text.len, 0640, err);
}
