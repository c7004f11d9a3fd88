/*
 * A push as the hooks see it: its ref updates, its options, and which ref deploys.
 */
#ifndef HK_HOOK_PUSH_H
#define HK_HOOK_PUSH_H

#include <stdbool.h>

#include <base/buf.h>
#include <deploy/project.h>
#include <deploy/pusher.h>
#include <deploy/pushopt.h>
#include <deploy/refrule.h>
#include <store/ledger.h>
#include <ui/text.h>

struct hk_push {
	struct hk_text text; /* to the client */
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_buf input;
	size_t len;
	struct hk_ref_update *updates;	    /* into input */
	const struct hk_ref_update *chosen; /* NULL: none deploys */
	struct hk_push_options options;
};

/* Talks to the client on stderr; SIGPIPE is ignored from here on. */
void hk_push_init(struct hk_push *push);
void hk_push_release(struct hk_push *push);

/* Reads the updates from stdin, a line each (githooks(5)). HK_E_USAGE when there are none. */
int hk_push_read(struct hk_push *push, struct hk_error *err) HK_MUST_CHECK;

/* Adds one update; line is split in place and must stay. */
int hk_push_add(struct hk_push *push, char *line, struct hk_error *err) HK_MUST_CHECK;

/* GIT_PUSH_OPTION_COUNT and GIT_PUSH_OPTION_0…; see hk_push_option_add. */
int hk_push_read_options(struct hk_push *push, struct hk_error *err) HK_MUST_CHECK;

/* A commit named for deployment comes before tags, and these before branches; else the last one. */
void hk_push_choose(struct hk_push *push);

/* What was pushed but is not deployed is named, with the command that would deploy it. */
void hk_push_name_others(struct hk_push *push);

/* What refs hold now, for the ledger: the caller frees. */
struct hk_ref_seen *hk_push_seen(const struct hk_push *push);

/* What the chosen ref asks for; it borrows from the push and the pusher. */
void hk_push_request(const struct hk_push *push, struct hk_pusher *pusher,
		     struct hk_deployment_request *ret);

/*
 * Opens the ledger; a damaged one is for a worker to replace, which can read the releases and the
 * repository, while the client waits.
 */
int hk_push_open_ledger(struct hk_push *push, struct hk_error *err) HK_MUST_CHECK;

/* A worker that was killed has not said how it ended: that is found out here, as err. */
int hk_push_check_end(struct hk_push *push, int64_t id, struct hk_error *err) HK_MUST_CHECK;

/* An error and its hint, to the client. */
void hk_push_say_error(struct hk_push *push, const struct hk_error *err);

#endif
