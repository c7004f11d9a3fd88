/*
 * What one deployment may ask for beyond the configuration; kept as a number in the ledger, so
 * values never change.
 */
#ifndef HK_DEPLOY_REQUEST_H
#define HK_DEPLOY_REQUEST_H

enum hk_request_flags {
	HK_REQUEST_BUILD = 1 << 0,
	HK_REQUEST_NO_BUILD = 1 << 1,
	HK_REQUEST_INSTALL = 1 << 2,
	HK_REQUEST_NO_INSTALL = 1 << 3,
	HK_REQUEST_RESTART = 1 << 4,
	HK_REQUEST_NO_RESTART = 1 << 5,
	HK_REQUEST_ROLLBACK = 1 << 6, /* make a release live that is there, instead of a new one */
};

#endif
