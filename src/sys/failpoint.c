/*
 * Failpoints, for the fault tests.
 */
#include <sys/failpoint.h>

#ifdef HK_FAILPOINTS

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <base/human.h>

static const char *const names[] = {
#define HK_POINT(name, where) #name,
#include <sys/failpoints.def>
#undef HK_POINT
};

/* Splits "NAME[@N]:ACTION"; returns the action when it is the point's turn, else NULL. */
static const char *due(enum hk_point point, const char *wanted)
{
	static int64_t passed[HK_POINT_COUNT];
	size_t len = strlen(names[point]);
	const char *action = strchr(wanted, ':');
	int64_t turn = 1;

	if (!action || strncmp(wanted, names[point], len))
		return NULL;
	if (wanted[len] == '@') {
		char number[16] = "";
		struct hk_error ignored;

		snprintf(number, sizeof(number), "%.*s", (int)(action - wanted - (long)len - 1),
			 wanted + len + 1);
		if (hk_human_parse_int(number, 1, 1 << 20, &turn, &ignored))
			return NULL;
	} else if (wanted + len != action) {
		return NULL;
	}
	return ++passed[point] == turn ? action + 1 : NULL;
}

int hk_failpoint(enum hk_point point, struct hk_error *err)
{
	const char *wanted = getenv("HOSTKIT_FAILPOINT");
	const char *action = wanted ? due(point, wanted) : NULL;

	if (!action || !hk_faultcalls_are_on)
		return 0;
	if (!strcmp(action, "kill"))
		raise(SIGKILL);
	if (!strcmp(action, "stop")) {
		raise(SIGSTOP);
		return 0;
	}
	return hk_error_set_errno(err, HK_E_IO, EIO, "failpoint '%s'", names[point]);
}

bool hk_failpoint_lacks(const char *feature)
{
	const char *lacks = getenv("HOSTKIT_KERNEL_LACKS");
	size_t len = strlen(feature);

	for (const char *at = lacks; at && *at; at += *at == ',') {
		size_t n = strcspn(at, ",");

		if (n == len && !memcmp(at, feature, n))
			return true;
		at += n;
	}
	return false;
}

#else

/* An empty file is not C. */
extern int hk_failpoints_are_off;

#endif
