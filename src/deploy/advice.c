/*
 * Recovery steps as rows: the first row that fits is the scenario.
 */
#include <deploy/advice.h>

#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/human.h>

#define STEPS_MAX 5

struct scenario {
	const char *stage; /* NULL: any */
	enum hk_code code; /* 0: any */
	bool (*fits)(const struct hk_deploy *d);
	const char *steps[STEPS_MAX]; /* {NAME}: see values */
};

static bool answers_not_found(const struct hk_deploy *d)
{
	return d->health_status == 404;
}

static bool is_nextjs(const struct hk_deploy *d)
{
	return d->detected.type && !strncmp(d->detected.type->name, "nextjs", 6);
}

static bool lacks_nextjs_route(const struct hk_deploy *d)
{
	return answers_not_found(d) && is_nextjs(d);
}

#define NO_ROUTE_LEFT                                                                         \
	"rebuild and deploy again, or name another path: [health] path in the project's INI " \
	"file, or in hostkit.ini of the tree"

#define INSTALL_STEPS                                                     \
	"see where it stood: hostkit deploy log {name} {id}",             \
		"and the service: hostkit service logs {name} --tail 50", \
		"remove or replace large dependencies",                   \
		"try it locally, where it has {limit}: {command}",        \
		"deploy again: hostkit deploy {name} --install, or push"

static const struct scenario scenarios[] = {
	{ .code = HK_E_NO_SPACE,
	  .steps = { "see how full it is: df -h {home}",
		     "remove old releases: hostkit deploy {name} --cleanup (--keep 1 for more)",
		     "empty the service's logs: hostkit service logs {name} --clear" } },
	{ .stage = "install", .code = HK_E_COMMAND_TIMEOUT, .steps = { INSTALL_STEPS } },
	{ .stage = "dependencies", .code = HK_E_COMMAND_TIMEOUT, .steps = { INSTALL_STEPS } },
	{ .stage = "build",
	  .code = HK_E_COMMAND_TIMEOUT,
	  .steps = { "try it locally, where it has {build_limit}: {command}",
		     "mend it, commit, and push again" } },
	{ .stage = "build",
	  .code = HK_E_COMMAND_FAILED,
	  .steps = { "try it locally: {command}", "mend it, commit, and push again",
		     "a variable that it needs: hostkit env set {name} KEY=VALUE" } },
	{ .stage = "build",
	  .code = HK_E_COMMAND_SIGNALLED,
	  .steps = { "try it locally: {command}",
		     "when it was killed, there may be too little memory: dmesg | tail" } },
	{ .stage = "health",
	  .fits = lacks_nextjs_route,
	  .steps = { "add app/api/health/route.ts: export async function GET() { return "
		     "Response.json({ status: 'ok' }) }",
		     NO_ROUTE_LEFT } },
	{ .stage = "health",
	  .fits = answers_not_found,
	  .steps = { "add a route {path} that answers 200", NO_ROUTE_LEFT } },
	{ .stage = "health",
	  .code = HK_E_HEALTH_FAILED,
	  .steps = { "see what it says: hostkit service logs {name} --follow",
		     "look for errors in logs/error.log and app.log",
		     "mend it and push again, or go back" } },
	{ .stage = "restart",
	  .code = HK_E_SERVICE_FAILED,
	  .steps = { "see what it says: hostkit service logs {name} --follow",
		     "look for errors in logs/error.log and app.log",
		     "mend it and push again, or go back" } },
};

/* The value of a name in braces; the caller frees. */
static char *value_of(const struct hk_deploy *d, const char *name, size_t len)
{
	const struct hk_conf *conf = &d->project->conf;
	char limit[HK_HUMAN_LEN], build_limit[HK_HUMAN_LEN], id[24];
	const struct {
		const char *name, *value;
	} values[] = {
		{ "name", d->project->name },
		{ "id", id },
		{ "home", d->project->home_path },
		{ "path", conf->health_path },
		{ "command", *d->command ? d->command : "the command" },
		{ "limit", hk_human_duration(conf->install_timeout, limit) },
		{ "build_limit", hk_human_duration(conf->build_timeout, build_limit) },
	};

	snprintf(id, sizeof(id), "%lld", (long long)d->row.id);
	for (size_t i = 0; i < HK_ARRAY_LEN(values); i++)
		if (strlen(values[i].name) == len && !strncmp(values[i].name, name, len))
			return hk_xstrdup(values[i].value);
	return hk_xstrdup("");
}

static char *expand(const struct hk_deploy *d, const char *step)
{
	hk_auto_buf out = HK_BUF_INIT;

	while (*step) {
		const char *end = *step == '{' ? strchr(step, '}') : NULL;
		size_t n = end ? (size_t)(end - step) : 0;

		/* Only lower-case words are names: "{ return" is a step's own text. */
		if (end && strspn(step + 1, "abcdefghijklmnopqrstuvwxyz_") == n - 1) {
			hk_auto_free char *value = value_of(d, step + 1, n - 1);

			hk_buf_addstr(&out, value);
			step = end + 1;
		} else {
			hk_buf_addch(&out, *step++);
		}
	}
	return hk_buf_detach(&out);
}

static bool applies(const struct scenario *s, const struct hk_deploy *d, const struct hk_error *why)
{
	return (!s->stage || (d->failed_stage && !strcmp(s->stage, d->failed_stage))) &&
	       (!s->code || s->code == why->code) && (!s->fits || s->fits(d));
}

void hk_advice_steps(const struct hk_deploy *d, const struct hk_error *why, struct hk_strlist *ret)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(scenarios); i++) {
		if (!applies(&scenarios[i], d, why))
			continue;
		for (size_t k = 0; k < STEPS_MAX && scenarios[i].steps[k]; k++) {
			hk_auto_free char *step = expand(d, scenarios[i].steps[k]);

			hk_strlist_add(ret, step);
		}
		return;
	}
}
