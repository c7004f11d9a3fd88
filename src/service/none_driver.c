/*
 * The driver of projects that have nothing to run: static sites, libraries, files.
 */
#include <service/drivers.h>

static int do_nothing(const struct hk_service *s HK_UNUSED, struct hk_error *err HK_UNUSED)
{
	return 0;
}

static int know_nothing(const struct hk_service *s HK_UNUSED, struct hk_service_state *ret,
			struct hk_error *err HK_UNUSED)
{
	*ret = (struct hk_service_state){ .known = false, .restarts = -1 };
	return 0;
}

const struct hk_service_driver hk_service_driver_none = {
	.name = "none",
	.start = do_nothing,
	.stop = do_nothing,
	.restart = do_nothing,
	.status = know_nothing,
};
