/* A connection's life and what its user calls; see conn_private.h. */
#include "net/conn.h"

#include <stdlib.h>

#include "net/conn_private.h"

static void on_ready(struct os_watch *watch, unsigned events);
static void on_task(struct loop_task *task);
static void on_linger_timer(struct timer *timer);

void conn_check(const struct conn *c)
{
	invariant(c->loop != NULL && !(c->blocked && c->output_dead));
	switch (c->state) {
	case CONN_CONNECTING:
		invariant(c->fd >= 0 && c->tls == NULL && c->kept.n == 0);
		break;
	case CONN_OPEN:
	case CONN_ENDED:
		invariant(c->fd >= 0 && c->user != NULL);
		break;
	case CONN_LINGERING:
		invariant(c->fd >= 0 && c->user == NULL);
		break;
	case CONN_DEAD:
		invariant(c->fd < 0 && c->held);
		break;
	default:
		unreachable_state("conn state");
	}
}

/* --- birth ---------------------------------------------------------------- */

/* Takes fd; closes it without memory. */
static struct conn *new_conn(struct loop *l, int fd, enum conn_state state,
			     const struct conn_user *user, void *ctx,
			     struct err *err)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		err_set_memory(err, "conn");
		os_socket_close(&fd);
		return NULL;
	}
	*c = (struct conn){ .loop = l, .user = user, .ctx = ctx, .fd = fd,
			    .state = state };
	buf_init(&c->out, CONN_OUT_MAX);
	buf_init(&c->wire, CONN_WIRE_MAX);
	buf_init(&c->kept, CONN_KEPT_CAP);
	loop_task_init(&c->task, on_task);
	list_init(&c->node);
	timer_init(&c->timer, on_linger_timer);
	invariant(user->input != NULL);
	unsigned interest = state == CONN_CONNECTING ? OS_WRITABLE
						     : OS_READABLE;
	if (os_watch_add(loop_thread(l), &c->watch, fd, interest, on_ready,
			 err))
		return c;
	os_socket_close(&c->fd);
	free(c);
	return NULL;
}

struct conn *conn_accepted(struct loop *l, int fd, const struct ip_port *peer,
			   const struct ip_port *local,
			   const struct conn_user *user, void *ctx)
{
	struct conn *c = new_conn(l, fd, CONN_OPEN, user, ctx, NULL);
	if (c == NULL)
		return NULL;
	c->peer = *peer;
	c->local = *local;
	c->paused = true;
	conn_check(c);
	return c;
}

struct conn *conn_connect(struct loop *l, const struct ip_port *to,
			  const struct ip_addr *from,
			  const struct conn_user *user, void *ctx,
			  struct err *err)
{
	int fd;
	if (!os_connect(to, from, &fd, err))
		return NULL;
	struct conn *c = new_conn(l, fd, CONN_CONNECTING, user, ctx, err);
	if (c == NULL)
		return NULL;
	c->peer = *to;
	conn_check(c);
	return c;
}

static void finish_connect(struct conn *c)
{
	struct err err;
	if (!os_connected(c->fd, &c->local, &err)) {
		conn_fail_output(c, &err);
		conn_end(c, &err);
		return;
	}
	c->state = CONN_OPEN;
	if (c->user->connected != NULL)
		c->user->connected(c->ctx);
	if (c->state == CONN_OPEN && c->out.n > 0)
		conn_flush(c);
}

/* --- the end -------------------------------------------------------------- */

static void close_socket(struct conn *c, bool abort)
{
	os_watch_remove(loop_thread(c->loop), &c->watch);
	if (abort)
		os_socket_abort(&c->fd);
	else
		os_socket_close(&c->fd);
}

static void destroy(struct conn *c)
{
	invariant(c->fd < 0 && !c->held && list_empty(&c->node));
	tls_free(&c->tls);
	buf_fini(&c->out);
	buf_fini(&c->wire);
	buf_fini(&c->kept);
	free(c->why);
	free(c);
}

static void drop(struct conn *c, bool abort)
{
	close_socket(c, abort);
	loop_task_cancel(&c->task);
	loop_timer_cancel(c->loop, &c->timer);
	list_remove(&c->node);
	c->state = CONN_DEAD;
	if (!c->held)
		destroy(c);
}

void conn_drop(struct conn *c)
{
	drop(c, false);
}

void conn_free(struct conn **cp)
{
	struct conn *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	invariant(c->state != CONN_DEAD && c->state != CONN_LINGERING);
	drop(c, false);
}

void conn_abort(struct conn **cp)
{
	struct conn *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	invariant(c->state != CONN_DEAD && c->state != CONN_LINGERING);
	drop(c, true);
}

void conn_end(struct conn *c, const struct err *why)
{
	struct err memory;
	invariant(c->held && !c->showing);
	if (c->state != CONN_OPEN && c->state != CONN_CONNECTING)
		return;
	c->state = CONN_ENDED;
	c->drained_due = c->show_due = false;
	buf_release(&c->kept);
	/* That output failed is the cause; the rest followed. */
	if (c->output_dead && c->why == NULL)
		err_set_memory(&memory, "conn");
	if (c->output_dead)
		why = c->why != NULL ? c->why : &memory;
	if (c->user->closed != NULL)
		c->user->closed(c->ctx, why);
}

/* The loop lets go of it: frees it if its user did. */
static void let_go(struct conn *c)
{
	conn_check(c);
	c->held = false;
	if (c->state == CONN_DEAD)
		destroy(c);
	else
		conn_adjust(c, true);
}

/* --- lingering ------------------------------------------------------------ */

/* All has been sent: says so to the peer. */
static void finish_output(struct conn *c)
{
	if (c->tls != NULL && tls_state(c->tls) != TLS_HANDSHAKE) {
		tls_close(c->tls, &c->wire);
		conn_send(c);
	}
	if (!c->output_dead)
		os_shutdown_output(c->fd);
	c->shut = true;
}

static void linger(struct conn *c)
{
	if (!c->shut) {
		conn_send(c);
		if (conn_in_handshake(c))
			buf_release(&c->out);	/* nobody will see it */
		if (!c->output_dead && conn_pending_bytes(c) == 0)
			finish_output(c);
	}
	if (c->output_dead || (c->shut && c->eof))
		conn_drop(c);
}

/* Reads and forgets: unread input would turn the close into a reset that
 * takes our last words with it. */
static void drain_input(struct conn *c)
{
	enum os_net_result r = OS_NET_DONE;
	for (int i = 0; i < CONN_READS_MAX && r == OS_NET_DONE; i++) {
		size_t n;
		r = os_recv(c->fd, c->loop->input, LOOP_INPUT, &n, NULL);
	}
	if (r == OS_NET_EOF)
		c->eof = true;
	else if (r == OS_NET_FAILED)
		conn_drop(c);
}

static void on_linger_timer(struct timer *timer)
{
	struct conn *c = CONTAINER_OF(timer, struct conn, timer);
	invariant(c->state == CONN_LINGERING && !c->held);
	conn_drop(c);
}

void conn_close_after_flush(struct conn **cp, int64_t linger_ms)
{
	struct conn *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	invariant(c->state != CONN_DEAD && c->state != CONN_LINGERING);
	if (c->state == CONN_CONNECTING || c->output_dead) {
		conn_drop(c);
		return;
	}
	c->state = CONN_LINGERING;
	c->user = NULL;
	c->ctx = NULL;
	c->drained_due = c->show_due = false;
	list_append(&c->loop->lingering, &c->node);
	loop_timer_set(c->loop, &c->timer, linger_ms);
	linger(c);
	if (c->state == CONN_LINGERING && !c->held)
		conn_adjust(c, true);
}

void conn_forget_lingering(struct loop *l)
{
	while (!list_empty(&l->lingering)) {
		struct conn *c = list_first(&l->lingering, struct conn, node);
		list_remove(&c->node);
		os_socket_close(&c->fd);	/* its poller is gone */
		destroy(c);
	}
}

/* --- what the loop tells -------------------------------------------------- */

static bool has_sent_all(const struct conn *c)
{
	return conn_pending_bytes(c) == 0 && !c->output_dead;
}

static void tell_drained(struct conn *c)
{
	c->drained_due = false;
	if (c->state == CONN_OPEN && has_sent_all(c) &&
	    c->user->drained != NULL)
		c->user->drained(c->ctx);
}

static void on_writable(struct conn *c)
{
	size_t before = conn_pending_bytes(c);
	c->blocked = false;
	conn_send(c);
	if (before > 0)
		tell_drained(c);
}

static void on_ready(struct os_watch *watch, unsigned events)
{
	struct conn *c = CONTAINER_OF(watch, struct conn, watch);
	conn_check(c);
	invariant(!c->held);
	c->held = true;
	if (c->state == CONN_CONNECTING) {
		finish_connect(c);
	} else if (c->state == CONN_LINGERING) {
		c->blocked = false;
		if (events & OS_READABLE)
			drain_input(c);
		if (c->state == CONN_LINGERING)
			linger(c);
	} else {
		if (events & OS_WRITABLE)
			on_writable(c);
		if (events & OS_READABLE)
			conn_read(c);
	}
	let_go(c);
}

/* At the end of a turn: what calls of the user brought about. */
static void on_task(struct loop_task *task)
{
	struct conn *c = CONTAINER_OF(task, struct conn, task);
	conn_check(c);
	invariant(!c->held);
	c->held = true;
	if (c->drained_due)
		tell_drained(c);
	if (c->show_due && c->state == CONN_OPEN && !c->paused) {
		bool due = c->kept.n > 0 || c->show_nothing_too;
		c->show_due = c->show_nothing_too = false;
		if (due)
			conn_show_kept(c);
	}
	/* The peer may have said why before it went. */
	bool rest = conn_has_backlog(c) || c->eof || c->output_dead;
	if (c->state == CONN_OPEN && rest)
		conn_read(c);
	if (c->output_dead)
		conn_end(c, NULL);
	let_go(c);
}

void conn_adjust(struct conn *c, bool strict)
{
	unsigned want = 0;
	if (c->blocked || c->state == CONN_CONNECTING)
		want |= OS_WRITABLE;
	if (conn_wants_input(c) || (c->state == CONN_LINGERING && !c->eof))
		want |= OS_READABLE;
	if (!strict && c->state == CONN_OPEN)
		want |= c->watch.interest & OS_READABLE;
	os_watch_change(loop_thread(c->loop), &c->watch, want);
}

/* --- what the user calls -------------------------------------------------- */

void conn_set_user(struct conn *c, const struct conn_user *user, void *ctx)
{
	invariant(c->state != CONN_DEAD && c->state != CONN_LINGERING);
	invariant(user->input != NULL);
	c->user = user;
	c->ctx = ctx;
	c->drained_due = false;
}

struct buf *conn_out(struct conn *c)
{
	conn_lend_memory(c, &c->out);
	return &c->out;
}

size_t conn_pending_bytes(const struct conn *c)
{
	return c->out.n + c->wire.n;
}

void conn_flush(struct conn *c)
{
	conn_check(c);
	bool something = conn_pending_bytes(c) > 0 || c->out.failed;
	conn_send(c);
	if (something && has_sent_all(c) && c->state == CONN_OPEN &&
	    c->user->drained != NULL) {
		c->drained_due = true;
		loop_task_post(c->loop, &c->task);
	}
	if (!c->held)
		conn_adjust(c, false);
}

void conn_pause(struct conn *c)
{
	c->paused = true;
}

void conn_resume(struct conn *c)
{
	conn_check(c);
	c->paused = false;
	if (c->state == CONN_OPEN &&
	    (c->kept.n > 0 || c->show_due || c->eof || conn_has_backlog(c))) {
		c->show_due = true;
		loop_task_post(c->loop, &c->task);
	}
	if (!c->held)
		conn_adjust(c, false);
}

void conn_show_soon(struct conn *c)
{
	conn_check(c);
	if (c->state != CONN_OPEN)
		return;
	c->show_due = c->show_nothing_too = true;
	loop_task_post(c->loop, &c->task);
}

void conn_tls_follows(struct conn *c)
{
	invariant(c->showing && c->tls == NULL);
	c->tls_follows = true;
}

size_t conn_kept_bytes(const struct conn *c)
{
	return c->kept.n;
}

const struct ip_port *conn_peer(const struct conn *c)
{
	return &c->peer;
}

const struct ip_port *conn_local(const struct conn *c)
{
	return &c->local;
}

const struct tls *conn_tls(const struct conn *c)
{
	return c->tls;
}

bool conn_start_tls(struct conn *c, struct tls_context *context, slice name,
		    struct err *err)
{
	conn_check(c);
	invariant(c->tls == NULL && c->state != CONN_CONNECTING);
	/* What the current input call leaves is looked at when it returns. */
	if (!c->showing && c->kept.n > 0)
		return err_set(err, ERR_PROTOCOL, SCOPE_SESSION, "tls",
			       "plain text behind STARTTLS");
	conn_send(c);
	if (c->output_dead || c->state != CONN_OPEN)
		return err_set(err, ERR_IO, SCOPE_SESSION, "tls",
			       "connection is over");
	c->tls = tls_new(context, name);
	if (c->tls == NULL)
		return err_set_memory(err, "tls");
	invariant(c->wire.n == 0);
	buf_append(&c->wire, buf_slice(&c->out));	/* what is not sent */
	buf_release(&c->out);
	struct buf none;
	buf_init(&none, 0);
	if (!tls_feed(c->tls, (slice){ 0 }, &none, &c->wire, err))
		return false;
	conn_send(c);
	if (!c->held)
		conn_adjust(c, false);
	return true;
}
