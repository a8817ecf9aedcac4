/*
 * A connection's input; see conn_private.h. Bytes are received into the
 * loop's memory, decrypted into the loop's memory, shown to the user from
 * there; only what the user leaves is copied to the connection.
 */
#include "net/conn_private.h"

/* Shows bytes; what the user left. */
static slice call_input(struct conn *c, slice bytes)
{
	slice in = bytes;
	invariant(c->held && !c->showing && !c->paused);
	c->showing = true;
	c->user->input(c->ctx, &in);
	c->showing = false;
	invariant(in.n <= bytes.n && in.p == bytes.p + (bytes.n - in.n));
	return in;
}

static void keep(struct conn *c, slice bytes)
{
	struct err err;
	if (bytes.n == 0)
		return;
	buf_append(&c->kept, bytes);
	if (!c->kept.failed)
		return;
	err_set_memory(&err, "conn");
	conn_end(c, &err);
}

/* Plain bytes behind which the user began TLS. kept: they lie in c->kept. */
static void begin_with(struct conn *c, slice left, bool kept)
{
	struct buf moved = c->kept;
	invariant(c->tls != NULL && c->tls_follows);
	c->tls_follows = false;
	if (!kept) {
		conn_feed_tls(c, left);
		return;
	}
	buf_init(&c->kept, CONN_KEPT_CAP);
	conn_feed_tls(c, left);
	buf_fini(&moved);
}

/* RFC 3207 4.2: plain bytes behind STARTTLS never count as said under TLS. */
static void refuse_injected(struct conn *c)
{
	struct err err;
	err_set(&err, ERR_PROTOCOL, SCOPE_SESSION, "tls",
		"plain text behind STARTTLS");
	conn_end(c, &err);
}

void conn_show_kept(struct conn *c)
{
	bool plain = c->tls == NULL;
	slice left = call_input(c, buf_slice(&c->kept));
	if (c->state != CONN_OPEN)
		return;
	if (plain && c->tls != NULL && c->tls_follows) {
		begin_with(c, left, true);
		return;
	}
	if (plain && c->tls != NULL && left.n > 0) {
		refuse_injected(c);
		return;
	}
	if (left.n == 0)
		buf_release(&c->kept);
	else
		buf_consume(&c->kept, c->kept.n - left.n);
}

static void take_plain(struct conn *c, slice bytes)
{
	if (c->paused) {
		keep(c, bytes);
		return;
	}
	if (c->kept.n > 0) {
		keep(c, bytes);
		if (c->state == CONN_OPEN)
			conn_show_kept(c);
		return;
	}
	bool plain = c->tls == NULL;
	slice left = call_input(c, bytes);
	if (c->state != CONN_OPEN)
		return;
	if (plain && c->tls != NULL && c->tls_follows)
		begin_with(c, left, false);
	else if (plain && c->tls != NULL && left.n > 0)
		refuse_injected(c);
	else
		keep(c, left);
}

static void tell_tls_open(struct conn *c)
{
	if (c->user->tls_open != NULL)
		c->user->tls_open(c->ctx);
	/* What was written before it. */
	if (c->state == CONN_OPEN && conn_pending_bytes(c) > 0)
		conn_flush(c);
}

void conn_feed_tls(struct conn *c, slice ciphertext)
{
	struct buf *plain = &c->loop->plain;
	bool was_handshake = conn_in_handshake(c);
	struct err err;
	buf_clear(plain);
	bool ok = tls_feed(c->tls, ciphertext, plain, &c->wire, &err);
	slice shown = buf_slice(plain);
	if (c->wire.n > 0)
		conn_send(c);
	if (ok && was_handshake && !conn_in_handshake(c))
		tell_tls_open(c);
	if (c->state == CONN_OPEN && shown.n > 0)
		take_plain(c, shown);
	if (c->state != CONN_OPEN)
		return;
	if (!ok)
		conn_end(c, &err);
	else if (tls_state(c->tls) == TLS_PEER_CLOSED)
		c->eof = true;
}

static void end_of_input(struct conn *c)
{
	struct err err;
	if (conn_in_handshake(c)) {
		err_set(&err, ERR_PROTOCOL, SCOPE_SESSION, "tls",
			"closed during the TLS handshake");
		conn_end(c, &err);
		return;
	}
	/* Under TLS also without a close_notify: many never send one, and
	 * SMTP knows by itself where a message ends. */
	c->eof = true;
}

/* Whether the socket may hold more. */
static bool receive(struct conn *c)
{
	size_t n;
	struct err err;
	switch (os_recv(c->fd, c->loop->input, LOOP_INPUT, &n, &err)) {
	case OS_NET_DONE: {
		slice bytes = { c->loop->input, n };
		if (c->tls != NULL)
			conn_feed_tls(c, bytes);
		else
			take_plain(c, bytes);
		return n == LOOP_INPUT;
	}
	case OS_NET_AGAIN:
		return false;
	case OS_NET_EOF:
		end_of_input(c);
		return false;
	case OS_NET_FAILED:
		conn_fail_output(c, &err);	/* both ways are gone */
		conn_end(c, &err);
		return false;
	}
	unreachable_state("receive");
}

void conn_read(struct conn *c)
{
	bool more = true;
	invariant(c->held);
	for (int i = 0; i < CONN_READS_MAX && conn_wants_input(c); i++) {
		if (conn_has_backlog(c))
			conn_feed_tls(c, (slice){ 0 });
		else if (more)
			more = receive(c);
		else
			break;
	}
	if (c->state == CONN_OPEN && c->eof && !c->paused)
		conn_end(c, NULL);
	/* The socket tells again by itself, the backlog doesn't. */
	else if (conn_wants_input(c) && conn_has_backlog(c))
		loop_task_post(c->loop, &c->task);
}
