/*
 * Ports of projects: choosing one, and whose one is.
 */
#ifndef HK_DEPLOY_PORT_H
#define HK_DEPLOY_PORT_H

#include <stdint.h>

#include <base/error.h>

/*
 * The first port from 3000 that no project of the root has in its settings and nothing listens on,
 * as text; the caller frees, and holds the installation, so that no other project gets it as well.
 * HK_E_PORT_IN_USE.
 */
int hk_port_choose(const char *root, char **ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * HK_E_PORT_IN_USE when another project than the one of that name has it in its settings; 0 is
 * nobody's.
 */
int hk_port_check_owner(const char *root, const char *name, int64_t port,
			struct hk_error *err) HK_MUST_CHECK;

#endif
