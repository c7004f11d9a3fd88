/*
 * systemd's managers over sd-bus (contract in sdbus.h).
 */
#include <service/sdbus.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include <base/alloc.h>
#include <base/clock.h>

#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT_PREFIX "/org/freedesktop/systemd1/unit"

#define auto_error HK_CLEANUP(sd_bus_error_free) sd_bus_error
#define auto_message HK_CLEANUP(sd_bus_message_unrefp) sd_bus_message

struct hk_sdbus {
	sd_bus *bus;
	bool subscribed;
	char *job;			  /* the path of the one that is waited for; NULL: none */
	char result[HK_SDBUS_RESULT_LEN]; /* "" until it has ended */
};

/* --- Errors */

/* Errors that say more than that something failed. */
static const struct {
	const char *name;
	enum hk_code code;
	int sys_errno;
} errors[] = {
	{ "org.freedesktop.DBus.Error.AccessDenied", HK_E_PERMISSION, EACCES },
	{ "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", HK_E_PERMISSION, EACCES },
	{ "org.freedesktop.DBus.Error.ServiceUnknown", HK_E_NOT_SUPPORTED, 0 },
	{ "org.freedesktop.DBus.Error.NameHasNoOwner", HK_E_NOT_SUPPORTED, 0 },
	{ "org.freedesktop.DBus.Error.Disconnected", HK_E_NOT_SUPPORTED, 0 },
	{ "org.freedesktop.DBus.Error.NoReply", HK_E_SERVICE_FAILED, ETIMEDOUT },
	{ "org.freedesktop.DBus.Error.Timeout", HK_E_SERVICE_FAILED, ETIMEDOUT },
	{ "org.freedesktop.systemd1.NoSuchUnit", HK_E_SERVICE_FAILED, ENOENT },
};

static int failed(const char *what, const char *unit, int r, const sd_bus_error *e,
		  struct hk_error *err)
{
	enum hk_code code = HK_E_SERVICE_FAILED;
	int sys_errno = -r;

	for (size_t i = 0; e->name && i < HK_ARRAY_LEN(errors); i++)
		if (!strcmp(e->name, errors[i].name)) {
			code = errors[i].code;
			sys_errno = errors[i].sys_errno;
		}
	hk_error_set(err, code, "systemd: %s of '%s': %s", what, unit,
		     e->message ? e->message : strerror(-r));
	err->sys_errno = sys_errno;
	return err->code;
}

/* --- Connections */

static char *address_of(enum hk_sdbus_manager manager, bool *ret_is_bus)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	*ret_is_bus = manager == HK_SDBUS_SYSTEM && geteuid();
	if (*ret_is_bus)
		return hk_xstrdup("unix:path=/run/dbus/system_bus_socket");
	if (manager == HK_SDBUS_SYSTEM)
		return hk_xstrdup("unix:path=/run/systemd/private");
	if (dir && *dir == '/')
		return hk_xasprintf("unix:path=%s/systemd/private", dir);
	return hk_xasprintf("unix:path=/run/user/%u/systemd/private", (unsigned)geteuid());
}

int hk_sdbus_open(enum hk_sdbus_manager manager, struct hk_sdbus **ret, struct hk_error *err)
{
	hk_auto_sdbus *b = hk_xcalloc(1, sizeof(*b));
	hk_auto_free char *address = NULL;
	bool is_bus;
	int r;

	address = address_of(manager, &is_bus);
	r = sd_bus_new(&b->bus);
	if (r >= 0)
		r = sd_bus_set_address(b->bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(b->bus, is_bus);
	if (r >= 0)
		r = sd_bus_start(b->bus);
	if (r < 0)
		return hk_error_set(err, HK_E_NOT_SUPPORTED, "cannot reach systemd at '%s': %s",
				    address + strlen("unix:path="), strerror(-r));
	*ret = hk_steal_ptr(b);
	return 0;
}

void hk_sdbus_close(struct hk_sdbus *b)
{
	if (!b)
		return;
	sd_bus_flush_close_unref(b->bus);
	free(b->job);
	free(b);
}

void hk_cleanup_sdbus(struct hk_sdbus **b)
{
	hk_sdbus_close(*b);
}

/* What sd_bus_call takes, where 0 would be its own default. */
static uint64_t call_limit(const struct hk_sdbus_limit *limit)
{
	int left = hk_clock_left(limit->deadline);

	return left < 0 ? UINT64_MAX : left ? (uint64_t)left * 1000 : 1;
}

/* --- Jobs */

/* Called by sd_bus_process only, so never before the answer that names the job. */
static int job_removed(sd_bus_message *m, void *ctx, sd_bus_error *error HK_UNUSED)
{
	struct hk_sdbus *b = ctx;
	const char *path, *unit, *result;
	uint32_t id;

	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && b->job &&
	    !strcmp(path, b->job))
		snprintf(b->result, sizeof(b->result), "%s", result);
	return 0;
}

static int subscribe(struct hk_sdbus *b, const struct hk_sdbus_limit *limit, const char *what,
		     const char *unit, struct hk_error *err)
{
	auto_error error = SD_BUS_ERROR_NULL;
	auto_message *m = NULL;
	int r;

	if (b->subscribed)
		return 0;
	/* Without a message bus between, nobody fills in the sender. */
	r = sd_bus_match_signal(b->bus, NULL, sd_bus_is_bus_client(b->bus) > 0 ? DESTINATION : NULL,
				MANAGER_PATH, MANAGER, "JobRemoved", job_removed, b);
	if (r >= 0)
		r = sd_bus_message_new_method_call(b->bus, &m, DESTINATION, MANAGER_PATH, MANAGER,
						   "Subscribe");
	if (r >= 0)
		r = sd_bus_call(b->bus, m, call_limit(limit), &error, NULL);
	if (r < 0)
		return failed(what, unit, r, &error, err);
	b->subscribed = true;
	return 0;
}

/* One round: what has come is handled, or more is waited for. Negative errno on failure. */
static int step(struct hk_sdbus *b, const struct hk_sdbus_limit *limit, bool *ret_cancelled)
{
	struct pollfd fds[] = { { .fd = sd_bus_get_fd(b->bus) },
				{ .fd = limit->cancel_fd, .events = POLLIN } };
	int r = sd_bus_process(b->bus, NULL), events;

	if (r != 0)
		return r < 0 ? r : 0;
	events = sd_bus_get_events(b->bus);
	if (events < 0)
		return events;
	fds[0].events = (short)events;
	if (poll(fds, 2, hk_clock_left(limit->deadline)) < 0 && errno != EINTR)
		return -errno;
	*ret_cancelled = fds[1].revents != 0;
	return 0;
}

static int wait_for_job(struct hk_sdbus *b, const char *what, const char *unit,
			const struct hk_sdbus_limit *limit, struct hk_error *err)
{
	const sd_bus_error none = SD_BUS_ERROR_NULL;
	bool cancelled = false;

	while (!*b->result) {
		bool over = !hk_clock_left(limit->deadline);
		int r = step(b, limit, &cancelled);

		if (r < 0)
			return failed(what, unit, r, &none, err);
		if (cancelled)
			return hk_error_set(err, HK_E_CANCELLED, "it was cancelled");
		if (over && !*b->result)
			return 0;
	}
	return 0;
}

/* Sends a request that is answered with the path of a job, and waits for that. */
static int run(struct hk_sdbus *b, sd_bus_message *request, const char *unit,
	       const struct hk_sdbus_limit *limit, char ret_result[HK_SDBUS_RESULT_LEN],
	       struct hk_error *err)
{
	const char *what = sd_bus_message_get_member(request);
	auto_error error = SD_BUS_ERROR_NULL;
	auto_message *reply = NULL;
	const char *path;
	int r;

	if (subscribe(b, limit, what, unit, err))
		return err->code;
	r = sd_bus_call(b->bus, request, call_limit(limit), &error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return failed(what, unit, r, &error, err);
	free(b->job);
	b->job = hk_xstrdup(path);
	*b->result = '\0';
	if (wait_for_job(b, what, unit, limit, err))
		return err->code;
	memcpy(ret_result, b->result, HK_SDBUS_RESULT_LEN);
	return 0;
}

int hk_sdbus_run_job(struct hk_sdbus *b, const char *method, const char *unit,
		     const struct hk_sdbus_limit *limit, char ret_result[HK_SDBUS_RESULT_LEN],
		     struct hk_error *err)
{
	const sd_bus_error none = SD_BUS_ERROR_NULL;
	auto_message *m = NULL;
	int r = sd_bus_message_new_method_call(b->bus, &m, DESTINATION, MANAGER_PATH, MANAGER,
					       method);

	if (r >= 0)
		r = sd_bus_message_append(m, "ss", unit, "replace");
	if (r < 0)
		return failed(method, unit, r, &none, err);
	return run(b, m, unit, limit, ret_result, err);
}

static int append_setting(sd_bus_message *m, const struct hk_sdbus_setting *s)
{
	switch (s->type) {
	case 's':
		return sd_bus_message_append(m, "(sv)", s->name, "s", s->text);
	case 't':
		return sd_bus_message_append(m, "(sv)", s->name, "t", s->number);
	case 'b':
		return sd_bus_message_append(m, "(sv)", s->name, "b", (int)(s->number != 0));
	case 'P':
		return sd_bus_message_append(m, "(sv)", s->name, "au", 1, (uint32_t)s->number);
	default:
		return -EINVAL;
	}
}

static int append_settings(sd_bus_message *m, const struct hk_sdbus_setting *settings, size_t n)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_setting(m, &settings[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	/* No auxiliary units. */
	return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

int hk_sdbus_run_transient(struct hk_sdbus *b, const char *unit,
			   const struct hk_sdbus_setting *settings, size_t n,
			   const struct hk_sdbus_limit *limit, char ret_result[HK_SDBUS_RESULT_LEN],
			   struct hk_error *err)
{
	static const char method[] = "StartTransientUnit";
	const sd_bus_error none = SD_BUS_ERROR_NULL;
	auto_message *m = NULL;
	int r = sd_bus_message_new_method_call(b->bus, &m, DESTINATION, MANAGER_PATH, MANAGER,
					       method);

	if (r >= 0)
		r = sd_bus_message_append(m, "ss", unit, "fail");
	if (r >= 0)
		r = append_settings(m, settings, n);
	if (r < 0)
		return failed(method, unit, r, &none, err);
	return run(b, m, unit, limit, ret_result, err);
}

/* --- Properties */

static void take_id(const struct hk_sdbus_field *f, const uint8_t *bytes, size_t len)
{
	char *out = f->ret;

	*out = '\0';
	for (size_t i = 0; i < len && 2 * i + 2 < f->size; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int take_number(sd_bus_message *m, char type, const struct hk_sdbus_field *f)
{
	union {
		uint64_t t;
		int64_t x;
		uint32_t u;
		int32_t i;
		int b;
	} v;
	int64_t number;
	int r = sd_bus_message_read_basic(m, type, &v);

	if (r < 0)
		return r;
	switch (type) {
	case 't':
		number = v.t > INT64_MAX ? INT64_MAX : (int64_t)v.t;
		break;
	case 'x':
		number = v.x;
		break;
	case 'u':
		number = v.u;
		break;
	default: /* 'i' and 'b' */
		number = v.i;
	}
	memcpy(f->ret, &number, sizeof(number));
	return 0;
}

/* Whether a field takes a value of that D-Bus type. */
static bool fits(const struct hk_sdbus_field *f, const char *contents)
{
	static const char *const basic[] = {
		[HK_SDBUS_TEXT] = "so",
		[HK_SDBUS_NUMBER] = "txuib",
	};

	if (f->type == HK_SDBUS_ID)
		return !strcmp(contents, "ay");
	return strlen(contents) == 1 && strchr(basic[f->type], *contents);
}

static int take_value(sd_bus_message *m, const char *contents, const struct hk_sdbus_field *f)
{
	const void *bytes;
	const char *text;
	size_t len;
	int r;

	if (f->type == HK_SDBUS_NUMBER)
		return take_number(m, *contents, f);
	if (f->type == HK_SDBUS_TEXT) {
		r = sd_bus_message_read_basic(m, *contents, &text);
		if (r >= 0)
			snprintf(f->ret, f->size, "%s", text);
		return r;
	}
	r = sd_bus_message_read_array(m, 'y', &bytes, &len);
	if (r >= 0)
		take_id(f, bytes, len);
	return r;
}

static const struct hk_sdbus_field *field_of(const char *name, const struct hk_sdbus_field *fields,
					     size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

/* One entry of the dictionary, its name and its value. */
static int read_entry(sd_bus_message *m, const struct hk_sdbus_field *fields, size_t n)
{
	const struct hk_sdbus_field *f;
	const char *name, *contents;
	int r = sd_bus_message_read_basic(m, 's', &name);

	if (r < 0)
		return r;
	f = field_of(name, fields, n);
	r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r < 0)
		return r;
	if (!f || !fits(f, contents))
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', contents);
	if (r >= 0)
		r = take_value(m, contents, f);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_all(sd_bus_message *m, const struct hk_sdbus_field *fields, size_t n)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0) {
		r = sd_bus_message_enter_container(m, 'e', "sv");
		if (r <= 0)
			return r;
		r = read_entry(m, fields, n);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

int hk_sdbus_read_unit(struct hk_sdbus *b, const char *unit, const struct hk_sdbus_field *fields,
		       size_t n, const struct hk_sdbus_limit *limit, struct hk_error *err)
{
	auto_error error = SD_BUS_ERROR_NULL;
	auto_message *m = NULL, *reply = NULL;
	hk_auto_free char *path = NULL;
	int r = sd_bus_path_encode(UNIT_PREFIX, unit, &path);

	if (r >= 0)
		r = sd_bus_message_new_method_call(b->bus, &m, DESTINATION, path,
						   "org.freedesktop.DBus.Properties", "GetAll");
	/* Of all interfaces, that of units and that of services. */
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "");
	if (r >= 0)
		r = sd_bus_call(b->bus, m, call_limit(limit), &error, &reply);
	if (r >= 0)
		r = read_all(reply, fields, n);
	return r < 0 ? failed("properties", unit, r, &error, err) : 0;
}
