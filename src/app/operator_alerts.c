/* Which mail to the operator is due; see operator_alerts.h. */
#include "app/operator_alerts.h"

#include <stdlib.h>

/* An event that outlives who told it. */
struct kept {
	struct operator_event event;
	char args[OPERATOR_ARGS][OPERATOR_ARG_MAX];
	struct buf detail;
};

/* A kind: nothing, or one event that waits for its hour. */
struct slot {
	int64_t sent_ms;		/* 0: never, as far as is known */
	bool told;			/* the begin was sent, no end since */
	bool waits;
	struct kept kept;
	uint64_t suppressed;		/* since the last mail */
};

struct operator_alerts {
	struct operator_alerts_config config;
	bool enabled;
	struct slot slots[OPERATOR_KINDS];
	/* on its way */
	enum operator_kind flight;	/* OPERATOR_NONE */
	struct buf subject, text;
	uint64_t flight_suppressed;
	int64_t again_ms;		/* not before */
	bool failure_said;
};

static const struct {
	uint8_t number;
	const char *name;
	enum operator_kind begin;
} kinds[OPERATOR_KINDS] = {
#define OPERATOR(id, number, name, begin, commands)                           \
	[OPERATOR_##id] = { number, name, OPERATOR_##begin },
#include "app/operator_kinds.def"
#undef OPERATOR
};

uint8_t operator_kind_number(enum operator_kind kind)
{
	invariant(kind < OPERATOR_KINDS);
	return kinds[kind].number;
}

const char *operator_kind_name(enum operator_kind kind)
{
	invariant(kind < OPERATOR_KINDS);
	return kinds[kind].name;
}

/* --- life ----------------------------------------------------------------- */

struct operator_alerts *
operator_alerts_new(const struct operator_alerts_config *config)
{
	struct operator_alerts *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->config = *config;
	a->flight = OPERATOR_NONE;
	buf_init(&a->subject, OPERATOR_SUBJECT_MAX);
	buf_init(&a->text, OPERATOR_TEXT_MAX);
	for (enum operator_kind k = 0; k < OPERATOR_KINDS; k++)
		buf_init(&a->slots[k].kept.detail, OPERATOR_DETAIL_MAX);
	return a;
}

void operator_alerts_free(struct operator_alerts **ap)
{
	struct operator_alerts *a = *ap;
	*ap = NULL;
	if (a == NULL)
		return;
	for (enum operator_kind k = 0; k < OPERATOR_KINDS; k++)
		buf_fini(&a->slots[k].kept.detail);
	buf_fini(&a->subject);
	buf_fini(&a->text);
	free(a);
}

void operator_alerts_enable(struct operator_alerts *a, bool enabled)
{
	a->enabled = enabled;
	a->again_ms = 0;
	a->failure_said = false;
	for (enum operator_kind k = 0; k < OPERATOR_KINDS && !enabled; k++)
		a->slots[k].waits = false;
}

/* A begin is told, or its end is. */
static void note_sent(struct operator_alerts *a, enum operator_kind kind,
		      int64_t at_ms)
{
	enum operator_kind begin = kinds[kind].begin;
	a->slots[kind].sent_ms = at_ms;
	a->slots[kind].told = true;
	if (begin != OPERATOR_NONE)
		a->slots[begin].told = false;
}

void operator_alerts_restore(struct operator_alerts *a, uint8_t number,
			     int64_t sent_ms)
{
	for (enum operator_kind k = 0; k < OPERATOR_KINDS; k++)
		if (kinds[k].number == number)
			note_sent(a, k, sent_ms);
}

/* --- what happens --------------------------------------------------------- */

static void keep(struct kept *to, const struct operator_event *e)
{
	to->event = *e;
	for (size_t i = 0; i < OPERATOR_ARGS; i++) {
		slice arg = utf8_cut(e->args[i], OPERATOR_ARG_MAX);
		if (arg.n > 0)
			memcpy(to->args[i], arg.p, arg.n);
		to->event.args[i] = (slice){ to->args[i], arg.n };
	}
	/* One that is too long, or finds no memory, goes without. */
	buf_fini(&to->detail);
	buf_init(&to->detail, OPERATOR_DETAIL_MAX);
	buf_append(&to->detail, e->detail);
	to->event.detail = to->detail.failed ? (slice){ 0 }
					     : buf_slice(&to->detail);
}

static void suppress(struct operator_alerts *a, struct slot *s)
{
	s->suppressed++;
	counter_add(a->config.counters,
		    COUNTER_operator_alerts_suppressed_total, 1);
}

void operator_alerts_tell(struct operator_alerts *a,
			  const struct operator_event *e, int64_t now_ms)
{
	invariant(e->kind < OPERATOR_KINDS);
	struct slot *s = &a->slots[e->kind];
	if (!a->enabled)
		return;
	if (s->waits)
		suppress(a, s);
	keep(&s->kept, e);
	s->waits = true;
	operator_alerts_look(a, now_ms);
}

static void cancel(struct operator_alerts *a, struct slot *s)
{
	if (!s->waits)
		return;
	s->waits = false;
	suppress(a, s);
}

void operator_alerts_state(struct operator_alerts *a, bool is_there,
			   const struct operator_event *begin,
			   const struct operator_event *end, int64_t now_ms)
{
	struct slot *b = &a->slots[begin->kind], *e = &a->slots[end->kind];
	struct operator_event over = *end;
	invariant(kinds[end->kind].begin == begin->kind);
	if (a->flight == begin->kind || a->flight == end->kind)
		return;			/* soon we know what was told */
	if (is_there) {
		cancel(a, e);
		if (!b->told && !b->waits)
			operator_alerts_tell(a, begin, now_ms);
		return;
	}
	cancel(a, b);
	if (over.since_ms == 0)
		over.since_ms = b->sent_ms;
	if (b->told && !e->waits)
		operator_alerts_tell(a, &over, now_ms);
}

/* --- what leaves ---------------------------------------------------------- */

static bool is_due(struct slot *s, int64_t now_ms)
{
	if (s->sent_ms > now_ms)	/* the clock went back */
		s->sent_ms = now_ms;
	return s->waits && (s->sent_ms == 0 ||
			    now_ms - s->sent_ms >= OPERATOR_EVERY_MS);
}

static void send(struct operator_alerts *a, enum operator_kind kind,
		 int64_t now_ms)
{
	struct slot *s = &a->slots[kind];
	const struct operator_event *e = &s->kept.event;
	buf_fini(&a->subject);
	buf_fini(&a->text);
	buf_init(&a->subject, OPERATOR_SUBJECT_MAX);
	buf_init(&a->text, OPERATOR_TEXT_MAX);
	operator_subject(&a->subject, e, a->config.hostname, LANGUAGE_EN);
	operator_text(&a->text, e, a->config.hostname, s->suppressed);
	if (a->subject.failed || a->text.failed) {
		a->again_ms = now_ms + OPERATOR_AGAIN_MS;
		return;
	}
	s->waits = false;
	a->flight = kind;
	a->flight_suppressed = s->suppressed;
	a->config.send(a->config.ctx, kind, buf_slice(&a->subject),
		       buf_slice(&a->text));
}

void operator_alerts_look(struct operator_alerts *a, int64_t now_ms)
{
	if (a->again_ms > now_ms + OPERATOR_AGAIN_MS)
		a->again_ms = 0;	/* the clock went back */
	if (!a->enabled || a->flight != OPERATOR_NONE ||
	    now_ms < a->again_ms)
		return;
	for (enum operator_kind k = 0; k < OPERATOR_KINDS; k++)
		if (is_due(&a->slots[k], now_ms)) {
			send(a, k, now_ms);
			return;
		}
}

/* Said once, not at each try. */
static void say_failure(struct operator_alerts *a, enum operator_kind kind)
{
	struct log_event e;
	counter_add(a->config.counters, COUNTER_operator_alerts_failed_total,
		    1);
	if (a->failure_said)
		return;
	a->failure_said = true;
	log_begin(&e, a->config.log, LOG_ERROR, "operator.not_sent");
	json_member_cstr(&e.json, "about", kinds[kind].name);
	log_end(&e);
}

void operator_alerts_sent(struct operator_alerts *a, enum operator_sent what,
			  int64_t now_ms)
{
	enum operator_kind kind = a->flight;
	invariant(kind < OPERATOR_KINDS);
	struct slot *s = &a->slots[kind];
	a->flight = OPERATOR_NONE;
	switch (what) {
	case OPERATOR_SENT:
		note_sent(a, kind, now_ms);
		s->suppressed -= a->flight_suppressed;
		a->failure_said = false;
		counter_add(a->config.counters, COUNTER_operator_alerts_total,
			    1);
		break;
	case OPERATOR_NOT_SENT:
		/* A newer one of its kind may wait already. */
		if (s->waits)
			suppress(a, s);
		s->waits = true;
		a->again_ms = now_ms + OPERATOR_AGAIN_MS;
		say_failure(a, kind);
		break;
	}
	operator_alerts_look(a, now_ms);
}

bool operator_alerts_busy(const struct operator_alerts *a)
{
	return a->flight != OPERATOR_NONE;
}

int64_t operator_alerts_last_ms(const struct operator_alerts *a,
				enum operator_kind kind)
{
	invariant(kind < OPERATOR_KINDS);
	return a->slots[kind].sent_ms;
}
