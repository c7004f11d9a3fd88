/*
 * hostkit service logs NAME: what the service has written. tail(1) does the reading.
 */
#include <cli/cli.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <cli/journal.h>
#include <cli/become.h>
#include <cli/open.h>
#include <sys/fs.h>
#include <sys/process.h>
#include <sys/signals.h>

#define LINES_DEFAULT 100
#define LIMIT_MS 60000
#define RELAY_LINE_MAX (64 << 10)

static const char *const names[] = { "app.log", "error.log" };

struct logs {
	struct hk_project project;
	struct hk_ledger *ledger;
	int fd; /* the folder */
	char *lines;
	struct hk_strlist files; /* those that are there */
};

#define LOGS_INIT                                    \
	{                                            \
		.project = HK_PROJECT_INIT, .fd = -1 \
	}

static void close_logs(struct logs *l)
{
	hk_cleanup_close(&l->fd);
	free(l->lines);
	hk_strlist_release(&l->files);
	hk_ledger_close(l->ledger);
	hk_project_close(&l->project);
}

static int take_count(struct hk_cli_call *call, struct logs *l, struct hk_error *err)
{
	const char *tail = hk_cli_value(call, "tail");
	int64_t n = LINES_DEFAULT;

	if (tail && hk_human_parse_int(tail, 0, 1000000, &n, err))
		return err->code;
	l->lines = hk_xasprintf("%lld", (long long)n);
	return 0;
}

static int open_logs(struct hk_cli_call *call, struct logs *l, struct hk_error *err)
{
	if (hk_cli_open(call, &l->project, &l->ledger, err) ||
	    hk_fs_open_dir(l->project.home_fd, "logs", &l->fd, err))
		return err->code;
	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		if (hk_fs_is_file(l->fd, names[i]))
			hk_strlist_add(&l->files, names[i]);
	if (l->files.len)
		return 0;
	hk_error_set(err, HK_E_SERVICE_FAILED, "the service of '%s' has written nothing yet",
		     l->project.name);
	return hk_error_hint(err, "is it running? hostkit service status %s", l->project.name);
}

/* Emptied, not removed: the service goes on writing into the same files. */
static int clear(const struct logs *l, struct hk_error *err)
{
	for (size_t i = 0; i < l->files.len; i++) {
		hk_auto_close int fd = openat(l->fd, l->files.items[i],
					      O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot clear '%s/logs/%s'",
						  l->project.home_path, l->files.items[i]);
	}
	return 0;
}

static void tail_words(const struct logs *l, bool follow, struct hk_strlist *ret)
{
	hk_strlist_add(ret, "tail");
	hk_strlist_add(ret, "-n");
	hk_strlist_add(ret, l->lines);
	if (follow)
		hk_strlist_add(ret, "-F");
	hk_strlist_add(ret, "--");
	hk_strlist_add_list(ret, &l->files);
}

static void print_line(void *ctx HK_UNUSED, const char *line, size_t len)
{
	printf("%.*s\n", (int)len, line);
	fflush(stdout);
}

/*
 * For root, who has become the user: a program of the user's own is open to all others of them, and
 * with it the terminal that it was given, which types what root would. It gets none.
 */
static int relay(const struct logs *l, bool follow, struct hk_error *err)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_strlist words = HK_STRLIST_INIT;

	tail_words(l, follow, &words);
	spec.argv = hk_strlist_argv(&words);
	spec.env = env;
	spec.cwd_fd = l->fd;
	spec.timeout_ms = -1;
	spec.max_line = RELAY_LINE_MAX;
	spec.on_line = print_line;
	hk_signals_default_pipe();
	return hk_process_run(&spec, NULL, err);
}

/* tail takes this process's place; its Ctrl-C is the user's. */
static int show(const struct logs *l, bool follow, struct hk_error *err)
{
	hk_auto_strlist words = HK_STRLIST_INIT;

	tail_words(l, follow, &words);
	fflush(stdout);
	if (fchdir(l->fd))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot enter '%s/logs'",
					  l->project.home_path);
	execvp(words.items[0], (char *const *)hk_strlist_argv(&words));
	return hk_error_set_errno(err, HK_E_COMMAND_NOT_FOUND, errno, "cannot run 'tail'");
}

static void take_line(void *ctx, const char *line, size_t len)
{
	hk_strlist_addf(ctx, "%.*s", (int)len, line);
}

/* The last lines of each file, as lists. */
static int to_json(struct hk_cli_call *call, struct logs *l, struct hk_error *err)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };

	call->data = hk_json_object();
	for (size_t i = 0; i < l->files.len; i++) {
		const char *const argv[] = {
			"tail", "-n", l->lines, "--", l->files.items[i], NULL
		};
		struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
		hk_auto_strlist lines = HK_STRLIST_INIT;
		hk_auto_free char *key =
			hk_xstrndup(l->files.items[i], strcspn(l->files.items[i], "."));

		spec.argv = argv;
		spec.env = env;
		spec.cwd_fd = l->fd;
		spec.timeout_ms = LIMIT_MS;
		spec.on_line = take_line;
		spec.ctx = &lines;
		if (hk_process_run(&spec, NULL, err))
			return err->code;
		hk_json_set(call->data, key, hk_json_strlist(&lines));
	}
	return 0;
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(close_logs) struct logs l = LOGS_INIT;
	bool follow = hk_cli_has(call, "follow"), root = hk_cli_is_host_root(call);

	if (call->json && follow)
		return hk_error_set(err, HK_E_USAGE, "--json and --follow exclude each other");
	if (hk_cli_has(call, "journal") && hk_cli_has(call, "clear"))
		return hk_error_set(err, HK_E_USAGE, "--journal and --clear exclude each other");
	if (take_count(call, &l, err))
		return err->code;
	/* As whoever asks: root reads what the project's user may not. */
	if (hk_cli_has(call, "journal"))
		return hk_cli_journal(call, l.lines, follow, err);
	if (hk_cli_become(call, HK_CLI_AS_PROJECT, err) || open_logs(call, &l, err))
		return err->code;
	if (hk_cli_has(call, "clear")) {
		if (clear(&l, err))
			return err->code;
		if (!call->json)
			printf("the logs of %s are empty now\n", l.project.name);
		else
			call->data = hk_json_object();
		return 0;
	}
	if (call->json)
		return to_json(call, &l, err);
	return root ? relay(&l, follow, err) : show(&l, follow, err);
}

const struct hk_cli_command hk_cli_logs_commands[] = {
	{ .group = "service",
	  .verb = "logs",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_CALLER,
	  .remote = true,
	  .summary = "Show what the service has written.",
	  .options = { { "tail", 'n', "N", "How many lines of each file. Default: 100." },
		       { "follow", 'f', NULL, "Go on as it writes more." },
		       { "journal", 0, NULL,
			 "Show what systemd's journal has of its unit instead, as root." },
		       { "clear", 0, NULL, "Empty the files instead." } },
	  .run = run },
	{ .group = NULL },
};
