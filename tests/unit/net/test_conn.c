/* Connections in plain text: bytes, pauses, bounds, ends. */
#include "net_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

/* --- echo ------------------------------------------------------------------ */

static void echo(struct side *s, slice *in)
{
	slice all = *in;
	*in = slice_skip(*in, in->n);
	side_say(s, all);
}

enum { ECHO_BYTES = 1000 };

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
	w->server.input = echo;
	w->client.connected = say_next;
	w->client.input = take_and_say_next;
	world_connect(w);
	world_run(w);
	assert_int_equal(w->client.got.n, ECHO_BYTES);
	for (size_t i = 0; i < ECHO_BYTES; i++)
		assert_int_equal(w->client.got.p[i], 'a' + (int)(i % 26));
	assert_int_equal(w->client.connecteds, 1);
	/* All output left at once each time; the last is not told any more. */
	assert_in_range(w->client.draineds, ECHO_BYTES - 1, ECHO_BYTES);
	assert_memory_equal(conn_peer(w->client.c), conn_local(w->server.c),
			    sizeof(struct ip_port));
	assert_memory_equal(conn_peer(w->server.c), conn_local(w->client.c),
			    sizeof(struct ip_port));
	assert_null(conn_tls(w->client.c));
}

/* --- input that is left ------------------------------------------------------ */

/* Takes whole lines only. */
static void take_lines(struct side *s, slice *in)
{
	size_t end;
	while ((end = slice_find(*in, '\n')) < in->n) {
		slice line = slice_sub(*in, 0, end + 1);
		buf_append(&s->got, line);
		*in = slice_skip(*in, end + 1);
	}
	if (slice_ends_fold(buf_slice(&s->got), SLICE("end\n")))
		world_done(s->world);
}

static void say_piece(struct world *w)
{
	static const char *const pieces[] = { "on", "e\nt", "wo\nth", "ree",
					      "\nend", "\n" };
	size_t *next = w->client.hint;
	raw_say(w, slice_of(pieces[*next]));
	if (++*next < ARRAY_LEN(pieces))
		world_step_after(w, 2, say_piece);
}

static void what_is_left_is_shown_again_with_more(void **state)
{
	struct world *w = *state;
	size_t next = 0;
	w->client.hint = &next;
	w->server.input = take_lines;
	world_connect_raw(w);
	world_step_after(w, 1, say_piece);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "one\ntwo\nthree\nend\n");
	assert_int_equal(conn_kept_bytes(w->server.c), 0);
}

enum { FLOOD_BYTES = 1 << 20 };

static void *flood(void *arg)
{
	const struct world *w = arg;
	char *block = malloc(FLOOD_BYTES);
	for (size_t i = 0; i < FLOOD_BYTES; i++)
		block[i] = (char)(i * 7 % 251);
	fcntl(w->raw, F_SETFL, 0);	/* blocking */
	for (size_t sent = 0; sent < FLOOD_BYTES; ) {
		ssize_t n = send(w->raw, block + sent, FLOOD_BYTES - sent,
				 MSG_NOSIGNAL);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	shutdown(w->raw, SHUT_WR);
	free(block);
	return NULL;
}

static void done_on_close(struct side *s)
{
	world_done(s->world);
}

static void look_at_kept(struct world *w)
{
	uint64_t *turns = w->server.hint;
	size_t kept = conn_kept_bytes(w->server.c);
	assert_true(kept >= CONN_KEPT_MAX && kept < 2 * CONN_KEPT_MAX);
	if (*turns == 0) {
		*turns = loop_turns(w->loop);
		world_step_after(w, 50, look_at_kept);
		return;
	}
	/* Nothing was told in between. */
	assert_in_range(loop_turns(w->loop) - *turns, 1, 5);
	w->server.keep_input = false;
	side_resume(&w->server);
}

static void r1_kept_input_is_bounded_and_nothing_is_lost(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	uint64_t turns = 0;
	w->server.hint = &turns;
	w->server.keep_input = true;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	pthread_create(&thread, NULL, flood, w);
	world_step_after(w, 300, look_at_kept);
	world_run(w);
	pthread_join(thread, NULL);
	assert_true(w->server.orderly);
	assert_int_equal(w->server.got.n, FLOOD_BYTES);
	for (size_t i = 0; i < FLOOD_BYTES; i++)
		if (w->server.got.p[i] != (char)(i * 7 % 251))
			fail_msg("byte %zu is wrong", i);
}

/* --- pause ------------------------------------------------------------------- */

static void stay_paused(struct world *w)
{
	(void)w;
}

static void resume_and_expect(struct world *w)
{
	assert_int_equal(w->server.inputs, 0);
	assert_int_equal(w->server.closeds, 0);
	side_resume(&w->server);
}

static void paused_nothing_is_told_also_no_end(void **state)
{
	struct world *w = *state;
	w->accepted = stay_paused;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	raw_say(w, SLICE("last words"));
	shutdown(w->raw, SHUT_WR);
	world_step_after(w, 30, resume_and_expect);
	world_run(w);
	assert_true(w->server.orderly);
	assert_slice_eq(buf_slice(&w->server.got), "last words");
}

static void take_one_and_pause(struct side *s, slice *in)
{
	buf_append(&s->got, slice_sub(*in, 0, 1));
	*in = slice_skip(*in, 1);
	s->inside = true;
	conn_pause(s->c);
	s->inside = false;
	world_step_after(s->world, 1, s->world->on_step);
}

static void resume_server(struct world *w)
{
	if (w->server.closeds == 0)
		side_resume(&w->server);
}

static void kept_input_is_shown_on_resuming_and_before_the_end(void **state)
{
	struct world *w = *state;
	w->server.input = take_one_and_pause;
	w->server.closed = done_on_close;
	w->on_step = resume_server;
	world_connect_raw(w);
	raw_say(w, SLICE("abcdef"));
	shutdown(w->raw, SHUT_WR);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "abcdef");
	assert_int_equal(w->server.inputs, 6);
	assert_true(w->server.orderly);
}

static void count_empty(struct side *s, slice *in)
{
	assert_int_equal(in->n, 0);
	world_done(s->world);
}

static void empty_input(void *ctx, slice *in)
{
	count_empty(ctx, in);
}

static const struct conn_user empty_user = { .input = empty_input };

static void ask_and_pause(struct world *w)
{
	conn_set_user(w->server.c, &empty_user, &w->server);
	conn_resume(w->server.c);
	conn_show_soon(w->server.c);
	conn_pause(w->server.c);
	world_step_after(w, 10, resume_server);
}

static void an_empty_showing_waits_for_the_end_of_a_pause(void **state)
{
	struct world *w = *state;
	w->accepted = ask_and_pause;
	world_connect_raw(w);
	world_run(w);
}

static void count_turns(struct world *w)
{
	assert_true(loop_turns(w->loop) < 20);
	assert_int_equal(w->server.closeds, 0);
	world_done(w);
}

static void reset_raw(struct world *w)
{
	os_socket_abort(&w->raw);
	world_step_after(w, 50, count_turns);
}

static void a_reset_while_paused_does_not_spin(void **state)
{
	struct world *w = *state;
	w->accepted = stay_paused;
	world_connect_raw(w);
	raw_say(w, SLICE("x"));
	world_step_after(w, 10, reset_raw);
	world_run(w);
}

/* --- output -------------------------------------------------------------------- */

enum { SLOW_BYTES = 8 << 20, SLOW_BOUND = 256 << 10 };

/* Writes as long as less than the bound waits. */
static void write_within_bound(struct side *s)
{
	size_t *written = s->hint;
	char block[8192];
	while (*written < SLOW_BYTES &&
	       conn_pending_bytes(s->c) < SLOW_BOUND) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (char)((*written + i) * 11 % 253);
		side_say(s, (slice){ block, sizeof(block) });
		*written += sizeof(block);
	}
	assert_true(conn_pending_bytes(s->c) < SLOW_BOUND + sizeof(block));
	if (*written == SLOW_BYTES)
		conn_close_after_flush(&s->c, 10000);
}

static void begin_writing(struct world *w)
{
	side_resume(&w->server);
	write_within_bound(&w->server);
}

struct slow_reader {
	struct world *world;
	size_t got;
	bool wrong;
};

static void *read_slowly(void *arg)
{
	struct slow_reader *r = arg;
	char block[65536];
	ssize_t n;
	fcntl(r->world->raw, F_SETFL, 0);
	usleep(100000);
	while ((n = recv(r->world->raw, block, sizeof(block), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++, r->got++)
			if (block[i] != (char)(r->got * 11 % 253))
				r->wrong = true;
		if (r->got % 16 == 0)
			usleep(100);
	}
	r->wrong |= n < 0;
	world_done(r->world);
	return NULL;
}

static void r1_a_slow_reader_costs_no_more_than_the_bound(void **state)
{
	struct world *w = *state;
	struct slow_reader r = { .world = w };
	pthread_t thread;
	size_t written = 0;
	w->server.hint = &written;
	w->server.drained = write_within_bound;
	w->accepted = begin_writing;
	world_connect_raw(w);
	pthread_create(&thread, NULL, read_slowly, &r);
	/* The server lingers without telling: the reader ends the world. */
	world_run(w);
	pthread_join(thread, NULL);
	assert_false(r.wrong);
	assert_int_equal(r.got, SLOW_BYTES);
}

static void say_too_much(struct world *w)
{
	char *block = calloc(1, 1 << 20);
	side_resume(&w->server);
	for (int i = 0; i < 64 && !conn_out(w->server.c)->failed; i++)
		side_say(&w->server, (slice){ block, 1 << 20 });
	free(block);
}

static void output_beyond_the_cap_ends_the_connection(void **state)
{
	struct world *w = *state;
	w->accepted = say_too_much;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	world_run(w);
	assert_false(w->server.orderly);
	assert_int_equal(w->server.why.kind, ERR_LIMIT);
	assert_int_equal(conn_pending_bytes(w->server.c), 0);
}

static void say_and_count(struct world *w)
{
	side_resume(&w->server);
	side_say(&w->server, SLICE(""));	/* nothing: not told */
	side_say(&w->server, SLICE("one"));
	side_say(&w->server, SLICE("two"));
	world_step_after(w, 10, world_done);
}

static void drained_comes_once_a_turn(void **state)
{
	struct world *w = *state;
	w->accepted = say_and_count;
	world_connect_raw(w);
	world_run(w);
	assert_int_equal(w->server.draineds, 1);
}

/* --- connecting ---------------------------------------------------------------- */

static void a_refused_connection_is_told_with_its_cause(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	listener_free(&w->listener);
	os_socket_close(&w->listening);
	w->client.closed = done_on_close;
	w->client.c = conn_connect(w->loop, &w->at, NULL, &side_user,
				   &w->client, &err);
	if (w->client.c != NULL) {
		world_run(w);
		assert_int_equal(w->client.closeds, 1);
		err = w->client.why;
	}
	assert_int_equal(w->client.connecteds, 0);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(err.scope, SCOPE_HOST);
	assert_int_equal(err.os_error, ECONNREFUSED);
}

static void done_with_got(struct side *s, slice *in)
{
	side_take(s, in);
	world_done(s->world);
}

static void output_from_before_the_connection_goes_out(void **state)
{
	struct world *w = *state;
	w->server.input = done_with_got;
	world_connect(w);
	side_say(&w->client, SLICE("early"));
	assert_int_equal(conn_pending_bytes(w->client.c), 5);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "early");
}

/* --- ends ----------------------------------------------------------------------- */

static void reply_and_close(struct side *s)
{
	assert_true(s->orderly);
	side_say(s, SLICE("250 as you wish\r\n"));
	conn_close_after_flush(&s->c, 5000);
	assert_null(s->c);
}

static void *read_to_end(void *arg)
{
	struct world *w = arg;
	char got[65536];
	ssize_t n;
	fcntl(w->raw, F_SETFL, 0);
	while ((n = recv(w->raw, got, sizeof(got), 0)) > 0)
		buf_append_bytes(&w->client.got, got, (size_t)n);
	w->client.orderly = n == 0;
	w->client.why.os_error = n < 0 ? errno : 0;
	if (w->client.hint != NULL)	/* closes as well */
		os_socket_close(&w->raw);
	world_done(w);
	return NULL;
}

/* What the raw client reads until the end. */
static void run_with_reader(struct world *w)
{
	pthread_t thread;
	pthread_create(&thread, NULL, read_to_end, w);
	world_run(w);
	pthread_join(thread, NULL);
}

static void a_half_closed_peer_gets_its_reply(void **state)
{
	struct world *w = *state;
	w->server.closed = reply_and_close;
	world_connect_raw(w);
	raw_say(w, SLICE("QUIT\r\n"));
	shutdown(w->raw, SHUT_WR);
	run_with_reader(w);
	assert_slice_eq(buf_slice(&w->client.got), "250 as you wish\r\n");
	assert_true(w->client.orderly);
	assert_slice_eq(buf_slice(&w->server.got), "QUIT\r\n");
}

static void refuse_without_reading(struct world *w)
{
	side_say(&w->server, SLICE("554 go away\r\n"));
	conn_close_after_flush(&w->server.c, 5000);
}

/* A close with unread input would be a reset that overtakes the reply. */
static void last_words_arrive_despite_unread_input(void **state)
{
	struct world *w = *state;
	w->accepted = refuse_without_reading;
	world_connect_raw(w);
	char *block = calloc(1, 200000);
	raw_say(w, (slice){ block, 20000 });
	run_with_reader(w);
	free(block);
	assert_true(w->client.orderly);
	assert_slice_eq(buf_slice(&w->client.got), "554 go away\r\n");
}

static void linger_short(struct world *w)
{
	side_say(&w->server, SLICE("bye"));
	conn_close_after_flush(&w->server.c, 30);
}

static void raw_is_closed(struct world *w)
{
	char got[8];
	struct pollfd p = { .fd = w->raw, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(read(w->raw, got, sizeof(got)), 3);
	assert_int_equal(read(w->raw, got, sizeof(got)), 0);
	/* The peer is gone for good: what we send is answered by a reset. */
	raw_say(w, SLICE("x"));
	usleep(10000);
	assert_int_equal(send(w->raw, "y", 1, MSG_NOSIGNAL), -1);
	world_done(w);
}

static void lingering_ends_by_its_time(void **state)
{
	struct world *w = *state;
	w->accepted = linger_short;
	world_connect_raw(w);
	world_step_after(w, 100, raw_is_closed);
	world_run(w);
}

static void linger_long_and_stop(struct world *w)
{
	side_say(&w->server, SLICE("bye"));
	conn_close_after_flush(&w->server.c, 60000);
	world_done(w);
}

static void what_lingers_goes_with_the_loop(void **state)
{
	struct world *w = *state;	/* ASan tells of a leak */
	w->accepted = linger_long_and_stop;
	world_connect_raw(w);
	world_run(w);
}

static void abort_server(struct world *w)
{
	conn_abort(&w->server.c);
	assert_null(w->server.c);
}

static void an_abort_is_no_orderly_end(void **state)
{
	struct world *w = *state;
	w->accepted = abort_server;
	w->client.closed = done_on_close;
	world_connect(w);
	world_run(w);
	assert_false(w->client.orderly);
	assert_int_equal(w->client.why.os_error, ECONNRESET);
	assert_int_equal(w->client.why.scope, SCOPE_HOST);
}

static void say_to_the_gone(struct world *w)
{
	assert_int_equal(w->server.closeds, 0);
	side_say(&w->server, SLICE("anybody?"));
	assert_int_equal(w->server.closeds, 0);
}

static void output_that_fails_while_paused_is_told(void **state)
{
	struct world *w = *state;
	w->accepted = stay_paused;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	raw_say(w, SLICE("unread"));
	os_socket_abort(&w->raw);
	world_step_after(w, 20, say_to_the_gone);
	world_run(w);
	assert_false(w->server.orderly);
	assert_int_equal(w->server.inputs, 0);
	assert_int_equal(w->server.draineds, 0);
}

static void say_when_reply_waits(struct world *w)
{
	/* The reset is here already, behind the words: this fails. */
	side_resume(&w->server);
	side_say(&w->server, SLICE("DATA"));
	assert_int_equal(conn_pending_bytes(w->server.c), 0);
}

static void greet_and_stay_paused(struct world *w)
{
	side_say(&w->server, SLICE("220 never read"));
}

static void say_bye_and_reset(struct world *w)
{
	raw_say(w, SLICE("421 bye"));
	os_socket_close(&w->raw);	/* unread greeting: a reset */
	world_step_after(w, 20, say_when_reply_waits);
}

static void what_the_peer_said_before_it_went_is_shown(void **state)
{
	struct world *w = *state;
	w->accepted = greet_and_stay_paused;
	w->server.closed = done_on_close;
	world_connect_raw(w);
	world_step_after(w, 20, say_bye_and_reset);
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "421 bye");
	assert_false(w->server.orderly);
	assert_int_equal(w->server.why.scope, SCOPE_HOST);
}

/* --- users ---------------------------------------------------------------------- */

static void hand_over(struct side *s, slice *in)
{
	side_take(s, in);
	conn_set_user(s->c, &side_user, &s->world->client);
	s->world->client.c = s->c;
	s->c = NULL;
	raw_say(s->world, SLICE("two"));
}

static void another_user_takes_over(void **state)
{
	struct world *w = *state;
	w->server.input = hand_over;
	w->client.input = done_with_got;
	world_connect_raw(w);
	raw_say(w, SLICE("one"));
	world_run(w);
	assert_slice_eq(buf_slice(&w->server.got), "one");
	assert_slice_eq(buf_slice(&w->client.got), "two");
}

/* --- freeing inside each callback -------------------------------------------------- */

enum how { FREE, ABORT, CLOSE, HOWS };
enum where { CONNECTED, INPUT, DRAINED, CLOSED, WHERES };

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
	assert_null(s->c);
	world_step_after(s->world, 20, world_done);
}

static void end_in_input(struct side *s, slice *in)
{
	end_it(s);
	/* What was shown is still there. */
	side_take(s, in);
}

static void leave_one_and_end(struct side *s, slice *in)
{
	if (in->n < 3)
		return;
	end_in_input(s, in);
}

static void say_hello(struct side *s)
{
	side_say(s, SLICE("hello"));
}

static void say_and_close(struct side *s, slice *in)
{
	side_take(s, in);
	side_say(s, SLICE("x"));
	conn_close_after_flush(&s->c, 1000);
}

static void a_connection_may_be_ended_inside_each_callback(void **state)
{
	for (int how = 0; how < HOWS; how++)
		for (int where = 0; where < WHERES; where++) {
			struct world *w = *state;
			enum how h = (enum how)how;
			w->client.hint = &h;
			w->client.connected = say_hello;
			w->server.input = say_and_close;
			if (where == CONNECTED)
				w->client.connected = end_it;
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

static void say_more(struct world *w)
{
	raw_say(w, SLICE("bc"));
}

static void a_connection_may_be_ended_while_kept_input_is_shown(void **state)
{
	for (int how = 0; how < HOWS; how++) {
		struct world *w = *state;
		enum how h = (enum how)how;
		w->server.hint = &h;
		w->server.input = leave_one_and_end;
		world_connect_raw(w);
		raw_say(w, SLICE("a"));
		world_step_after(w, 5, say_more);
		world_run(w);
		assert_slice_eq(buf_slice(&w->server.got), "abc");
		world_down(state);
		world_up(state);
	}
}

static void free_the_other(struct side *s, slice *in)
{
	struct world *w = s->world;
	side_take(s, in);
	conn_free(s == &w->server ? &w->client.c : &w->server.c);
	world_step_after(w, 10, world_done);
}

static void both_say(struct world *w)
{
	side_say(&w->server, SLICE("s"));
	side_say(&w->client, SLICE("c"));
	usleep(2000);		/* both are ready in one batch */
}

static void a_connection_may_be_freed_by_another_ones_callback(void **state)
{
	struct world *w = *state;
	w->server.input = free_the_other;
	w->client.input = free_the_other;
	world_connect(w);
	world_step_after(w, 10, both_say);
	world_run(w);
	assert_int_equal(w->server.inputs + w->client.inputs, 1);
	assert_true(w->server.c == NULL || w->client.c == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(bytes_come_back_one_by_one),
		WORLD_TEST(what_is_left_is_shown_again_with_more),
		WORLD_TEST(r1_kept_input_is_bounded_and_nothing_is_lost),
		WORLD_TEST(paused_nothing_is_told_also_no_end),
		WORLD_TEST(kept_input_is_shown_on_resuming_and_before_the_end),
		WORLD_TEST(an_empty_showing_waits_for_the_end_of_a_pause),
		WORLD_TEST(a_reset_while_paused_does_not_spin),
		WORLD_TEST(r1_a_slow_reader_costs_no_more_than_the_bound),
		WORLD_TEST(output_beyond_the_cap_ends_the_connection),
		WORLD_TEST(drained_comes_once_a_turn),
		WORLD_TEST(a_refused_connection_is_told_with_its_cause),
		WORLD_TEST(output_from_before_the_connection_goes_out),
		WORLD_TEST(a_half_closed_peer_gets_its_reply),
		WORLD_TEST(last_words_arrive_despite_unread_input),
		WORLD_TEST(lingering_ends_by_its_time),
		WORLD_TEST(what_lingers_goes_with_the_loop),
		WORLD_TEST(an_abort_is_no_orderly_end),
		WORLD_TEST(output_that_fails_while_paused_is_told),
		WORLD_TEST(what_the_peer_said_before_it_went_is_shown),
		WORLD_TEST(another_user_takes_over),
		WORLD_TEST(a_connection_may_be_ended_inside_each_callback),
		WORLD_TEST(a_connection_may_be_ended_while_kept_input_is_shown),
		WORLD_TEST(a_connection_may_be_freed_by_another_ones_callback),
	};
	return cmocka_run_group_tests_name("net/conn", tests, NULL, NULL);
}
