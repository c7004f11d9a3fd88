/*
 * Whether a service can have its port (private to service).
 */
#ifndef HK_SERVICE_PORT_H
#define HK_SERVICE_PORT_H

#include <base/error.h>

/*
 * Fails with HK_E_PORT_IN_USE when something listens on that port of 127.0.0.1; the message says
 * which process, as far as the caller may know. Old connections (TIME_WAIT) do not count. A check
 * for a good message, not a reservation: somebody else may still be quicker than the service.
 */
int hk_port_check(int port, struct hk_error *err) HK_MUST_CHECK;

#endif
