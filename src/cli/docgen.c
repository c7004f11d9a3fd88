/*
 * Build tool: fills the template of a man page or an example. A line that is one of the marks below
 * is replaced by what the tables of the program say, so that no text can lag behind them.
 */
#include <stdio.h>
#include <string.h>

#include <cli/cli.h>
#include <conf/conf.h>

static void project_example(struct hk_buf *out)
{
	hk_conf_example(true, out);
}

static void defaults_example(struct hk_buf *out)
{
	hk_conf_example(false, out);
}

static const struct {
	const char *mark;
	void (*fill)(struct hk_buf *out);
} parts[] = {
	{ "@COMMANDS@\n", hk_cli_man },
	{ "@CODES@\n", hk_cli_man_codes },
	{ "@OPTIONS@\n", hk_conf_man },
	{ "@PROJECT_EXAMPLE@\n", project_example },
	{ "@DEFAULTS_EXAMPLE@\n", defaults_example },
};

static void put_line(const char *line)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(parts); i++) {
		struct hk_buf out = HK_BUF_INIT;

		if (strcmp(line, parts[i].mark))
			continue;
		parts[i].fill(&out);
		fwrite(out.data, 1, out.len, stdout);
		hk_buf_release(&out);
		return;
	}
	fputs(line, stdout);
}

int main(int argc, char **argv)
{
	hk_auto_fclose FILE *in = argc == 2 ? fopen(argv[1], "re") : NULL;
	char line[1024];

	if (!in) {
		fputs("usage: docgen TEMPLATE\n", stderr);
		return 2;
	}
	while (fgets(line, sizeof(line), in))
		put_line(line);
	return ferror(stdout) || ferror(in) ? 1 : 0;
}
