/* See oracle.h. */
#include "sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>

#include "os/clock.h"
#include "sim/heap.h"
#include "sim/net.h"
#include "sim/sim.h"

enum { WINDOW_MS = 2000, MARGIN_MS = 1000 };

void oracle_fail(struct oracle *o, const char *format, ...)
{
	va_list args;
	if (o->failed)
		return;
	o->failed = true;
	va_start(args, format);
	vsnprintf(o->verdict, sizeof(o->verdict), format, args);
	va_end(args);
	sim_note("verdict", 0, 0);
	if (sim->trace)
		fprintf(stderr, "%s\n", o->verdict);
}

/* --- messages ------------------------------------------------------------- */

struct sim_message *oracle_message(struct oracle *o)
{
	if (o->count == MESSAGES_MAX)
		return NULL;
	struct sim_message *m = &o->messages[o->count];
	*m = (struct sim_message){ .number = o->count++ };
	return m;
}

void message_sender(const struct sim_message *m, char to[ADDRESS_MAX])
{
	snprintf(to, ADDRESS_MAX, "s%u@c1.sim", m->number);
	if (m->null_sender)
		to[0] = '\0';
}

void message_recipient(const struct sim_message *m, unsigned i,
		       char to[ADDRESS_MAX])
{
	snprintf(to, ADDRESS_MAX, "r%u-%u@d%u.sim", m->number, i,
		 m->recipients[i].domain);
}

/* The plus sign is one that xtext must write in another way. */
void message_dsn(const struct sim_message *m, char to[PARAMETERS_MAX])
{
	static const char *const rets[] = {
		[DSN_RET_UNSAID] = "", [DSN_RET_FULL] = " RET=FULL",
		[DSN_RET_HDRS] = " RET=HDRS",
	};
	int n = snprintf(to, PARAMETERS_MAX, "%s", rets[m->ret]);
	if (m->has_envid)
		snprintf(to + n, PARAMETERS_MAX - (size_t)n,
			 " ENVID=E+2B%u", m->number);
}

void recipient_dsn(const struct sim_message *m, unsigned i,
		   char to[PARAMETERS_MAX])
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = { { DSN_NEVER, "NEVER" }, { DSN_SUCCESS, "SUCCESS" },
		      { DSN_FAILURE, "FAILURE" }, { DSN_DELAY, "DELAY" } };
	const struct sim_recipient *r = &m->recipients[i];
	const char *before = " NOTIFY=";
	int n = 0;
	to[0] = '\0';
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		if (!(r->notify & names[k].bit))
			continue;
		n += snprintf(to + n, PARAMETERS_MAX - (size_t)n, "%s%s",
			      before, names[k].name);
		before = ",";
	}
	if (r->has_orcpt)
		snprintf(to + n, PARAMETERS_MAX - (size_t)n,
			 " ORCPT=rfc822;o+2B%u-%u@old.sim", m->number, i);
}

static bool wants(const struct sim_recipient *r, enum dsn_notify what)
{
	return r->notify == 0 ? what == DSN_FAILURE : (r->notify & what) != 0;
}

static uint64_t hash_text(slice s)
{
	uint64_t h = s.n * 0x9e3779b97f4a7c15u;
	for (; s.n >= 8; s = slice_skip(s, 8)) {
		uint64_t v;
		memcpy(&v, s.p, 8);
		h = (h ^ v) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 31;
	}
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return h;
}

static void text_line(struct buf *out, struct sim_random *r, bool eight_bit)
{
	static const char letters[] =
		"..The quick brown fox jumps over the lazy dog. From > MAIL";
	char line[1000];
	size_t n = sim_below(r, sim_chance(r, 5) ? 990 : 90);
	for (size_t i = 0; i < n; i++)
		line[i] = letters[(sim_next(r) >> 8) % (sizeof(letters) - 1)];
	if (n > 0 && sim_chance(r, 20))
		line[0] = '.';
	if (n > 2 && eight_bit)
		memcpy(line, "\xc3\xa9", 2);
	buf_append_bytes(out, line, n);
	buf_append(out, SLICE("\r\n"));
}

void message_text(struct sim_message *m, struct buf *out)
{
	char from[ADDRESS_MAX];
	struct sim_random r = { m->number * 31 + sim->seed };
	message_sender(m, from);
	buf_printf(out, "X-Sim: %u\r\nFrom: <%s>\r\nTo: undisclosed:;\r\n"
		   "Message-ID: <m%u@c1.sim>\r\nSubject: %u\r\n\r\n",
		   m->number, from, m->number, m->bytes);
	while (out->n < m->bytes)
		text_line(out, &r, m->eight_bit);
	m->size = (uint32_t)out->n;
	m->hash = hash_text(buf_slice(out));
}

static struct sim_message *numbered(struct oracle *o, slice *s, char letter)
{
	uint64_t n;
	if (s->n < 2 || s->p[0] != letter)
		return NULL;
	*s = slice_skip(*s, 1);
	size_t digits = 0;
	while (digits < s->n && ascii_digit(s->p[digits]))
		digits++;
	if (!slice_u64(slice_sub(*s, 0, digits), MESSAGES_MAX - 1, &n) ||
	    n >= o->count)
		return NULL;
	*s = slice_skip(*s, digits);
	return &o->messages[n];
}

struct sim_message *oracle_recipient(struct oracle *o, slice address,
				     unsigned *index)
{
	uint64_t i;
	struct sim_message *m = numbered(o, &address, 'r');
	size_t at = slice_find(address, '@');
	if (m == NULL || address.n < 2 || address.p[0] != '-' ||
	    !slice_u64(slice_sub(address, 1, at - 1), RECIPIENTS_MAX, &i) ||
	    i >= m->recipient_count)
		return NULL;
	*index = (unsigned)i;
	return m;
}

struct sim_message *oracle_sender(struct oracle *o, slice address)
{
	struct sim_message *m = numbered(o, &address, 's');
	return m != NULL && slice_eq(address, SLICE("@c1.sim")) ? m : NULL;
}

/* --- what is told --------------------------------------------------------- */

void oracle_accepting(struct sim_message *m)
{
	int64_t wall_ms = sim_own_wall_ms();
	if (wall_ms < m->wall_ms)
		m->wall_ms = wall_ms;
}

void oracle_answered(struct oracle *o, struct sim_message *m, bool accepted)
{
	oracle_accepting(m);
	m->fate = accepted ? FATE_ACKED : FATE_REFUSED;
	m->acked_ns = sim->now_ns;
	o->acked += accepted;
	o->refused += !accepted;
	sim_note("answered", m->number, accepted);
	if (accepted && m->forbidden)
		oracle_fail(o, "FORBIDDEN: message %u was accepted",
			    m->number);
}

/* Could what was heard at that time have been forgotten until now? */
static bool crash_explains(const struct oracle *o, int64_t heard_ns)
{
	for (unsigned i = 0; i < o->life_count; i++) {
		const struct life *l = &o->lives[i];
		if (l->end_ns < heard_ns || l->begun_ns > heard_ns)
			continue;
		if (l->trouble ||
		    (l->end != LIFE_STOPPED &&
		     l->end_ns - heard_ns <= WINDOW_MS * (int64_t)MS))
			return true;
	}
	return false;
}

static bool explained(const struct oracle *o, const struct delivery *d)
{
	bool heard = d->end != NULL ? net_heard(d->end) >= d->said && d->said
				    : d->heard;
	/* A file that has its name, which could not be synced, is there, and
	 * will be written again. */
	bool unsure = d->is_file && sim_calls_failed(&sim->files, d->at_ns,
						     MARGIN_MS * (int64_t)MS);
	/* Read, but there was no memory to understand it. */
	return !heard || unsure || crash_explains(o, d->at_ns) ||
	       heap_was_short(d->at_ns, MARGIN_MS * (int64_t)MS);
}

static bool all_explained(const struct oracle *o,
			  const struct sim_recipient *r)
{
	for (unsigned i = 0; i < r->count && i < DELIVERIES_MAX; i++)
		if (!explained(o, &r->deliveries[i]))
			return false;
	return true;
}

static void judge_text(struct oracle *o, const struct sim_message *m,
		       slice text)
{
	size_t at = slice_find_slice(text, SLICE("\r\nX-Sim: "));
	if (!slice_starts(text, SLICE("Received: ")) || at == text.n) {
		oracle_fail(o, "CORRUPT: message %u has lost its header",
			    m->number);
		return;
	}
	text = slice_skip(text, at + 2);
	if (text.n != m->size || hash_text(text) != m->hash)
		oracle_fail(o, "CORRUPT: message %u, %zu bytes instead of %u",
			    m->number, text.n, m->size);
}

static void delivered(struct oracle *o, struct sim_message *m, unsigned index,
		      slice text, const struct delivery *d)
{
	struct sim_recipient *r = &m->recipients[index];
	sim_note("delivered", m->number, index);
	judge_text(o, m, text);
	if (m->fate == FATE_REFUSED || m->fate == FATE_NOT_SENT)
		oracle_fail(o, "GHOST: message %u was %s", m->number,
			    m->fate == FATE_REFUSED ? "refused" : "not sent");
	if (m->forbidden)
		oracle_fail(o, "FORBIDDEN: message %u is delivered", m->number);
	if (!r->accepted && m->fate == FATE_ACKED)
		oracle_fail(o, "STRAY: recipient %u of message %u was refused",
			    index, m->number);
	/* Bytes may come late from a process that is dead: it has never heard
	 * of this delivery. */
	bool late = d->end != NULL && net_is_orphan(d->end);
	if (r->count > 0 && !late && !all_explained(o, r))
		oracle_fail(o, "DUPLICATE: message %u, recipient %u",
			    m->number, index);
	if (r->reported && !late && !all_explained(o, r))
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u: "
			    "delivered afterwards", m->number, index);
	o->explained += r->count > 0;
	if (r->count == 0)
		o->delivered++;
	if (r->count < DELIVERIES_MAX)
		r->deliveries[r->count] = *d;
	r->count++;
}

void oracle_delivered(struct oracle *o, struct sim_message *m, unsigned index,
		      slice text, bool passed, const struct net_end *end,
		      uint64_t said)
{
	struct delivery d = { .at_ns = sim->now_ns, .end = end, .said = said };
	struct sim_recipient *r = &m->recipients[index];
	r->passed = r->passed || passed;
	delivered(o, m, index, text, &d);
}

/* What stands on top (RFC 5321 4.4), and what is behind it. */
static bool filed_head(struct oracle *o, slice *text,
		       struct sim_message **m, unsigned *index)
{
	const slice key = SLICE("\r\nDelivered-To: ");
	char sender[ADDRESS_MAX], recipient[ADDRESS_MAX], head[200];
	slice rest = slice_skip(*text, slice_find_slice(*text, key) + key.n);
	slice address = slice_sub(rest, 0, slice_find(rest, '\r'));
	*m = oracle_recipient(o, address, index);
	if (*m == NULL)
		return false;
	message_sender(*m, sender);
	message_recipient(*m, *index, recipient);
	snprintf(head, sizeof(head), "Return-Path: <%s>\r\nDelivered-To: "
		 "%s\r\n", sender, recipient);
	bool ok = slice_starts(*text, slice_of(head));
	*text = slice_skip(*text, strlen(head));
	return ok;
}

void oracle_filed(struct oracle *o, slice text, int64_t at_ns)
{
	struct sim_message *m;
	unsigned index;
	if (!filed_head(o, &text, &m, &index)) {
		oracle_fail(o, "CORRUPT: a file of %zu bytes in the Maildir",
			    text.n);
		return;
	}
	o->filed++;
	struct delivery d = { .at_ns = at_ns, .heard = true,
			      .is_file = true };
	delivered(o, m, index, text, &d);
}

void oracle_connection_over(struct oracle *o, const struct net_end *end)
{
	for (unsigned i = 0; i < o->count; i++)
		for (unsigned k = 0; k < o->messages[i].recipient_count; k++) {
			struct sim_recipient *r = &o->messages[i].recipients[k];
			for (unsigned j = 0;
			     j < r->count && j < DELIVERIES_MAX; j++) {
				struct delivery *d = &r->deliveries[j];
				if (d->end != end)
					continue;
				d->heard = d->said != 0 &&
					   net_heard(end) >= d->said;
				d->end = NULL;
			}
		}
}

static int64_t wall_at_end(const struct life *l)
{
	return l->end_ns == INT64_MAX ? sim_own_wall_ms() : l->end_wall_ms;
}

/* Has a process seen it that old, by its own wall clock? That one never goes
 * back, but it may go slowly, be taken forward, or be another for the next
 * one. */
static bool seen_old(const struct oracle *o, int64_t born_ns, int64_t wall_ms,
		     int64_t age_ms)
{
	int64_t since_ms = born_ns / MS + wall_ms;
	for (unsigned i = 0; i < o->life_count; i++) {
		const struct life *l = &o->lives[i];
		int64_t until_ns = l->end_ns < sim->now_ns ? l->end_ns
							   : sim->now_ns;
		if (l->end_ns >= born_ns &&
		    until_ns / MS + wall_at_end(l) - since_ms >= age_ms)
			return true;
	}
	return false;
}

static bool older(const struct oracle *o, const struct sim_message *m,
		  int64_t age_ms)
{
	return seen_old(o, m->acked_ns, m->wall_ms, age_ms);
}

/* A report about it is born in any life since. */
static bool report_older(const struct oracle *o, const struct sim_message *m)
{
	for (unsigned i = 0; i < o->life_count; i++) {
		const struct life *l = &o->lives[i];
		int64_t born_ns = l->begun_ns > m->acked_ns ? l->begun_ns
							    : m->acked_ns;
		int64_t end_wall_ms = wall_at_end(l);
		if (l->end_ns >= born_ns &&
		    seen_old(o, born_ns,
			     l->wall_ms < end_wall_ms ? l->wall_ms
						      : end_wall_ms,
			     o->expire_own_ms))
			return true;
	}
	return false;
}

static void judge_failure(struct oracle *o, struct sim_message *m,
			  unsigned index)
{
	struct sim_recipient *r = &m->recipients[index];
	if (!wants(r, DSN_FAILURE))
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u: "
			    "nobody asked", m->number, index);
	if (!r->refused_by_hop && !older(o, m, o->expire_ms - MARGIN_MS))
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u: no "
			    "reason", m->number, index);
	if (!all_explained(o, r))
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u was "
			    "delivered", m->number, index);
	o->reported += !r->reported;
	r->reported = true;
}

/* A hop that offers DSN reports itself (RFC 3461 5.2.2). */
static void judge_success(struct oracle *o, struct sim_message *m,
			  unsigned index)
{
	struct sim_recipient *r = &m->recipients[index];
	if (r->count == 0)
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u was not "
			    "delivered", m->number, index);
	if (!wants(r, DSN_SUCCESS))
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u: "
			    "nobody asked for success", m->number, index);
	o->told += !r->told;
	r->told = true;
}

/* block: the fields of one recipient. */
static void judge_report(struct oracle *o, struct sim_message *m,
			 unsigned index, slice block)
{
	const struct sim_recipient *r = &m->recipients[index];
	char original[PARAMETERS_MAX];
	snprintf(original, sizeof(original), "\r\nOriginal-Recipient: rfc822; "
		 "o+%u-%u@old.sim\r\n", m->number, index);
	if (!r->accepted && m->fate == FATE_ACKED)
		oracle_fail(o, "FALSE REPORT: message %u, recipient %u was "
			    "refused", m->number, index);
	if (m->fate == FATE_REFUSED || m->fate == FATE_NOT_SENT)
		oracle_fail(o, "GHOST: report about message %u", m->number);
	if (r->has_orcpt != (slice_find_slice(block, slice_of(original)) <
			     block.n))
		oracle_fail(o, "DSN: message %u, recipient %u: ORCPT and the "
			    "report differ", m->number, index);
	if (slice_find_slice(block, SLICE("\r\nAction: failed\r\n")) < block.n)
		judge_failure(o, m, index);
	else
		judge_success(o, m, index);
}

/* The block around this place: between two empty lines. */
static slice block_at(slice text, size_t at)
{
	static const slice empty = { "\r\n\r\n", 4 };
	size_t from = at;
	while (from > 0 && !slice_starts(slice_skip(text, from), empty))
		from--;
	slice rest = slice_skip(text, from + 2);
	return slice_sub(rest, 0, slice_find_slice(rest, empty) + 2);
}

void oracle_reported(struct oracle *o, struct sim_message *m, slice text)
{
	static const slice key = { "\r\nFinal-Recipient: rfc822;", 26 };
	unsigned found = 0, index;
	sim_note("report", m->number, 0);
	if (o->read_mail != NULL)
		o->read_mail();
	for (size_t from = 0;;) {
		slice rest = slice_skip(text, from);
		size_t at = slice_find_slice(rest, key);
		if (at == rest.n)
			break;
		slice block = block_at(text, from + at);
		from += at + key.n;
		rest = slice_skip(text, from);
		slice address = slice_trim(slice_sub(rest, 0,
						     slice_find(rest, '\r')));
		if (oracle_recipient(o, address, &index) != m) {
			oracle_fail(o, "FALSE REPORT: about a stranger, to the "
				    "sender of message %u", m->number);
			return;
		}
		found++;
		judge_report(o, m, index, block);
	}
	if (found == 0)
		oracle_fail(o, "FALSE REPORT: message %u, nobody named",
			    m->number);
}

void oracle_life_over(struct oracle *o, enum life_end end, bool trouble)
{
	invariant(o->life_count > 0);
	struct life *l = &o->lives[o->life_count - 1];
	l->end_wall_ms = sim_own_wall_ms();
	l->end = end;
	l->end_ns = sim->now_ns;
	l->trouble = trouble;
}

/* --- the end -------------------------------------------------------------- */

static bool settled(const struct oracle *o, const struct sim_message *m,
		    const struct sim_recipient *r)
{
	if (!r->accepted || r->count > 0 || r->reported)
		return true;
	/* There is nobody to tell, or who did not want to know; or a report
	 * was, and has expired itself when a clock jumped. */
	return (m->null_sender || !wants(r, DSN_FAILURE) ||
		report_older(o, m)) &&
	       (r->refused_by_hop || older(o, m, o->expire_ms));
}

/* Success was asked for, and nothing else can have happened. */
static bool untold(const struct oracle *o, const struct sim_message *m,
		   const struct sim_recipient *r)
{
	return wants(r, DSN_SUCCESS) && r->accepted && !m->null_sender &&
	       r->count > 0 && !r->passed && !r->told && !r->reported &&
	       !r->refused_by_hop && !report_older(o, m) &&
	       !older(o, m, o->expire_ms - MARGIN_MS);
}

void oracle_final(struct oracle *o)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct sim_message *m = &o->messages[i];
		o->unknown += m->fate == FATE_UNKNOWN;
		for (unsigned k = 0; k < m->recipient_count; k++)
			if (m->fate == FATE_ACKED &&
			    !settled(o, m, &m->recipients[k]))
				oracle_fail(o, "LOST: message %u, recipient "
					    "%u", m->number, k);
			else if (m->fate == FATE_ACKED &&
				 untold(o, m, &m->recipients[k]))
				oracle_fail(o, "UNTOLD: message %u, recipient "
					    "%u", m->number, k);
	}
}
