/*
 * Failpoints: see failpoints.def. Without --enable-failpoints nothing of them is compiled.
 */
#ifndef HK_SYS_FAILPOINT_H
#define HK_SYS_FAILPOINT_H

#include <stdbool.h>

#include <base/error.h>

#ifdef HK_FAILPOINTS

enum hk_point {
#define HK_POINT(name, where) HK_POINT_##name,
#include <sys/failpoints.def>
#undef HK_POINT
	HK_POINT_COUNT
};

/*
 * 0 unless HOSTKIT_FAILPOINT names the point. "NAME:fail" sets err (HK_E_IO), "NAME:kill" does not
 * return, "NAME:stop" returns 0 after a SIGCONT; "NAME@N:…" counts to the Nth time in this process
 * that the point is passed.
 */
int hk_failpoint(enum hk_point point, struct hk_error *err);

#define HK_FAILPOINT(name, err) hk_failpoint(HK_POINT_##name, err)

/* See faultcalls.def. */
extern const int hk_faultcalls_are_on;

/*
 * Whether HOSTKIT_KERNEL_LACKS (words between commas) names what an older or stricter kernel does
 * not have.
 */
bool hk_failpoint_lacks(const char *feature);

#define HK_KERNEL_LACKS(feature) hk_failpoint_lacks(feature)

#else

#define HK_FAILPOINT(name, err) ((void)(err), 0)
#define HK_KERNEL_LACKS(feature) false

#endif

#endif
