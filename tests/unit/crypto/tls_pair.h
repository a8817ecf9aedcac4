/*
 * Two ends of TLS in memory: each is a struct tls, or (as `raw`) an SSL
 * object that the test configures itself, for the things ours never does.
 */
#pragma once

#include "unit/unit.h"

#include "base/buf.h"
#include "crypto/tls.h"

enum { PAIR_MAX = 16 << 20 };

struct tls_end {
	struct tls *tls;
	struct buf plain;	/* what arrived */
	struct buf cipher;	/* what is to be sent */
	struct err err;
	bool failed;
};

static inline void end_init(struct tls_end *e, struct tls_context *context,
			    slice name)
{
	*e = (struct tls_end){ 0 };
	buf_init(&e->plain, PAIR_MAX);
	buf_init(&e->cipher, PAIR_MAX);
	e->tls = tls_new(context, name);
	assert_non_null(e->tls);
}

static inline void end_fini(struct tls_end *e)
{
	tls_free(&e->tls);
	buf_fini(&e->plain);
	buf_fini(&e->cipher);
}

static inline void end_feed(struct tls_end *e, slice bytes)
{
	if (!e->failed &&
	    !tls_feed(e->tls, bytes, &e->plain, &e->cipher, &e->err))
		e->failed = true;
}

/* Moves what `from` has to say in pieces of at most n bytes. */
static inline bool carry(struct tls_end *from, struct tls_end *to, size_t n)
{
	slice all = buf_slice(&from->cipher);
	bool moved = all.n > 0;
	while (all.n > 0) {
		end_feed(to, slice_sub(all, 0, n));
		all = slice_skip(all, n);
	}
	buf_clear(&from->cipher);
	return moved;
}

/* Until both are silent. */
static inline void talk(struct tls_end *client, struct tls_end *server,
			size_t n)
{
	end_feed(client, (slice){ 0 });
	for (int i = 0; i < 100; i++) {
		bool a = carry(client, server, n);
		bool b = carry(server, client, n);
		if (!a && !b)
			return;
	}
	fail_msg("the two never stop talking");
}

struct identity {
	struct buf certificate, key;
};

static inline void identity_make(struct identity *id, const char *name)
{
	struct err err;
	buf_init(&id->certificate, 65536);
	buf_init(&id->key, 65536);
	if (!tls_self_signed(slice_of(name), &id->certificate, &id->key, &err))
		fail_msg("%s (%s)", err.text, err.detail);
}

static inline void identity_free(struct identity *id)
{
	buf_fini(&id->certificate);
	buf_fini(&id->key);
}
