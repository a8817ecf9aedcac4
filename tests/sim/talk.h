/* A conversation of somebody in the world with the program: bytes over a
 * connection, in clear or under tls_plain. */
#pragma once

#include "crypto/tls.h"
#include "sim/net.h"

struct talk;
struct talk_user {
	void (*opened)(struct talk *t);
	void (*input)(struct talk *t, slice bytes);
	void (*tls_open)(struct talk *t);
	/* The end; t->end is still there, and let go afterwards. */
	void (*ended)(struct talk *t, bool reset);
};
struct talk {
	struct net_end *end;		/* NULL: over */
	struct tls *tls;
	struct tls_context *context;
	const struct talk_user *user;
};

void talk_call(struct talk *t, const struct talk_user *user,
	       const struct ip_port *from, const struct ip_port *to);
void talk_take(struct talk *t, const struct talk_user *user,
	       struct net_end *end);
void talk_say(struct talk *t, slice bytes);
/* Even under TLS: as it is. */
void talk_say_raw(struct talk *t, slice bytes);
void talk_start_tls(struct talk *t, bool server);
/* No ended follows. Harmless when it is over. */
void talk_close(struct talk *t);
void talk_abort(struct talk *t);
