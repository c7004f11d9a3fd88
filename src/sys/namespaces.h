/*
 * Namespaces for a confined command (private to sys): an own view of the filesystem, and no
 * network. What the kernel allows was tried before (hk_namespaces_try), so that nothing is left
 * half done.
 */
#ifndef HK_SYS_NAMESPACES_H
#define HK_SYS_NAMESPACES_H

#include <sys/sandbox.h>

/* In a forked child that ends afterwards: tries each, and says which succeeded. */
void hk_namespaces_try(struct hk_sandbox_kernel *ret);

/* In the child: makes those that the sandbox wants and its kernel allows, and fills them. */
int hk_namespaces_enter(const struct hk_sandbox *s, struct hk_error *err) HK_MUST_CHECK;

#endif
