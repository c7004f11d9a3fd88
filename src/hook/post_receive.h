/*
 * The post-receive hook: records the deployment that a push asks for, starts its worker and relays
 * the log to the pushing client. Thin: libc, inih and sqlite only, because git starts it for every
 * push.
 */
#ifndef HK_HOOK_POST_RECEIVE_H
#define HK_HOOK_POST_RECEIVE_H

/*
 * Reads ref updates from stdin and talks to the client on stderr. The result is the exit status;
 * git ignores it, a person who runs the hook by hand does not.
 */
int hk_post_receive(void);

#endif
