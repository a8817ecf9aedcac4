/*
 * The relay process: what master gave (app/start.h) is put around the core.
 * The main thread is the control thread: admin's changes and calls, master's
 * words; when it ends, the process ends.
 *
 *   view from its files → keys, resolver (files are read) → its time → sandbox
 *   closes → spool recovered → threads run → READY
 */
#include "app/relay_private.h"

#include "app/relay_calls.h"
#include "app/relay_operator.h"
#include "base/map.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"

#include <stdlib.h>

enum { LOCK_WAIT_MS = 10000, LOCK_LOOK_MS = 100, SECOND_MS = 1000 };

static void failed(struct relay *r, const char *event, const struct err *err,
		   int exit_code)
{
	log_failure(r->log, LOG_ERROR, event, err);
	r->exit_code = exit_code;
}

/* --- configuration → what the core takes ---------------------------------- */

static void make_route(const struct config_route *from, int maildir,
		       struct route *to)
{
	static const enum deliver_kind kinds[] = {
		[ROUTE_SMART_HOST] = DELIVER_SMTP,
		[ROUTE_LMTP] = DELIVER_LMTP,
		[ROUTE_MAILDIR] = DELIVER_MAILDIR,
	};
	static const enum smtp_client_tls tls[] = {
		[ROUTE_TLS_OPPORTUNISTIC] = SMTP_TLS_OPPORTUNISTIC,
		[ROUTE_TLS_REQUIRED] = SMTP_TLS_REQUIRED,
		[ROUTE_TLS_NEVER] = SMTP_TLS_NEVER,
	};
	*to = (struct route){
		.domain = from->domain,
		.kind = kinds[from->kind],
		.host = from->host,
		.port = from->port,
		/* LMTP stays on the machine or its network: in clear. */
		.tls = from->kind == ROUTE_LMTP ? SMTP_TLS_NEVER
						: tls[from->tls],
		.user = from->user,
		.password = from->password,
		.maildir = maildir,
		.maildir_name = slice_of(from->maildir),
	};
}

/* The folder as it was opened before the sandbox closed; -1: not yet then (a
 * new relay is on its way). */
static int maildir_of(const struct relay *r, const struct config_route *route)
{
	const struct config *c = r->start->config;
	for (size_t i = 0; route->maildir != NULL &&
			   r->start->maildir_dirs != NULL &&
			   i < c->route_count; i++)
		if (c->routes[i].maildir != NULL &&
		    strcmp(c->routes[i].maildir, route->maildir) == 0)
			return r->start->maildir_dirs[i];
	return -1;
}

struct route *relay_make_routes(const struct relay *r, const struct config *c)
{
	struct route *routes =
		calloc(c->route_count + 1, sizeof(struct route));
	for (size_t i = 0; routes != NULL && i < c->route_count; i++)
		make_route(&c->routes[i], maildir_of(r, &c->routes[i]),
			   &routes[i]);
	return routes;
}

struct retry_plan relay_make_retry(const struct config *c)
{
	enum { OWN_EXPIRE_MS = 86400000 };
	int64_t expire_ms = (int64_t)c->expire_ms;
	/* Reports and the null sender's mail live a day, never longer than
	 * other mail. */
	struct retry_plan plan = {
		.expire_ms = expire_ms,
		.expire_own_ms = expire_ms < OWN_EXPIRE_MS ? expire_ms
							    : OWN_EXPIRE_MS,
	};
	for (size_t i = 0; i < c->retry_count && i < RETRY_STEPS_MAX; i++)
		plan.after_ms[plan.steps++] = (int64_t)c->retry_ms[i];
	return plan;
}

static bool make_refused(struct relay *r)
{
	size_t n = r->start->refused_count;
	r->refused = calloc(n + 1, sizeof(struct receive_refused));
	if (r->refused == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		r->refused[i] = (struct receive_refused){
			.address = r->start->refused[i].address,
			.until_ms = os_wall_ms() +
				    r->start->refused[i].left_ms,
		};
	return true;
}

/* A key for the hashes of recipients: made of the pepper by a one-way
 * function, so that it is part of every backup, but not the pepper itself. */
static void make_booking_key(struct relay *r)
{
	uint64_t halves[2] = {
		siphash(r->start->pepper, SLICE("postrider booking key, 1")),
		siphash(r->start->pepper, SLICE("postrider booking key, 2")),
	};
	_Static_assert(sizeof(halves) == BOOKING_KEY, "two halves");
	memcpy(r->booking_key, halves, sizeof(halves));
}

/* Not said: a twentieth of what is free at the start, at most 1 GiB. */
static bool keep_free_bytes(const struct relay *r, uint64_t *out,
			    struct err *err)
{
	enum { PART = 20, AT_MOST = 1073741824 };
	uint64_t bytes, inodes;
	*out = r->start->config->spool_keep_free_bytes;
	if (*out != UINT64_MAX)
		return true;
	if (!os_disk_free(r->start->spool_dir, &bytes, &inodes, err))
		return false;
	*out = bytes / PART < AT_MOST ? bytes / PART : AT_MOST;
	return true;
}

static bool make_core_config(struct relay *r, struct err *err)
{
	uint64_t keep_free;
	const struct relay_start *s = r->start;
	const struct config *c = s->config;
	r->routes = relay_make_routes(r, c);
	if (r->routes == NULL || !make_refused(r))
		return err_set_memory(err, "relay");
	if (!keep_free_bytes(r, &keep_free, err))
		return false;
	make_booking_key(r);
	r->core_config = (struct relay_core_config){
		.home = loop_thread(r->loop),
		.shards = s->shards,
		.hostname = s->hostname,
		.help_url = s->hostname,
		.limits = &c->limits,
		.spool_dir = s->spool_dir,
		.journal_dir = s->journal_dir,
		.segment_bytes = c->spool_segment_bytes,
		.keep_free_bytes = keep_free,
		.journal_keep_ms = c->journal_keep_ms,
		.journal_bytes = c->journal_bytes,
		.routes = r->routes,
		.route_count = c->route_count,
		.retry = relay_make_retry(c),
		.view = r->view,
		.tls_server = r->tls_server,
		.tls_client = r->tls_client,
		.resolver = r->resolver,
		.pepper = s->pepper,
		.booking_key = r->booking_key,
		.counters = s->counters,
		.notes = s->notes,
		.poison = s->poison,
		.poison_count = s->poison_count,
		.refused = r->refused,
		.refused_count = s->refused_count,
		.log = s->log,
		.operator_mark = relay_operator_mark,
		.operator_ctx = r,
	};
	return true;
}

/* --- what control asks ---------------------------------------------------- */

static void view_live(void *ctx, uint64_t revision)
{
	struct relay *r = ctx;
	if (r->start->counters != NULL)
		counter_set(&r->start->counters->slot[COUNTERS_CONTROL],
			    COUNTER_view_revision, revision);
	control_serve_live(r->control, revision);
}

static void on_view(void *ctx, const struct view *v)
{
	struct relay *r = ctx;
	if (r->core != NULL) {
		relay_core_set_view(r->core, v, view_live, r);
		return;
	}
	if (r->view != NULL)
		view_unref(&r->view);
	r->view = view_ref(v);
}

static void on_call(void *ctx, slice name, slice args,
		    struct control_answer *a)
{
	struct relay *r = ctx;
	if (slice_starts(name, SLICE("clock.")))
		relay_call_clock(&r->clock, relay_core_journal(r->core), name,
				 args, a);
	else
		relay_call(r->core, name, args, a);
}

static void core_stopped(void *ctx)
{
	struct relay *r = ctx;
	os_thread_stop(loop_thread(r->loop));
}

static void mail_is_out(struct relay *r)
{
	relay_core_drain(r->core, core_stopped, r);
}

/* The operator's mail needs the doors open. */
static void on_drain(void *ctx)
{
	struct relay *r = ctx;
	relay_tell_legacy(r);
	relay_operator_drain(r, mail_is_out);
}

static void second(struct timer *timer)
{
	struct relay *r = CONTAINER_OF(timer, struct relay, second);
	struct counters_page *page = r->start->counters;
	if (relay_clock_look(&r->clock, relay_core_journal(r->core)))
		relay_operator_clock(r, os_system_wall_ms(), os_wall_ms());
	if (page != NULL) {
		struct counters *own = &page->slot[COUNTERS_CONTROL];
		relay_clock_count(&r->clock, own);
		relay_count(r, own);
	}
	relay_core_tell_log(r->core, loop_now_ms(r->loop));
	relay_look_at_clock(r);
	relay_operator_look(r, os_wall_ms());
	loop_timer_set(r->loop, &r->second, SECOND_MS);
}

/* --- start ---------------------------------------------------------------- */

static bool open_control(struct relay *r, struct err *err)
{
	struct control_serve_config config = {
		.loop = r->loop,
		.log = r->log,
		.view_dir = r->start->view_dir,
		.admin_fd = r->start->admin_fd,
		.master_fd = r->start->master_fd,
	};
	struct control_handlers handlers = {
		.ctx = r,
		.view = on_view,
		.call = on_call,
		.reload = relay_on_reload,
		.drain = on_drain,
		.listen = relay_on_listen,
	};
	return control_serve_open(&config, &handlers, &r->control, err);
}

/* All that reads files of the system, before the sandbox closes. */
static bool open_outside(struct relay *r, struct err *err)
{
	const struct relay_start *s = r->start;
	enum { RESOLVER_THREADS = 2 };
	struct resolver_config resolver = {
		.forward = (const char *const *)s->config->dns_forward,
		.threads = RESOLVER_THREADS,
	};
	return relay_make_tls(s->certificate_pem, s->key_pem, &r->tls_server,
			      &r->tls_legacy, err) &&
	       tls_context_client(TLS_VERIFY_NONE, (slice){ 0 },
				  &r->tls_client, err) &&
	       resolver_open(&resolver, &r->resolver, err);
}

static bool begin_clock(struct relay *r, struct err *err)
{
	return relay_clock_begin(&r->clock, r->start->spool_dir,
				 r->start->journal_dir, r->log, err);
}

/* A relay that is being replaced may still hold the spool's lock. */
static bool open_core(struct relay *r, struct err *err)
{
	for (int waited = 0;; waited += LOCK_LOOK_MS) {
		if (relay_core_open(&r->core_config, &r->core, err))
			return true;
		if (err->kind != ERR_TEMPORARY || waited >= LOCK_WAIT_MS)
			return false;
		os_sleep_ms(LOCK_LOOK_MS);
	}
}

static int exit_code_of(const struct err *err)
{
	switch (err->kind) {
	case ERR_TEMPORARY:
		return EXIT_TEMPORARY;
	case ERR_PROTOCOL:
	case ERR_PERMANENT:
		return EXIT_CONFIG;
	case ERR_IO:
		return EXIT_IO;
	case ERR_OK:
	case ERR_LIMIT:
	case ERR_TIMEOUT:
	case ERR_INTERNAL:
		break;
	}
	return EXIT_SOFTWARE;
}

static bool start_all(struct relay *r)
{
	struct err err;
	if (!loop_new(&r->loop, "control", &err) || !open_control(r, &err) ||
	    !open_outside(r, &err) || !begin_clock(r, &err) ||
	    !make_core_config(r, &err) ||
	    !start_close_sandbox(r->start, &err) ||
	    !resolver_start(r->resolver, &err) ||
	    !relay_operator_begin(r, &err) || !open_core(r, &err) ||
	    !relay_live_begin(r, &err) || !relay_core_start(r->core, &err)) {
		failed(r, "relay.start", &err, exit_code_of(&err));
		return false;
	}
	return true;
}

static void stop_all(struct relay *r)
{
	if (r->core != NULL)
		relay_tell_legacy(r);
	relay_core_close(&r->core);
	relay_live_end(r);
	relay_operator_end(r);
	control_serve_close(&r->control);
	resolver_close(&r->resolver);
	tls_context_unref(&r->tls_server);
	tls_context_unref(&r->tls_legacy);
	tls_context_unref(&r->tls_client);
	if (r->view != NULL)
		view_unref(&r->view);
	free(r->routes);
	free(r->refused);
	struct os_thread *t = r->loop != NULL ? loop_thread(r->loop) : NULL;
	loop_free(&r->loop);
	os_thread_join(&t);
}

int relay_main(const struct relay_start *start)
{
	struct relay r = { .start = start, .log = start->log };
	timer_init(&r.second, second);
	if (start_all(&r)) {
		second(&r.second);
		view_live(&r, view_revision(r.view));
		control_serve_ready(r.control);
		os_thread_run(loop_thread(r.loop));
		loop_timer_cancel(r.loop, &r.second);
	}
	stop_all(&r);
	return r.exit_code;
}
