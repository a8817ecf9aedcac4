/*
 * A byte stream between us and a peer, plain or under TLS, on one loop. An
 * idle connection holds no buffers. Reading stops while the user leaves
 * input unused past a bound or asks for it; writing is bounded by
 * conn_pending_bytes, which the user watches. Callbacks come from the loop
 * only, never from inside a call of the user's; what a call brings about is
 * told at the end of the turn.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"
#include "crypto/tls.h"
#include "net/loop.h"

struct conn;

/* All on the loop's thread; conn_free, conn_abort, conn_close_after_flush and
 * conn_set_user are allowed inside each. input must be there, others may be
 * NULL. */
struct conn_user {
	/* TCP is connected (conn_connect only). */
	void (*connected)(void *ctx);
	/* Takes what it can from the front of *in; the rest is kept and shown
	 * again with more, or after conn_resume. */
	void (*input)(void *ctx, slice *in);
	/* All output has left to the kernel: once after each conn_flush that
	 * had something to send, in this turn or when the peer has room. */
	void (*drained)(void *ctx);
	/* The TLS handshake is complete. */
	void (*tls_open)(void *ctx);
	/* The end: why NULL is an orderly EOF (output still goes out then); a
	 * failed handshake has where "tls" and the kind that tls_feed gave,
	 * ERR_PROTOCOL mostly. While paused an EOF waits for conn_resume, a
	 * failure doesn't. No call follows; free it. */
	void (*closed)(void *ctx, const struct err *why);
};

/* Takes fd. NULL out of memory (fd closed). Reading starts with
 * conn_resume. */
struct conn *conn_accepted(struct loop *l, int fd, const struct ip_port *peer,
			   const struct ip_port *local,
			   const struct conn_user *user, void *ctx);
/* from: source address or NULL. Ends in connected or closed; the caller
 * keeps the time. NULL: failed at once (err, see os/net.h). It reads when it
 * is connected, without conn_resume. */
struct conn *conn_connect(struct loop *l, const struct ip_port *to,
			  const struct ip_addr *from,
			  const struct conn_user *user, void *ctx,
			  struct err *err);
/* Closes at once. Output not sent is dropped. */
void conn_free(struct conn **c);
/* Closes when all output has left and the peer has closed as well (so that
 * it gets our last words even if it said something we didn't read), at most
 * linger_ms later; *c is cleared, no call follows. Under TLS the last words
 * are a close_notify. */
void conn_close_after_flush(struct conn **c, int64_t linger_ms);
/* A reset: the peer must not take it for an orderly end. */
void conn_abort(struct conn **c);

/* Hands the connection to another user (a cached one to a new session). */
void conn_set_user(struct conn *c, const struct conn_user *user, void *ctx);

/* The handshake begins with the next bytes (server) or now (client). Input
 * must be used up (RFC 3207 4.2: what came in plain text behind STARTTLS must
 * not count): false with ERR_PROTOCOL if it isn't, or closed with that if the
 * current input call leaves some. Output is flushed first. name: SNI of a
 * client. Input and output wait for the handshake, which goes on while
 * paused. After false the connection is of no use: free it. */
bool conn_start_tls(struct conn *c, struct tls_context *context, slice name,
		    struct err *err) MUST_USE;
/* Inside an input call, before conn_start_tls: what the call leaves is the
 * beginning of the handshake (behind a PROXY header, never behind STARTTLS). */
void conn_tls_follows(struct conn *c);
const struct tls *conn_tls(const struct conn *c);	/* NULL if plain */

/* Append to it, then conn_flush. More than CONN_OUT_MAX not taken by the peer
 * ends the connection (ERR_LIMIT). */
enum { CONN_OUT_MAX = 32 << 20 };
struct buf *conn_out(struct conn *c);
void conn_flush(struct conn *c);
/* Bytes not yet taken by the kernel. */
size_t conn_pending_bytes(const struct conn *c);

/* No input calls until resumed. conn_resume shows kept input at the end of
 * this turn. New accepted connections are paused. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/* One input call at the end of this turn, also with nothing kept: for an
 * engine that stopped with events left that need no further bytes. */
void conn_show_soon(struct conn *c);
/* Bytes kept because the user didn't take them. At CONN_KEPT_MAX reading
 * stops until it takes some. */
enum { CONN_KEPT_MAX = 65536 };
size_t conn_kept_bytes(const struct conn *c);

const struct ip_port *conn_peer(const struct conn *c);
const struct ip_port *conn_local(const struct conn *c);
