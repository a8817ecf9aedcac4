/* Mail in on one shard: what holds listeners and sessions. See receive.h. */
#include "receive/receive_private.h"

#include <stdlib.h>

static struct smtp_server_config engine_config(const struct receive *r,
					       bool starttls)
{
	return (struct smtp_server_config){
		.hostname = r->config.hostname,
		.help_url = r->config.help_url,
		.limits = r->config.limits,
		.offer_starttls = starttls && r->tls != NULL,
		.offer_auth = r->tls != NULL,
	};
}

/* The engines of open sessions hold the config by pointer: what changes in it
 * is whether TLS is offered, and limits, which they take when they may. */
static void set_engines(struct receive *r)
{
	r->server = engine_config(r, true);
	r->server_plain = engine_config(r, false);
}

bool receive_new(const struct receive_config *config,
		 const struct view *view, struct tls_context *tls,
		 struct receive **out, struct err *err)
{
	struct receive *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set_memory(err, "receive");
	r->config = *config;
	r->view = view_ref(view);
	r->tls = tls ? tls_context_ref(tls) : NULL;
	set_engines(r);
	list_init(&r->sessions);
	list_init(&r->strangers);
	list_init(&r->proxied);
	*out = r;
	return true;
}

void receive_free(struct receive **receive)
{
	struct receive *r = *receive;
	if (r == NULL)
		return;
	invariant(r->open_count == 0 && list_empty(&r->sessions));
	proxied_end_all(r);
	for (size_t i = 0; i < r->listener_count; i++)
		receive_listener_close(&r->listeners[i]);
	view_unref(&r->view);
	tls_context_unref(&r->tls);
	tls_context_unref(&r->tls_legacy);
	free(r);
	*receive = NULL;
}

void receive_set_view(struct receive *r, const struct view *view)
{
	const struct view *old = r->view;
	r->view = view_ref(view);
	view_unref(&old);
}

void receive_set_tls(struct receive *r, struct tls_context *tls,
		     struct tls_context *legacy)
{
	struct tls_context *old = r->tls, *old_legacy = r->tls_legacy;
	r->tls = tls ? tls_context_ref(tls) : NULL;
	r->tls_legacy = legacy ? tls_context_ref(legacy) : NULL;
	tls_context_unref(&old);
	tls_context_unref(&old_legacy);
	set_engines(r);
}

void receive_set_legacy_clients(struct receive *r,
				struct legacy_clients *clients)
{
	r->legacy_clients = clients;
}

void receive_set_limits(struct receive *r, const struct limits *limits)
{
	r->config.limits = limits;
	set_engines(r);
}

/* --- connections come in -------------------------------------------------- */

static bool is_refused(const struct receive *r, const struct ip_addr *a)
{
	int64_t now = loop_wall_ms(r->config.loop);
	for (size_t i = 0; i < r->config.refused_count; i++)
		if (r->config.refused[i].until_ms > now &&
		    ip_addr_eq(&r->config.refused[i].address, a))
			return true;
	return false;
}

bool ranges_hold(const struct receive_ranges *r, const struct ip_addr *a)
{
	for (size_t i = 0; i < r->n; i++)
		if (ip_range_holds(&r->p[i], a))
			return true;
	return false;
}

/* A short write into a fresh socket doesn't block; if it fails, so be it. */
static void send_once(struct receive *r, const struct ip_addr *client, int fd,
		      slice words)
{
	struct iovec iov = { (void *)(uintptr_t)words.p, words.n };
	size_t sent;
	struct err err;
	if (os_send(fd, &iov, 1, &sent, &err) == OS_NET_FAILED)
		log_failure(log_about(r, client, true, LOG_DEBUG), LOG_DEBUG,
			    "receive.turned_away", &err);
}

/* Words for a connection that gets no session. */
static void turn_away(struct receive *r, struct arrival *arrival,
		      enum reply_id id, slice advice, slice tag)
{
	enum { LINGER_MS = 1000 };
	struct buf out;
	buf_init(&out, 1024);
	struct reply reply = { .id = id, .advice = advice, .tag = tag };
	reply_write(&out, &reply);
	if (arrival->conn != NULL) {
		buf_append(conn_out(arrival->conn), buf_slice(&out));
		conn_close_after_flush(&arrival->conn, LINGER_MS);
	} else {
		send_once(r, &arrival->peer.addr, arrival->fd,
			  buf_slice(&out));
		os_socket_close(&arrival->fd);
	}
	buf_fini(&out);
	counter_add(r->config.counters, COUNTER_sessions_refused_total, 1);
}

/* The budgets of its address are used up. */
static void turn_away_busy(struct receive *r, struct receive_listener *l,
			   struct arrival *arrival,
			   const struct admission *admission,
			   const struct admission_words *words)
{
	char tag[REFERENCE_TEXT_MAX] = "";
	struct refusal why = {
		.reply = REPLY_BUSY,
		.cause = refusal_cause_of_reply(REPLY_BUSY),
		.advice = slice_of(words->text),
		.owner = admission->class_customer,
	};
	if (admission_tells(r, &arrival->peer.addr)) {
		tell_turned_away(r, l, &arrival->peer.addr, &why,
				 refusal_tag(tag));
	}
	turn_away(r, arrival, REPLY_BUSY, why.advice, slice_of(tag));
}

void receive_arrived(struct receive *r, struct receive_listener *l,
		     struct arrival *arrival)
{
	const struct ip_addr *client = &arrival->peer.addr;
	struct admission admission;
	struct admission_words words;
	if (r->draining || spool_is_closed(r->config.spool))
		turn_away(r, arrival, REPLY_SHUTDOWN, (slice){ 0 },
			  (slice){ 0 });
	else if (ranges_hold(&l->rules.xclients, client)) {
		admission_of_proxy(r, &admission);
		session_begin(r, l, arrival, &admission);
	} else if (is_refused(r, client))
		turn_away(r, arrival, REPLY_BUSY, (slice){ 0 }, (slice){ 0 });
	else if (!admit_connection(r, client, &admission, &words))
		turn_away_busy(r, l, arrival, &admission, &words);
	else
		session_begin(r, l, arrival, &admission);
}

/* --- the end -------------------------------------------------------------- */

void receive_drain(struct receive *r, void (*empty)(void *ctx), void *ctx)
{
	r->draining = true;
	r->empty = empty;
	r->empty_ctx = ctx;
	for (size_t i = 0; i < r->listener_count; i++)
		listener_pause(r->listeners[i]->listener);
	proxied_end_all(r);
	list_each(&r->sessions, node, after) {
		struct session *s = CONTAINER_OF(node, struct session, node);
		if (session_may_leave(s))
			session_close_with(s, REPLY_SHUTDOWN);
	}
	if (r->open_count == 0 && r->empty != NULL) {
		r->empty = NULL;
		empty(ctx);
	}
}

void receive_abort(struct receive *r)
{
	proxied_end_all(r);
	list_each(&r->sessions, node, after) {
		struct session *s = CONTAINER_OF(node, struct session, node);
		if (s->conn != NULL)
			conn_abort(&s->conn);
		if (s->state != SESSION_STORING)
			session_end(s);
	}
}

uint32_t receive_open_count(const struct receive *r)
{
	return r->open_count;
}
