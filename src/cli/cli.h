/*
 * The command line: commands are rows, and usage, help, hostkit(1) and option parsing follow from
 * them.
 */
#ifndef HK_CLI_CLI_H
#define HK_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <base/buf.h>
#include <base/error.h>
#include <base/json.h>
#include <base/strlist.h>
#include <deploy/key_reader.h>

struct hk_cli_option {
	const char *name; /* long name, without the hyphens */
	char letter;	  /* short name; 0: none */
	const char *arg;  /* what its value is called; NULL: it takes none */
	const char *help;
};

/* As whom a command runs under the root "/", where projects are users of the machine. */
enum hk_cli_as {
	HK_CLI_AS_PROJECT, /* the user of the project that the first operand names */
	HK_CLI_AS_ROOT,	   /* root, and nobody else */
	HK_CLI_AS_CALLER,  /* whoever runs it; root takes care not to touch what is a user's */
};

#define HK_CLI_OPTIONS_MAX 24

/* One run of one command. */
struct hk_cli_call {
	const struct hk_cli_command *command;
	const char *root; /* absolute, existing unless the command makes it */
	bool json;
	char *const *operands;
	int n_operands;
	const char *
		values[HK_CLI_OPTIONS_MAX]; /* by index of the command's options; "" for a switch */
	struct hk_json *data; /* set by the command when json is asked for; becomes "data" */
	bool answers;	      /* data is part of the answer also when the command fails */
	bool told;	      /* the failure that is returned has been shown to the user already */
};

struct hk_cli_command {
	const char *group;    /* first word */
	const char *verb;     /* second word; NULL for a command of one word */
	const char *operands; /* for the usage line: "NAME [ID]" */
	int min, max;	      /* how many operands */
	bool makes_root;      /* the root need not exist yet */
	enum hk_cli_as as;
	bool only_option;    /* $HOSTKIT_ROOT is not looked at */
	bool remote;	     /* hostkit shell may run it; see [project] shell */
	const char *local;   /* options that it may not give then, "a|b"; NULL: none */
	const char *summary; /* a line of the command list */
	const char
		*help; /* paragraphs for --help and the man page; NULL: the summary says it all */
	struct hk_cli_option options[HK_CLI_OPTIONS_MAX]; /* up to the first without a name */
	int (*run)(struct hk_cli_call *call, struct hk_error *err);
};

/* Every command, in the order of the help; one array per file of commands. */
extern const struct hk_cli_command hk_cli_project_commands[], hk_cli_config_commands[],
	hk_cli_deploy_commands[], hk_cli_deployment_commands[], hk_cli_health_commands[],
	hk_cli_service_commands[], hk_cli_recover_commands[], hk_cli_rollback_commands[],
	hk_cli_env_commands[], hk_cli_logs_commands[], hk_cli_pause_commands[],
	hk_cli_ratelimit_commands[], hk_cli_doctor_commands[], hk_cli_secrets_commands[],
	hk_cli_key_commands[], hk_cli_shell_commands[], hk_cli_start_commands[],
	hk_cli_checkpoint_commands[];

typedef void hk_cli_command_fn(void *ctx, const struct hk_cli_command *c);
void hk_cli_each_command(hk_cli_command_fn *fn, void *ctx);

/* The command that the first words name; *ret_words is how many of them. */
const struct hk_cli_command *hk_cli_find(int argc, char *const *argv, int *ret_words,
					 struct hk_error *err);

/* The value of an option of the call's command: NULL when it was not given, "" for a given switch.
 */
const char *hk_cli_value(const struct hk_cli_call *call, const char *option);
bool hk_cli_has(const struct hk_cli_call *call, const char *option);

/* The line "hint: ...", as whoever calls can use it: with a key, over ssh (deploy/key_reader.h). */
void hk_cli_print_hint(FILE *to, const char *indent, const char *hint);

/* Prints a text that names commands, for the same. */
void hk_cli_say(const char *fmt, ...) HK_PRINTF(1, 2);

void hk_cli_usage(const struct hk_cli_command *c, struct hk_buf *out);
void hk_cli_help(const struct hk_cli_command *c, struct hk_buf *out);
/* Of all commands, or of those that the holder of a key may run. */
void hk_cli_overview(const struct hk_key_reader *reader, struct hk_buf *out);

/* The COMMANDS part of hostkit(1), in man(7) markup. */
void hk_cli_man(struct hk_buf *out);

/* The table of exit statuses and codes of hostkit(1). */
void hk_cli_man_codes(struct hk_buf *out);

/* The whole program: returns its exit status. */
int hk_cli_main(int argc, char **argv);

#endif
