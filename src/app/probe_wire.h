/*
 * The socket of `postrider probe`: one connection, plain or TLS, with a
 * deadline for each wait. Blocks: only for a process that does nothing else.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"
#include "crypto/tls.h"
#include "smtp/client_reply.h"

struct probe_wire {
	int fd;
	struct tls_context *context;
	struct tls *tls;		/* NULL: plain */
	struct buf in;			/* came, not read yet */
	struct limits limits;
	struct smtp_reply reply;	/* the last one */
	int64_t timeout_ms;		/* of a connect, a reply, a send */
};

void probe_wire_init(struct probe_wire *w, int64_t timeout_ms);
void probe_wire_fini(struct probe_wire *w);
/* Failures: ERR_TIMEOUT, ERR_PROTOCOL (no SMTP), ERR_IO, ERR_TEMPORARY (the
 * certificate isn't trusted, or the server closed the connection). */
bool probe_wire_connect(struct probe_wire *w, const struct ip_port *to,
			struct err *err) MUST_USE;
/* The handshake; what came in clear and wasn't read is dropped. name: for
 * SNI, and to check when verify is set. */
bool probe_wire_tls(struct probe_wire *w, slice name, bool verify,
		    struct err *err) MUST_USE;
bool probe_wire_send(struct probe_wire *w, slice s, struct err *err) MUST_USE;
/* Into w->reply. */
bool probe_wire_reply(struct probe_wire *w, struct err *err) MUST_USE;
