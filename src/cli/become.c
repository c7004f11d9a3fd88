/*
 * Becoming somebody else (contract in become.h).
 */
#include <cli/become.h>

#include <sys/stat.h>
#include <unistd.h>

#include <base/words.h>
#include <cli/open.h>
#include <deploy/installation.h>
#include <deploy/owner.h>
#include <deploy/project.h>
#include <deploy/pusher.h>

/* The command line, to be repeated by root. */
static void quote_call(const struct hk_cli_call *call, struct hk_buf *out)
{
	hk_buf_addf(out, "hostkit %s%s%s", call->command->group, call->command->verb ? " " : "",
		    call->command->verb ? call->command->verb : "");
	for (int i = 0; i < call->n_operands; i++) {
		hk_buf_addch(out, ' ');
		hk_words_quote(out, call->operands[i]);
	}
	for (int i = 0; i < HK_CLI_OPTIONS_MAX && call->command->options[i].name; i++) {
		if (!call->values[i])
			continue;
		hk_buf_addf(out, " --%s", call->command->options[i].name);
		if (!call->command->options[i].arg)
			continue;
		hk_buf_addch(out, ' ');
		hk_words_quote(out, call->values[i]);
	}
}

static int need_root(const struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_buf line = HK_BUF_INIT;

	if (!geteuid())
		return 0;
	quote_call(call, &line);
	hk_error_set(err, HK_E_PERMISSION, "under the root / that is for root to do");
	return hk_error_hint(err, "sudo %s", line.data);
}

static int become_owner(const struct hk_cli_call *call, struct hk_error *err)
{
	const char *name = call->operands[0];
	hk_auto_buf line = HK_BUF_INIT;
	hk_auto_user u = HK_USER_INIT;

	if (hk_project_check(call->root, name, err) || hk_owner_find(name, &u, err))
		return err->code;
	if (geteuid() == u.uid && getuid() == u.uid)
		return 0;
	if (geteuid()) {
		quote_call(call, &line);
		hk_error_set(err, HK_E_PERMISSION,
			     "the project '%s' is for its user and for root to use", name);
		return hk_error_hint(err, "sudo %s", line.data);
	}
	hk_pusher_remember();
	if (hk_user_become(&u, err))
		return err->code;
	hk_user_environment(&u);
	umask(022);
	return 0;
}

int hk_cli_become(const struct hk_cli_call *call, enum hk_cli_as as, struct hk_error *err)
{
	if (!hk_installation_is_host(call->root) || as == HK_CLI_AS_CALLER)
		return 0;
	if (as == HK_CLI_AS_ROOT)
		return need_root(call, err);
	return call->n_operands ? become_owner(call, err) : 0;
}

int hk_cli_change(const struct hk_cli_call *call, const struct hk_project_change *changes, size_t n,
		  struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	int ret = hk_project_change(call->root, call->operands[0], changes, n, &notes, err);

	hk_cli_say_notes(&notes);
	return ret ? ret : hk_cli_become(call, HK_CLI_AS_PROJECT, err);
}

bool hk_cli_is_host_root(const struct hk_cli_call *call)
{
	return hk_installation_is_host(call->root) && !geteuid();
}

int hk_cli_run_as_owner(const char *name, hk_user_fn *fn, void *ctx, struct hk_buf *out,
			struct hk_error *err)
{
	hk_auto_user u = HK_USER_INIT;

	if (hk_owner_find(name, &u, err))
		return err->code;
	return hk_user_run(&u, fn, ctx, out, err);
}
