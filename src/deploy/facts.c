/*
 * The ledger's rows as JSON.
 */
#include <deploy/facts.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/request.h>

static struct hk_json *time_json(int64_t ms)
{
	char text[HK_CLOCK_RFC3339_LEN];

	return ms ? hk_json_string(hk_clock_rfc3339(ms, text)) : hk_json_null();
}

static struct hk_json *error_json(const struct hk_deployment *d)
{
	struct hk_json *error;

	if (!d->error_code)
		return hk_json_null();
	error = hk_json_object();
	hk_json_set(error, "code", hk_json_string(d->error_code));
	hk_json_set(error, "message", hk_json_string(d->error_message));
	hk_json_set(error, "hint", hk_json_string(d->error_hint));
	return error;
}

/* What was asked for beyond the settings, by the names of the options. */
static struct hk_json *options_json(unsigned flags)
{
	struct hk_json *list = hk_json_array();

	for (size_t i = 0; i < hk_request_options_len; i++)
		if (flags & hk_request_options[i].flag)
			hk_json_append(list, hk_json_string(hk_request_options[i].name));
	return list;
}

void hk_facts_deployment(struct hk_json *j, const struct hk_deployment *d)
{
	hk_json_set(j, "id", hk_json_int(d->id));
	hk_json_set(j, "status", hk_json_string(hk_status_name(d->status)));
	hk_json_set(j, "trigger", hk_json_string(d->trigger));
	hk_json_set(j, "ref", hk_json_string(d->ref));
	hk_json_set(j, "commit", hk_json_string(d->commit ? d->commit : d->object));
	hk_json_set(j, "source", hk_json_string(d->source));
	hk_json_set(j, "tag", hk_json_string(d->tag));
	hk_json_set(j, "summary", hk_json_string(d->summary));
	hk_json_set(j, "pusher", hk_json_string(d->pusher));
	hk_json_set(j, "key", hk_json_string(d->pusher_key));
	hk_json_set(j, "cancelled_by",
		    hk_json_string(d->status == HK_STATUS_CANCELLED ? d->canceller : NULL));
	hk_json_set(j, "reason", hk_json_string(d->reason));
	hk_json_set(j, "options", options_json(d->flags));
	hk_json_set(j, "release", hk_json_string(d->release));
	hk_json_set(j, "created_at", time_json(d->created_at));
	hk_json_set(j, "started_at", time_json(d->started_at));
	hk_json_set(j, "finished_at", time_json(d->finished_at));
	hk_json_set(j, "error", error_json(d));
}

int hk_facts_active(const struct hk_project *p, struct hk_ledger *l, struct hk_json **ret,
		    struct hk_error *err)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	hk_auto_free char *active = NULL;

	if (hk_project_active(p, &active, err) ||
	    (active && hk_ledger_get_release(l, active, &row, err)))
		return err->code;
	*ret = active ? hk_json_object() : hk_json_null();
	if (!active)
		return 0;
	hk_json_set(*ret, "release", hk_json_string(row.name));
	hk_json_set(*ret, "commit", hk_json_string(row.commit));
	hk_json_set(*ret, "ref", hk_json_string(row.ref));
	hk_json_set(*ret, "source", hk_json_string(row.source));
	hk_json_set(*ret, "type", hk_json_string(row.type));
	hk_json_set(*ret, "state", hk_json_string(row.state));
	hk_json_set(*ret, "deployed_at", time_json(row.deployed_at));
	hk_release_row_release(&row);
	return 0;
}
