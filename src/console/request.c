/*
 * One HTTP request from its head to its answer; see console_private.h. On
 * libmicrohttpd's thread, but for `asked`:
 *
 *   READING ── head and body are there ──> ASKING ── admin answered ──> DONE
 *      └── refused, a file, a page ───────────────────────────────────^
 *
 * While ASKING the connection sleeps: other connections go on.
 */
#include <stdlib.h>

#include "console/answer.h"
#include "console/console_private.h"
#include "console/http.h"
#include "console/openapi.h"
#include "console/pages.h"
#include "os/clock.h"

enum {
	ARENA_MAX = 262144,
	ARGS_MAX = 2 * CONSOLE_BODY_MAX,
	/* Of a body that is too large: read, so that its sender reads the
	 * answer; more ends the connection. */
	SWALLOW_MAX = 8 * CONSOLE_BODY_MAX,
};
static const slice API = { "/api/v1", 7 };

struct request {
	struct console *console;
	struct MHD_Connection *connection;
	enum { READING, ASKING, DONE } state;
	struct http_head head;
	slice method, path;		/* path: escaped, without the query */
	enum language language;
	struct arena arena;
	struct buf body;
	size_t swallowed;		/* of a body that is too large */
	struct route_match match;
	struct route_value query[API_QUERY_MAX];
	size_t query_count;
	bool query_bad;			/* too many, or malformed */
	slice session;
	struct buf args;
	struct front_call call;
	struct answer answer;
};

/* --- reading -------------------------------------------------------------- */

static enum MHD_Result take_field(void *ctx, enum MHD_ValueKind kind,
				  const char *name, const char *value)
{
	struct request *r = ctx;
	(void)kind;
	http_head_field(&r->head, slice_of(name),
			value != NULL ? slice_of(value) : SLICE(""));
	return MHD_YES;
}

static enum MHD_Result take_query(void *ctx, enum MHD_ValueKind kind,
				  const char *name, const char *value)
{
	struct request *r = ctx;
	(void)kind;
	if (r->query_count == API_QUERY_MAX) {
		r->query_bad = true;
		return MHD_NO;
	}
	struct route_value *q = &r->query[r->query_count++];
	if (!http_unescape(slice_of(name), &r->arena, &q->name) ||
	    !http_unescape(value != NULL ? slice_of(value) : SLICE(""),
			   &r->arena, &q->value))
		r->query_bad = true;
	return MHD_YES;
}

static slice query_value(const struct request *r, slice name)
{
	for (size_t i = 0; i < r->query_count; i++)
		if (slice_eq(r->query[i].name, name))
			return r->query[i].value;
	return (slice){ 0 };
}

static struct request *request_new(struct console *console,
				   struct MHD_Connection *connection,
				   const char *url, const char *method)
{
	struct request *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->console = console;
	r->connection = connection;
	r->method = slice_of(method);
	r->path = slice_of(url);
	arena_init(&r->arena, ARENA_MAX);
	buf_init(&r->body, CONSOLE_BODY_MAX);
	buf_init(&r->args, ARGS_MAX);
	front_call_init(&r->call);
	answer_init(&r->answer);
	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_field, r);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND,
				  take_query, r);
	r->language = http_language(&r->head, query_value(r, SLICE("lang")));
	return r;
}

void request_completed(void *ctx, struct MHD_Connection *connection,
		       void **request, enum MHD_RequestTerminationCode how)
{
	struct request *r = *request;
	struct console *console = ctx;
	(void)how;
	patience_again(console->patience, connection_patient(connection),
		       os_monotonic_ns());
	if (r == NULL)
		return;
	answer_fini(&r->answer);
	front_call_fini(&r->call);
	buf_fini(&r->args);
	buf_fini(&r->body);
	arena_fini(&r->arena);
	free(r);
	*request = NULL;
}

static enum MHD_Result refuse(struct request *r, unsigned status,
			      enum console_text text, slice about)
{
	r->state = DONE;
	answer_refuse(&r->answer, status, text, about, r->language);
	return respond(r->connection, &r->answer, false);
}

/* Before the body is read: so the connection can't be used again. */
static enum MHD_Result refuse_head(struct request *r, unsigned status,
				   enum console_text text)
{
	r->state = DONE;
	answer_refuse(&r->answer, status, text, (slice){ 0 }, r->language);
	return respond(r->connection, &r->answer, true);
}

static enum MHD_Result begin(struct request *r, const char *version)
{
	uint64_t length = 0;
	bool old = slice_eq(slice_of(version), SLICE("HTTP/1.0"));
	if (!http_head_sound(&r->head, old))
		return refuse_head(r, 400, CONSOLE_BAD_FRAMING);
	if (r->head.content_length.n > 0 &&
	    (!slice_u64(r->head.content_length, INT64_MAX, &length) ||
	     length > CONSOLE_BODY_MAX))
		return refuse_head(r, 413, CONSOLE_TOO_LARGE);
	return MHD_YES;
}

static enum MHD_Result take_body(struct request *r, const char *data,
				 size_t *n)
{
	if (r->swallowed == 0 && r->body.n + *n <= CONSOLE_BODY_MAX)
		buf_append_bytes(&r->body, data, *n);
	else
		r->swallowed += *n;
	*n = 0;
	return r->body.failed || r->swallowed > SWALLOW_MAX ? MHD_NO : MHD_YES;
}

/* --- asking admin --------------------------------------------------------- */

static void asked(struct front_call *call)
{
	struct request *r = CONTAINER_OF(call, struct request, call);
	MHD_resume_connection(r->connection);
}

/* Sleeps until admin has answered. */
static enum MHD_Result ask(struct request *r)
{
	struct console *c = r->console;
	slice call = slice_of(r->match.route->call);
	r->call.name = slice_sub(call, 0, slice_find(call, '?'));
	r->call.args = buf_slice(&r->args);
	r->call.done = asked;
	os_mutex_lock(c->gate);
	bool closing = c->closing;
	if (!closing) {
		r->state = ASKING;
		MHD_suspend_connection(r->connection);
		front_ask(c->front, &r->call);
	}
	os_mutex_unlock(c->gate);
	return closing ? refuse(r, 503, CONSOLE_ADMIN_DOWN, (slice){ 0 })
		       : MHD_YES;
}

static enum MHD_Result open_stream(struct request *r)
{
	slice rows = buf_slice(&r->call.rows), row = SLICE("{}");
	bool some = front_row(&rows, &row);
	(void)some;
	struct event_stream *s = events_open(r->console->events, r->session,
					     row, stream_wake, r->connection);
	if (s == NULL)
		return refuse(r, 503, CONSOLE_TOO_MANY_STREAMS, (slice){ 0 });
	return respond_stream(r->connection, s);
}

static enum MHD_Result answered(struct request *r)
{
	bool good = r->call.end == FRONT_ANSWERED && r->call.code == 0;
	r->state = DONE;
	if (good && r->match.route->answer == ROUTE_EVENTS)
		return open_stream(r);
	answer_of_call(&r->answer, r->match.route, &r->call, r->language,
		       r->head.if_none_match);
	return respond(r->connection, &r->answer, false);
}

/* --- the API -------------------------------------------------------------- */

static enum MHD_Result no_route(struct request *r, unsigned methods)
{
	char text[HTTP_METHODS_TEXT_MAX];
	if (methods == 0)
		return refuse(r, 404, CONSOLE_NO_ROUTE, (slice){ 0 });
	r->answer.methods = methods;
	return refuse(r, 405, CONSOLE_NO_METHOD,
		      slice_of(http_methods_text(methods, text)));
}

/* RELIABILITY L3: a change is asked for by a page of ours (which has the
 * token), or by something that is no browser. */
static bool may_change(const struct request *r, bool by_cookie)
{
	if (!http_own_origin(&r->head))
		return false;
	return !by_cookie || r->match.route->is_public || r->head.csrf.n > 0;
}

static enum MHD_Result openapi(struct request *r)
{
	r->state = DONE;
	r->answer.status = 200;
	buf_append(&r->answer.body, buf_slice(&r->console->openapi));
	return respond(r->connection, &r->answer, false);
}

static enum MHD_Result api(struct request *r)
{
	const struct route *route = r->match.route;
	struct api_refusal why = { .status = 500 };
	bool by_cookie, change = route->method != HTTP_GET;
	r->session = http_session(&r->head, &by_cookie);
	if (change && !may_change(r, by_cookie))
		return refuse(r, 403, CONSOLE_SECRETLESS, (slice){ 0 });
	if (route->body != NULL && !http_is_json(&r->head))
		return refuse(r, 415, CONSOLE_JSON_ONLY, (slice){ 0 });
	if (route->answer == ROUTE_OPENAPI)
		return openapi(r);
	struct api_request request = {
		.match = &r->match,
		.query = r->query, .query_count = r->query_count,
		.body = buf_slice(&r->body),
		.session = r->session,
		.csrf = by_cookie && change ? r->head.csrf : (slice){ 0 },
		.client = http_client(&r->head),
		.if_match = answer_if_match(r->head.if_match),
		.language = r->language,
	};
	if (r->session.n == 0 && !route->is_public)
		return refuse(r, 401, CONSOLE_SIGN_IN, (slice){ 0 });
	if (!api_call_write(&request, &r->arena, &r->args, &why))
		return refuse(r, why.status, why.text, why.about);
	return ask(r);
}

static enum MHD_Result api_path(struct request *r)
{
	enum http_method method;
	slice path = slice_skip(r->path, API.n);
	bool known = http_method_of(r->method, &method);
	route_find(known ? method : HTTP_GET, path, &r->arena, &r->match);
	if (!known || r->match.route == NULL)
		return no_route(r, r->match.methods);
	if (r->match.malformed || r->query_bad)
		return refuse(r, 400, CONSOLE_BAD_ESCAPE, (slice){ 0 });
	if (r->swallowed > 0)
		return refuse(r, 413, CONSOLE_TOO_LARGE, (slice){ 0 });
	return api(r);
}

/* --- all else ------------------------------------------------------------- */

static enum MHD_Result file(struct request *r)
{
	enum http_method method;
	const struct asset *asset = assets_find(&r->console->assets, r->path);
	if (asset == NULL)
		return refuse(r, 404, CONSOLE_NOT_FOUND, (slice){ 0 });
	if (!http_method_of(r->method, &method) || method != HTTP_GET)
		return no_route(r, 1u << HTTP_GET);
	r->state = DONE;
	return respond_asset(r->connection, asset, http_takes_gzip(&r->head),
			     r->head.if_none_match);
}

static enum MHD_Result whole(struct request *r)
{
	patience_whole(r->console->patience, connection_patient(r->connection));
	if (slice_starts(r->path, API) &&
	    (r->path.n == API.n || r->path.p[API.n] == '/'))
		return api_path(r);
	if (slice_starts(r->path, SLICE("/api")))
		return refuse(r, 404, CONSOLE_NO_ROUTE, (slice){ 0 });
	if (!page_exists(r->path))
		return file(r);
	r->state = DONE;
	return respond_page(r->connection, r->console->config, r->method,
			    r->path);
}

enum MHD_Result request_handle(void *ctx, struct MHD_Connection *connection,
			       const char *url, const char *method,
			       const char *version, const char *upload_data,
			       size_t *upload_size, void **request)
{
	struct request *r = *request;
	if (r == NULL) {
		r = request_new(ctx, connection, url, method);
		*request = r;
		return r != NULL ? begin(r, version) : MHD_NO;
	}
	if (*upload_size > 0)
		return take_body(r, upload_data, upload_size);
	switch (r->state) {
	case READING:
		return whole(r);
	case ASKING:
		return answered(r);
	case DONE:
		return MHD_NO;
	}
	unreachable_state("every state is listed");
}
