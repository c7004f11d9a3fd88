/*
 * A hook's part of one deployment: submitting it and showing its log to the pushing client.
 */
#ifndef HK_HOOK_SERVE_H
#define HK_HOOK_SERVE_H

#include <deploy/submit.h>
#include <hook/push.h>
#include <ui/relay.h>

/*
 * Submits the chosen ref, or attaches to the deployment that does the same already
 * (*ret_attached). more_flags are added to those of the push options.
 */
int hk_serve_submit(struct hk_push *push, const struct hk_ref_seen *seen, size_t n_seen,
		    unsigned more_flags, struct hk_submission *ret, bool *ret_attached,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * Relays the log until the deployment has ended, or the client is gone or has stopped reading; see
 * hk_relay_run. A worker that was killed is recovered, and its end is err.
 */
int hk_serve_follow(struct hk_push *push, const struct hk_submission *s, enum hk_relay_end *ret_end,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
