/* Answers as libmicrohttpd sends them, with the fields that make browsers
 * careful; see console_private.h. */
#include <stdio.h>

#include "console/answer.h"
#include "console/console_private.h"
#include "console/pages.h"

enum { STREAM_BLOCK = 4096, FIELD_MAX = 400 };

/* Pages load what is of their own origin, and nothing inline. */
#define PAGE_POLICY \
	"default-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"object-src 'none'; base-uri 'none'; form-action 'self'; " \
	"frame-ancestors 'none'"
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	/* Fails without memory only; then the answer goes without it, and
	 * what must not go without it is checked by `sealed`. */
	enum MHD_Result added = MHD_add_response_header(r, name, value);
	(void)added;
}

/* True when the fields that protect are there. */
static bool sealed(struct MHD_Response *r, const char *policy)
{
	static const char *const FIELDS[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "same-origin" },
		{ "Permissions-Policy",
		  "camera=(), geolocation=(), microphone=(), payment=(), "
		  "usb=()" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "X-Frame-Options", "DENY" },
	};
	for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
		if (MHD_add_response_header(r, FIELDS[i][0], FIELDS[i][1]) !=
		    MHD_YES)
			return false;
	return MHD_add_response_header(r, "Content-Security-Policy",
				       policy) == MHD_YES;
}

static enum MHD_Result send_off(struct MHD_Connection *connection,
				unsigned status, struct MHD_Response *r,
				const char *policy)
{
	enum MHD_Result result = MHD_NO;
	if (r == NULL)
		return MHD_NO;
	if (sealed(r, policy))
		result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static struct MHD_Response *borrowed(slice bytes)
{
	union {
		const char *given;
		void *taken;		/* never written to */
	} p = { .given = bytes.n > 0 ? bytes.p : "" };
	return MHD_create_response_from_buffer(bytes.n, p.taken,
					       MHD_RESPMEM_PERSISTENT);
}

/* --- answers of the API --------------------------------------------------- */

/* RFC 6265bis 4.1.3.2: __Host- wants Secure, Path=/ and no Domain. */
static void add_cookie(struct MHD_Response *r, const char *token)
{
	char field[FIELD_MAX];
	snprintf(field, sizeof(field),
		 "__Host-postrider=%s; Path=/; Secure; HttpOnly; "
		 "SameSite=Lax%s", token, *token ? "" : "; Max-Age=0");
	add(r, "Set-Cookie", field);
}

enum MHD_Result respond(struct MHD_Connection *connection, struct answer *a,
			bool closing)
{
	char seconds[24], methods[HTTP_METHODS_TEXT_MAX];
	struct MHD_Response *r;
	if (a->body.n > 0) {
		r = MHD_create_response_from_buffer(a->body.n, a->body.p,
						    MHD_RESPMEM_MUST_FREE);
		if (r != NULL)
			a->body = (struct buf){ .max = a->body.max };
	} else {
		r = borrowed((slice){ 0 });
	}
	if (r == NULL)
		return MHD_NO;
	if (a->status != 204 && a->status != 304)
		add(r, "Content-Type", a->type);
	add(r, "Cache-Control", a->etag[0] ? "private, no-cache" : "no-store");
	add(r, "Vary", "Accept-Language, Authorization, Cookie");
	if (a->etag[0])
		add(r, "ETag", a->etag);
	if (a->methods != 0)
		add(r, "Allow", http_methods_text(a->methods, methods));
	if (a->status == 401)
		add(r, "WWW-Authenticate", "Bearer realm=\"postrider\"");
	if (a->has_cookie)
		add_cookie(r, a->cookie);
	if (a->retry_after_s > 0) {
		snprintf(seconds, sizeof(seconds), "%llu",
			 (unsigned long long)a->retry_after_s);
		add(r, "Retry-After", seconds);
	}
	if (closing)
		add(r, "Connection", "close");
	return send_off(connection, a->status, r, DATA_POLICY);
}

/* --- files and pages ------------------------------------------------------ */

enum MHD_Result respond_asset(struct MHD_Connection *connection,
			      const struct asset *asset, bool gzip,
			      slice if_none_match)
{
	char etag[FIELD_MAX], type[FIELD_MAX];
	bool short_form = gzip && asset->gzip.n > 0;
	snprintf(etag, sizeof(etag), "\"%.*s%s\"", SLICE_ARG(asset->tag),
		 short_form ? ".gz" : "");
	snprintf(type, sizeof(type), "%.*s", SLICE_ARG(asset->type));
	bool known = slice_find_slice(if_none_match, slice_of(etag)) <
		     if_none_match.n;
	struct MHD_Response *r = borrowed(known ? (slice){ 0 } :
					  short_form ? asset->gzip
						     : asset->bytes);
	if (r == NULL)
		return MHD_NO;
	add(r, "ETag", etag);
	add(r, "Vary", "Accept-Encoding");
	add(r, "Cache-Control", asset->immutable ?
		    "public, max-age=31536000, immutable" : "no-cache");
	if (!known) {
		add(r, "Content-Type", type);
		if (short_form)
			add(r, "Content-Encoding", "gzip");
	}
	return send_off(connection, known ? 304 : 200, r, PAGE_POLICY);
}

enum MHD_Result respond_page(struct MHD_Connection *connection,
			     const struct console_config *config, slice method,
			     slice path)
{
	struct page page;
	page_answer(config->counters, method, path, &page);
	struct MHD_Response *r = MHD_create_response_from_buffer(
		page.body.n, page.body.p, MHD_RESPMEM_MUST_COPY);
	buf_fini(&page.body);
	if (r == NULL)
		return MHD_NO;
	add(r, "Content-Type", page.type);
	add(r, "Cache-Control", "no-store");
	if (page.status == 405)
		add(r, "Allow", "GET, HEAD");
	return send_off(connection, page.status, r, DATA_POLICY);
}

/* --- streams -------------------------------------------------------------- */

void stream_wake(void *connection)
{
	MHD_resume_connection(connection);
}

void stream_sleep(void *connection)
{
	MHD_suspend_connection(connection);
}

static ssize_t read_stream(void *ctx, uint64_t at, char *to, size_t cap)
{
	(void)at;
	ptrdiff_t n = events_read(ctx, to, cap, stream_sleep);
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)n;
}

static void free_stream(void *ctx)
{
	struct event_stream *stream = ctx;
	events_close(&stream);
}

enum MHD_Result respond_stream(struct MHD_Connection *connection,
			       struct event_stream *stream)
{
	struct MHD_Response *r = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, stream,
		free_stream);
	if (r == NULL) {
		events_close(&stream);
		return MHD_NO;
	}
	add(r, "Content-Type", "text/event-stream");
	add(r, "Cache-Control", "no-store");
	/* Proxies shall not gather it. */
	add(r, "X-Accel-Buffering", "no");
	return send_off(connection, 200, r, DATA_POLICY);
}
