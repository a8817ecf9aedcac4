/* Connections under TLS: handshakes, data in any pieces, STARTTLS, ends. */
#include "net_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

static void done_on_close(struct side *s)
{
	world_done(s->world);
}

static void accept_with_tls(struct world *w)
{
	side_start_tls(&w->server, w->tls_server);
	side_resume(&w->server);
}

static void start_client_tls(struct side *s)
{
	side_start_tls(s, s->world->tls_client);
}

/* --- echo ---------------------------------------------------------------------- */

static void echo(struct side *s, slice *in)
{
	slice all = *in;
	*in = slice_skip(*in, in->n);
	side_say(s, all);
}

enum { ECHO_BYTES = 500 };

static void say_next(struct side *s)
{
	char c = (char)('a' + s->got.n % 26);
	side_say(s, (slice){ &c, 1 });
}

static void take_and_say_next(struct side *s, slice *in)
{
	side_take(s, in);
	if (s->got.n < ECHO_BYTES)
		say_next(s);
	else
		world_done(s->world);
}

static void bytes_come_back_one_by_one(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.input = echo;
	w->client.connected = start_client_tls;
	w->client.tls_open = say_next;
	w->client.input = take_and_say_next;
	world_connect(w);
	world_run(w);
	assert_int_equal(w->client.got.n, ECHO_BYTES);
	for (size_t i = 0; i < ECHO_BYTES; i++)
		assert_int_equal(w->client.got.p[i], 'a' + (int)(i % 26));
	assert_int_equal(w->client.tls_opens, 1);
	assert_int_equal(w->server.tls_opens, 1);
	assert_non_null(conn_tls(w->server.c));
	assert_string_equal(tls_version(conn_tls(w->server.c)), "TLSv1.3");
	assert_int_equal(conn_pending_bytes(w->server.c), 0);
}

/* --- much --------------------------------------------------------------------------- */

enum { MUCH_BYTES = 6 << 20, BOUND = 256 << 10 };

static char pattern(size_t at)
{
	return (char)(at * 13 % 251);
}

static void write_within_bound(struct side *s)
{
	size_t *written = s->hint;
	char block[10000];
	while (*written < MUCH_BYTES && conn_pending_bytes(s->c) < BOUND) {
		size_t n = MUCH_BYTES - *written;
		n = n < sizeof(block) ? n : sizeof(block);
		for (size_t i = 0; i < n; i++)
			block[i] = pattern(*written + i);
		side_say(s, (slice){ block, n });
		*written += n;
	}
	if (*written == MUCH_BYTES && s->c != NULL)
		conn_close_after_flush(&s->c, 5000);
}

static void resume_both(struct world *w)
{
	side_resume(&w->server);
}

/* Takes all but every third time, then pauses for a while. */
static void take_with_pauses(struct side *s, slice *in)
{
	if (s->inputs % 3 == 0) {
		s->inside = true;
		conn_pause(s->c);
		s->inside = false;
		world_step_after(s->world, 1, resume_both);
		return;
	}
	side_take(s, in);
}

static void much_arrives_whole_with_pauses_and_a_bound(void **state)
{
	struct world *w = *state;
	size_t written = 0;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.input = take_with_pauses;
	w->server.closed = done_on_close;
	w->client.hint = &written;
	w->client.connected = start_client_tls;
	w->client.tls_open = write_within_bound;
	w->client.drained = write_within_bound;
	world_connect(w);
	world_run(w);
	assert_true(w->server.orderly);
	assert_int_equal(w->server.got.n, MUCH_BYTES);
	for (size_t i = 0; i < MUCH_BYTES; i++)
		if (w->server.got.p[i] != pattern(i))
			fail_msg("byte %zu is wrong", i);
}

/* --- pauses and the handshake -------------------------------------------------------- */

static void start_tls_and_stay_paused(struct world *w)
{
	side_start_tls(&w->server, w->tls_server);
}

static void expect_nothing_and_resume(struct world *w)
{
	assert_int_equal(w->server.tls_opens, 1);
	assert_int_equal(w->server.inputs, 0);
	assert_int_equal(w->server.closeds, 0);
	side_resume(&w->server);
}

static void say_and_close(struct side *s)
{
	side_say(s, SLICE("hello and bye"));
	conn_close_after_flush(&s->c, 1000);
}

static void the_handshake_goes_on_while_paused_and_input_waits(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = start_tls_and_stay_paused;
	w->server.closed = done_on_close;
	w->client.connected = start_client_tls;
	w->client.tls_open = say_and_close;
	world_connect(w);
	world_step_after(w, 100, expect_nothing_and_resume);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "hello and bye");
	assert_true(w->server.orderly);
}

static void resume_server(struct world *w)
{
	if (w->server.closeds == 0)
		side_resume(&w->server);
}

static void take_one_and_pause(struct side *s, slice *in)
{
	buf_append(&s->got, slice_sub(*in, 0, 1));
	*in = slice_skip(*in, 1);
	s->inside = true;
	conn_pause(s->c);
	s->inside = false;
	world_step_after(s->world, 1, resume_server);
}

/* The close_notify comes with the bytes, but its end is told behind them. */
static void kept_input_is_shown_before_the_end(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.input = take_one_and_pause;
	w->server.closed = done_on_close;
	w->client.connected = start_client_tls;
	w->client.tls_open = say_and_close;
	world_connect(w);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "hello and bye");
	assert_true(w->server.orderly);
}

/* --- more in OpenSSL than the socket knows of ------------------------------------ */

enum {
	RECORD = 16384,
	SMALL = 8192,
	SMALLS = 7,
	BACKLOG_BYTES = RECORD + SMALLS * SMALL,
};

struct crafted {
	struct world *world;
	_Atomic int phase;
	unsigned ticks;
};

static void send_whole(const struct world *w, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(w->raw, p, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

static void shake_hands(struct world *w, struct tls *t)
{
	struct buf plain, cipher;
	struct err err;
	char got[8192];
	buf_init(&plain, 65536);
	buf_init(&cipher, 65536);
	ssize_t n = 0;
	for (int i = 0; i < 100 && tls_state(t) == TLS_HANDSHAKE; i++) {
		if (!tls_feed(t, (slice){ got, (size_t)n }, &plain, &cipher,
			      &err))
			break;
		send_whole(w, cipher.p, cipher.n);
		buf_clear(&cipher);
		n = tls_state(t) == TLS_HANDSHAKE
			    ? recv(w->raw, got, sizeof(got), 0) : 0;
		n = n < 0 ? 0 : n;
	}
	buf_fini(&plain);
	buf_fini(&cipher);
}

static void wait_for_phase(struct crafted *c, int phase)
{
	for (int i = 0; i < 5000 && atomic_load(&c->phase) != phase; i++)
		usleep(1000);
}

/* Ends the first record only together with as much as one recv takes. */
static void *send_crafted(void *arg)
{
	struct crafted *c = arg;
	struct world *w = c->world;
	static const char zeros[RECORD];
	struct tls *t = tls_new(w->tls_client, SLICE("relay.example"));
	struct buf cipher;
	struct err err;
	buf_init(&cipher, 1 << 20);
	fcntl(w->raw, F_SETFL, 0);
	shake_hands(w, t);
	bool ok = tls_write(t, (slice){ zeros, RECORD }, &cipher, &err);
	size_t first = cipher.n - 1;
	for (int i = 0; i < SMALLS; i++)
		ok = ok && tls_write(t, (slice){ zeros, SMALL }, &cipher, &err);
	if (ok) {
		send_whole(w, cipher.p, first);
		atomic_store(&c->phase, 1);
		wait_for_phase(c, 2);
		send_whole(w, cipher.p + first, cipher.n - first);
		atomic_store(&c->phase, 3);
	}
	buf_fini(&cipher);
	tls_free(&t);
	return NULL;
}

static void watch_phases(struct world *w)
{
	struct crafted *c = w->server.hint;
	int phase = atomic_load(&c->phase);
	c->ticks = phase == 1 || phase == 3 ? c->ticks + 1 : 0;
	world_step_after(w, 5, watch_phases);
	if (c->ticks < 8)	/* what was sent has arrived */
		return;
	c->ticks = 0;
	if (phase == 1) {
		conn_pause(w->server.c);
		atomic_store(&c->phase, 2);
	} else {
		atomic_store(&c->phase, 4);
		side_resume(&w->server);
	}
}

static void take_all_and_pause(struct side *s, slice *in)
{
	side_take(s, in);
	s->inside = true;
	conn_pause(s->c);
	s->inside = false;
	if (s->got.n == BACKLOG_BYTES)
		world_done(s->world);
	else
		world_step_after(s->world, 20, resume_server);
}

static void what_openssl_holds_back_is_shown_on_resuming(void **state)
{
	struct world *w = *state;
	struct crafted c = { .world = w };
	pthread_t thread;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.hint = &c;
	w->server.input = take_all_and_pause;
	world_connect_raw(w);
	pthread_create(&thread, NULL, send_crafted, &c);
	world_step_after(w, 5, watch_phases);
	world_run(w);
	pthread_join(thread, NULL);
	assert_int_equal(w->server.got.n, BACKLOG_BYTES);
	/* At least one piece waited with an empty socket. */
	assert_true(w->server.inputs >= 2);
}

/* --- STARTTLS -------------------------------------------------------------------------- */

static void answer_starttls(struct side *s, slice *in)
{
	if (conn_tls(s->c) != NULL) {
		side_take(s, in);
		world_done(s->world);
		return;
	}
	assert_true(slice_starts(*in, SLICE("STARTTLS\r\n")));
	*in = slice_skip(*in, 10);
	side_say(s, SLICE("220 go ahead\r\n"));
	side_start_tls(s, s->world->tls_server);
}

static void ask_for_starttls(struct side *s)
{
	side_say(s, SLICE("STARTTLS\r\n"));
}

static void start_when_told(struct side *s, slice *in)
{
	assert_slice_eq(*in, "220 go ahead\r\n");
	*in = slice_skip(*in, in->n);
	side_start_tls(s, s->world->tls_client);
	side_say(s, SLICE("EHLO under TLS"));	/* waits for the handshake */
	assert_true(conn_pending_bytes(s->c) >= 14);
}

static void starttls_in_the_middle_of_a_connection(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->server.input = answer_starttls;
	w->client.connected = ask_for_starttls;
	w->client.input = start_when_told;
	world_connect(w);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "EHLO under TLS");
	assert_int_equal(w->client.tls_opens, 1);
}

/* RELIABILITY C1, RFC 3207 4.2. */
static void c1_plain_text_behind_starttls_ends_the_connection(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->server.input = answer_starttls;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	raw_say(w, SLICE("STARTTLS\r\nEHLO injected\r\n"));
	world_run(w);
	assert_false(w->server.orderly);
	assert_int_equal(w->server.why.kind, ERR_PROTOCOL);
	assert_string_equal(w->server.why.where, "tls");
	assert_int_equal(w->server.got.n, 0);
	assert_int_equal(w->server.inputs, 1);
}

static void start_tls_on_kept(struct world *w)
{
	struct err err;
	assert_int_equal(conn_kept_bytes(w->server.c), 4);
	assert_false(conn_start_tls(w->server.c, w->tls_server, SLICE(""),
				    &err));
	assert_int_equal(err.kind, ERR_PROTOCOL);
	world_done(w);
}

static void c1_kept_input_refuses_starttls(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->server.keep_input = true;
	world_connect_raw(w);
	raw_say(w, SLICE("EHLO"));
	world_step_after(w, 20, start_tls_on_kept);
	world_run(w);
}

static void fill_and_start_tls(struct world *w)
{
	char *block = malloc(4 << 20);
	memset(block, 'p', 4 << 20);
	side_say(&w->server, (slice){ block, 4 << 20 });
	assert_true(conn_pending_bytes(w->server.c) > 0);
	side_start_tls(&w->server, w->tls_server);
	side_resume(&w->server);
	free(block);
}

static void take_plain_then_start(struct side *s, slice *in)
{
	if (conn_tls(s->c) != NULL) {
		assert_slice_eq(*in, "secret");
		*in = slice_skip(*in, in->n);
		world_done(s->world);
		return;
	}
	side_take(s, in);
	if (s->got.n == 4 << 20)
		start_client_tls(s);
}

static void say_secret(struct side *s)
{
	side_say(s, SLICE("secret"));
}

static void plain_output_that_waits_goes_before_the_handshake(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = fill_and_start_tls;
	w->server.tls_open = say_secret;
	w->client.input = take_plain_then_start;
	world_connect(w);
	world_run(w);
	assert_int_equal(w->client.got.n, 4 << 20);
}

/* --- failures ---------------------------------------------------------------------------- */

static void garbage_instead_of_a_handshake(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	raw_say(w, SLICE("GET / HTTP/1.1\r\n\r\n"));
	world_run(w);
	assert_int_equal(w->server.why.kind, ERR_PROTOCOL);
	assert_string_equal(w->server.why.where, "tls");
	assert_int_equal(w->server.tls_opens, 0);
}

static void an_end_within_the_handshake_is_a_failure(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	raw_say(w, SLICE("\x16\x03\x01"));
	shutdown(w->raw, SHUT_WR);
	world_run(w);
	assert_false(w->server.orderly);
	assert_int_equal(w->server.why.kind, ERR_PROTOCOL);
	assert_string_equal(w->server.why.where, "tls");
}

static void linger_on_close(struct side *s)
{
	conn_close_after_flush(&s->c, 100);
}

static void *read_alert(void *arg)
{
	struct world *w = arg;
	char got[256];
	fcntl(w->raw, F_SETFL, 0);
	ssize_t n = recv(w->raw, got, sizeof(got), 0);
	if (n > 0)
		buf_append_bytes(&w->client.got, got, (size_t)n);
	world_done(w);
	return NULL;
}

static void the_peer_gets_an_alert(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.closed = linger_on_close;
	world_connect_raw(w);
	raw_say(w, SLICE("\x16\x03\x01\x00\x05hello and more"));
	pthread_create(&thread, NULL, read_alert, w);
	world_run(w);
	pthread_join(thread, NULL);
	assert_int_equal(w->server.closeds, 1);
	assert_true(w->client.got.n >= 7);
	assert_int_equal(w->client.got.p[0], 0x15);	/* RFC 8446 5.1 */
}

/* --- ends ---------------------------------------------------------------------------------- */

static void close_after(struct side *s)
{
	side_say(s, SLICE("221 bye\r\n"));
	conn_close_after_flush(&s->c, 2000);
}

static void an_end_under_tls_is_orderly_on_both_sides(void **state)
{
	struct world *w = *state;
	world_tls(w);
	w->accepted = accept_with_tls;
	w->server.tls_open = close_after;
	w->client.connected = start_client_tls;
	w->client.closed = done_on_close;
	world_connect(w);
	world_run(w);
	assert_true(w->client.orderly);
	assert_slice_eq(buf_slice(&w->client.got), "221 bye\r\n");
}

enum how { FREE, ABORT, CLOSE, HOWS };
enum where { CONNECTED, TLS_OPENED, INPUT, DRAINED, CLOSED, WHERES };

static void end_it(struct side *s)
{
	switch (*(enum how *)s->hint) {
	case FREE:
		conn_free(&s->c);
		break;
	case ABORT:
		conn_abort(&s->c);
		break;
	case CLOSE:
		conn_close_after_flush(&s->c, 0);
		break;
	case HOWS:
		break;
	}
	world_step_after(s->world, 20, world_done);
}

static void end_in_input(struct side *s, slice *in)
{
	end_it(s);
	side_take(s, in);
}

static void say_hello(struct side *s)
{
	side_say(s, SLICE("hello"));
}

static void reply_and_close(struct side *s, slice *in)
{
	side_take(s, in);
	side_say(s, SLICE("bye"));
	conn_close_after_flush(&s->c, 1000);
}

static void a_connection_may_be_ended_inside_each_callback(void **state)
{
	for (int how = 0; how < HOWS; how++)
		for (int where = 0; where < WHERES; where++) {
			struct world *w = *state;
			enum how h = (enum how)how;
			world_tls(w);
			w->accepted = accept_with_tls;
			w->server.input = reply_and_close;
			w->client.hint = &h;
			w->client.connected = start_client_tls;
			w->client.tls_open = say_hello;
			if (where == CONNECTED)
				w->client.connected = end_it;
			if (where == TLS_OPENED)
				w->client.tls_open = end_it;
			if (where == INPUT)
				w->client.input = end_in_input;
			if (where == DRAINED)
				w->client.drained = end_it;
			if (where == CLOSED)
				w->client.closed = end_it;
			world_connect(w);
			world_run(w);
			assert_null(w->client.c);
			world_down(state);
			world_up(state);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(bytes_come_back_one_by_one),
		WORLD_TEST(much_arrives_whole_with_pauses_and_a_bound),
		WORLD_TEST(the_handshake_goes_on_while_paused_and_input_waits),
		WORLD_TEST(kept_input_is_shown_before_the_end),
		WORLD_TEST(what_openssl_holds_back_is_shown_on_resuming),
		WORLD_TEST(starttls_in_the_middle_of_a_connection),
		WORLD_TEST(c1_plain_text_behind_starttls_ends_the_connection),
		WORLD_TEST(c1_kept_input_refuses_starttls),
		WORLD_TEST(plain_output_that_waits_goes_before_the_handshake),
		WORLD_TEST(garbage_instead_of_a_handshake),
		WORLD_TEST(an_end_within_the_handshake_is_a_failure),
		WORLD_TEST(the_peer_gets_an_alert),
		WORLD_TEST(an_end_under_tls_is_orderly_on_both_sides),
		WORLD_TEST(a_connection_may_be_ended_inside_each_callback),
	};
	return cmocka_run_group_tests_name("net/conn_tls", tests, NULL, NULL);
}
