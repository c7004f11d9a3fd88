/*
 * Durations and sizes, both ways.
 */
#include <base/human.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "", 1000 },
};

static const struct unit sizes[] = {
	{ "K", 1 << 10 },
	{ "M", 1 << 20 },
	{ "G", 1 << 30 },
	{ "", 1 },
};

const char *hk_human_duration(int64_t ms, char out[HK_HUMAN_LEN])
{
	if (ms < 1000)
		snprintf(out, HK_HUMAN_LEN, "%lld ms", (long long)ms);
	else if (ms < 60 * 1000)
		snprintf(out, HK_HUMAN_LEN, "%d.%d s", (int)(ms / 1000), (int)(ms % 1000 / 100));
	else if (ms < 3600 * 1000)
		snprintf(out, HK_HUMAN_LEN, "%d m %02d s", (int)(ms / 60000),
			 (int)(ms / 1000 % 60));
	else
		snprintf(out, HK_HUMAN_LEN, "%lld h %02d m", (long long)(ms / 3600000),
			 (int)(ms / 60000 % 60));
	return out;
}

const char *hk_human_size(int64_t bytes, char out[HK_HUMAN_LEN])
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out, HK_HUMAN_LEN, "%lld B", (long long)bytes);
		return out;
	}
	/* 1023.95 is what one decimal would round up to 1024.0. */
	for (; v >= 1023.95 && i + 1 < HK_ARRAY_LEN(names); i++)
		v /= 1024;
	snprintf(out, HK_HUMAN_LEN, "%.1f %s", v, names[i]);
	return out;
}

/*
 * Reads digits behind a sign; returns the first byte behind them, or NULL when there are none. A
 * number that does not fit sets *overflow.
 */
static const char *digits(const char *s, bool negative, int64_t *ret, bool *overflow)
{
	int64_t v = 0;
	int d;

	*overflow = false;
	if (!isdigit((unsigned char)*s))
		return NULL;
	for (; isdigit((unsigned char)*s); s++) {
		d = negative ? '0' - *s : *s - '0';
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
			*overflow = true;
	}
	*ret = v;
	return s;
}

int hk_human_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct hk_error *err)
{
	bool negative = *s == '-', overflow;
	const char *end;
	int64_t v;

	end = digits(s + negative, negative, &v, &overflow);
	if (!end || *end)
		return hk_error_set(err, HK_E_USAGE, "'%s' is not a whole number", s);
	if (overflow || v < min || v > max)
		return hk_error_set(err, HK_E_USAGE, "'%s' is out of range: %lld to %lld", s,
				    (long long)min, (long long)max);
	*ret = v;
	return 0;
}

/* what: the noun with its article, and how to write one. */
static int parse_with_unit(const char *s, const struct unit *units, size_t n, const char *what,
			   int64_t *ret, struct hk_error *err)
{
	const char *end;
	bool overflow;
	int64_t v;

	end = digits(s, false, &v, &overflow);
	for (size_t i = 0; end && i < n; i++) {
		if (strcmp(end, units[i].suffix))
			continue;
		if (overflow || __builtin_mul_overflow(v, units[i].factor, &v))
			return hk_error_set(err, HK_E_USAGE, "'%s' is too large", s);
		*ret = v;
		return 0;
	}
	return hk_error_set(err, HK_E_USAGE, "'%s' is not %s", s, what);
}

int hk_human_parse_duration(const char *s, int64_t *ret_ms, struct hk_error *err)
{
	return parse_with_unit(s, durations, HK_ARRAY_LEN(durations),
			       "a duration: write 250ms, 30s, 10m or 1h", ret_ms, err);
}

int hk_human_parse_size(const char *s, int64_t *ret_bytes, struct hk_error *err)
{
	return parse_with_unit(s, sizes, HK_ARRAY_LEN(sizes), "a size: write 512, 64K, 200M or 2G",
			       ret_bytes, err);
}
