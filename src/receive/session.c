/*
 * A session with a client, from accept to close: what the engine (smtp/server)
 * asks is answered here or in auth.c, transaction.c, body.c. The states and
 * their edges are in receive_private.h.
 */
#include "receive/receive_private.h"

#include "os/random.h"

#include <stdlib.h>

enum { STRANGER_GREETING_MS = 1, LINGER_MS = 5000, TIMER_SLACK_MS = 1000,
       HELO_KEPT = 255 };

static const struct conn_user session_user;

/* --- time ----------------------------------------------------------------- */

/* The timer is moved only when it would be too late: most waits are short,
 * and an early timer looks at the deadline and goes on. */
static void set_deadline(struct session *s, uint64_t after_ms)
{
	struct loop *loop = s->receive->config.loop;
	int64_t now = loop_now_ms(loop);
	s->deadline_ms = now + (int64_t)after_ms;
	if (s->timer.due_ms == 0 || s->timer.due_ms > s->deadline_ms)
		loop_timer_set(loop, &s->timer, (int64_t)after_ms);
}

static uint64_t command_wait_ms(const struct session *s)
{
	const struct limits *l = s->receive->config.limits;
	if (smtp_server_in_body(s->server))
		return l->data_block_ms;
	return s->helo == NULL ? l->greeting_ms : l->command_ms;
}

static void set_wait(struct session *s)
{
	const struct limits *l = s->receive->config.limits;
	switch ((enum session_state)s->state) {
	case SESSION_HANDSHAKE:
		set_deadline(s, l->tls_handshake_ms);
		break;
	case SESSION_COMMANDS:
		set_deadline(s, command_wait_ms(s));
		break;
	case SESSION_GREETING:
	case SESSION_STORING:
	case SESSION_FULL:
	case SESSION_PUNISHED:
		/* Ours to be done with; the disk has no deadline. */
		s->deadline_ms = INT64_MAX;
		break;
	}
}

static void greet(struct session *s);

static void timer_fired(struct timer *timer)
{
	struct session *s = CONTAINER_OF(timer, struct session, timer);
	struct loop *loop = s->receive->config.loop;
	int64_t now = loop_now_ms(loop);
	if (s->state == SESSION_GREETING) {
		greet(s);
		return;
	}
	if (s->state == SESSION_PUNISHED) {
		session_answer(s, REPLY_AUTH_FAILED, (slice){ 0 },
			       (slice){ 0 }, slice_of(s->reference));
		session_resume(s);
		return;
	}
	if (s->deadline_ms == INT64_MAX || s->conn == NULL)
		return;
	if (now < s->deadline_ms) {
		int64_t left = s->deadline_ms - now;
		loop_timer_set(loop, &s->timer,
			       left < TIMER_SLACK_MS ? TIMER_SLACK_MS : left);
		return;
	}
	session_close_with(s, REPLY_TIMEOUT);
}

/* --- answers -------------------------------------------------------------- */

void session_answer(struct session *s, enum reply_id id, slice detail,
		    slice advice, slice tag)
{
	struct reply reply = {
		.id = id, .detail = detail, .advice = advice, .tag = tag,
	};
	smtp_server_answer(s->server, conn_out(s->conn), &reply);
}

static void finish(struct session *s)
{
	if (s->conn != NULL)
		conn_close_after_flush(&s->conn, LINGER_MS);
	session_end(s);
}

/* Says so and closes; a client that is in the middle of a body is cut off
 * without words, since it would not read them as what they are. */
void session_close_with(struct session *s, enum reply_id id)
{
	struct reply reply = { .id = id };
	s->close = SMTP_CLOSE_CALLER;
	if (s->conn != NULL && s->state == SESSION_COMMANDS)
		smtp_server_close(s->server, conn_out(s->conn), &reply);
	finish(s);
}

/* --- the engine's questions ----------------------------------------------- */

static void on_helo(struct session *s, const struct smtp_event *ev)
{
	slice helo = slice_sub(ev->helo, 0, HELO_KEPT);
	struct admission_words words;
	if (!admit_name(s, helo, &words)) {
		session_refuse_busy(s, REPLY_BUSY, &words);
		return;
	}
	char *copy = malloc(helo.n + 1);
	if (copy == NULL) {
		session_answer(s, REPLY_FAULT, (slice){ 0 }, (slice){ 0 },
			       (slice){ 0 });
		return;
	}
	memcpy(copy, helo.p, helo.n);
	copy[helo.n] = '\0';
	free(s->helo);
	s->helo = copy;
	s->extended = ev->extended;
	s->mangled = s->mangled || ev->firewall_mangled;
	session_answer(s, REPLY_HELO_OK, s->receive->config.hostname,
		       (slice){ 0 }, (slice){ 0 });
}

static bool listener_takes_legacy(const struct session *s)
{
	return loop_wall_ms(s->receive->config.loop) <
	       s->listener->rules.legacy_until_ms;
}

/* Old TLS is taken to the end of a day (SPEC 1.9): the listener's, or that of
 * an entry which holds the address, as the view has it now. It must be known
 * before the ClientHello comes. */
static struct tls_context *context_of(const struct session *s)
{
	const struct receive *r = s->receive;
	bool legacy = r->tls_legacy != NULL &&
		      (listener_takes_legacy(s) || admit_legacy_tls(s));
	return legacy ? r->tls_legacy : r->tls;
}

static void on_starttls(struct session *s, const struct smtp_event *ev)
{
	(void)ev;
	struct err err;
	slice none = { 0 };
	struct admission_words words;
	if (!admit_handshake(s, &words)) {
		session_refuse_busy(s, REPLY_TLS_BUSY, &words);
		return;
	}
	session_answer(s, REPLY_STARTTLS_GO, none, none, none);
	s->state = SESSION_HANDSHAKE;
	conn_flush(s->conn);
	if (!conn_start_tls(s->conn, context_of(s), none, &err)) {
		log_failure(session_log(s, LOG_INFO), LOG_INFO,
			    "receive.starttls", &err);
		session_close_with(s, REPLY_TLS_BUSY);
	}
}

/* Never the proxy's own address for a client that it didn't name (SPEC 1.4). */
static void on_mail(struct session *s, const struct smtp_event *ev)
{
	if (s->client_due)
		session_close_with(s, REPLY_XCLIENT_DUE);
	else
		transaction_mail(s, ev);
}

static void on_data(struct session *s, const struct smtp_event *ev)
{
	(void)ev;
	body_begin(s);
}

static void on_body(struct session *s, const struct smtp_event *ev)
{
	body_piece(s, ev->body);
}

static void on_dropped(struct session *s, const struct smtp_event *ev)
{
	(void)ev;
	transaction_end(s);
}

static void on_quit(struct session *s, const struct smtp_event *ev)
{
	(void)ev;
	finish(s);
}

static void on_close(struct session *s, const struct smtp_event *ev)
{
	s->close = ev->close;
	finish(s);
}

typedef void session_event(struct session *s, const struct smtp_event *ev);

static session_event *const events[] = {
	[SMTP_HELO] = on_helo,
	[SMTP_STARTTLS] = on_starttls,
	[SMTP_AUTH] = session_auth,
	[SMTP_SCRAM_FIRST] = session_scram_first,
	[SMTP_SCRAM_FINAL] = session_scram_final,
	[SMTP_SCRAM_DONE] = session_scram_done,
	[SMTP_XCLIENT] = session_xclient,
	[SMTP_MAIL] = on_mail,
	[SMTP_RCPT] = transaction_rcpt,
	[SMTP_DATA] = on_data,
	[SMTP_BODY] = on_body,
	[SMTP_BODY_END] = body_end,
	[SMTP_DROPPED] = on_dropped,
	[SMTP_QUIT] = on_quit,
	[SMTP_CLOSE] = on_close,
};

/* --- what the connection tells -------------------------------------------- */

/* The bytes came in one turn; `in_body`: when it began. */
static void keep_pace(struct session *s, bool in_body, size_t bytes)
{
	const struct receive_config *c = &s->receive->config;
	int64_t now = loop_now_ms(c->loop);
	if (!smtp_server_in_body(s->server))
		return;
	if (!in_body)
		pace_begin(&s->pace, now);
	else if (!pace_more(&s->pace, now, bytes, c->limits->data_rate_bytes))
		session_close_with(s, REPLY_TIMEOUT);
}

bool session_may_leave(const struct session *s)
{
	return s->state != SESSION_STORING && s->transaction == NULL &&
	       !smtp_server_in_body(s->server);
}

/* No further transaction while the service is about to stop: its last one may
 * have ended by RSET or a refusal, too. What waits for an answer of ours gets
 * it first. */
static void leave_if_draining(struct session *s)
{
	if (s->receive->draining && !s->over && s->state == SESSION_COMMANDS &&
	    session_may_leave(s))
		session_close_with(s, REPLY_SHUTDOWN);
}

/* One event after the other, while the engine may go on. A handler that ends
 * the session marks it `over`; it is freed when all have returned. */
static void on_input(void *ctx, slice *in)
{
	struct session *s = ctx;
	struct note *note = s->receive->config.note;
	struct smtp_event ev;
	size_t came = in->n;
	bool in_body = smtp_server_in_body(s->server);
	admission_active(s);
	note_client(note, &s->client.addr, "receive");
	s->in_input = true;
	while (!s->over &&
	       (s->state == SESSION_COMMANDS || s->state == SESSION_GREETING)) {
		enum smtp_event_kind kind = smtp_server_next(
			s->server, in, conn_out(s->conn), &ev);
		if (kind == SMTP_NEED_INPUT)
			break;
		invariant((size_t)kind < ARRAY_LEN(events) &&
			  events[kind] != NULL);
		events[kind](s, &ev);
		leave_if_draining(s);
	}
	leave_if_draining(s);
	s->in_input = false;
	note_client_clear(note);
	if (s->over) {
		session_end(s);
		return;
	}
	conn_flush(s->conn);
	set_wait(s);
	keep_pace(s, in_body, came - in->n);
}

/* A password is not given to encryption of that age, unless the operator says
 * that there is no other way. */
static void begin_legacy(struct session *s)
{
	counter_add(s->receive->config.counters,
		    COUNTER_tls_legacy_sessions_total, 1);
	if (!s->listener->rules.legacy_auth || !listener_takes_legacy(s))
		smtp_server_refuse_auth(s->server);
	tell_legacy_tls(s);
}

/* RELIABILITY's hint: which old client it was, and what would take it. */
static void log_tls_failure(struct session *s, const struct err *why)
{
	static const char *const old[] = {
		"unsupported protocol", "no shared cipher",
		"version too low", "no protocols available",
	};
	char address[IP_TEXT_MAX];
	bool is_old = false;
	struct log_event e;
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		is_old = is_old || strstr(why->detail, old[i]) != NULL;
	enum log_level level = is_old ? LOG_WARNING : LOG_INFO;
	log_begin(&e, session_log(s, level), level, "receive.tls_failed");
	json_member_cstr(&e.json, "client",
			 ip_addr_text(&s->client.addr, address));
	json_member_cstr(&e.json, "listener", s->listener->name);
	log_err(&e, why);
	if (is_old)
		json_member_cstr(&e.json, "hint", "the client's TLS is too "
				 "old (before 1.2, or old ciphers only): a "
				 "listener with legacy_tls, or an IP entry "
				 "with legacy_tls_until, would take it");
	log_end(&e);
}

static void on_tls_open(void *ctx)
{
	struct session *s = ctx;
	invariant(s->state == SESSION_HANDSHAKE);
	counter_add(s->receive->config.counters, COUNTER_tls_sessions_total, 1);
	if (tls_is_legacy(conn_tls(s->conn)))
		begin_legacy(s);
	if (!s->greeted_tls && s->listener->tls == RECEIVE_IMPLICIT_TLS) {
		s->greeted_tls = true;
		greet(s);
		return;
	}
	/* All that was said in clear is forgotten (RFC 3207 4.2). */
	smtp_server_tls_started(s->server);
	free(s->helo);
	s->helo = NULL;
	s->has_login = false;
	s->state = SESSION_COMMANDS;
	set_wait(s);
}

static void on_closed(void *ctx, const struct err *why)
{
	struct session *s = ctx;
	if (why != NULL && s->state == SESSION_HANDSHAKE) {
		counter_add(s->receive->config.counters,
			    COUNTER_tls_failed_total, 1);
		log_tls_failure(s, why);
	}
	conn_free(&s->conn);
	/* The door has its message: the decision is made and stands, whether
	 * the client hears it or not. */
	if (s->state != SESSION_STORING)
		session_end(s);
}

static void on_drained(void *ctx)
{
	(void)ctx;
}

static const struct conn_user session_user = {
	.input = on_input,
	.drained = on_drained,
	.tls_open = on_tls_open,
	.closed = on_closed,
};

/* --- begin and end -------------------------------------------------------- */

static void greet(struct session *s)
{
	smtp_server_greet(s->server, conn_out(s->conn));
	s->state = SESSION_COMMANDS;
	conn_flush(s->conn);
	set_wait(s);
	/* What a known client sent before. */
	if (s->by_proxy || conn_kept_bytes(s->conn) > 0)
		conn_show_soon(s->conn);
}

/* Strangers are greeted a moment later: who talks before that is no mail
 * server (RFC 5321 4.3.1). */
static void begin_plain(struct session *s)
{
	s->state = SESSION_GREETING;
	conn_resume(s->conn);
	if (s->by_proxy)	/* what came with the header is too early */
		conn_show_soon(s->conn);
	int64_t delay_ms = s->known ? s->admission.greeting_delay_ms :
				      STRANGER_GREETING_MS;
	if (delay_ms == 0)
		greet(s);
	else
		loop_timer_set(s->receive->config.loop, &s->timer, delay_ms);
}

static void begin_tls(struct session *s)
{
	struct err err;
	struct admission_words words;
	s->state = SESSION_HANDSHAKE;
	/* Behind a PROXY header the handshake may have begun. */
	if (s->by_proxy)
		conn_tls_follows(s->conn);
	if (s->receive->tls == NULL || !admit_handshake(s, &words) ||
	    !conn_start_tls(s->conn, context_of(s), (slice){ 0 }, &err)) {
		finish(s);
		return;
	}
	set_wait(s);
	conn_resume(s->conn);
}

static void free_session(struct session *s)
{
	smtp_server_free(&s->server);
	receive_listener_unref(&s->listener);
	free(s->helo);
	free(s);
}

static struct conn *take_conn(struct session *s, struct arrival *arrival)
{
	struct conn *conn = arrival->conn;
	if (conn == NULL)
		return conn_accepted(s->receive->config.loop, arrival->fd,
				     &arrival->peer, &arrival->local,
				     &session_user, s);
	conn_set_user(conn, &session_user, s);
	return conn;
}

void session_begin(struct receive *r, struct receive_listener *l,
		   struct arrival *arrival,
		   const struct admission *admission)
{
	struct session *s = calloc(1, sizeof(*s));
	struct admission given = *admission;
	list_init(&given.node);
	if (s == NULL) {
		admission_end(r, &given);
		if (arrival->conn != NULL)
			conn_free(&arrival->conn);
		else
			os_socket_close(&arrival->fd);
		return;
	}
	s->receive = r;
	s->listener = receive_listener_ref(l);
	s->client = arrival->peer;
	s->by_proxy = arrival->by_proxy;
	s->proxy = arrival->proxy;
	s->begun_ms = loop_wall_ms(r->config.loop);
	s->id = id_make(s->begun_ms, os_random_u64());
	s->admission = *admission;
	list_init(&s->admission.node);
	s->known = s->admission.class_customer != 0;
	timer_init(&s->timer, timer_fired);
	list_init(&s->node);
	s->server = smtp_server_new(l->tls == RECEIVE_PLAIN ? &r->server_plain
							    : &r->server,
				    l->tls == RECEIVE_IMPLICIT_TLS);
	s->conn = take_conn(s, arrival);
	if (s->server == NULL || s->conn == NULL) {
		conn_free(&s->conn);
		admission_end(r, &s->admission);
		free_session(s);
		return;
	}
	id_text(s->id, s->tag);
	smtp_server_tag(s->server, slice_of(s->tag));
	if (l->rules.xclients.n > 0) {
		s->client_due = ranges_hold(&l->rules.xclients,
					    &s->client.addr);
		smtp_server_xclient(s->server, s->client_due ?
						       SMTP_XCLIENT_ALLOWED :
						       SMTP_XCLIENT_REFUSED);
	}
	if (s->known || s->client_due)
		smtp_server_known_client(s->server);
	list_append(&r->sessions, &s->node);
	if (s->admission.is_stranger)
		list_append(&r->strangers, &s->admission.node);
	r->open_count++;
	counter_add(r->config.counters, COUNTER_sessions_total, 1);
	counter_add(r->config.counters, COUNTER_sessions_open, 1);
	if (l->tls == RECEIVE_IMPLICIT_TLS)
		begin_tls(s);
	else
		begin_plain(s);
}

static void maybe_empty(struct receive *r)
{
	if (!r->draining || r->open_count > 0 || r->empty == NULL)
		return;
	void (*empty)(void *) = r->empty;
	r->empty = NULL;
	empty(r->empty_ctx);
}

void session_end(struct session *s)
{
	struct receive *r = s->receive;
	s->over = true;
	if (s->in_input)
		return;
	if (smtp_server_saw_auth_in_clear(s->server))
		tell_auth_in_clear(s);
	transaction_end(s);
	tell_session_end(s);
	loop_timer_cancel(r->config.loop, &s->timer);
	if (s->conn != NULL)
		conn_free(&s->conn);
	list_remove(&s->node);
	admission_end(r, &s->admission);
	invariant(r->open_count > 0);
	r->open_count--;
	counter_sub(r->config.counters, COUNTER_sessions_open, 1);
	free_session(s);
	maybe_empty(r);
}

void session_resume(struct session *s)
{
	bool was_full = s->state == SESSION_FULL;
	s->state = SESSION_COMMANDS;
	if (s->receive->draining && session_may_leave(s)) {
		session_close_with(s, REPLY_SHUTDOWN);
		return;
	}
	pace_begin(&s->pace, loop_now_ms(s->receive->config.loop));
	set_wait(s);
	conn_flush(s->conn);
	conn_resume(s->conn);
	/* The end of a chunk, or of the body, may be what comes next: the
	 * octets for it were all taken. */
	if (was_full)
		conn_show_soon(s->conn);
}
