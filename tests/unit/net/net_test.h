/*
 * A world for tests of this folder: one loop that runs on the test's own
 * thread, a listener on loopback, and sides (connections with a record of
 * what they were told). A test sets its hooks, then runs the world until one
 * of them calls world_done; after 20 s it fails.
 */
#pragma once

#include "unit/unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/listener.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/net.h"

struct world;

struct side {
	struct world *world;
	const char *name;
	struct conn *c;
	struct buf got;			/* all input taken */
	unsigned inputs, connecteds, draineds, tls_opens, closeds;
	bool orderly;
	struct err why;
	bool inside;			/* in a call of ours */
	bool keep_input;		/* leaves all of it */
	void *hint;
	/* Called behind the record. */
	void (*connected)(struct side *s);
	void (*input)(struct side *s, slice *in);
	void (*drained)(struct side *s);
	void (*tls_open)(struct side *s);
	void (*closed)(struct side *s);
};

struct world {
	struct loop *loop;
	struct listener *listener;
	int listening;
	struct ip_port at;
	struct side server, client;
	void (*accepted)(struct world *w);
	struct timer guard, step;
	void (*on_step)(struct world *w);
	struct tls_context *tls_server, *tls_client;
	bool late;
	int raw;			/* a plain socket as the client */
};

static inline void world_done(struct world *w)
{
	os_thread_stop(loop_thread(w->loop));
}

static inline void side_take(struct side *s, slice *in)
{
	buf_append(&s->got, *in);
	*in = slice_skip(*in, in->n);
}

static void side_connected(void *ctx)
{
	struct side *s = ctx;
	assert_false(s->inside);
	s->connecteds++;
	if (s->connected != NULL)
		s->connected(s);
}

static void side_input(void *ctx, slice *in)
{
	struct side *s = ctx;
	assert_false(s->inside);
	assert_int_equal(s->closeds, 0);
	assert_true(in->n > 0);
	s->inputs++;
	if (s->input != NULL)
		s->input(s, in);
	else if (!s->keep_input)
		side_take(s, in);
}

static void side_drained(void *ctx)
{
	struct side *s = ctx;
	assert_false(s->inside);
	assert_int_equal(conn_pending_bytes(s->c), 0);
	s->draineds++;
	if (s->drained != NULL)
		s->drained(s);
}

static void side_tls_open(void *ctx)
{
	struct side *s = ctx;
	assert_false(s->inside);
	s->tls_opens++;
	if (s->tls_open != NULL)
		s->tls_open(s);
}

static void side_closed(void *ctx, const struct err *why)
{
	struct side *s = ctx;
	assert_false(s->inside);
	assert_int_equal(s->closeds, 0);
	s->closeds++;
	s->orderly = why == NULL;
	if (why != NULL)
		s->why = *why;
	if (s->closed != NULL)
		s->closed(s);
}

static const struct conn_user side_user = {
	.connected = side_connected,
	.input = side_input,
	.drained = side_drained,
	.tls_open = side_tls_open,
	.closed = side_closed,
};

/* Appends and flushes; no callback may come from inside. */
static inline void side_say(struct side *s, slice words)
{
	s->inside = true;
	buf_append(conn_out(s->c), words);
	conn_flush(s->c);
	s->inside = false;
}

static inline void side_resume(struct side *s)
{
	s->inside = true;
	conn_resume(s->c);
	s->inside = false;
}

static void world_accepted(void *ctx, int fd, const struct ip_port *peer,
			   const struct ip_port *local)
{
	struct world *w = ctx;
	assert_null(w->server.c);
	w->server.c = conn_accepted(w->loop, fd, peer, local, &side_user,
				    &w->server);
	assert_non_null(w->server.c);
	if (w->accepted != NULL)
		w->accepted(w);
	else
		side_resume(&w->server);
}

static void world_too_late(struct timer *timer)
{
	struct world *w = CONTAINER_OF(timer, struct world, guard);
	w->late = true;
	world_done(w);
}

static void world_step(struct timer *timer)
{
	struct world *w = CONTAINER_OF(timer, struct world, step);
	w->on_step(w);
}

static inline void side_init(struct side *s, struct world *w,
			     const char *name)
{
	s->world = w;
	s->name = name;
	buf_init(&s->got, 64 << 20);
}

static inline int world_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct ip_port want;
	struct err err;
	assert_true(ip_port_parse(SLICE("127.0.0.1:0"), &want));
	assert_true(loop_new(&w->loop, "test", &err));
	assert_true(os_listen(&want, false, &w->listening, &err));
	assert_true(os_local(w->listening, &w->at, &err));
	assert_true(listener_new(&w->listener, w->loop, w->listening,
				 world_accepted, w, &err));
	side_init(&w->server, w, "server");
	side_init(&w->client, w, "client");
	w->raw = -1;
	timer_init(&w->guard, world_too_late);
	timer_init(&w->step, world_step);
	loop_timer_set(w->loop, &w->guard, 20000);
	*state = w;
	return 0;
}

static inline int world_down(void **state)
{
	struct world *w = *state;
	conn_free(&w->server.c);
	conn_free(&w->client.c);
	listener_free(&w->listener);
	struct os_thread *t = loop_thread(w->loop);
	os_thread_join(&t);
	loop_free(&w->loop);
	os_socket_close(&w->listening);
	os_socket_close(&w->raw);
	buf_fini(&w->server.got);
	buf_fini(&w->client.got);
	tls_context_unref(&w->tls_server);
	tls_context_unref(&w->tls_client);
	free(w);
	return 0;
}

static inline void world_run(struct world *w)
{
	os_thread_run(loop_thread(w->loop));
	assert_false(w->late);
}

/* on_step after so many ms. */
static inline void world_step_after(struct world *w, int64_t ms,
				    void (*on_step)(struct world *))
{
	w->on_step = on_step;
	loop_timer_set(w->loop, &w->step, ms);
}

static inline void world_connect(struct world *w)
{
	struct err err;
	w->client.c = conn_connect(w->loop, &w->at, NULL, &side_user,
				   &w->client, &err);
	assert_non_null(w->client.c);
}

/* A blocking socket of the test's own. */
static inline void world_connect_raw(struct world *w)
{
	struct err err;
	assert_true(os_connect(&w->at, NULL, &w->raw, &err));
}

static inline void raw_say(const struct world *w, slice words)
{
	assert_int_equal(send(w->raw, words.p, words.n, MSG_NOSIGNAL),
			 words.n);
}

static inline void world_tls(struct world *w)
{
	struct buf certificate, key;
	struct err err;
	buf_init(&certificate, 65536);
	buf_init(&key, 65536);
	assert_true(tls_self_signed(SLICE("relay.example"), &certificate,
				    &key, &err));
	assert_true(tls_context_server(buf_slice(&certificate),
				       buf_slice(&key), &w->tls_server, &err));
	assert_true(tls_context_client(TLS_VERIFY_NONE,
				       buf_slice(&certificate),
				       &w->tls_client, &err));
	buf_fini(&certificate);
	buf_fini(&key);
}

static inline void side_start_tls(struct side *s, struct tls_context *context)
{
	struct err err;
	s->inside = true;
	assert_true(conn_start_tls(s->c, context, SLICE("relay.example"),
				   &err));
	s->inside = false;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
