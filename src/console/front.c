/* Calls on front connections; see front.h. */
#include "console/front.h"

#include <stdlib.h>

#include "control/channel.h"
#include "os/clock.h"
#include "os/ipc.h"
#include "os/net_fd.h"
#include "wire/frame.h"

enum { OUT_MAX = 2 * FRAME_MAX, TEXT_MAX = 262144, LOOK_MS = 1000 };

struct front_conn {
	struct front *front;
	struct channel channel;		/* fd -1: closed */
	struct os_watch watch;
	struct front_call *call;	/* under way; NULL: idle */
	uint32_t sequence;
	int64_t heard_ns;
};

struct front {
	struct os_thread *thread;
	int link;			/* to admin; -1 */
	struct os_watch link_watch;
	bool closed;
	struct list queue;		/* calls that wait, oldest first */
	unsigned waiting;
	struct front_conn conns[FRONT_CONNS_MAX];
};

void front_call_init(struct front_call *call)
{
	*call = (struct front_call){ 0 };
	buf_init(&call->text, TEXT_MAX);
	buf_init(&call->rows, FRONT_ROWS_MAX);
}

void front_call_fini(struct front_call *call)
{
	buf_fini(&call->text);
	buf_fini(&call->rows);
}

bool front_row(slice *rest, slice *row)
{
	uint32_t n;
	if (rest->n < sizeof(n))
		return false;
	memcpy(&n, rest->p, sizeof(n));
	invariant(n <= rest->n - sizeof(n));
	*row = slice_sub(*rest, sizeof(n), n);
	*rest = slice_skip(*rest, sizeof(n) + n);
	return true;
}

static void end_call(struct front_call *call, enum front_end end)
{
	call->end = end;
	if (end != FRONT_ANSWERED)
		buf_release(&call->rows);
	call->done(call);
}

/* --- connections ---------------------------------------------------------- */

static void conn_close(struct front_conn *c, enum front_end end)
{
	struct front_call *call = c->call;
	if (c->channel.fd < 0)
		return;
	os_watch_remove(c->front->thread, &c->watch);
	channel_fini(&c->channel);
	c->call = NULL;
	if (call != NULL)
		end_call(call, end);
}

static void start_waiting(struct front *f);

static void take_end(struct front_conn *c, int code, slice text)
{
	struct front_call *call = c->call;
	bool fits = !call->rows.failed;
	call->code = code;
	buf_append(&call->text, text);
	c->call = NULL;
	end_call(call, fits ? FRONT_ANSWERED : FRONT_TOO_LARGE);
}

static bool take(struct front_conn *c, const struct frame *f)
{
	uint8_t code;
	slice text;
	if (c->call == NULL || f->sequence != c->sequence)
		return false;
	if (f->type == FRAME_ROW) {
		buf_bytes32(&c->call->rows, f->payload);
		return true;
	}
	if (!frame_read_end(f->payload, &code, &text))
		return false;
	take_end(c, code, text);
	return true;
}

/* False: the connection must end. */
static bool read_frames(struct front_conn *c)
{
	struct err err;
	if (channel_receive(&c->channel, &err) != CHANNEL_OPEN)
		return false;
	c->heard_ns = os_monotonic_ns();
	for (;;) {
		struct frame f;
		bool got;
		if (!channel_next(&c->channel, &got, &f, &err))
			return false;
		if (!got)
			break;
		if (!take(c, &f))
			return false;
	}
	channel_taken(&c->channel);
	return true;
}

static void conn_flush(struct front_conn *c)
{
	struct err err;
	if (channel_flush(&c->channel, &err) != CHANNEL_OPEN) {
		conn_close(c, FRONT_LOST);
		return;
	}
	os_watch_change(c->front->thread, &c->watch,
			OS_READABLE | (channel_pending(&c->channel) > 0 ?
				       OS_WRITABLE : 0u));
}

static void conn_ready(struct os_watch *watch, unsigned events)
{
	struct front_conn *c = CONTAINER_OF(watch, struct front_conn, watch);
	struct front *f = c->front;
	if ((events & OS_READABLE) && !read_frames(c))
		conn_close(c, FRONT_LOST);
	else
		conn_flush(c);
	start_waiting(f);
}

static bool send_end(struct front *f, int fd, struct err *err)
{
	struct buf frame;
	size_t n = 0;
	buf_init(&frame, 64);
	frame_write(&frame, FRAME_PEER, 0, (slice){ 0 });
	bool sent = !frame.failed &&
		    os_send_with_fd(f->link, buf_slice(&frame), fd, &n, err) ==
			    OS_NET_DONE && n == frame.n;
	buf_fini(&frame);
	return sent;
}

static bool conn_open(struct front_conn *c)
{
	struct front *f = c->front;
	struct err err = { 0 };
	int pair[2];
	invariant(c->channel.fd < 0 && c->call == NULL);
	if (f->link < 0 || !os_ipc_pair(pair, &err))
		return false;
	bool sent = send_end(f, pair[1], &err);
	os_socket_close(&pair[1]);
	channel_init(&c->channel, pair[0],
		     FRAME_BIT(FRAME_ROW) | FRAME_BIT(FRAME_END), OUT_MAX);
	if (sent && os_watch_add(f->thread, &c->watch, pair[0], OS_READABLE,
				 conn_ready, &err))
		return true;
	channel_fini(&c->channel);
	return false;
}

/* --- calls ---------------------------------------------------------------- */

static void conn_start(struct front_conn *c, struct front_call *call)
{
	invariant(c->call == NULL && c->channel.fd >= 0);
	c->call = call;
	c->heard_ns = os_monotonic_ns();
	frame_write_call(&c->channel.out, ++c->sequence,
			 call->name, call->args);
	/* It fits: there was no memory. */
	if (c->channel.out.failed)
		conn_close(c, FRONT_LOST);
	else
		conn_flush(c);
}

/* An idle connection, or a new one; NULL: all are busy, or admin is down. */
static struct front_conn *idle_conn(struct front *f)
{
	struct front_conn *closed = NULL;
	for (size_t i = 0; i < FRONT_CONNS_MAX; i++) {
		struct front_conn *c = &f->conns[i];
		if (c->channel.fd >= 0 && c->call == NULL)
			return c;
		if (c->channel.fd < 0)
			closed = c;
	}
	return closed != NULL && conn_open(closed) ? closed : NULL;
}

static bool all_closed(const struct front *f)
{
	for (size_t i = 0; i < FRONT_CONNS_MAX; i++)
		if (f->conns[i].channel.fd >= 0)
			return false;
	return true;
}

static struct front_call *take_waiting(struct front *f)
{
	struct front_call *call =
		list_first(&f->queue, struct front_call, node);
	invariant(call != NULL && f->waiting > 0);
	list_remove(&call->node);
	f->waiting--;
	return call;
}

/* As many as there are connections for; without any, none will come. */
static void start_waiting(struct front *f)
{
	while (!list_empty(&f->queue)) {
		struct front_conn *c = idle_conn(f);
		if (c == NULL && !all_closed(f))
			return;
		struct front_call *call = take_waiting(f);
		if (c == NULL)
			end_call(call, FRONT_DOWN);
		else
			conn_start(c, call);
	}
	invariant(f->waiting == 0);
}

static void asked(struct os_post *post)
{
	struct front_call *call = CONTAINER_OF(post, struct front_call, post);
	struct front *f = call->front;
	if (!frame_call_fits(call->name, call->args)) {
		end_call(call, FRONT_NOT_ASKED);
		return;
	}
	if (f->closed || f->link < 0) {
		end_call(call, FRONT_DOWN);
		return;
	}
	if (f->waiting == FRONT_WAITING_MAX) {
		end_call(call, FRONT_BUSY);
		return;
	}
	list_init(&call->node);
	list_append(&f->queue, &call->node);
	f->waiting++;
	start_waiting(f);
}

void front_ask(struct front *f, struct front_call *call)
{
	call->front = f;
	os_post_init(&call->post, asked);
	os_thread_post(f->thread, &call->post);
}

/* --- admin comes and goes ------------------------------------------------- */

static void link_close(struct front *f)
{
	if (f->link < 0)
		return;
	os_watch_remove(f->thread, &f->link_watch);
	os_socket_close(&f->link);
}

static void drop_all(struct front *f, enum front_end of_waiting)
{
	for (size_t i = 0; i < FRONT_CONNS_MAX; i++)
		conn_close(&f->conns[i], FRONT_LOST);
	while (!list_empty(&f->queue))
		end_call(take_waiting(f), of_waiting);
}

/* Admin says nothing on the link: whatever it is, it is the end. */
static void link_ready(struct os_watch *watch, unsigned events)
{
	struct front *f = CONTAINER_OF(watch, struct front, link_watch);
	(void)events;
	link_close(f);
	drop_all(f, FRONT_DOWN);
}

void front_attach(struct front *f, int fd)
{
	struct err err;
	link_close(f);
	drop_all(f, FRONT_DOWN);
	if (fd < 0 || f->closed) {
		os_socket_close(&fd);
		return;
	}
	f->link = fd;
	if (!os_watch_add(f->thread, &f->link_watch, fd, OS_READABLE,
			  link_ready, &err))
		os_socket_close(&f->link);
}

/* --- life ----------------------------------------------------------------- */

bool front_new(struct front **out, struct os_thread *thread, struct err *err)
{
	struct front *f = calloc(1, sizeof(*f));
	*out = f;
	if (f == NULL)
		return err_set_memory(err, "front_new");
	f->thread = thread;
	list_init(&f->queue);
	f->link = -1;
	f->link_watch.fd = -1;
	for (size_t i = 0; i < FRONT_CONNS_MAX; i++) {
		f->conns[i].front = f;
		f->conns[i].channel.fd = -1;
		f->conns[i].watch.fd = -1;
	}
	return true;
}

int64_t front_turn(struct front *f, int64_t now_ns)
{
	bool busy = false;
	for (size_t i = 0; i < FRONT_CONNS_MAX; i++) {
		struct front_conn *c = &f->conns[i];
		if (c->call == NULL)
			continue;
		if ((now_ns - c->heard_ns) / MS >= FRONT_SILENCE_MS)
			conn_close(c, FRONT_LOST);
		else
			busy = true;
	}
	start_waiting(f);
	return busy ? now_ns + (int64_t)LOOK_MS * MS : OS_NEVER;
}

void front_close(struct front *f)
{
	f->closed = true;
	link_close(f);
	drop_all(f, FRONT_DOWN);
}

void front_free(struct front **front)
{
	struct front *f = *front;
	if (f == NULL)
		return;
	invariant(f->link < 0 && list_empty(&f->queue) && all_closed(f));
	free(f);
	*front = NULL;
}
