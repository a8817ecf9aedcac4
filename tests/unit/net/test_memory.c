/*
 * Memory of connections: what happens when the n-th allocation fails, for
 * n = 1, 2, … until none does: an end that is told or a refusal, never a
 * crash, a hang or a leak; and what an idle connection costs.
 */
#include "net_test.h"

#include <malloc.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at, live;
static bool armed;
#else
enum { CAN_FAIL = true };
static uint64_t fail_at, live;
static bool armed;		/* the loop is running */

static bool this_one_fails(void)
{
	return armed && fail_at != 0 && --fail_at == 0;
}

#include "unit/nth_malloc.h"
#endif

/* The client says so much, the server keeps odd pieces of it for a while,
 * echoes, and the client counts. */
enum { TALK_BYTES = 300000, PIECE = 5000 };

static size_t said, heard;

static void say_some(struct side *s)
{
	static const char piece[PIECE];
	while (said < TALK_BYTES && conn_pending_bytes(s->c) < 100000) {
		side_say(s, (slice){ piece, PIECE });
		said += PIECE;
	}
}

static void hear(struct side *s, slice *in)
{
	heard += in->n;
	*in = slice_skip(*in, in->n);
	if (heard == TALK_BYTES)
		world_done(s->world);
}

static void echo_whole_pieces(struct side *s, slice *in)
{
	slice whole = slice_sub(*in, 0, in->n - in->n % PIECE);
	*in = slice_skip(*in, whole.n);
	side_say(s, whole);
}

static void done_on_close(struct side *s)
{
	world_done(s->world);
}

static void start_server_tls(struct world *w)
{
	struct err err;
	if (!conn_start_tls(w->server.c, w->tls_server, SLICE(""), &err))
		world_done(w);
	else
		side_resume(&w->server);
}

static void start_client_tls(struct side *s)
{
	struct err err;
	if (!conn_start_tls(s->c, s->world->tls_client, SLICE("a.example"),
			    &err))
		world_done(s->world);
}

/* As world_accepted, but a failure is one of the outcomes. */
static void accepted_or_not(void *ctx, int fd, const struct ip_port *peer,
			    const struct ip_port *local)
{
	struct world *w = ctx;
	w->server.c = conn_accepted(w->loop, fd, peer, local, &side_user,
				    &w->server);
	if (w->server.c == NULL)
		world_done(w);
	else if (w->tls_server != NULL)
		start_server_tls(w);
	else
		side_resume(&w->server);
}

static void prepare(struct world *w, bool tls)
{
	struct err err;
	said = heard = 0;
	if (tls)
		world_tls(w);
	w->server.input = echo_whole_pieces;
	w->server.closed = done_on_close;
	w->client.input = hear;
	w->client.drained = say_some;
	w->client.closed = done_on_close;
	w->client.connected = tls ? start_client_tls : say_some;
	if (tls)
		w->client.tls_open = say_some;
	listener_free(&w->listener);
	assert_true(listener_new(&w->listener, w->loop, w->listening,
				 accepted_or_not, w, &err));
}

/* Whether all was heard. */
static bool talk(struct world *w, uint64_t n)
{
	struct err err;
	armed = CAN_FAIL;
	fail_at = n;
	w->client.c = conn_connect(w->loop, &w->at, NULL, &side_user,
				   &w->client, &err);
	if (w->client.c != NULL)
		os_thread_run(loop_thread(w->loop));
	else
		assert_int_equal(err.kind, ERR_INTERNAL);
	armed = false;
	assert_false(w->late);
	return heard == TALK_BYTES;
}

static void fail_each(void **state, bool tls, uint64_t step)
{
	uint64_t n = 1, failures = 0;
	bool failed = CAN_FAIL;
	for (; failed && n < 100000; n += step) {
		uint64_t before = live;
		world_up(state);
		struct world *w = *state;
		prepare(w, tls);
		bool heard_all = talk(w, n);
		failed = fail_at == 0;
		assert_true(failed || heard_all);
		failures += failed && !heard_all;
		world_down(state);
		/* OpenSSL keeps some for the thread. */
		if (!tls)
			assert_int_equal(live, before);
	}
	assert_true(!CAN_FAIL || failures > 5);
	if (CAN_FAIL)
		print_message("%llu of %llu allocations ended it\n",
			      (unsigned long long)failures,
			      (unsigned long long)n);
}

static void without_memory_a_connection_ends_and_nothing_leaks(void **state)
{
	fail_each(state, false, 1);
}

static void without_memory_a_tls_connection_ends(void **state)
{
	fail_each(state, true, 7);	/* a prime: all places in time */
}

/* --- what an idle one costs (RELIABILITY R1) -------------------------------------- */

enum { IDLE = 2000 };

static void r1_an_idle_plain_connection_holds_no_buffers(void **state)
{
	world_up(state);
	struct world *w = *state;
	struct conn **conns = calloc(IDLE, sizeof(*conns));
	int (*ends)[2] = calloc(IDLE, sizeof(*ends));
	static const struct ip_port nobody;
	for (int i = 0; i < IDLE; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM |
					    SOCK_NONBLOCK, 0, ends[i]), 0);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < IDLE; i++) {
		conns[i] = conn_accepted(w->loop, ends[i][0], &nobody, &nobody,
					 &side_user, &w->server);
		assert_non_null(conns[i]);
		buf_append(conn_out(conns[i]), SLICE("220 hello\r\n"));
		conn_flush(conns[i]);
		conn_resume(conns[i]);
	}
	size_t each = (mallinfo2().uordblks - before) / IDLE;
	print_message("an idle connection: %zu bytes\n", each);
#ifndef __SANITIZE_ADDRESS__
	assert_in_range(each, 64, 512);
#endif
	for (int i = 0; i < IDLE; i++) {
		conn_free(&conns[i]);
		os_socket_close(&ends[i][1]);
	}
	free(conns);
	free(ends);
	world_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    without_memory_a_connection_ends_and_nothing_leaks),
		cmocka_unit_test(without_memory_a_tls_connection_ends),
		cmocka_unit_test(r1_an_idle_plain_connection_holds_no_buffers),
	};
	return cmocka_run_group_tests_name("net/memory", tests, NULL, NULL);
}
