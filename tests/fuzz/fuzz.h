/*
 * What every fuzzer uses. A fuzzer is one function that takes bytes and ends the process where a
 * promise of a header is broken; see tests/fuzz.sh.
 */
#ifndef HK_TESTS_FUZZ_H
#define HK_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3): it stays in whatever NDEBUG says. */
#define FUZZ_CHECK(condition)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* Whether a text would do something else to a terminal than show: C0 (but no TAB) and DEL. */
static inline bool fuzz_has_control(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return true;
	return false;
}

#endif
