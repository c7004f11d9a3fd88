/*
 * The proc-receive hook: in the strict mode git moves a ref only when its deployment has succeeded.
 * See githooks(5) for the conversation. In the other mode it lets git do everything.
 */
#ifndef HK_HOOK_PROC_RECEIVE_H
#define HK_HOOK_PROC_RECEIVE_H

/* Talks to receive-pack on stdin and stdout, and to the client on stderr. */
int hk_proc_receive(void);

#endif
