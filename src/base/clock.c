/*
 * Clocks and time formats.
 */
#include <base/clock.h>

#include <limits.h>
#include <stdio.h>
#include <time.h>

static int64_t now_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t hk_clock_mono_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

int64_t hk_clock_wall_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

int64_t hk_clock_deadline(int64_t ms)
{
	return ms < 0 ? INT64_MAX : hk_clock_mono_ms() + ms;
}

int hk_clock_left(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - hk_clock_mono_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

const char *hk_clock_rfc3339(int64_t wall_ms, char out[HK_CLOCK_RFC3339_LEN])
{
	time_t t = (time_t)(wall_ms / 1000);
	char date[HK_CLOCK_RFC3339_LEN - 8];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, HK_CLOCK_RFC3339_LEN, "%s.%03dZ", date, (int)(wall_ms % 1000));
	return out;
}

const char *hk_clock_label(int64_t wall_ms, char out[HK_CLOCK_LABEL_LEN])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, HK_CLOCK_LABEL_LEN, "%Y%m%d-%H%M%S", &tm);
	return out;
}
