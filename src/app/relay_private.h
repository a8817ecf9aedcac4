/* Inside of the relay process: what relay.c and relay_reload.c share. */
#pragma once

#include "app/calendar.h"
#include "app/live.h"
#include "app/relay_clock.h"
#include "app/start.h"
#include "control/serve.h"

enum { EXIT_FINE = 0, EXIT_SOFTWARE = 70, EXIT_IO = 74, EXIT_TEMPORARY = 75,
       EXIT_CONFIG = 78 };

/* A listening socket that master gave. */
struct relay_socket {
	uint32_t number;		/* master's name for it */
	int fd;
	bool wanted;			/* by the newest configuration */
};
/* The old ones and the new ones, while one takes the other's place. */
enum { RELAY_SOCKETS_MAX = 4096, RELAY_PEM_MAX = 524288 };

/* Certificate chain and key. */
struct relay_pem {
	struct buf certificate, key;
};

struct relay {
	const struct relay_start *start;
	struct log *log;
	struct loop *loop;		/* the control thread's */
	struct control_serve *control;
	struct relay_core *core;
	struct relay_core_config core_config;
	struct live *live;
	struct resolver *resolver;
	struct tls_context *tls_server, *tls_legacy, *tls_client;
	const struct view *view;	/* the first one */
	struct route *routes;
	struct receive_refused *refused;
	struct relay_operator *operator;
	uint8_t booking_key[BOOKING_KEY];
	struct timer second;
	struct relay_clock clock;
	int exit_code;
	struct relay_socket *sockets;
	size_t socket_count;
	struct relay_pem pem;		/* of tls_server */
	/* wall clock */
	struct calendar calendar;
	int64_t legacy_since_ms;	/* what the next report is of */
	int64_t told_ends_ms, told_day;	/* of the last warning */
};

/* relay.c: routes and retries of a configuration; caller frees. */
struct route *relay_make_routes(const struct relay *r, const struct config *c);
struct retry_plan relay_make_retry(const struct config *c);

/* relay_count.c: gauges of spool and memory into the control thread's slot. */
void relay_count(struct relay *r, struct counters *to);

/* relay_reload.c */
/* The server's TLS contexts of a certificate; *legacy: for old clients, of
 * which entries of the directory may tell at any time. Both are NULL without a
 * certificate. */
bool relay_make_tls(slice certificate_pem, slice key_pem,
		    struct tls_context **tls, struct tls_context **legacy,
		    struct err *err) MUST_USE;
/* Listeners, TLS and limits of the configuration that relay was started
 * with: before its threads run. */
bool relay_live_begin(struct relay *r, struct err *err) MUST_USE;
void relay_live_end(struct relay *r);
/* control_handlers.reload and .listen */
void relay_on_reload(void *ctx, slice payload);
void relay_on_listen(void *ctx, uint32_t number, int fd);
/* What is due by the day and by the week; once a second. */
void relay_look_at_clock(struct relay *r);
/* The old clients that were counted: at a stop first by mail, too, then before
 * the journal closes. */
void relay_tell_legacy(struct relay *r);
