/* See talk.h. What is in here belongs to the world: `inside` is false. */
#include "sim/talk.h"

#include "sim/sim.h"

enum { TALK_BUFFER_MAX = 4 << 20 };

static void release(struct talk *t)
{
	tls_free(&t->tls);
	tls_context_unref(&t->context);
}

static void opened(void *ctx)
{
	struct talk *t = ctx;
	if (t->user->opened != NULL)
		t->user->opened(t);
}

static void send_cipher(struct talk *t, struct buf *cipher)
{
	if (t->end != NULL)
		net_say(t->end, buf_slice(cipher));
	buf_fini(cipher);
}

/* Decrypts; a peer that does not speak TLS is hung up on. */
static void feed(struct talk *t, slice bytes)
{
	struct buf plain, cipher;
	struct err err;
	bool was_open = tls_state(t->tls) == TLS_OPEN;
	buf_init(&plain, TALK_BUFFER_MAX);
	buf_init(&cipher, TALK_BUFFER_MAX);
	bool ok = tls_feed(t->tls, bytes, &plain, &cipher, &err);
	bool opens = ok && !was_open && tls_state(t->tls) == TLS_OPEN;
	send_cipher(t, &cipher);
	if (opens && t->user->tls_open != NULL)
		t->user->tls_open(t);
	if (t->end != NULL && plain.n > 0)
		t->user->input(t, buf_slice(&plain));
	buf_fini(&plain);
	if (!ok && t->end != NULL) {
		t->user->ended(t, true);
		talk_abort(t);
	}
}

static void input(void *ctx, slice bytes)
{
	struct talk *t = ctx;
	if (t->tls != NULL)
		feed(t, bytes);
	else
		t->user->input(t, bytes);
}

static void closed(void *ctx, bool reset)
{
	struct talk *t = ctx;
	t->user->ended(t, reset);
	talk_close(t);
}

static const struct net_user net_talk = {
	.opened = opened, .input = input, .closed = closed,
};

void talk_call(struct talk *t, const struct talk_user *user,
	       const struct ip_port *from, const struct ip_port *to)
{
	*t = (struct talk){ .user = user };
	t->end = net_call(from, to, &net_talk, t);
}

void talk_take(struct talk *t, const struct talk_user *user,
	       struct net_end *end)
{
	*t = (struct talk){ .user = user, .end = end };
	net_set_user(end, &net_talk, t);
}

void talk_say_raw(struct talk *t, slice bytes)
{
	if (t->end != NULL)
		net_say(t->end, bytes);
}

void talk_say(struct talk *t, slice bytes)
{
	struct buf cipher;
	struct err err;
	if (t->end == NULL || t->tls == NULL) {
		talk_say_raw(t, bytes);
		return;
	}
	buf_init(&cipher, TALK_BUFFER_MAX);
	invariant(tls_write(t->tls, bytes, &cipher, &err));
	send_cipher(t, &cipher);
}

void talk_start_tls(struct talk *t, bool server)
{
	struct err err;
	bool ok = server ? tls_context_server(SLICE(""), SLICE(""),
					      &t->context, &err)
			 : tls_context_client(TLS_VERIFY_NONE, SLICE(""),
					      &t->context, &err);
	invariant(ok && !sim->inside);
	t->tls = tls_new(t->context, SLICE(""));
	feed(t, SLICE(""));
}

void talk_close(struct talk *t)
{
	net_close(&t->end);
	release(t);
}

void talk_abort(struct talk *t)
{
	net_abort(&t->end);
	release(t);
}
