/*
 * Lines of the journal, read: what the index keeps of one, and the row of
 * `trace` put together from all lines of a message. By jansson, which stays
 * in this file: base/json.h only writes.
 */
#pragma once

#include "base/buf.h"

enum { EVENT_PARTIES_MAX = 2004, TRACE_EVENTS_MAX = 5000 };

struct event_party {
	bool is_sender;
	slice address;
};
/* Slices lend from the event; empty: not there. */
struct event {
	void *json;			/* private */
	int64_t at_ms;
	slice name, id, session, reference, message_id, client;
	uint64_t customer, position;
	uint64_t owner;			/* whose it is to see: the customer; of
					 * a refusal without, who could mend it */
	struct event_party *parties;
	size_t party_count;
};
/* False: no JSON object with `at` and `event`, or no memory. */
bool event_parse(slice line, struct event *out) MUST_USE;
void event_free(struct event *e);

/* "2026-11-24T04:30:00.123Z", as base/json writes it; also without
 * milliseconds, or a day alone (its beginning). */
bool event_time(slice s, int64_t *out) MUST_USE;

/* What a line says of messages, refusals and their numbers (event_mail.c). */
enum event_kind {
	EVENT_OTHER,
	EVENT_ACCEPTED,
	EVENT_DELIVERY,			/* an attempt */
	EVENT_HELD,
	EVENT_RELEASED,
	EVENT_REMOVED,
	EVENT_REFUSED,
};
enum { EVENT_REPLY_MAX = 200 };
struct event_mail {
	enum event_kind kind;
	uint32_t customer;		/* whose it is to see; 0: nobody's */
	uint32_t setting;
	slice sender;			/* after SPEC 5.1 */
	uint32_t recipients;		/* accepted, refused, or concerned */
	uint32_t held;			/* of those accepted */
	uint32_t delivered, deferred, failed;	/* of an attempt */
	slice cause;			/* of a refusal, a key */
	bool goes_on;			/* more of a refusal told before */
	char reply[EVENT_REPLY_MAX];	/* of the attempt's last recipient */
};
/* Slices lend from e. */
void event_mail(const struct event *e, struct event_mail *out);

/* One row of trace: {id, session, reference, customer, from, size,
 * accepted_at, recipients: [{to, state, destination, tries, next_at, reply}],
 * events: [{at, event, host, address, tls, reply, …}]}; null for unknown. */
struct trace_row;
struct trace_row *trace_row_new(void);
void trace_row_free(struct trace_row **r);
/* In the order in which they happened. A line that can't be read is left
 * out. False: no memory. */
bool trace_row_add(struct trace_row *r, slice line) MUST_USE;
bool trace_row_write(struct trace_row *r, struct buf *out) MUST_USE;
