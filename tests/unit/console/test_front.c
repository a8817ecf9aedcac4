/*
 * Calls on front connections (front.h) and streams (events.h), with an admin
 * that is a thread of this test: it takes the ends that come, and answers.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "console/events.h"
#include "os/clock.h"
#include "os/ipc.h"
#include "os/net_fd.h"
#include "wire/frame.h"

enum { CALLS = 40 };

/* --- the other side ------------------------------------------------------- */

struct admin {
	int link;			/* its end */
	int conns[FRONT_CONNS_MAX + 1];
	struct buf in[FRONT_CONNS_MAX + 1];
	unsigned conn_count;
	_Atomic unsigned most_conns;
	_Atomic bool hold;		/* answers nothing */
	_Atomic bool die;
	pthread_t thread;
};

static void admin_answer(struct admin *a, unsigned i, const struct frame *f)
{
	struct frame_call call;
	struct buf out;
	size_t n;
	assert_true(frame_read_call(f->payload, &call));
	buf_init(&out, 65536);
	if (slice_eq(call.name, SLICE("rows"))) {
		frame_write(&out, FRAME_ROW, f->sequence, call.args);
		frame_write(&out, FRAME_ROW, f->sequence, SLICE("{}"));
	}
	frame_write_end(&out, f->sequence,
			slice_eq(call.name, SLICE("bad")) ? 66 : 0,
			SLICE("said"));
	struct iovec piece = { out.p, out.n };
	assert_int_equal(os_send(a->conns[i], &piece, 1, &n, NULL),
			 OS_NET_DONE);
	buf_fini(&out);
}

static void admin_read(struct admin *a, unsigned i)
{
	size_t n;
	slice rest;
	bool got = true;
	if (os_recv(a->conns[i], buf_room(&a->in[i], 4096), 4096, &n, NULL) !=
	    OS_NET_DONE)
		return;
	buf_added(&a->in[i], n);
	rest = buf_slice(&a->in[i]);
	while (got) {
		struct frame f;
		assert_true(frame_read(&rest, FRAME_BIT(FRAME_CALL), &got, &f,
				       NULL));
		if (got && !atomic_load(&a->hold))
			admin_answer(a, i, &f);
	}
	buf_consume(&a->in[i], a->in[i].n - rest.n);
}

static void admin_take(struct admin *a)
{
	char bytes[FRAME_HEADER];
	size_t n;
	int fd;
	if (os_recv_with_fd(a->link, bytes, sizeof(bytes), &n, &fd, NULL) !=
	    OS_NET_DONE)
		return;
	assert_int_equal(n, FRAME_HEADER);
	assert_true(fd >= 0 && a->conn_count < FRONT_CONNS_MAX);
	buf_init(&a->in[a->conn_count], 2 * FRAME_MAX);
	a->conns[a->conn_count++] = fd;
	atomic_store(&a->most_conns, a->conn_count);
}

static void *admin_run(void *arg)
{
	struct admin *a = arg;
	while (!atomic_load(&a->die)) {
		struct os_ipc_wait w[FRONT_CONNS_MAX + 1];
		unsigned n = a->conn_count;
		w[n] = (struct os_ipc_wait){ a->link, OS_READABLE, 0 };
		for (unsigned i = 0; i < n; i++)
			w[i] = (struct os_ipc_wait){ a->conns[i], OS_READABLE,
						     0 };
		assert_true(os_ipc_poll(w, n + 1, 10, NULL));
		for (unsigned i = 0; i < n; i++)
			if (w[i].events)
				admin_read(a, i);
		if (w[n].events)
			admin_take(a);
	}
	os_socket_close(&a->link);
	for (unsigned i = 0; i < a->conn_count; i++) {
		os_socket_close(&a->conns[i]);
		buf_fini(&a->in[i]);
	}
	return NULL;
}

/* Gives the console's end of the link. */
static int admin_start(struct admin *a)
{
	int pair[2];
	*a = (struct admin){ 0 };
	assert_true(os_ipc_pair(pair, NULL));
	a->link = pair[1];
	assert_int_equal(pthread_create(&a->thread, NULL, admin_run, a), 0);
	return pair[0];
}

static void admin_kill(struct admin *a)
{
	atomic_store(&a->die, true);
	pthread_join(a->thread, NULL);
}

/* --- this side ------------------------------------------------------------ */

struct asker {
	struct os_thread *thread;
	struct front *front;
	struct events *events;		/* NULL: not used */
	struct os_post attach, stop;
	int attach_fd;
	_Atomic unsigned attached;
	_Atomic bool closing;
	struct admin admin;
};

static int64_t asker_turn(void *ctx)
{
	struct asker *s = ctx;
	int64_t now = os_monotonic_ns(), when = front_turn(s->front, now);
	if (s->events != NULL) {
		int64_t then = events_turn(s->events, now);
		when = then < when ? then : when;
	}
	return when;
}

static void attach_run(struct os_post *post)
{
	struct asker *s = CONTAINER_OF(post, struct asker, attach);
	front_attach(s->front, s->attach_fd);
	atomic_fetch_add(&s->attached, 1);
}

static void attach(struct asker *s, int fd)
{
	unsigned before = atomic_load(&s->attached);
	s->attach_fd = fd;
	os_post_init(&s->attach, attach_run);
	os_thread_post(s->thread, &s->attach);
	while (atomic_load(&s->attached) == before)
		usleep(1000);
}

static void stop_run(struct os_post *post)
{
	struct asker *s = CONTAINER_OF(post, struct asker, stop);
	if (s->events != NULL)
		events_stop(s->events);
	front_close(s->front);
	os_thread_stop(s->thread);
}

static int setup(void **state)
{
	struct asker *s = calloc(1, sizeof(*s));
	assert_true(os_thread_new(&s->thread, "front", asker_turn, s, NULL));
	assert_true(front_new(&s->front, s->thread, NULL));
	assert_true(events_new(&s->events, s->front, NULL));
	assert_true(os_thread_start(s->thread, NULL));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct asker *s = *state;
	os_post_init(&s->stop, stop_run);
	os_thread_post(s->thread, &s->stop);
	os_thread_wait(s->thread);
	events_free(&s->events);
	front_free(&s->front);
	os_thread_join(&s->thread);
	free(s);
	return 0;
}

struct asked {
	struct front_call call;
	_Atomic bool done;
};

static void asked_done(struct front_call *call)
{
	atomic_store(&CONTAINER_OF(call, struct asked, call)->done, true);
}

static void begin_with(struct asker *s, struct asked *a, const char *name,
		       slice args)
{
	front_call_init(&a->call);
	atomic_store(&a->done, false);
	a->call.name = slice_of(name);
	a->call.args = args;
	a->call.done = asked_done;
	front_ask(s->front, &a->call);
}

static void begin(struct asker *s, struct asked *a, const char *name)
{
	begin_with(s, a, name, SLICE("{\"n\":1}"));
}

static void wait_for(struct asked *a)
{
	for (int i = 0; i < 10000 && !atomic_load(&a->done); i++)
		usleep(1000);
	assert_true(atomic_load(&a->done));
}

static enum front_end ask(struct asker *s, const char *name)
{
	struct asked a;
	begin(s, &a, name);
	wait_for(&a);
	enum front_end end = a.call.end;
	front_call_fini(&a.call);
	return end;
}

/* --- calls ---------------------------------------------------------------- */

static void rows_code_and_text_come_back(void **state)
{
	struct asker *s = *state;
	struct asked a;
	slice rest, row;
	attach(s, admin_start(&s->admin));
	begin(s, &a, "rows");
	wait_for(&a);
	assert_int_equal(a.call.end, FRONT_ANSWERED);
	assert_int_equal(a.call.code, 0);
	assert_slice_eq(buf_slice(&a.call.text), "said");
	rest = buf_slice(&a.call.rows);
	assert_true(front_row(&rest, &row));
	assert_slice_eq(row, "{\"n\":1}");
	assert_true(front_row(&rest, &row));
	assert_slice_eq(row, "{}");
	assert_false(front_row(&rest, &row));
	front_call_fini(&a.call);
	begin(s, &a, "bad");
	wait_for(&a);
	assert_int_equal(a.call.code, 66);
	front_call_fini(&a.call);
	/* One after the other needs one connection. */
	assert_int_equal(atomic_load(&s->admin.most_conns), 1);
	admin_kill(&s->admin);
}

static void many_calls_share_16_connections(void **state)
{
	struct asker *s = *state;
	static struct asked many[CALLS];
	attach(s, admin_start(&s->admin));
	atomic_store(&s->admin.hold, true);
	for (size_t i = 0; i < CALLS; i++)
		begin(s, &many[i], "x");
	for (int i = 0; i < 5000 &&
			atomic_load(&s->admin.most_conns) < FRONT_CONNS_MAX;
	     i++)
		usleep(1000);
	assert_int_equal(atomic_load(&s->admin.most_conns), FRONT_CONNS_MAX);
	/* Admin goes: who was asked is lost, who waited hears that nobody is
	 * there. */
	admin_kill(&s->admin);
	unsigned lost = 0, down = 0;
	for (size_t i = 0; i < CALLS; i++) {
		wait_for(&many[i]);
		lost += many[i].call.end == FRONT_LOST;
		down += many[i].call.end == FRONT_DOWN;
		front_call_fini(&many[i].call);
	}
	assert_int_equal(lost, FRONT_CONNS_MAX);
	assert_int_equal(down, CALLS - FRONT_CONNS_MAX);
}

static void a_new_admin_is_asked(void **state)
{
	struct asker *s = *state;
	assert_int_equal(ask(s, "x"), FRONT_DOWN);
	for (int i = 0; i < 5; i++) {
		attach(s, admin_start(&s->admin));
		assert_int_equal(ask(s, "x"), FRONT_ANSWERED);
		admin_kill(&s->admin);
		enum front_end end = ask(s, "x");
		assert_true(end == FRONT_DOWN || end == FRONT_LOST);
	}
}

static void what_fits_no_frame_is_not_asked(void **state)
{
	struct asker *s = *state;
	static char args[FRAME_MAX];
	struct asked a;
	const size_t most = FRAME_MAX - 8 - 1;	/* lengths, the name "x" */
	static const struct {
		int more;
		enum front_end end;
	} cases[] = {
		{ 0, FRONT_ANSWERED }, { 1, FRONT_NOT_ASKED },
		{ 9, FRONT_NOT_ASKED }, { -1, FRONT_ANSWERED },
	};
	memset(args, ' ', sizeof(args));
	attach(s, admin_start(&s->admin));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin_with(s, &a, "x",
			   (slice){ args, most + (size_t)cases[i].more });
		wait_for(&a);
		assert_int_equal(a.call.end, cases[i].end);
		front_call_fini(&a.call);
	}
	/* The connection that was there is kept. */
	assert_int_equal(atomic_load(&s->admin.most_conns), 1);
	admin_kill(&s->admin);
}

/* --- streams -------------------------------------------------------------- */

static void woken(void *ctx)
{
	atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}
static void sleeps(void *ctx)
{
	(void)ctx;
}

static void streams_are_bounded_and_end(void **state)
{
	struct asker *s = *state;
	static struct event_stream *streams[EVENTS_ALL_MAX];
	_Atomic unsigned wakes = 0;
	char name[32], text[512];
	unsigned n = 0;
	for (int i = 0; i < EVENTS_ALL_MAX; i++) {
		snprintf(name, sizeof(name), "s%d", i / EVENTS_SESSION_MAX);
		streams[n++] = events_open(s->events, slice_of(name),
					   SLICE("{\"revision\":1}"), woken,
					   &wakes);
		assert_non_null(streams[n - 1]);
		if (i == EVENTS_SESSION_MAX - 1)
			assert_null(events_open(s->events, SLICE("s0"),
						SLICE("{}"), woken, &wakes));
	}
	assert_null(events_open(s->events, SLICE("other"), SLICE("{}"), woken,
				&wakes));
	/* Nothing of a session gets into the JSON of the next question. */
	events_close(&streams[--n]);
	assert_null(events_open(s->events, SLICE("a\",\"as\":\"b"), SLICE("{}"),
				woken, &wakes));
	ptrdiff_t got = events_read(streams[0], text, sizeof(text), sleeps);
	assert_slice_eq(((slice){ text, (size_t)got }),
			"retry: 2000\nevent: tick\ndata: {\"revision\":1}\n\n");
	assert_int_equal(events_read(streams[0], text, sizeof(text), sleeps),
			 0);
	events_stop(s->events);
	assert_true(atomic_load(&wakes) >= 1);
	assert_int_equal(events_read(streams[0], text, sizeof(text), sleeps),
			 -1);
	assert_null(events_open(s->events, SLICE("late"), SLICE("{}"), woken,
				&wakes));
	while (n > 0)
		events_close(&streams[--n]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_code_and_text_come_back),
		TEST(many_calls_share_16_connections),
		TEST(a_new_admin_is_asked),
		TEST(what_fits_no_frame_is_not_asked),
		TEST(streams_are_bounded_and_end),
	};
	return cmocka_run_group_tests_name("console/front", tests, NULL, NULL);
}
