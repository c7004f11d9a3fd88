/*
 * Who has a service's port.
 */
#ifndef HK_SERVICE_PORT_H
#define HK_SERVICE_PORT_H

#include <stdbool.h>
#include <sys/types.h>

#include <base/buf.h>
#include <base/error.h>

/*
 * Fails with HK_E_PORT_IN_USE when something listens on that port of 127.0.0.1; the message says
 * which process, as far as the caller may know. Old connections (TIME_WAIT) do not count. A check
 * for a good message, not a reservation: somebody else may still be quicker than the service.
 */
int hk_port_check(int port, struct hk_error *err) HK_MUST_CHECK;

/*
 * Whether something listens there, without trying to connect or to bind. *ret_pid is who, 0 where
 * the caller may not know; who gets it in words: "process 4711 ('node')".
 */
bool hk_port_find_listener(int port, pid_t *ret_pid, struct hk_buf *who);

/* Whose it is: whoever made the socket. false: nothing listens there, or it cannot be known. */
bool hk_port_find_owner(int port, uid_t *ret);

#endif
