/*
 * The project's site of the web server (nginx), for [project] domain: from nginx-static.conf where
 * nginx serves the files itself ([project] runtime = static), else from nginx-proxy.conf.
 *
 * nginx is asked before it reloads; a configuration that it refuses is taken back, and the site is
 * what it was. A site that somebody has changed (certbot does) is left as it is, and a note says
 * so.
 */
#ifndef HK_HOST_SITE_H
#define HK_HOST_SITE_H

#include <stdbool.h>

#include <host/file.h>

/*
 * Nothing is made, and what was made is taken away, while no domain is set. HK_E_CONFIG_INVALID
 * with nginx's own words when it refuses the site, or its configuration was broken before;
 * HK_E_NAME_TAKEN when another site has the domain.
 */
int hk_host_site_make(const struct hk_host_project *hp, bool *ret_made,
		      struct hk_error *err) HK_MUST_CHECK;
/* Also one that was changed by hand. The home keeps its group until it is made or removed. */
int hk_host_site_remove(const struct hk_host_project *hp, struct hk_error *err) HK_MUST_CHECK;

/*
 * The group that the project's home has to have: the web server's, which has to pass through it to
 * what it serves itself, or else the project's own.
 */
gid_t hk_host_site_group(const struct hk_host_project *hp);

/* For doctor: the file as it has to be, and whether nginx is installed. */
struct hk_host_file hk_host_site_file(const struct hk_host_project *hp);
bool hk_host_site_has_server(void);

#endif
