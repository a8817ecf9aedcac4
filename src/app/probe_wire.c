/* See probe_wire.h. */
#include "app/probe_wire.h"

#include "os/clock.h"
#include "os/net.h"
#include "os/process.h"

enum { IN_MAX = 1048576, PIECE = 4096 };

void probe_wire_init(struct probe_wire *w, int64_t timeout_ms)
{
	*w = (struct probe_wire){ .fd = -1, .timeout_ms = timeout_ms };
	buf_init(&w->in, IN_MAX);
	limits_defaults(&w->limits);
	smtp_reply_init(&w->reply, &w->limits);
}

void probe_wire_fini(struct probe_wire *w)
{
	if (w->tls != NULL)
		tls_free(&w->tls);
	if (w->context != NULL)
		tls_context_unref(&w->context);
	if (w->fd >= 0)
		os_socket_close(&w->fd);
	smtp_reply_fini(&w->reply);
	buf_fini(&w->in);
}

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

static bool too_late(struct err *err)
{
	return err_set(err, ERR_TIMEOUT, SCOPE_HOST, "probe",
		       "no answer in time");
}

/* False: the deadline is over. */
static bool wait_for(struct probe_wire *w, bool input, int64_t until_ms,
		     struct err *err)
{
	int64_t left = until_ms - now_ms();
	bool ready = false;
	if (left > 0 && input)
		ready = os_wait_input(&w->fd, &ready, 1, (int)left);
	else if (left > 0)
		ready = os_wait_output(w->fd, (int)left);
	return ready || too_late(err);
}

bool probe_wire_connect(struct probe_wire *w, const struct ip_port *to,
			struct err *err)
{
	struct ip_port local;
	if (w->fd >= 0)
		os_socket_close(&w->fd);
	return os_connect(to, NULL, &w->fd, err) &&
	       wait_for(w, false, now_ms() + w->timeout_ms, err) &&
	       os_connected(w->fd, &local, err);
}

static bool send_raw(struct probe_wire *w, slice s, struct err *err)
{
	int64_t until = now_ms() + w->timeout_ms;
	while (s.n > 0) {
		struct iovec piece = { (void *)(uintptr_t)s.p, s.n };
		size_t n = 0;
		switch (os_send(w->fd, &piece, 1, &n, err)) {
		case OS_NET_DONE:
			s = slice_skip(s, n);
			break;
		case OS_NET_AGAIN:
			if (!wait_for(w, false, until, err))
				return false;
			break;
		case OS_NET_EOF:
		case OS_NET_FAILED:
			return false;
		}
	}
	return true;
}

/* What TLS makes of ciphertext goes to w->in, what it answers to the peer. */
static bool feed_tls(struct probe_wire *w, slice ciphertext, struct err *err)
{
	struct buf cipher;
	struct err ignored;
	buf_init(&cipher, IN_MAX);
	bool ok = tls_feed(w->tls, ciphertext, &w->in, &cipher, err);
	if (ok)
		ok = send_raw(w, buf_slice(&cipher), err);
	else if (cipher.n > 0 && !send_raw(w, buf_slice(&cipher), &ignored))
		ok = false;		/* the alert is lost, and the reason
					 * is known */
	buf_fini(&cipher);
	return ok;
}

/* Some more bytes. */
static bool take_more(struct probe_wire *w, int64_t until_ms, struct err *err)
{
	char piece[PIECE];
	size_t n = 0;
	for (;;) {
		switch (os_recv(w->fd, piece, sizeof(piece), &n, err)) {
		case OS_NET_DONE:
			if (w->tls != NULL)
				return feed_tls(w, (slice){ piece, n }, err);
			buf_append_bytes(&w->in, piece, n);
			return !w->in.failed ||
			       err_set_memory(err, "probe");
		case OS_NET_AGAIN:
			if (!wait_for(w, true, until_ms, err))
				return false;
			break;
		case OS_NET_EOF:
			return err_set(err, ERR_TEMPORARY, SCOPE_HOST, "probe",
				       "the server closed the connection");
		case OS_NET_FAILED:
			return false;
		}
	}
}

bool probe_wire_tls(struct probe_wire *w, slice name, bool verify,
		    struct err *err)
{
	int64_t until = now_ms() + w->timeout_ms;
	invariant(w->tls == NULL);
	buf_clear(&w->in);
	if (!tls_context_client(verify ? TLS_VERIFY_NAME : TLS_VERIFY_NONE,
				(slice){ 0 }, &w->context, err))
		return false;
	w->tls = tls_new(w->context, name);
	if (w->tls == NULL)
		return err_set_memory(err, "probe");
	bool ok = feed_tls(w, (slice){ 0 }, err);
	while (ok && tls_state(w->tls) == TLS_HANDSHAKE)
		ok = take_more(w, until, err);
	return ok && (tls_state(w->tls) == TLS_OPEN ||
		      err_set(err, ERR_PROTOCOL, SCOPE_HOST, "probe",
			      "the TLS handshake failed"));
}

bool probe_wire_send(struct probe_wire *w, slice s, struct err *err)
{
	if (w->tls == NULL)
		return send_raw(w, s, err);
	struct buf cipher;
	buf_init(&cipher, IN_MAX);
	bool ok = tls_write(w->tls, s, &cipher, err) &&
		  send_raw(w, buf_slice(&cipher), err);
	buf_fini(&cipher);
	return ok;
}

bool probe_wire_reply(struct probe_wire *w, struct err *err)
{
	int64_t until = now_ms() + w->timeout_ms;
	smtp_reply_reset(&w->reply);
	for (;;) {
		slice in = buf_slice(&w->in);
		size_t had = in.n;
		bool ok = smtp_reply_feed(&w->reply, &in, err);
		buf_consume(&w->in, had - in.n);
		if (!ok || w->reply.whole)
			return ok;
		if (!take_more(w, until, err))
			return false;
	}
}
