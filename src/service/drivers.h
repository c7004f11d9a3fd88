/*
 * The rows of the driver table, and what drivers share (private to service).
 */
#ifndef HK_SERVICE_DRIVERS_H
#define HK_SERVICE_DRIVERS_H

#include <service/service.h>

extern const struct hk_service_driver hk_service_driver_systemd;
extern const struct hk_service_driver hk_service_driver_process;
extern const struct hk_service_driver hk_service_driver_command;
extern const struct hk_service_driver hk_service_driver_none;

/*
 * The folder to run in: a new descriptor of s->cwd_fd, or of the release that "app" links to. Fails
 * with HK_E_SERVICE_FAILED when nothing is deployed.
 */
int hk_service_open_folder(const struct hk_service *s, int *ret_fd,
			   struct hk_error *err) HK_MUST_CHECK;

#endif
