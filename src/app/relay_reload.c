/*
 * What can change while relay runs: the configuration that master hands over
 * (routes, retries, limits, listeners, certificate), and what goes by the
 * day: keys of TLS tickets, the warning before a certificate ends, the report
 * of old TLS clients.
 *
 * A reload is all or nothing: whatever can fail is made first.
 */
#include "app/relay_operator.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/net.h"
#include "receive/legacy_report.h"

enum { RELOAD_ARENA_MAX = 16777216,
       DAY_MS = CALENDAR_DAY_MS };

/* --- TLS ------------------------------------------------------------------ */

bool relay_make_tls(slice certificate_pem, slice key_pem,
		    struct tls_context **tls, struct tls_context **legacy,
		    struct err *err)
{
	*tls = *legacy = NULL;
	if (certificate_pem.n == 0)
		return true;
	if (!tls_context_server(certificate_pem, key_pem, tls, err))
		return false;
	if (tls_context_server_legacy(certificate_pem, key_pem, legacy, err))
		return true;
	tls_context_unref(tls);
	return false;
}

/* Kept for the contexts of the days to come. */
static bool copy_pem(slice certificate_pem, slice key_pem,
		     struct relay_pem *out, struct err *err)
{
	buf_init(&out->certificate, RELAY_PEM_MAX);
	buf_init(&out->key, RELAY_PEM_MAX);
	/* Room at once: a buffer that grows leaves its bytes behind. */
	bool ok = key_pem.n == 0 || buf_room(&out->key, key_pem.n) != NULL;
	buf_append(&out->certificate, certificate_pem);
	buf_append(&out->key, key_pem);
	return (ok && !out->certificate.failed && !out->key.failed) ||
	       err_set_memory(err, "relay");
}

static void drop_pem(struct relay_pem *pem)
{
	if (pem->key.p != NULL)
		secret_wipe(pem->key.p, pem->key.cap);
	buf_fini(&pem->certificate);
	buf_fini(&pem->key);
	*pem = (struct relay_pem){ 0 };
}

static void set_tls(struct relay *r, struct tls_context *tls,
		    struct tls_context *legacy)
{
	tls_context_unref(&r->tls_server);
	tls_context_unref(&r->tls_legacy);
	r->tls_server = tls;
	r->tls_legacy = legacy;
}

/* --- listeners ------------------------------------------------------------ */

static struct relay_socket *find_socket(struct relay *r, uint32_t number)
{
	for (size_t i = 0; i < r->socket_count; i++)
		if (r->sockets[i].number == number)
			return &r->sockets[i];
	return NULL;
}

/* Wanted at once: the configuration that names it is on its way, while shards
 * may still take the one before. */
static void add_socket(struct relay *r, uint32_t number, int fd)
{
	if (r->socket_count == RELAY_SOCKETS_MAX ||
	    find_socket(r, number) != NULL) {
		os_socket_close(&fd);
		return;
	}
	r->sockets[r->socket_count++] = (struct relay_socket){
		.number = number, .fd = fd, .wanted = true,
	};
}

void relay_on_listen(void *ctx, uint32_t number, int fd)
{
	add_socket(ctx, number, fd);
}

static void close_unwanted(struct relay *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->socket_count; i++) {
		struct relay_socket *s = &r->sockets[i];
		if (s->wanted)
			r->sockets[kept++] = *s;
		else
			os_socket_close(&s->fd);
	}
	r->socket_count = kept;
}

static struct receive_listening listening_of(const struct config_listener *c,
					     int fd)
{
	static const enum receive_tls tls[] = {
		[LISTENER_STARTTLS] = RECEIVE_STARTTLS,
		[LISTENER_IMPLICIT_TLS] = RECEIVE_IMPLICIT_TLS,
		[LISTENER_PLAIN] = RECEIVE_PLAIN,
	};
	return (struct receive_listening){
		.fd = fd,
		.tls = tls[c->tls],
		.name = c->name,
		.rules = { .proxies = { c->proxies, c->proxy_count },
			   .xclients = { c->xclients, c->xclient_count },
			   .legacy_until_ms = c->legacy_until_ms,
			   .legacy_auth = c->legacy_auth },
	};
}

/* The rows of a configuration, which lend from it; the caller frees. NULL:
 * *err; a socket that never came is an error. */
static struct live_listener *make_listeners(struct relay *r,
					    const struct config *c,
					    const struct start_listener *rows,
					    size_t count, struct err *err)
{
	struct live_listener *to = calloc(count + 1, sizeof(*to));
	if (to == NULL) {
		err_set_memory(err, "relay");
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		struct relay_socket *s = find_socket(r, rows[i].number);
		if (s == NULL) {
			err_set(err, ERR_INTERNAL, SCOPE_SELF, "relay",
				"a listening socket did not come");
			free(to);
			return NULL;
		}
		to[i].shard = rows[i].shard;
		to[i].of = listening_of(&c->listeners[rows[i].listener],
					s->fd);
	}
	return to;
}

static void mark_wanted(struct relay *r, const struct start_listener *rows,
			size_t count)
{
	for (size_t i = 0; i < r->socket_count; i++)
		r->sockets[i].wanted = false;
	for (size_t i = 0; i < count; i++) {
		struct relay_socket *s = find_socket(r, rows[i].number);
		if (s != NULL)
			s->wanted = true;
	}
}

/* --- into the shards ------------------------------------------------------ */

static void live_taken(void *ctx, const struct err *err)
{
	struct relay *r = ctx;
	if (err != NULL)
		log_failure(r->log, LOG_ALARM, "relay.listen", err);
	if (!live_busy(r->live))
		close_unwanted(r);
}

/* What shards serve by: TLS, limits, listeners. */
static bool make_live(struct relay *r, const struct config *c,
		      const struct start_listener *listeners, size_t count,
		      struct tls_context *tls, struct tls_context *legacy,
		      struct live_change **out, struct err *err)
{
	struct live_listener *rows =
		make_listeners(r, c, listeners, count, err);
	if (rows == NULL)
		return false;
	struct live_config live = {
		.tls = tls,
		.tls_legacy = legacy,
		.limits = &c->limits,
		.listeners = rows,
		.listener_count = count,
	};
	bool ok = live_make(r->live, &live, out, err);
	free(rows);
	return ok;
}

bool relay_live_begin(struct relay *r, struct err *err)
{
	const struct relay_start *s = r->start;
	r->sockets = calloc(RELAY_SOCKETS_MAX, sizeof(*r->sockets));
	if (r->sockets == NULL)
		return err_set_memory(err, "relay");
	if (!copy_pem(s->certificate_pem, s->key_pem, &r->pem, err))
		return false;
	for (size_t i = 0; i < s->listener_count; i++)
		add_socket(r, s->listeners[i].number, s->listeners[i].fd);
	mark_wanted(r, s->listeners, s->listener_count);
	r->legacy_since_ms = os_wall_ms();
	calendar_begin(&r->calendar, r->legacy_since_ms);
	struct live_change *change = NULL;
	if (!live_new(r->core, live_taken, r, &r->live, err) ||
	    !make_live(r, s->config, s->listeners, s->listener_count,
		       r->tls_server, r->tls_legacy, &change, err))
		return false;
	live_take(r->live, &change);
	return true;
}

void relay_live_end(struct relay *r)
{
	live_free(&r->live);
	for (size_t i = 0; i < r->socket_count; i++)
		os_socket_close(&r->sockets[i].fd);
	free(r->sockets);
	drop_pem(&r->pem);
}

/* --- a reload ------------------------------------------------------------- */

/* All that a reload is made of. */
struct reloading {
	struct start_reload reload;
	struct relay_pem pem;
	struct tls_context *tls, *legacy;
	struct new_routes routes;
	struct live_change *live;
};

static bool make_routes(struct relay *r, struct reloading *n, struct err *err)
{
	const struct config *c = &n->reload.config;
	struct retry_plan retry = relay_make_retry(c);
	struct route *specs = relay_make_routes(r, c);
	if (specs == NULL)
		return err_set_memory(err, "relay");
	bool ok = relay_core_make_routes(
		r->core, specs, c->route_count, &retry,
		(uint32_t)c->limits.destination_concurrency, &n->routes, err);
	free(specs);
	return ok;
}

static bool make_all(struct relay *r, slice payload, struct arena *arena,
		     struct reloading *n, struct err *err)
{
	const struct start_reload *reload = &n->reload;
	return start_reload_decode(payload, arena, &n->reload, err) &&
	       copy_pem(reload->certificate_pem, reload->key_pem, &n->pem,
			err) &&
	       relay_make_tls(reload->certificate_pem, reload->key_pem,
			      &n->tls, &n->legacy, err) &&
	       make_live(r, &reload->config, reload->listeners,
			 reload->listener_count, n->tls, n->legacy, &n->live,
			 err) &&
	       make_routes(r, n, err);
}

static void take_all(struct relay *r, struct reloading *n)
{
	const struct start_reload *reload = &n->reload;
	drop_pem(&r->pem);
	r->pem = n->pem;
	n->pem = (struct relay_pem){ 0 };
	mark_wanted(r, reload->listeners, reload->listener_count);
	set_tls(r, n->tls, n->legacy);
	n->tls = n->legacy = NULL;
	live_take(r->live, &n->live);
	relay_core_take_routes(r->core, &n->routes);
	relay_operator_configure(r, &reload->config);
	calendar_look_again(&r->calendar);
}

static void drop_all(struct reloading *n)
{
	drop_pem(&n->pem);
	tls_context_unref(&n->tls);
	tls_context_unref(&n->legacy);
	live_drop(&n->live);
	new_routes_drop(&n->routes);
}

static void wipe_key(slice key_pem)
{
	/* Ours, in the arena of the reload. */
	union {
		const char *given;
		char *ours;
	} key = { .given = key_pem.p };
	if (key_pem.n > 0)
		secret_wipe(key.ours, key_pem.n);
}

void relay_on_reload(void *ctx, slice payload)
{
	struct relay *r = ctx;
	struct arena arena;
	struct reloading n = { .live = NULL };
	struct err err = { 0 };
	arena_init(&arena, RELOAD_ARENA_MAX);
	if (make_all(r, payload, &arena, &n, &err))
		take_all(r, &n);
	else
		log_failure(r->log, LOG_ERROR, "relay.reload", &err);
	drop_all(&n);
	wipe_key(n.reload.key_pem);
	arena_fini(&arena);
}

/* --- by the clock --------------------------------------------------------- */

/* Once a day for the same certificate, whatever is reloaded. */
static void warn_of_end(struct relay *r, int64_t now_ms)
{
	struct err err;
	struct log_event e;
	struct journal_event j;
	int64_t ends_ms, day = now_ms / DAY_MS;
	if (!tls_certificate_ends(buf_slice(&r->pem.certificate), &ends_ms,
				  &err))
		return;
	relay_operator_certificate(r, ends_ms, now_ms);
	if (certificate_step(ends_ms - now_ms) == 0 ||
	    (ends_ms == r->told_ends_ms && day == r->told_day))
		return;
	r->told_ends_ms = ends_ms;
	r->told_day = day;
	int64_t days = ends_ms > now_ms ? (ends_ms - now_ms) / DAY_MS : 0;
	bool is_over = ends_ms <= now_ms;
	log_begin(&e, r->log, is_over ? LOG_ALARM : LOG_WARNING,
		  is_over ? "tls.certificate_over" : "tls.certificate_ends");
	json_member_u64(&e.json, "days_left", (uint64_t)days);
	json_key(&e.json, "ends");
	json_time_ms(&e.json, ends_ms);
	log_end(&e);
	journal_begin(&j, relay_core_journal(r->core), "certificate", now_ms);
	json_member_u64(&j.json, "days_left", (uint64_t)days);
	json_key(&j.json, "ends");
	json_time_ms(&j.json, ends_ms);
	journal_end(&j, JOURNAL_KEEP, 0);
}

/* Ticket keys are a context's own: a new one each day (RELIABILITY 4.7). */
static void turn_keys(struct relay *r)
{
	struct tls_context *tls, *legacy;
	struct err err;
	if (r->pem.certificate.n == 0)
		return;
	if (!relay_make_tls(buf_slice(&r->pem.certificate),
			    buf_slice(&r->pem.key), &tls, &legacy, &err)) {
		log_failure(r->log, LOG_ERROR, "relay.ticket_keys", &err);
		return;
	}
	if (!live_set_tls(r->live, tls, legacy, &err)) {
		tls_context_unref(&tls);
		tls_context_unref(&legacy);
		log_failure(r->log, LOG_ERROR, "relay.ticket_keys", &err);
		return;
	}
	set_tls(r, tls, legacy);
}

void relay_tell_legacy(struct relay *r)
{
	int64_t now_ms = os_wall_ms();
	struct legacy_client *rows;
	if (r->live == NULL)
		return;
	size_t count = legacy_report(live_legacy_clients(r->live),
				     relay_core_journal(r->core), r->log,
				     now_ms, &rows);
	if (count > 0)
		relay_operator_legacy(r, rows, count, r->legacy_since_ms,
				      now_ms);
	free(rows);
	r->legacy_since_ms = now_ms;
}

void relay_look_at_clock(struct relay *r)
{
	int64_t now_ms = os_wall_ms();
	struct calendar_due due = calendar_look(&r->calendar, now_ms);
	if (due.keys)
		turn_keys(r);
	if (due.certificate && r->pem.certificate.n > 0)
		warn_of_end(r, now_ms);
	if (due.report)
		relay_tell_legacy(r);
}
