/*
 * Between a deployment's worker and the process that fetches for it: how it is started, and the
 * lines of its output. What begins with neither word is progress.
 */
#ifndef HK_DEPLOY_FETCH_H
#define HK_DEPLOY_FETCH_H

/* hostkit-worker ROOT NAME fetch ID */
#define HK_FETCH_COMMAND "fetch"

#define HK_FETCH_ERROR "error: " /* followed by the code's name, a space and the message */
#define HK_FETCH_HINT "hint: "

#endif
