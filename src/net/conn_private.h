/*
 * A connection's inside. conn.c: its life and what its user calls;
 * conn_in.c: bytes from the peer; conn_out.c: bytes to it.
 *
 *	CONNECTING → OPEN	[finish_connect]
 *	CONNECTING, OPEN → ENDED	[conn_end: closed is told]
 *	OPEN, ENDED → LINGERING	[conn_close_after_flush: no user any more]
 *	all → DEAD		[conn_drop, while `held`: freed when let go]
 *
 * `held` is set while the loop works on a connection and may call its user;
 * whoever called the user looks at the state again. Output that fails inside
 * a user's call sets `output_dead`; the end is told by the task.
 */
#pragma once

#include "net/conn.h"
#include "net/net_private.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_OPEN,
	CONN_ENDED,
	CONN_LINGERING,
	CONN_DEAD,
};

enum {
	CONN_READS_MAX = 16,		/* a readiness: others get theirs */
	CONN_KEPT_CAP = CONN_KEPT_MAX + LOOP_INPUT,
	CONN_WIRE_MAX = CONN_OUT_MAX + (CONN_OUT_MAX >> 4) + 65536,
};

struct conn {
	struct loop *loop;
	const struct conn_user *user;
	void *ctx;
	struct os_watch watch;
	struct tls *tls;
	struct buf out;		/* the user's, not yet encrypted or sent */
	struct buf wire;	/* encrypted (or from before TLS), not sent */
	struct buf kept;	/* input the user left */
	struct err *why;	/* of output_dead; NULL: no memory for it */
	struct loop_task task;
	struct list node;	/* in loop->lingering */
	struct timer timer;	/* of lingering */
	struct ip_port peer, local;
	int fd;
	enum conn_state state;
	bool held;
	bool paused;
	bool showing;		/* inside user->input */
	bool tls_follows;	/* what the user leaves then is ciphertext */
	bool blocked;		/* the kernel took no more */
	bool output_dead;	/* nothing can be sent any more */
	bool eof;		/* the peer closed; to be told or told */
	bool shut;		/* lingering: our side is closed */
	bool drained_due;	/* the task is to tell */
	bool show_due;		/* the task is to show what was kept */
	bool show_nothing_too;	/* … also when that is nothing */
};

static inline bool conn_in_handshake(const struct conn *c)
{
	return c->tls != NULL && tls_state(c->tls) == TLS_HANDSHAKE;
}
/* Input may be read and shown. */
static inline bool conn_wants_input(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->eof &&
	       c->kept.n < CONN_KEPT_MAX &&
	       (!c->paused || conn_in_handshake(c));
}
/* Decrypted input waits inside OpenSSL; the socket knows nothing of it. */
static inline bool conn_has_backlog(const struct conn *c)
{
	return c->tls != NULL && tls_has_more(c->tls);
}

void conn_check(const struct conn *c);
/* From the loop (held): tells closed; why NULL: orderly. */
void conn_end(struct conn *c, const struct err *why);
/* Closes and frees, or leaves that to whoever holds it. */
void conn_drop(struct conn *c);
/* What epoll should tell. strict: also give up being told of input that is
 * not wanted, which else waits until some comes: most pauses end before. */
void conn_adjust(struct conn *c, bool strict);

/* Reads and shows what is there (held). */
void conn_read(struct conn *c);
/* Shows what was kept (held). */
void conn_show_kept(struct conn *c);
/* Feeds ciphertext, sends what TLS answers, shows plaintext (held). */
void conn_feed_tls(struct conn *c, slice ciphertext);

/* Encrypts and sends what it can. */
void conn_send(struct conn *c);
/* Memory for an empty buf to write into, if the loop has some. */
void conn_lend_memory(struct conn *c, struct buf *b);
/* Remembers that output failed; the task tells. */
void conn_fail_output(struct conn *c, const struct err *err);
