/*
 * Functions that hostkit does not use, made compile errors. Included first in every source file by
 * the build (-include). The reasons: no bounds (strcpy, sprintf), no error reporting (atoi, strtol
 * and relatives wrap or stop silently), hidden state (strtok), a shell (system, popen).
 */
#ifndef HK_BASE_BANNED_H
#define HK_BASE_BANNED_H

/* The C library's own headers must have been seen before the names are poisoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <inttypes.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef atoi
#undef atol
#undef strtol
#undef strtoul
#undef strtoll
#undef strtoull
#undef system
#undef popen
#undef ctime
#undef asctime
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll
#pragma GCC poison strtol strtoul strtoll strtoull system popen ctime asctime gets

#endif
