/*
 * The edge to sd-bus of a build without libsystemd.
 */
#include <service/sdbus.h>

static int not_built(struct hk_error *err)
{
	hk_error_set(err, HK_E_NOT_SUPPORTED, "this hostkit was built without libsystemd");
	return hk_error_hint(err, "install libsystemd-dev and build it again");
}

int hk_sdbus_open(enum hk_sdbus_manager manager HK_UNUSED, struct hk_sdbus **ret HK_UNUSED,
		  struct hk_error *err)
{
	return not_built(err);
}

void hk_sdbus_close(struct hk_sdbus *b HK_UNUSED)
{
}

void hk_cleanup_sdbus(struct hk_sdbus **b HK_UNUSED)
{
}

int hk_sdbus_run_job(struct hk_sdbus *b HK_UNUSED, const char *method HK_UNUSED,
		     const char *unit HK_UNUSED, const struct hk_sdbus_limit *limit HK_UNUSED,
		     char ret_result[HK_SDBUS_RESULT_LEN] HK_UNUSED, struct hk_error *err)
{
	return not_built(err);
}

int hk_sdbus_run_transient(struct hk_sdbus *b HK_UNUSED, const char *unit HK_UNUSED,
			   const struct hk_sdbus_setting *settings HK_UNUSED, size_t n HK_UNUSED,
			   const struct hk_sdbus_limit *limit HK_UNUSED,
			   char ret_result[HK_SDBUS_RESULT_LEN] HK_UNUSED, struct hk_error *err)
{
	return not_built(err);
}

int hk_sdbus_read_unit(struct hk_sdbus *b HK_UNUSED, const char *unit HK_UNUSED,
		       const struct hk_sdbus_field *fields HK_UNUSED, size_t n HK_UNUSED,
		       const struct hk_sdbus_limit *limit HK_UNUSED, struct hk_error *err)
{
	return not_built(err);
}
