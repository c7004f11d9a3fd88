/*
 * PostgreSQL URLs, as libpq reads them (its manual, 34.1.1.2, "Connection URIs"), and as frameworks
 * write them: with a driver in the scheme, and parameters of their own.
 */
#include <database/kinds.h>

#include <ctype.h>
#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>

/* Parameters that libpq knows, and the variable that says the same. */
static const struct {
	const char *parameter, *variable;
} parameters[] = {
	{ "host", "PGHOST" },
	{ "hostaddr", "PGHOSTADDR" },
	{ "port", "PGPORT" },
	{ "user", "PGUSER" },
	{ "password", "PGPASSWORD" },
	{ "passfile", "PGPASSFILE" },
	{ "options", "PGOPTIONS" },
	{ "sslmode", "PGSSLMODE" },
	{ "sslcert", "PGSSLCERT" },
	{ "sslkey", "PGSSLKEY" },
	{ "sslrootcert", "PGSSLROOTCERT" },
	{ "sslcrl", "PGSSLCRL" },
	{ "sslcrldir", "PGSSLCRLDIR" },
	{ "sslcertmode", "PGSSLCERTMODE" },
	{ "sslnegotiation", "PGSSLNEGOTIATION" },
	{ "sslsni", "PGSSLSNI" },
	{ "ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION" },
	{ "ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION" },
	{ "requirepeer", "PGREQUIREPEER" },
	{ "require_auth", "PGREQUIREAUTH" },
	{ "krbsrvname", "PGKRBSRVNAME" },
	{ "gsslib", "PGGSSLIB" },
	{ "load_balance_hosts", "PGLOADBALANCEHOSTS" },
	{ "channel_binding", "PGCHANNELBINDING" },
	{ "gssencmode", "PGGSSENCMODE" },
	{ "target_session_attrs", "PGTARGETSESSIONATTRS" },
	{ "connect_timeout", "PGCONNECT_TIMEOUT" },
};

/* What has another word in libpq. */
static const struct {
	const char *text, *variable, *value;
} translated[] = {
	{ "ssl=true", "PGSSLMODE", "require" },		 /* JDBC's */
	{ "sslmode=no-verify", "PGSSLMODE", "require" }, /* node-postgres's */
};

/* What would win over the URL, so that another database were dumped than it names. */
static const struct {
	const char *parameter, *why;
} refused[] = {
	{ "dbname", "has a parameter 'dbname' beside the name in its path" },
	{ "service", "has a parameter 'service': say what that service says in the URL" },
};

static int invalid(const char *why, struct hk_error *err)
{
	hk_error_set(err, HK_E_CONFIG_INVALID, "the URL of the database %s", why);
	return hk_error_hint(err, "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with other "
				  "characters than letters and digits as %%XX");
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Of len bytes, with %XX resolved; NULL when that is not well-formed. */
static char *decode(const char *s, size_t len)
{
	hk_auto_buf out = HK_BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			if (i + 2 >= len || !isxdigit((unsigned char)s[i + 1]) ||
			    !isxdigit((unsigned char)s[i + 2]))
				return NULL;
			c = (char)(digit(s[i + 1]) * 16 + digit(s[i + 2]));
			i += 2;
		}
		if (!c || c == '\n')
			return NULL;
		hk_buf_addch(&out, c);
	}
	return hk_buf_detach(&out);
}

/* Nothing is set by an empty part. */
static int take(struct hk_strlist *env, const char *variable, const char *s, size_t len,
		struct hk_error *err)
{
	char *value = decode(s, len);

	if (!value)
		return invalid("has a '%' that is not followed by two hexadecimal digits", err);
	if (*value)
		hk_database_set_variable(env, variable, value);
	explicit_bzero(value, strlen(value));
	free(value);
	return 0;
}

static int take_user(const char *s, size_t len, struct hk_strlist *env, struct hk_error *err)
{
	const char *colon = memchr(s, ':', len);
	size_t n = colon ? (size_t)(colon - s) : len;

	if (take(env, "PGUSER", s, n, err))
		return err->code;
	return colon ? take(env, "PGPASSWORD", colon + 1, len - n - 1, err) : 0;
}

/* "host:port", "[::1]:5432", or several of them between commas. */
static int take_hosts(const char *s, size_t len, struct hk_strlist *env, struct hk_error *err)
{
	hk_auto_buf hosts = HK_BUF_INIT, ports = HK_BUF_INIT;
	const char *end = s + len;
	bool port = false;

	for (const char *at = s, *next; at <= end && len; at = next + 1) {
		const char *stop = memchr(at, ',', (size_t)(end - at)), *close, *colon;

		next = stop ? stop : end;
		close = *at == '[' ? memchr(at, ']', (size_t)(next - at)) : NULL;
		colon = memchr(close ? close : at, ':', (size_t)(next - (close ? close : at)));
		if (at != s) {
			hk_buf_addch(&hosts, ',');
			hk_buf_addch(&ports, ',');
		}
		if (close)
			hk_buf_add(&hosts, at + 1, (size_t)(close - at - 1));
		else
			hk_buf_add(&hosts, at, (size_t)((colon ? colon : next) - at));
		if (colon)
			hk_buf_add(&ports, colon + 1, (size_t)(next - colon - 1));
		port |= colon != NULL;
	}
	if (take(env, "PGHOST", hosts.data, hosts.len, err))
		return err->code;
	return port ? take(env, "PGPORT", ports.data, ports.len, err) : 0;
}

static bool is_text(const char *text, const char *s, size_t len)
{
	return strlen(text) == len && !memcmp(text, s, len);
}

static int take_parameter(const char *s, size_t len, struct hk_strlist *env, struct hk_error *err)
{
	const char *equals = memchr(s, '=', len);
	size_t n = equals ? (size_t)(equals - s) : len;

	for (size_t i = 0; i < HK_ARRAY_LEN(refused); i++)
		if (is_text(refused[i].parameter, s, n))
			return invalid(refused[i].why, err);
	for (size_t i = 0; i < HK_ARRAY_LEN(translated); i++) {
		if (!is_text(translated[i].text, s, len))
			continue;
		hk_database_set_variable(env, translated[i].variable, translated[i].value);
		return 0;
	}
	for (size_t i = 0; equals && i < HK_ARRAY_LEN(parameters); i++)
		if (is_text(parameters[i].parameter, s, n))
			return take(env, parameters[i].variable, equals + 1, len - n - 1, err);
	return 0;
}

/* postgresql, or postgres, perhaps with "+driver". */
static const char *skip_scheme(const char *url)
{
	static const char *const schemes[] = { "postgresql", "postgres" };

	for (size_t i = 0; i < HK_ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (strncmp(url, schemes[i], n))
			continue;
		if (url[n] == '+')
			n += 1 + strspn(url + n + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
		if (!strncmp(url + n, "://", 3))
			return url + n + 3;
	}
	return NULL;
}

int hk_database_parse_url(const char *url, struct hk_strlist *env, char **ret_name,
			  struct hk_error *err)
{
	const char *s = skip_scheme(url), *at = NULL;
	size_t authority, name;

	if (!s)
		return invalid("does not begin with postgresql://", err);
	authority = strcspn(s, "/?#");
	for (size_t i = 0; i < authority; i++)
		if (s[i] == '@')
			at = s + i;
	if (at && take_user(s, (size_t)(at - s), env, err))
		return err->code;
	if (take_hosts(at ? at + 1 : s, authority - (at ? (size_t)(at + 1 - s) : 0), env, err))
		return err->code;
	s += authority;
	name = *s == '/' ? strcspn(s + 1, "?#") : 0;
	if (!name)
		return invalid("names no database", err);
	if (take(env, "PGDATABASE", s + 1, name, err))
		return err->code;
	*ret_name = decode(s + 1, name);
	s += 1 + name;
	while (*s == '?' || *s == '&') {
		size_t len = strcspn(++s, "&#");

		if (take_parameter(s, len, env, err)) {
			free(hk_steal_ptr(*ret_name));
			return err->code;
		}
		s += len;
	}
	return 0;
}
