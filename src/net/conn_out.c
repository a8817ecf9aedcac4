/*
 * A connection's output; see conn_private.h. Without TLS `out` is sent as it
 * is; with TLS it is encrypted into `wire` whenever that is empty, so the
 * ciphertext that waits is bounded by one encryption.
 */
#include <stdlib.h>

#include "net/conn_private.h"

void conn_fail_output(struct conn *c, const struct err *err)
{
	if (c->output_dead)
		return;
	c->output_dead = true;
	c->blocked = false;
	buf_release(&c->out);
	buf_release(&c->wire);
	invariant(c->why == NULL);
	c->why = malloc(sizeof(*c->why));
	if (c->why != NULL)
		*c->why = *err;
	loop_task_post(c->loop, &c->task);
}

void conn_lend_memory(struct conn *c, struct buf *b)
{
	struct buf *spare = &c->loop->spare;
	if (b->p != NULL || spare->p == NULL)
		return;
	b->p = spare->p;
	b->cap = spare->cap;
	*spare = (struct buf){ 0 };
}

/* b is empty: an idle connection holds no memory, the loop keeps one piece
 * for whoever writes next. */
static void give_back(struct conn *c, struct buf *b)
{
	struct buf *spare = &c->loop->spare;
	if (spare->p == NULL && b->cap <= LOOP_SPARE_MAX) {
		spare->p = b->p;
		spare->cap = b->cap;
		b->p = NULL;
		b->cap = 0;
	}
	buf_release(b);
}

/* Sends the front of b; false when it must wait or has failed. */
static bool send_buf(struct conn *c, struct buf *b)
{
	size_t sent = 0;
	while (sent < b->n && !c->blocked) {
		struct iovec iov = { .iov_base = b->p + sent,
				     .iov_len = b->n - sent };
		size_t n = 0;
		struct err err;
		switch (os_send(c->fd, &iov, 1, &n, &err)) {
		case OS_NET_DONE:
			/* Less than all: the next try would say AGAIN. */
			c->blocked = n < iov.iov_len;
			sent += n;
			break;
		case OS_NET_AGAIN:
			c->blocked = true;
			break;
		case OS_NET_FAILED:
			conn_fail_output(c, &err);
			return false;
		case OS_NET_EOF:
			unreachable_state("EOF of a send");
		}
	}
	if (sent < b->n) {
		buf_consume(b, sent);
		return false;
	}
	give_back(c, b);
	return true;
}

static bool encrypt(struct conn *c)
{
	enum tls_state state = tls_state(c->tls);
	struct err err;
	if (c->out.n == 0)
		return true;
	if (state != TLS_OPEN && state != TLS_PEER_CLOSED)
		return false;		/* waits for the handshake */
	bool ok = tls_write(c->tls, buf_slice(&c->out), &c->wire, &err);
	if (!ok) {
		conn_fail_output(c, &err);
		return false;
	}
	give_back(c, &c->out);
	return true;
}

/* Bytes are missing that the user or TLS meant to send: it can't go on. */
static bool has_lost_bytes(struct conn *c)
{
	struct err err;
	if (!c->out.failed && !c->wire.failed)
		return false;
	err_set(&err, ERR_LIMIT, SCOPE_SESSION, "conn",
		"output buffer is full");
	conn_fail_output(c, &err);
	return true;
}

void conn_send(struct conn *c)
{
	if (c->output_dead) {
		buf_release(&c->out);
		buf_release(&c->wire);
		return;
	}
	if (has_lost_bytes(c) || c->blocked || c->state == CONN_CONNECTING)
		return;
	if (c->tls == NULL) {
		send_buf(c, &c->out);
		return;
	}
	if (send_buf(c, &c->wire) && encrypt(c) && !has_lost_bytes(c))
		send_buf(c, &c->wire);
}
