/*
 * [database] kind = command: the administrator's own dump and restore, by standard output and
 * standard input. What a restore that failed has left, only its author can know.
 */
#include <database/kinds.h>

#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <sys/exec.h>

static int check_settings(const struct hk_database *db, struct hk_error *err)
{
	const struct {
		const char *key;
		const struct hk_command *command;
	} needed[] = { { "dump", &db->conf->database_dump },
		       { "restore", &db->conf->database_restore } };

	for (size_t i = 0; i < HK_ARRAY_LEN(needed); i++) {
		if (needed[i].command->argv.len)
			continue;
		hk_error_set(err, HK_E_CONFIG_INVALID,
			     "[database] kind = command needs [database] %s", needed[i].key);
		return hk_error_hint(err,
				     "name the command in the project's INI file, then: "
				     "hostkit config check %s",
				     db->project);
	}
	return 0;
}

static int dump(const struct hk_database *db, const struct hk_dump *to, struct hk_error *err)
{
	const struct hk_database_program p = {
		.argv = hk_strlist_argv(&db->conf->database_dump.argv),
		.env = db->env,
		.stdin_fd = -1,
		.stdout_fd = to->fd,
		.code = HK_E_CHECKPOINT_FAILED,
	};

	return hk_database_run(db, &p, err);
}

static int swap(const struct hk_database *db, const struct hk_dump *from, struct hk_error *err)
{
	const struct hk_database_program p = {
		.argv = hk_strlist_argv(&db->conf->database_restore.argv),
		.env = db->env,
		.stdin_fd = from->fd,
		.stdout_fd = -1,
		.code = HK_E_RESTORE_FAILED,
		.uncancellable = true,
	};

	if (lseek(from->fd, 0, SEEK_SET) < 0)
		return hk_error_set(err, HK_E_IO, "cannot read '%s'", from->path);
	return hk_database_run(db, &p, err);
}

static int examine(const struct hk_database *db, struct hk_strlist *warnings HK_UNUSED,
		   struct hk_buf *ret, struct hk_error *err)
{
	const struct hk_command *const commands[] = { &db->conf->database_dump,
						      &db->conf->database_restore };

	for (size_t i = 0; i < HK_ARRAY_LEN(commands); i++) {
		const char *name = commands[i]->argv.items[0];
		hk_auto_free char *program = hk_exec_find(db->conf->project_path, name);

		if (!program && !strchr(name, '/')) {
			hk_error_set(err, HK_E_COMMAND_NOT_FOUND,
				     "there is no '%s' in [project] path", name);
			return hk_error_hint(err, "install it, or add its folder to [project] path "
						  "in the project's INI file");
		}
		hk_buf_addf(ret, "%s%s", i ? ", " : "", program ? program : name);
	}
	return 0;
}

const struct hk_database_kind hk_database_command = {
	.name = "command",
	.stops_service = true,
	.check_settings = check_settings,
	.dump = dump,
	.swap = swap,
	.examine = examine,
};
