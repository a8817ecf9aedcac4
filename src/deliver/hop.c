/*
 * A connection to a next hop, and what is said over it: found, connected,
 * greeted, perhaps encrypted and logged in, then one transaction after the
 * other, as long as its lane has mail.
 *
 *   LOOKUP → CONNECT → SESSION ⇄ IDLE → (gone)
 *   CONNECT → CONNECT              the next address
 *   SESSION → CONNECT              TLS failed, opportunistic: without TLS
 *
 * The engine (smtp/client) owns the protocol; here are waits and bytes.
 */
#include "deliver/hop_private.h"

#include <stdlib.h>

enum { LINGER_MS = 1000 };

static const struct conn_user hop_user;
static const uint8_t no_answer[3] = { 4, 4, 1 };
static const uint8_t bad_connection[3] = { 4, 4, 2 };

/* --- the end -------------------------------------------------------------- */

static void free_hop(struct hop *h)
{
	struct deliver *d = hop_deliver(h);
	smtp_client_free(&h->client);
	free(h->outcomes);
	free(h->indexes);
	free(h->piece_bytes);
	list_remove(&h->node);
	list_remove(&h->all);
	counter_sub(d->config.counters, COUNTER_connections_out_open, 1);
	lane_leave(h->lane);
	free(h);
}

/* Gone as soon as nobody stands in it or counts on it: not while `step`, a
 * read of a piece or a look-up is under way, or an attempt is loaded for it. */
void hop_close(struct hop *h)
{
	h->over = true;
	loop_timer_cancel(hop_deliver(h)->config.loop, &h->timer);
	if (h->conn != NULL)
		conn_close_after_flush(&h->conn, LINGER_MS);
	if (h->in_step || h->claimed || h->piece_under_way ||
	    h->state == HOP_LOOKUP)
		return;
	invariant(h->attempt == NULL);
	free_hop(h);
}

static slice host_of(const struct hop *h)
{
	return h->route->host;
}

static const struct ip_port *peer_of(const struct hop *h)
{
	return h->address_at < h->address_count
		       ? &h->addresses[h->address_at]
		       : NULL;
}

/* Ends the attempt with what it has; the hop goes on (attempt_end gives it
 * back by hop_idle) or, if it is over, is closed there. */
void hop_end_attempt(struct hop *h)
{
	struct attempt *a = h->attempt;
	h->attempt = NULL;
	if (a == NULL)
		return;
	const char *version =
		h->conn != NULL && conn_tls(h->conn) != NULL
			? tls_version(conn_tls(h->conn))
			: "";
	size_t n = strlen(version);
	if (n < sizeof(a->tls))
		memcpy(a->tls, version, n + 1);
	attempt_end(a, host_of(h), peer_of(h));
}

void hop_fail(struct hop *h, const struct err *why, bool down)
{
	struct attempt *a = h->attempt;
	h->over = true;
	if (a == NULL) {
		hop_close(h);
		return;
	}
	a->down = down;
	const uint8_t *status = h->state == HOP_SESSION ? bad_connection
							: no_answer;
	attempt_rest(a, RESULT_DEFERRED, 0, status, slice_of(why->text));
	hop_end_attempt(h);
}

/* --- time ----------------------------------------------------------------- */

static uint64_t wait_ms(struct hop *h)
{
	const struct limits *l = hop_deliver(h)->config.limits;
	switch (smtp_client_waits_for(h->client)) {
	case SMTP_WAIT_GREETING:
	case SMTP_WAIT_EHLO:
	case SMTP_WAIT_STARTTLS:
	case SMTP_WAIT_AUTH:
		return l->remote_greeting_ms;
	case SMTP_WAIT_MAIL:
		return l->remote_mail_ms;
	case SMTP_WAIT_RCPT:
		return l->remote_rcpt_ms;
	case SMTP_WAIT_DATA:
		return l->remote_data_ms;
	case SMTP_WAIT_BLOCK:
		return l->remote_block_ms;
	case SMTP_WAIT_DOT:
		return l->remote_dot_ms;
	case SMTP_WAIT_QUIT:
		return l->remote_quit_ms;
	case SMTP_WAIT_NOTHING:
		break;
	}
	return l->remote_idle_ms;
}

/* However often a host says a little: an attempt ends (limits.attempt_ms). */
static int64_t attempt_left_ms(const struct hop *h)
{
	if (h->attempt == NULL)
		return INT64_MAX;
	int64_t now = loop_now_ms(hop_deliver(h)->config.loop);
	return h->attempt->until_ms > now ? h->attempt->until_ms - now : 0;
}

static void set_timer(struct hop *h)
{
	struct deliver *d = hop_deliver(h);
	uint64_t ms = h->state == HOP_CONNECT ? d->config.limits->connect_ms
					      : wait_ms(h);
	int64_t left = attempt_left_ms(h);
	loop_timer_set(d->config.loop, &h->timer,
		       (int64_t)ms < left ? (int64_t)ms : left);
}

static void lost(struct hop *h, const struct err *why);
static void try_next_address(struct hop *h, const struct err *why);

static void leave_idle(struct hop *h)
{
	invariant(h->state == HOP_IDLE && h->lane->idle_count > 0);
	list_remove(&h->node);
	h->lane->idle_count--;
	h->state = HOP_SESSION;
	loop_timer_cancel(hop_deliver(h)->config.loop, &h->timer);
}

/* Nothing is under way: ends it politely. */
static void hop_quit(struct hop *h)
{
	smtp_client_quit(h->client, conn_out(h->conn));
	conn_flush(h->conn);
	hop_close(h);
}

void hop_close_idle(struct deliver_lane *lane, uint32_t count)
{
	for (; count > 0 && !list_empty(&lane->idle); count--) {
		struct hop *h = list_last(&lane->idle, struct hop, node);
		leave_idle(h);
		hop_quit(h);
	}
}

static void timer_fired(struct timer *timer)
{
	struct hop *h = CONTAINER_OF(timer, struct hop, timer);
	struct err err;
	if (h->state == HOP_IDLE) {
		leave_idle(h);
		hop_quit(h);
		return;
	}
	err_set(&err, ERR_TIMEOUT, SCOPE_HOST, "hop",
		attempt_left_ms(h) > 0 ? "%.*s did not answer" :
					 "%.*s took too long in all",
		SLICE_ARG(host_of(h)));
	if (h->state == HOP_CONNECT)
		try_next_address(h, &err);
	else
		lost(h, &err);
}

/* --- the engine's wishes -------------------------------------------------- */

/* The connection broke in mid-session. */
static void lost(struct hop *h, const struct err *why)
{
	struct attempt *a = h->attempt;
	bool in_transaction = h->transaction.count > 0;
	bool ambiguous = smtp_client_lost(h->client, why);
	if (a != NULL) {
		a->ambiguous = ambiguous;
		if (in_transaction)
			hop_collect(h);
		/* Broken before our first word got an answer: the host. */
	}
	if (h->conn != NULL)
		conn_abort(&h->conn);
	hop_fail(h, why, !in_transaction);
}

static void start_tls(struct hop *h)
{
	struct err err;
	conn_flush(h->conn);
	if (!conn_start_tls(h->conn, hop_deliver(h)->config.tls, host_of(h),
			    &err))
		lost(h, &err);
}

void hop_step(struct hop *h, slice *in)
{
	struct err err;
	h->in_step = true;
	while (!h->over && h->conn != NULL) {
		enum smtp_client_event e = smtp_client_next(
			h->client, in, conn_out(h->conn), &err);
		if (e == SMTP_CLIENT_NEED_INPUT)
			break;
		switch (e) {
		case SMTP_CLIENT_START_TLS:
			start_tls(h);
			goto out;
		case SMTP_CLIENT_READY:
			h->ready = true;
			hop_next_transaction(h);
			if (h->ready)
				goto out;
			break;
		case SMTP_CLIENT_WANT_BODY:
			hop_begin_body(h);
			goto out;
		case SMTP_CLIENT_DONE:
			hop_collect(h);
			break;
		case SMTP_CLIENT_CLOSED:
		case SMTP_CLIENT_FAILED:
			if (e == SMTP_CLIENT_CLOSED)
				err_set(&err, ERR_TEMPORARY, SCOPE_HOST, "hop",
					"%.*s closed the connection",
					SLICE_ARG(host_of(h)));
			lost(h, &err);
			goto out;
		case SMTP_CLIENT_NEED_INPUT:
			break;
		}
	}
out:
	h->in_step = false;
	if (h->over) {
		if (h->attempt == NULL)
			hop_close(h);
		return;
	}
	conn_flush(h->conn);
	if (h->state == HOP_SESSION)
		set_timer(h);
}

static void on_input(void *ctx, slice *in)
{
	struct hop *h = ctx;
	if (h->state == HOP_IDLE && in->n > 0) {
		/* Words without a question: a 421, or rubbish. */
		leave_idle(h);
		*in = slice_skip(*in, in->n);
		hop_close(h);
		return;
	}
	hop_step(h, in);
}

static void on_connected(void *ctx)
{
	struct hop *h = ctx;
	h->state = HOP_SESSION;
	conn_resume(h->conn);
	set_timer(h);
}

static void on_tls_open(void *ctx)
{
	struct hop *h = ctx;
	slice none = { 0 };
	smtp_client_tls_started(h->client);
	hop_step(h, &none);
}

static void on_drained(void *ctx)
{
	struct hop *h = ctx;
	slice none = { 0 };
	if (!h->sending_body || h->in_step || h->over)
		return;
	hop_send_body(h);
	if (!h->over && !h->piece_under_way)
		hop_step(h, &none);
	else if (!h->over)
		conn_flush(h->conn);
}

static bool begin_connect(struct hop *h, struct err *err);

static void on_closed(void *ctx, const struct err *why)
{
	struct hop *h = ctx;
	struct err err;
	bool tls = why != NULL && why->where != NULL &&
		   strcmp(why->where, "tls") == 0;
	if (why == NULL)
		err_set(&err, ERR_TEMPORARY, SCOPE_HOST, "hop",
			"%.*s closed the connection", SLICE_ARG(host_of(h)));
	else
		err = *why;
	conn_free(&h->conn);
	if (h->state == HOP_CONNECT) {
		try_next_address(h, &err);
	} else if (h->state == HOP_IDLE) {
		leave_idle(h);
		hop_close(h);
	} else if (tls && h->tls == SMTP_TLS_OPPORTUNISTIC) {
		/* Better in clear than not at all; it is in the journal. */
		h->tls = SMTP_TLS_NEVER;
		if (!begin_connect(h, &err))
			hop_fail(h, &err, true);
	} else {
		lost(h, &err);
	}
}

static const struct conn_user hop_user = {
	.connected = on_connected,
	.input = on_input,
	.drained = on_drained,
	.tls_open = on_tls_open,
	.closed = on_closed,
};

/* --- finding and connecting ----------------------------------------------- */

static bool begin_connect(struct hop *h, struct err *err)
{
	struct deliver *d = hop_deliver(h);
	struct smtp_client_config config = {
		.ehlo_name = d->config.hostname,
		.limits = d->config.limits,
		.tls = d->config.tls ? h->tls : SMTP_TLS_NEVER,
		.lmtp = h->route->kind == DELIVER_LMTP,
		.auth_user = h->route->user,
		.auth_password = h->route->password,
		/* Only where the operator wrote so, never as a fallback. */
		.auth_in_clear = h->route->tls == SMTP_TLS_NEVER,
	};
	smtp_client_free(&h->client);
	h->client = smtp_client_new(&config);
	h->ready = false;
	if (h->client == NULL)
		return err_set_memory(err, "hop");
	h->state = HOP_CONNECT;
	h->conn = conn_connect(d->config.loop, &h->addresses[h->address_at],
			       NULL, &hop_user, h, err);
	if (h->conn == NULL)
		return false;
	counter_add(d->config.counters, COUNTER_connections_out_total, 1);
	set_timer(h);
	return true;
}

static void try_next_address(struct hop *h, const struct err *why)
{
	struct err err = *why;
	if (h->conn != NULL)
		conn_free(&h->conn);
	counter_add(hop_deliver(h)->config.counters,
		    COUNTER_connections_out_failed_total, 1);
	while (++h->address_at < h->address_count && attempt_left_ms(h) > 0)
		if (begin_connect(h, &err))
			return;
	if (h->address_at >= h->address_count)
		h->address_at = h->address_count ? h->address_count - 1 : 0;
	hop_fail(h, &err, true);
}

static void found(struct resolver_query *q)
{
	struct hop *h = CONTAINER_OF(q, struct hop, query);
	struct err err;
	h->state = HOP_CONNECT;
	if (h->over) {
		hop_close(h);
		return;
	}
	if (!q->ok) {
		hop_fail(h, &q->err, true);
		return;
	}
	for (unsigned i = 0; i < q->count; i++)
		h->addresses[i] = (struct ip_port){ q->addresses[i],
						    h->route->port };
	h->address_count = q->count;
	h->address_at = 0;
	if (!begin_connect(h, &err))
		try_next_address(h, &err);
}

static void connect_to_route(struct hop *h)
{
	struct deliver *d = hop_deliver(h);
	struct ip_addr address;
	struct err err;
	if (!ip_addr_parse(h->route->host, &address)) {
		h->state = HOP_LOOKUP;
		resolver_addresses(d->config.resolver, &h->query,
				   h->route->host, found);
		return;
	}
	h->addresses[0] = (struct ip_port){ address, h->route->port };
	h->address_count = 1;
	if (!begin_connect(h, &err))
		hop_fail(h, &err, true);
}

struct hop *hop_open(struct deliver_lane *lane, const struct route *route)
{
	struct deliver *d = lane->deliver;
	struct hop *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->lane = lane;
	h->routes = d->config.routes;
	h->route = route;
	h->tls = route->tls;
	h->state = HOP_CONNECT;
	list_init(&h->node);
	list_init(&h->all);
	list_append(&d->hops, &h->all);
	timer_init(&h->timer, timer_fired);
	counter_add(d->config.counters, COUNTER_connections_out_open, 1);
	return h;
}

/* --- sending -------------------------------------------------------------- */

void hop_send(struct hop *h, struct attempt *a)
{
	slice none = { 0 };
	invariant(h->attempt == NULL);
	h->attempt = a;
	a->at = 0;
	a->until_ms = loop_now_ms(hop_deliver(h)->config.loop) +
		      (int64_t)hop_deliver(h)->config.limits->attempt_ms;
	if (h->over) {
		struct err err;
		err_set(&err, ERR_TEMPORARY, SCOPE_HOST, "hop",
			"connection was lost");
		hop_fail(h, &err, false);
	} else if (h->conn == NULL && h->state == HOP_CONNECT) {
		connect_to_route(h);
	} else if (h->ready && !h->in_step) {
		h->state = HOP_SESSION;
		hop_next_transaction(h);
		if (h->attempt != NULL)
			hop_step(h, &none);
	}
}

struct hop *hop_take_idle(struct deliver_lane *lane)
{
	struct hop *h = list_first(&lane->idle, struct hop, node);
	if (h == NULL)
		return NULL;
	leave_idle(h);
	return h;
}

void hop_claim(struct hop *h)
{
	invariant(!h->claimed);
	h->claimed = true;
}

/* Called when an attempt gave it back, or none came. */
void hop_idle(struct hop *h)
{
	invariant(h->attempt == NULL);
	h->claimed = false;
	if (h->over || h->conn == NULL || !h->ready ||
	    hop_deliver(h)->draining) {
		hop_close(h);
		return;
	}
	if (lane_gives_up(h->lane)) {
		hop_quit(h);
		return;
	}
	h->state = HOP_IDLE;
	list_prepend(&h->lane->idle, &h->node);
	lane_idle(h->lane);
	loop_timer_set(hop_deliver(h)->config.loop, &h->timer,
		       (int64_t)hop_deliver(h)->config.limits->remote_idle_ms);
}

bool hop_uses(const struct hop *h, const struct routes *routes)
{
	return h->routes == routes;
}
