/*
 * Start commands.
 */
#include <deploy/start.h>

#include <base/alloc.h>
#include <base/json.h>
#include <service/service.h>

int hk_start_choose(const struct hk_conf *conf, int release_fd, const struct hk_detected *detected,
		    struct hk_strlist *ret, struct hk_error *err)
{
	const struct hk_service_driver *driver = hk_service_driver(conf->service_driver);

	if (!driver || !driver->uses_start)
		return 0;
	if (conf->service_start.argv.len) {
		hk_strlist_add_list(ret, &conf->service_start.argv);
		return 0;
	}
	return detected->type->start(release_fd, detected, ret, err);
}

char *hk_start_to_text(const struct hk_strlist *words)
{
	hk_auto_json *start = NULL;
	hk_auto_buf text = HK_BUF_INIT;

	if (!words->len)
		return NULL;
	start = hk_json_strlist(words);
	hk_json_write(start, &text);
	return hk_buf_detach(&text);
}
