/*
 * The first lines of every deployment's log.
 */
#ifndef HK_UI_HEAD_H
#define HK_UI_HEAD_H

#include <deploy/submit.h>

/* An hk_submit_head_fn: what is deployed, for whom, and what Ctrl-C does. */
void hk_head_write(int log_fd, const struct hk_project *p, const struct hk_deployment_request *req,
		   int64_t id);

#endif
