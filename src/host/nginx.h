/*
 * nginx: asking it, and what is known of it (private to host).
 */
#ifndef HK_HOST_NGINX_H
#define HK_HOST_NGINX_H

#include <stdbool.h>
#include <sys/types.h>

#include <base/error.h>

/* Whether it is installed, as far as a site of ours needs it. */
bool hk_nginx_is_there(void);

/*
 * Whether it takes the whole configuration (nginx -t). HK_E_CONFIG_INVALID has the first of its own
 * words; HK_E_NAME_TAKEN when two sites have the domain (NULL: that is not asked).
 */
int hk_nginx_check(const char *domain, struct hk_error *err) HK_MUST_CHECK;

/* Makes a running one read its configuration; *ret_running tells whether there is one. */
int hk_nginx_reload(bool *ret_running, struct hk_error *err) HK_MUST_CHECK;

/* The group of its workers, by `user` in its configuration, else www-data; false: there is none. */
bool hk_nginx_group(gid_t *ret);

#endif
