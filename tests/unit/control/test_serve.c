/* Relay's end of the channels: changes become live, calls are answered,
 * admin comes and goes, master goes. */
#include "unit/unit.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "control/channel.h"
#include "control/serve.h"
#include "control/view_file.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/net_fd.h"

struct relay {
	char path[64];
	int dir;
	struct loop *loop;
	struct control_serve *serve;
	int admin, master;		/* our ends */
	struct channel channel;		/* over admin */
	bool live_at_once;
	_Atomic uint64_t seen;		/* revision of the last view */
	_Atomic int drains, reloads, gone, sockets;
	uint32_t numbers[8];
	int passed[8];
	_Atomic(struct control_answer *) kept;
	struct os_post ending;
};

static void end_run(struct os_post *post)
{
	struct relay *r = CONTAINER_OF(post, struct relay, ending);
	control_serve_close(&r->serve);
	os_thread_stop(loop_thread(r->loop));
}

static void on_view(void *ctx, const struct view *v)
{
	struct relay *r = ctx;
	atomic_store(&r->seen, view_revision(v));
	if (r->serve != NULL && r->live_at_once)
		control_serve_live(r->serve, view_revision(v));
}

static void on_call(void *ctx, slice name, slice args,
		    struct control_answer *a)
{
	struct relay *r = ctx;
	(void)args;
	if (slice_eq(name, SLICE("queue.keep"))) {
		atomic_store(&r->kept, a);
		return;
	}
	int rows = slice_eq(name, SLICE("queue.flood")) ? 200 : 3;
	char big[400000];
	memset(big, ' ', sizeof(big));
	memcpy(big, "{\"n\":1}", 7);
	for (int i = 0; i < rows; i++)
		control_answer_row(a, (slice){ big, rows > 3 ? sizeof(big) :
							       7 });
	control_answer_end(a, 0, SLICE("done"));
}

static void on_reload(void *ctx, slice text)
{
	struct relay *r = ctx;
	if (slice_eq(text, SLICE("hostname: x")))
		atomic_fetch_add(&r->reloads, 1);
}

static void on_drain(void *ctx)
{
	struct relay *r = ctx;
	atomic_fetch_add(&r->drains, 1);
}

static void on_gone(void *ctx)
{
	struct relay *r = ctx;
	atomic_fetch_add(&r->gone, 1);
}

static void on_listen(void *ctx, uint32_t number, int fd)
{
	struct relay *r = ctx;
	int n = atomic_load(&r->sockets);
	r->numbers[n] = number;
	r->passed[n] = fd;
	atomic_fetch_add(&r->sockets, 1);
}

static int drop(const char *path, const struct stat *s, int type,
		struct FTW *w)
{
	(void)s; (void)type; (void)w;
	return remove(path);
}

static int setup(void **state)
{
	struct relay *r = calloc(1, sizeof(*r));
	int a[2], m[2];
	struct err err;
	strcpy(r->path, "/tmp/serve.XXXXXX");
	assert_non_null(mkdtemp(r->path));
	assert_true(os_dir_open(r->path, &r->dir, NULL));
	assert_true(os_ipc_pair(a, NULL) && os_ipc_pair(m, NULL));
	assert_true(loop_new(&r->loop, "control", NULL));
	struct control_handlers h = { r, on_view, on_call, on_reload,
				      on_drain, on_gone, on_listen };
	struct control_serve_config c = { r->loop, NULL, r->dir, a[1], m[1] };
	r->admin = a[0];
	r->master = m[0];
	r->live_at_once = true;
	channel_init(&r->channel, r->admin, ~0u, 1 << 22);
	if (!control_serve_open(&c, &h, &r->serve, &err))
		fail_msg("%s", err.text);
	control_serve_ready(r->serve);
	assert_true(os_thread_start(loop_thread(r->loop), NULL));
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct relay *r = *state;
	struct os_thread *t = loop_thread(r->loop);
	os_post_init(&r->ending, end_run);
	os_thread_post(t, &r->ending);
	os_thread_join(&t);
	loop_free(&r->loop);
	struct control_answer *a = atomic_load(&r->kept);
	if (a != NULL)
		control_answer_end(a, 0, SLICE(""));
	channel_fini(&r->channel);
	os_socket_close(&r->master);
	os_file_close(&r->dir);
	nftw(r->path, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(r);
	return 0;
}

/* The next frame from relay; fails after 5 s. */
static struct frame next_frame(struct relay *r)
{
	struct frame f;
	struct err err;
	bool got;
	for (;;) {
		assert_true(channel_next(&r->channel, &got, &f, &err));
		if (got)
			return f;
		channel_taken(&r->channel);
		struct os_ipc_wait w = {
			r->channel.fd,
			OS_READABLE | (channel_pending(&r->channel) ?
					       OS_WRITABLE : 0u), 0
		};
		assert_true(os_ipc_poll(&w, 1, 5000, &err));
		if (w.events == 0)
			fail_msg("nothing came");
		assert_int_equal(channel_flush(&r->channel, &err),
				 CHANNEL_OPEN);
		if (w.events & OS_READABLE)
			assert_int_equal(channel_receive(&r->channel, &err),
					 CHANNEL_OPEN);
	}
}

static void flush(struct relay *r)
{
	struct err err;
	while (channel_pending(&r->channel) > 0)
		assert_int_equal(channel_flush(&r->channel, &err),
				 CHANNEL_OPEN);
}

static void expect_live(struct relay *r, uint64_t revision, uint32_t sequence)
{
	struct frame f = next_frame(r);
	uint64_t got;
	assert_int_equal(f.type, FRAME_LIVE);
	assert_true(frame_read_live(f.payload, &got));
	assert_int_equal(got, revision);
	assert_int_equal(f.sequence, sequence);
}

static void send_change(struct relay *r, uint64_t revision, uint32_t id,
			bool last)
{
	char name[32];
	struct buf one;
	buf_init(&one, CHANGE_MAX);
	snprintf(name, sizeof(name), "c%u", id);
	struct customer c = { .id = id, .name = slice_of(name),
			      .plan = VIEW_PLAN_STANDARD };
	change_begin(&one, revision, last);
	change_put_customer(&one, &c);
	change_end(&one);
	frame_write(&r->channel.out, FRAME_CHANGE, 0, buf_slice(&one));
	buf_fini(&one);
	flush(r);
}

static void s3_6_a_change_becomes_live(void **state)
{
	struct relay *r = *state;
	expect_live(r, 0, 0);
	send_change(r, 1, 1, true);
	expect_live(r, 1, 0);
	assert_int_equal(atomic_load(&r->seen), 1);
	/* One of several parts: with the last one only. */
	send_change(r, 2, 2, false);
	send_change(r, 2, 3, true);
	expect_live(r, 2, 0);
	assert_int_equal(atomic_load(&r->seen), 2);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct relay *r = *state;
	expect_live(r, 0, 0);
	send_change(r, 5, 1, true);
	expect_live(r, 5, 0);
	send_change(r, 4, 2, true);	/* an older one */
	expect_live(r, 5, LIVE_REFUSED);
	send_change(r, 6, 2, false);	/* a part, then another change */
	send_change(r, 7, 3, true);
	expect_live(r, 5, LIVE_REFUSED);
	send_change(r, 6, 4, true);
	expect_live(r, 6, 0);
	frame_write(&r->channel.out, FRAME_CHANGE, 0, SLICE("nonsense"));
	flush(r);
	expect_live(r, 6, LIVE_REFUSED);
}

static void the_files_are_read_again_when_told(void **state)
{
	struct relay *r = *state;
	expect_live(r, 0, 0);
	frame_write(&r->channel.out, FRAME_VIEW, 0, SLICE(""));
	flush(r);
	expect_live(r, 0, LIVE_REFUSED);	/* nothing newer there */
	struct view_loaded l;
	struct view_writer *w;
	assert_true(view_load(r->dir, &l, NULL));
	assert_true(view_writer_open(r->dir, &l, &w, NULL));
	view_unref(&l.view);
	struct buf one;
	buf_init(&one, CHANGE_MAX);
	struct customer c = { .id = 1, .name = SLICE("x"),
			      .plan = VIEW_PLAN_STANDARD };
	change_begin(&one, 1, true);
	change_put_customer(&one, &c);
	change_end(&one);
	assert_true(view_writer_append(w, buf_slice(&one), NULL));
	buf_fini(&one);
	view_writer_close(&w);
	frame_write(&r->channel.out, FRAME_VIEW, 0, SLICE(""));
	flush(r);
	expect_live(r, 1, 0);
}

static void calls_are_answered(void **state)
{
	struct relay *r = *state;
	expect_live(r, 0, 0);
	frame_write_call(&r->channel.out, 9, SLICE("queue.list"),
			 SLICE("{}"));
	flush(r);
	for (int i = 0; i < 3; i++) {
		struct frame f = next_frame(r);
		assert_int_equal(f.type, FRAME_ROW);
		assert_int_equal(f.sequence, 9);
		assert_slice_eq(f.payload, "{\"n\":1}");
	}
	struct frame f = next_frame(r);
	uint8_t code;
	slice text;
	assert_int_equal(f.type, FRAME_END);
	assert_true(frame_read_end(f.payload, &code, &text));
	assert_int_equal(code, 0);
	assert_slice_eq(text, "done");
	/* An answer past the bound is cut, and says so. */
	frame_write_call(&r->channel.out, 10, SLICE("queue.flood"),
			 SLICE("{}"));
	flush(r);
	do
		f = next_frame(r);
	while (f.type == FRAME_ROW);
	assert_true(frame_read_end(f.payload, &code, &text));
	assert_int_equal(code, 75);
}

static void wait_for(_Atomic int *what, int value)
{
	for (int i = 0; i < 500 && atomic_load(what) != value; i++)
		usleep(10000);
	assert_int_equal(atomic_load(what), value);
}

static void admin_comes_back_by_way_of_master(void **state)
{
	struct relay *r = *state;
	expect_live(r, 0, 0);
	send_change(r, 1, 1, true);
	expect_live(r, 1, 0);
	frame_write_call(&r->channel.out, 3, SLICE("queue.keep"),
			 SLICE("{}"));
	flush(r);
	for (int i = 0; i < 500 && atomic_load(&r->kept) == NULL; i++)
		usleep(10000);
	/* admin dies; its answer goes nowhere */
	channel_close(&r->channel);
	int pair[2];
	assert_true(os_ipc_pair(pair, NULL));
	struct buf b;
	size_t n;
	buf_init(&b, 1000);
	frame_write(&b, FRAME_PEER, 0, SLICE(""));
	assert_int_equal(os_send_with_fd(r->master, buf_slice(&b), pair[1],
					 &n, NULL), OS_NET_DONE);
	assert_int_equal(n, b.n);
	os_socket_close(&pair[1]);
	channel_open(&r->channel, pair[0]);
	expect_live(r, 1, 0);
	send_change(r, 2, 2, true);
	expect_live(r, 2, 0);
	buf_fini(&b);
}

static void frames_of_master(void **state)
{
	struct relay *r = *state;
	struct buf b;
	size_t n;
	struct iovec v;
	char ready[FRAME_HEADER];
	usleep(100000);
	assert_int_equal(os_recv(r->master, ready, sizeof(ready), &n, NULL),
			 OS_NET_DONE);
	assert_int_equal(n, FRAME_HEADER);
	assert_int_equal(ready[5], FRAME_READY);
	buf_init(&b, 1000);
	frame_write(&b, FRAME_RELOAD, 0, SLICE("hostname: x"));
	frame_write(&b, FRAME_DRAIN, 0, SLICE(""));
	v = (struct iovec){ b.p, b.n };
	assert_int_equal(os_send(r->master, &v, 1, &n, NULL), OS_NET_DONE);
	wait_for(&r->reloads, 1);
	wait_for(&r->drains, 1);
	assert_int_equal(atomic_load(&r->gone), 0);
	os_socket_close(&r->master);
	wait_for(&r->gone, 1);
	buf_fini(&b);
}

/* Each with its own socket, in any pieces, before the reload behind them. */
static void sockets_come_with_their_numbers(void **state)
{
	struct relay *r = *state;
	struct buf b;
	size_t n;
	int pipes[4][2];
	buf_init(&b, 200000);
	for (uint32_t i = 0; i < 4; i++) {
		char payload[4];
		struct buf number;
		buf_init(&number, 4);
		buf_u32(&number, 40 + i);
		memcpy(payload, number.p, 4);
		buf_fini(&number);
		assert_true(os_ipc_pair(pipes[i], NULL));
		buf_clear(&b);
		frame_write(&b, FRAME_LISTEN, 0, (slice){ payload, 4 });
		size_t first = i % 2 ? b.n : 7;
		assert_int_equal(os_send_with_fd(r->master,
						 (slice){ b.p, first },
						 pipes[i][1], &n, NULL),
				 OS_NET_DONE);
		struct iovec v = { b.p + first, b.n - first };
		if (v.iov_len > 0)
			assert_int_equal(os_send(r->master, &v, 1, &n, NULL),
					 OS_NET_DONE);
		os_socket_close(&pipes[i][1]);
	}
	wait_for(&r->sockets, 4);
	for (uint32_t i = 0; i < 4; i++) {
		char said = (char)('a' + (int)i), heard = 0;
		struct iovec v = { &said, 1 };
		assert_int_equal(r->numbers[i], 40 + i);
		assert_int_equal(os_send(r->passed[i], &v, 1, &n, NULL),
				 OS_NET_DONE);
		assert_int_equal(os_recv(pipes[i][0], &heard, 1, &n, NULL),
				 OS_NET_DONE);
		assert_int_equal(heard, said);
		os_socket_close(&pipes[i][0]);
		os_socket_close(&r->passed[i]);
	}
	/* one that brings none is no such frame */
	buf_clear(&b);
	frame_write(&b, FRAME_LISTEN, 0, SLICE("abcd"));
	struct iovec v = { b.p, b.n };
	assert_int_equal(os_send(r->master, &v, 1, &n, NULL), OS_NET_DONE);
	wait_for(&r->gone, 1);
	assert_int_equal(atomic_load(&r->sockets), 4);
	buf_fini(&b);
}

static void frames_that_have_no_place_end_the_channel(void **state)
{
	struct relay *r = *state;
	expect_live(r, 0, 0);
	frame_write(&r->channel.out, FRAME_DRAIN, 0, SLICE(""));
	flush(r);
	struct err err;
	enum channel_result got = CHANNEL_OPEN;
	for (int i = 0; i < 500 && got == CHANNEL_OPEN; i++) {
		usleep(10000);
		got = channel_receive(&r->channel, &err);
	}
	assert_int_equal(got, CHANNEL_ENDED);
	assert_int_equal(atomic_load(&r->drains), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s3_6_a_change_becomes_live),
		TEST(what_does_not_fit_is_refused),
		TEST(the_files_are_read_again_when_told),
		TEST(calls_are_answered),
		TEST(admin_comes_back_by_way_of_master),
		TEST(frames_of_master),
		TEST(sockets_come_with_their_numbers),
		TEST(frames_that_have_no_place_end_the_channel),
	};
	return cmocka_run_group_tests_name("control/serve", tests, NULL, NULL);
}
