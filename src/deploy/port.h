/*
 * Choosing a port for a new project.
 */
#ifndef HK_DEPLOY_PORT_H
#define HK_DEPLOY_PORT_H

#include <base/error.h>

/*
 * The first port from 3000 that no project of the root has in its settings and nothing listens on,
 * as text; the caller frees, and holds the installation, so that no other project gets it as well.
 * HK_E_PORT_IN_USE.
 */
int hk_port_choose(const char *root, char **ret, struct hk_error *err) HK_MUST_CHECK;

#endif
