/*
 * Allocation that does not fail: out of memory ends the process. The pipeline has to survive
 * SIGKILL at any instant anyway, so there is one recovery path and not two.
 */
#ifndef HK_BASE_ALLOC_H
#define HK_BASE_ALLOC_H

#include <stddef.h>

#include <base/cleanup.h>

/* All return memory that the caller frees with free(); hk_xcalloc checks the product. */
void *hk_xmalloc(size_t size);
void *hk_xcalloc(size_t n, size_t size);
void *hk_xreallocarray(void *p, size_t n, size_t size);
char *hk_xstrdup(const char *s);
char *hk_xstrndup(const char *s, size_t n);
char *hk_xasprintf(const char *fmt, ...) HK_PRINTF(1, 2);

#endif
