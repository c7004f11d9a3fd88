/*
 * Service drivers, with the helper program as the service.
 */
#include "process-fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <service/service.h>
#include <sys/fs.h>

static char *temp_path;
static int temp_fd = -1;
static struct hk_error err;
static struct hk_conf conf;
static struct hk_strlist start_command;
static struct hk_buf output = HK_BUF_INIT;
static struct hk_service service;
static const struct hk_service_driver *process;
static const struct hk_service_driver *command;

static int set_up(void **state HK_UNUSED)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "PORT=4711", NULL };

	temp_fd = make_temp(&temp_path);
	assert_int_equal(mkdirat(temp_fd, "releases", 0755), 0);
	assert_int_equal(mkdirat(temp_fd, "releases/r1", 0755), 0);
	assert_int_equal(symlinkat("releases/r1", temp_fd, "app"), 0);
	err = (struct hk_error)HK_ERROR_INIT;
	memset(&conf, 0, sizeof(conf));
	conf.service_stop_timeout = 5000;
	conf.service_timeout = PATIENCE_MS;
	service = (struct hk_service){
		.name = "shop",
		.conf = &conf,
		.home_fd = temp_fd,
		.state_fd = temp_fd,
		.cwd_fd = -1,
		.release = "r1",
		.start = &start_command,
		.env = env,
		.cancel_fd = -1,
		.on_line = collect_line,
		.ctx = &output,
	};
	process = hk_service_driver("process");
	command = hk_service_driver("command");
	assert_non_null(process);
	assert_non_null(command);
	return 0;
}

static int tear_down(void **state HK_UNUSED)
{
	int r = process->stop(&service, &err);
	const char *name = strrchr(temp_path, '/') + 1;
	hk_auto_free char *parent = hk_xstrndup(temp_path, (size_t)(name - temp_path));
	hk_auto_close int parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	close(temp_fd);
	hk_strlist_release(&start_command);
	hk_strlist_release(&conf.service_start.argv);
	hk_strlist_release(&conf.service_stop.argv);
	hk_strlist_release(&conf.service_restart.argv);
	hk_strlist_release(&conf.service_status.argv);
	hk_buf_release(&output);
	assert_int_equal(hk_fs_remove_tree(parent_fd, name, &err), 0);
	free(temp_path);
	return r;
}

static void set_words(struct hk_strlist *l, const char *const *words)
{
	hk_strlist_release(l);
	for (; *words; words++)
		hk_strlist_add(l, *words);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SERVE(...) set_words(&start_command, WORDS(stubborn_path(), __VA_ARGS__))

static struct hk_service_state status_of(const struct hk_service_driver *driver)
{
	struct hk_service_state state;

	memset(&state, 0x55, sizeof(state));
	assert_int_equal(driver->status(&service, &state, &err), 0);
	return state;
}

/* The content of a file, once it holds text; events of another process have no descriptor here. */
static void wait_for_text(const char *path, const char *text, struct hk_buf *out)
{
	int64_t deadline = hk_clock_deadline(PATIENCE_MS);
	struct hk_error ignored;

	do {
		hk_buf_reset(out);
		if (hk_fs_read_file(temp_fd, path, 1 << 20, out, &ignored))
			continue;
		if (strstr(out->data, text))
			return;
		usleep(1000);
	} while (hk_clock_left(deadline));
	fail_msg("'%s' does not appear in %s: '%s'", text, path, out->data);
}

static void test_table(void **state HK_UNUSED)
{
	assert_null(hk_service_driver("systemd!"));
	assert_null(hk_service_driver(""));
	assert_true(process->has_process);
	assert_true(process->uses_start);
	assert_true(command->has_process);
	assert_false(command->uses_start);
	assert_false(hk_service_driver("none")->has_process);
}

static void test_none(void **state HK_UNUSED)
{
	const struct hk_service_driver *none = hk_service_driver("none");

	assert_int_equal(none->start(&service, &err), 0);
	assert_int_equal(none->restart(&service, &err), 0);
	assert_int_equal(none->stop(&service, &err), 0);
	assert_false(status_of(none).known);
	assert_false(status_of(none).running);
}

static void test_life(void **state HK_UNUSED)
{
	int64_t before = hk_clock_wall_ms();
	struct hk_service_state first, second;
	hk_auto_buf log = HK_BUF_INIT;
	hk_auto_free char *cwd = hk_xasprintf("cwd %s/releases/r1\n", temp_path);

	SERVE("print", "hello", "error", "oops", "env", "fds", "state", "print", "end");
	first = status_of(process);
	assert_true(first.known);
	assert_false(first.running);
	assert_int_equal(first.main.pid, 0);
	assert_string_equal(first.detail, "is not running");

	assert_int_equal(process->start(&service, &err), 0);
	first = status_of(process);
	assert_true(first.running);
	assert_true(hk_procid_alive(&first.main));
	assert_int_equal(getsid(first.main.pid), first.main.pid);
	assert_true(first.since_ms >= before && first.since_ms <= hk_clock_wall_ms());
	assert_string_equal(first.release, "r1");
	assert_string_equal(first.detail, "");
	wait_for_text("logs/app.log", "end\n", &log);
	/* The environment as given, and no descriptors between it and the state. */
	assert_non_null(strstr(log.data, "hello\nPATH=/usr/bin:/bin\nPORT=4711\nleader yes\n"));
	assert_non_null(strstr(log.data, cwd));
	wait_for_text("logs/error.log", "oops\n", &log);

	/* Starting what runs changes nothing. */
	assert_int_equal(process->start(&service, &err), 0);
	second = status_of(process);
	assert_int_equal(second.main.pid, first.main.pid);
	assert_true(second.main.start == first.main.start);

	assert_int_equal(process->restart(&service, &err), 0);
	second = status_of(process);
	assert_true(second.running);
	assert_false(hk_procid_alive(&first.main));
	assert_true(second.main.pid != first.main.pid || second.main.start != first.main.start);

	assert_int_equal(process->stop(&service, &err), 0);
	assert_false(hk_procid_alive(&second.main));
	assert_false(status_of(process).running);
	assert_int_equal(process->stop(&service, &err), 0);
}

static void test_log_modes(void **state HK_UNUSED)
{
	struct stat st;
	hk_auto_buf log = HK_BUF_INIT;

	SERVE("print", "first");
	assert_int_equal(process->start(&service, &err), 0);
	wait_for_text("logs/app.log", "first\n", &log);
	assert_int_equal(fstatat(temp_fd, "logs/app.log", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	SERVE("print", "second");
	assert_int_equal(process->restart(&service, &err), 0);
	wait_for_text("logs/app.log", "first\nsecond\n", &log);
}

static void test_log_is_no_link(void **state HK_UNUSED)
{
	struct stat st;

	SERVE("print", "x");
	assert_int_equal(mkdirat(temp_fd, "logs", 0755), 0);
	assert_int_equal(symlinkat("../stolen", temp_fd, "logs/app.log"), 0);
	assert_int_equal(process->start(&service, &err), HK_E_IO);
	assert_int_equal(err.sys_errno, ELOOP);
	assert_int_equal(fstatat(temp_fd, "stolen", &st, 0), -1);
	/* A FIFO without a reader must not block either. */
	assert_int_equal(unlinkat(temp_fd, "logs/app.log", 0), 0);
	assert_int_equal(mkfifoat(temp_fd, "logs/app.log", 0600), 0);
	assert_int_equal(process->start(&service, &err), HK_E_IO);
}

/* A service of somebody who has gone: the driver knows it from its record only. */
static void start_from_another_process(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(process->start(&service, &err) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_orphaned_service(void **state HK_UNUSED)
{
	struct hk_service_state s;

	SERVE("ignore-term", "fork", "2", "print", "up");
	conf.service_stop_timeout = 50;
	start_from_another_process();
	s = status_of(process);
	assert_true(s.running);
	assert_int_equal(process->stop(&service, &err), 0);
	assert_false(hk_procid_alive(&s.main));
	assert_false(status_of(process).running);
}

/* The leader has died, its children hold the port: a start ends them. */
static void test_start_after_lost_leader(void **state HK_UNUSED)
{
	struct lifeline life;
	struct hk_service_state s;
	hk_auto_buf log = HK_BUF_INIT;
	hk_auto_free char *fifo = hk_xasprintf("%s/fifo", temp_path);

	assert_int_equal(mkfifo(fifo, 0600), 0);
	life.reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	life.writer = open(fifo, O_WRONLY | O_CLOEXEC);
	set_words(&start_command,
		  WORDS("/bin/sh", "-c", "exec 0>>\"$1\"; exec \"$2\" fork 2 print up", "sh", fifo,
			stubborn_path()));
	assert_int_equal(process->start(&service, &err), 0);
	wait_for_text("logs/app.log", "up\n", &log);
	s = status_of(process);
	assert_true(s.main.pid > 1);
	assert_int_equal(kill(s.main.pid, SIGKILL), 0);
	assert_int_equal(waitpid(s.main.pid, NULL, 0), s.main.pid);
	assert_false(status_of(process).running);
	SERVE("print", "again");
	assert_int_equal(process->start(&service, &err), 0);
	assert_true(lifeline_ends(&life, 0));
	assert_true(status_of(process).running);
}

static void test_exit_is_told(void **state HK_UNUSED)
{
	struct hk_service_state s;
	siginfo_t info;

	SERVE("print", "up");
	assert_int_equal(process->start(&service, &err), 0);
	s = status_of(process);
	assert_true(s.main.pid > 1);
	assert_int_equal(kill(s.main.pid, SIGSEGV), 0);
	assert_int_equal(waitid(P_PID, (id_t)s.main.pid, &info, WEXITED | WNOWAIT), 0);
	s = status_of(process);
	assert_false(s.running);
	assert_int_equal(s.main.pid, 0);
	assert_int_equal(strncmp(s.detail, "was ended by SIGSEGV after ", 27), 0);
	/* Reaped by then. */
	assert_string_equal(status_of(process).detail, "is not running");
}

static void test_early_exit(void **state HK_UNUSED)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;

	SERVE("print", "starting", "error", "Error: no module 'x'", "exit", "3");
	assert_int_equal(process->restart(&service, &err), HK_E_SERVICE_FAILED);
	assert_int_equal(strncmp(err.message, "the service exited with status 3 after ", 39), 0);
	assert_non_null(strstr(err.message, ": Error: no module 'x'"));
	assert_string_equal(err.hint, "");
	hk_service_recent_log(process, &service, 5, &lines);
	assert_int_equal(lines.len, 1);

	SERVE("signal", "9");
	assert_int_equal(process->restart(&service, &err), HK_E_SERVICE_FAILED);
	assert_int_equal(strncmp(err.message, "the service was ended by SIGKILL after ", 39), 0);
	assert_null(strstr(err.message, "no module"));

	/* One that ends well may have started something: the health check decides. */
	SERVE("exit", "0");
	assert_int_equal(process->restart(&service, &err), 0);
}

static void test_start_failures(void **state HK_UNUSED)
{
	set_words(&start_command, WORDS("no-such-program"));
	assert_int_equal(process->start(&service, &err), HK_E_COMMAND_NOT_FOUND);
	assert_false(status_of(process).running);
	assert_int_equal(unlinkat(temp_fd, "app", 0), 0);
	SERVE("print", "x");
	assert_int_equal(process->start(&service, &err), HK_E_SERVICE_FAILED);
	assert_string_equal(err.message, "nothing is deployed to 'shop' yet");
	assert_non_null(strstr(err.hint, "hostkit deploy shop"));
}

/* What cannot be recorded must not run. */
static void test_record_before_exec(void **state HK_UNUSED)
{
	hk_auto_free char *mark = hk_xasprintf("%s/mark", temp_path);
	struct stat st;

	SERVE("pids", mark);
	service.state_fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(process->start(&service, &err), 0);
	close(service.state_fd);
	service.state_fd = temp_fd;
	assert_int_equal(stat(mark, &st), -1);
}

static void test_broken_record(void **state HK_UNUSED)
{
	struct hk_service_state s;
	hk_auto_strlist lines = HK_STRLIST_INIT;

	make_file(temp_fd, "service.json", "{\"pid\": 1, \"start\": 5}", 0600);
	assert_int_equal(process->status(&service, &s, &err), HK_E_SERVICE_FAILED);
	make_file(temp_fd, "service.json", "{", 0600);
	assert_int_equal(process->stop(&service, &err), HK_E_SERVICE_FAILED);
	assert_non_null(strstr(err.message, "service.json"));
	hk_service_recent_log(process, &service, 5, &lines);
	assert_int_equal(lines.len, 0);
	assert_int_equal(unlinkat(temp_fd, "service.json", 0), 0);
}

/* A record of another boot, or of a number that is somebody else's now: nobody is hurt. */
static void test_record_of_another(void **state HK_UNUSED)
{
	struct hk_procid self;
	hk_auto_free char *text = NULL;

	assert_true(hk_procid_of(getpid(), &self));
	text = hk_xasprintf("{\"pid\":%d,\"start\":%llu,\"boot\":\"%s\"}", (int)getpid(),
			    (unsigned long long)self.start - 1, self.boot);
	make_file(temp_fd, "service.json", text, 0600);
	assert_false(status_of(process).running);
	assert_int_equal(process->stop(&service, &err), 0);
	free(hk_steal_ptr(text));
	text = hk_xasprintf("{\"pid\":%d,\"start\":%llu,\"boot\":\"another\"}", (int)getpid(),
			    (unsigned long long)self.start);
	make_file(temp_fd, "service.json", text, 0600);
	assert_false(status_of(process).running);
	assert_int_equal(process->stop(&service, &err), 0);
}

static void test_empty_start(void **state HK_UNUSED)
{
	struct hk_service_state s;

	assert_int_equal(process->start(&service, &err), 0);
	assert_false(status_of(process).running);
	SERVE("print", "x");
	assert_int_equal(process->start(&service, &err), 0);
	s = status_of(process);
	hk_strlist_release(&start_command);
	assert_int_equal(process->restart(&service, &err), 0);
	assert_false(hk_procid_alive(&s.main));
	assert_false(status_of(process).running);
}

static int listen_somewhere(bool reuse, int *ret_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int on = reuse;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

/* Leaves a connection in TIME_WAIT on the server's side. */
static void make_time_wait(int listener, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server;
	char byte;

	assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	close(server);
	assert_int_equal(read(client, &byte, 1), 0);
	close(client);
}

static void test_port(void **state HK_UNUSED)
{
	hk_auto_free char *expected = NULL;
	int port;
	int fd = listen_somewhere(false, &port);

	make_time_wait(fd, port);
	SERVE("print", "x");
	conf.project_port = port;
	assert_int_equal(process->start(&service, &err), HK_E_PORT_IN_USE);
	expected = hk_xasprintf("port %d is taken by process %d ('", port, (int)getpid());
	if (strncmp(err.message, expected, strlen(expected)) != 0)
		fail_msg("%s", err.message);
	assert_true(err.hint[0] != '\0');
	assert_false(status_of(process).running);
	close(fd);
	assert_int_equal(process->start(&service, &err), 0);
	assert_true(status_of(process).running);
}

static void test_recent_log(void **state HK_UNUSED)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;
	hk_auto_buf log = HK_BUF_INIT;

	hk_service_recent_log(process, &service, 5, &lines);
	assert_int_equal(lines.len, 0);
	SERVE("error", "old", "print", "old");
	assert_int_equal(process->start(&service, &err), 0);
	wait_for_text("logs/app.log", "old\n", &log);

	/* Only app.log has something since this start. */
	SERVE("print", "a", "print", "b\033[2Jb", "print", "c");
	assert_int_equal(process->restart(&service, &err), 0);
	wait_for_text("logs/app.log", "c\n", &log);
	hk_service_recent_log(process, &service, 2, &lines);
	assert_int_equal(lines.len, 2);
	assert_null(strchr(lines.items[0], '\033'));
	assert_string_equal(lines.items[1], "c");

	/* Cut since: what is in it is new. */
	make_file(temp_fd, "logs/error.log", "n\n", 0640);
	hk_strlist_release(&lines);
	hk_service_recent_log(process, &service, 2, &lines);
	assert_int_equal(lines.len, 1);
	assert_string_equal(lines.items[0], "n");
}

static void test_command_driver(void **state HK_UNUSED)
{
	struct hk_service_state s;
	hk_auto_free char *pids = hk_xasprintf("%s/pids", temp_path);

	/* Nothing is set: each names its key. */
	assert_int_equal(command->start(&service, &err), HK_E_CONFIG_INVALID);
	assert_non_null(strstr(err.message, "[service] start is not set"));
	assert_int_equal(command->stop(&service, &err), HK_E_CONFIG_INVALID);
	assert_int_equal(command->restart(&service, &err), HK_E_CONFIG_INVALID);
	assert_false(status_of(command).known);

	set_words(&conf.service_start.argv,
		  WORDS(stubborn_path(), "pids", pids, "orphan", "print", "started", "exit", "0"));
	set_words(&conf.service_stop.argv,
		  WORDS("sh", "-c", "kill $(tail -1 \"$0\"); echo stopped", pids));
	set_words(&conf.service_status.argv,
		  WORDS("sh", "-c", "echo asked; kill -0 $(tail -1 \"$0\") 2>/dev/null", pids));
	s = status_of(command);
	assert_true(s.known);
	assert_false(s.running);
	assert_true(s.detail[0] != '\0');
	/* The daemon outlives its start command, which is not waited for through its output. */
	assert_int_equal(command->start(&service, &err), 0);
	assert_true(status_of(command).running);
	assert_int_equal(command->restart(&service, &err), 0);
	assert_string_equal(output.data, "started\nstopped\nstarted\n");
	assert_int_equal(command->stop(&service, &err), 0);

	hk_buf_reset(&output);
	set_words(&conf.service_restart.argv, WORDS("sh", "-c", "pwd; exit 6"));
	assert_int_equal(command->restart(&service, &err), HK_E_COMMAND_FAILED);
	assert_non_null(strstr(output.data, "/releases/r1\n"));
	set_words(&conf.service_status.argv, WORDS("/no/such/program"));
	assert_int_equal(command->status(&service, &s, &err), HK_E_COMMAND_NOT_FOUND);
	conf.service_timeout = 100;
	set_words(&conf.service_restart.argv, WORDS(stubborn_path(), "print", "hangs"));
	assert_int_equal(command->restart(&service, &err), HK_E_COMMAND_TIMEOUT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_table),
		T(test_none),
		T(test_life),
		T(test_log_modes),
		T(test_log_is_no_link),
		T(test_orphaned_service),
		T(test_start_after_lost_leader),
		T(test_exit_is_told),
		T(test_early_exit),
		T(test_start_failures),
		T(test_record_before_exec),
		T(test_broken_record),
		T(test_record_of_another),
		T(test_empty_start),
		T(test_port),
		T(test_recent_log),
		T(test_command_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
