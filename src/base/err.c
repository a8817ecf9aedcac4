/* The error value; see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERR_OK] = "ok",
	[ERR_TEMPORARY] = "temporary",
	[ERR_PERMANENT] = "permanent",
	[ERR_PROTOCOL] = "protocol",
	[ERR_LIMIT] = "limit",
	[ERR_TIMEOUT] = "timeout",
	[ERR_IO] = "io",
	[ERR_INTERNAL] = "internal",
};

static const char *const scope_names[] = {
	[SCOPE_NONE] = "none",
	[SCOPE_RECIPIENT] = "recipient",
	[SCOPE_MESSAGE] = "message",
	[SCOPE_SESSION] = "session",
	[SCOPE_HOST] = "host",
	[SCOPE_DESTINATION] = "destination",
	[SCOPE_SOURCE] = "source",
	[SCOPE_CUSTOMER] = "customer",
	[SCOPE_SELF] = "self",
};

bool err_set(struct err *e, enum err_kind kind, enum err_scope scope,
	     const char *where, const char *format, ...)
{
	if (e == NULL)
		return false;
	*e = (struct err){ .kind = kind, .scope = scope, .where = where };
	va_list args;
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return false;
}

bool err_set_os(struct err *e, int os_error, const char *where,
		const char *what)
{
	if (e == NULL)
		return false;
	err_set(e, ERR_IO, SCOPE_SELF, where, "%s failed", what);
	e->os_error = os_error;
	/* strerrordesc_np is a pure table look-up: no locale, no buffer. */
	const char *reason = strerrordesc_np(os_error);
	return err_detail(e, "%s: %s", what, reason ? reason : "unknown");
}

bool err_set_memory(struct err *e, const char *where)
{
	return err_set(e, ERR_INTERNAL, SCOPE_SELF, where, "out of memory");
}

bool err_detail(struct err *e, const char *format, ...)
{
	if (e == NULL)
		return false;
	va_list args;
	va_start(args, format);
	vsnprintf(e->detail, sizeof(e->detail), format, args);
	va_end(args);
	return false;
}

const char *err_kind_name(enum err_kind kind)
{
	invariant(kind < ARRAY_LEN(kind_names));
	return kind_names[kind];
}

const char *err_scope_name(enum err_scope scope)
{
	invariant(scope < ARRAY_LEN(scope_names));
	return scope_names[scope];
}
