/*
 * Mail in, on one shard: listeners, sessions, transactions. Everything runs
 * on the shard's loop; what is accepted leaves through the door.
 */
#pragma once

#include "accept/alert.h"
#include "accept/door.h"
#include "base/limits_table.h"
#include "base/notes.h"
#include "crypto/password.h"
#include "limits/booking.h"
#include "limits/budget.h"
#include "limits/ledger.h"
#include "net/conn.h"
#include "net/listener.h"
#include "policy/decide.h"
#include "receive/legacy_clients.h"
#include "receive/log_sources.h"

enum { RECEIVE_REFUSED_MAX = 1000, RECEIVE_LISTENERS_MAX = 128 };

struct receive_refused {
	struct ip_addr address;
	int64_t until_ms;		/* wall clock */
};

struct receive_config {
	struct loop *loop;
	struct door *door;
	struct queue *queue;		/* for its router */
	struct spool *spool;
	struct journal *journal;
	struct log *log;
	struct counters *counters;
	struct note *note;
	struct body_budget *budget;
	struct budgets *budgets;	/* of all shards */
	struct log_sources *log_sources;	/* the same; NULL: no bound */
	struct ledger *ledger;		/* the same */
	struct held *held;		/* the same: what limits hold */
	struct alerts *alerts;		/* this shard's */
	const struct limits *limits;
	slice hostname, help_url;
	const uint8_t *pepper;		/* PEPPER_LEN */
	const uint8_t *booking_key;	/* BOOKING_KEY */
	uint64_t body_log_max_bytes;
	const struct receive_refused *refused;	/* poison addresses */
	size_t refused_count;
};

struct receive;
/* tls NULL: no certificate, STARTTLS is not offered. A reference is taken. */
bool receive_new(const struct receive_config *config,
		 const struct view *view, struct tls_context *tls,
		 struct receive **out, struct err *err) MUST_USE;
/* No session may be open. */
void receive_free(struct receive **r);

enum receive_tls { RECEIVE_STARTTLS, RECEIVE_IMPLICIT_TLS, RECEIVE_PLAIN };
struct receive_ranges {
	const struct ip_range *p;
	size_t n;
};
/* What one listener does otherwise than the others. */
struct receive_rules {
	/* If there are any: only from them, with a PROXY v2 header. */
	struct receive_ranges proxies;
	/* They may, and must, say by XCLIENT whose session they hand on. */
	struct receive_ranges xclients;
	/* Until then old TLS is taken, Unix time in ms; 0: never. */
	int64_t legacy_until_ms;
	bool legacy_auth;		/* AUTH over it, too */
};
/* fd stays the caller's. name: for the journal ("submission"), copied.
 * rules: copied, NULL for none. */
bool receive_listen(struct receive *r, int fd, enum receive_tls tls,
		    slice name, const struct receive_rules *rules,
		    struct err *err) MUST_USE;
/* The listeners from now on. One whose socket, form and rules are among the
 * rows goes on; the others stop accepting, their sessions go on. fd stays the
 * caller's, who closes it after this has returned. False: some row can't be
 * listened on; the others are. */
struct receive_listening {
	int fd;
	enum receive_tls tls;
	slice name;
	struct receive_rules rules;
};
bool receive_set_listeners(struct receive *r,
			   const struct receive_listening *rows, size_t count,
			   struct err *err) MUST_USE;

/* For every MAIL from now on, on open sessions too. A reference is taken. */
void receive_set_view(struct receive *r, const struct view *view);
/* For handshakes from now on; NULL: there is no certificate. legacy: of the
 * listeners that take old clients; NULL: they are like the others. References
 * are taken. */
void receive_set_tls(struct receive *r, struct tls_context *tls,
		     struct tls_context *legacy);
/* Old handshakes are counted there; NULL: nowhere. */
void receive_set_legacy_clients(struct receive *r,
				struct legacy_clients *clients);
/* For new sessions, and in open ones from their next EHLO or MAIL on. The old
 * ones must stay for as long as receive lives. */
void receive_set_limits(struct receive *r, const struct limits *limits);

/* No new connections; idle sessions get 421 now, others after their
 * transaction. empty is called once, when the last one is gone (perhaps
 * before this returns). */
void receive_drain(struct receive *r, void (*empty)(void *ctx), void *ctx);
/* Ends what is left, at once and without words. */
void receive_abort(struct receive *r);
uint32_t receive_open_count(const struct receive *r);
