/*
 * Choosing ports (contract in port.h).
 */
#include <deploy/port.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include <base/alloc.h>
#include <deploy/project.h>

#define FIRST_PORT 3000
#define LAST_PORT 9999

static bool is_free(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	hk_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return !bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

/* Which project has it; one whose file is broken is left out and not our concern here. */
static const char *owner_of(const char *root, const struct hk_strlist *names, int64_t port)
{
	for (size_t i = 0; i < names->len; i++) {
		struct hk_error ignored;
		struct hk_conf conf;
		bool same;

		if (hk_project_load_conf(root, names->items[i], &conf, NULL, &ignored))
			continue;
		same = conf.project_port == port;
		hk_conf_release(&conf);
		if (same)
			return names->items[i];
	}
	return NULL;
}

int hk_port_check_owner(const char *root, const char *name, int64_t port, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT, others = HK_STRLIST_INIT;
	const char *owner;

	if (!port)
		return 0;
	if (hk_project_list(root, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++)
		if (strcmp(names.items[i], name))
			hk_strlist_add(&others, names.items[i]);
	owner = owner_of(root, &others, port);
	if (!owner)
		return 0;
	hk_error_set(err, HK_E_PORT_IN_USE, "port %d is that of the project '%s'", (int)port,
		     owner);
	return hk_error_hint(err, "take another one; without --port, project create finds one");
}

int hk_port_choose(const char *root, char **ret, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_project_list(root, &names, err))
		return err->code;
	for (int port = FIRST_PORT; port <= LAST_PORT; port++) {
		if (owner_of(root, &names, port) || !is_free(port))
			continue;
		*ret = hk_xasprintf("%d", port);
		return 0;
	}
	hk_error_set(err, HK_E_PORT_IN_USE, "no port from %d to %d is free", FIRST_PORT, LAST_PORT);
	return hk_error_hint(err, "name one with --port");
}
