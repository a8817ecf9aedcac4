/*
 * What the operator is told by mail (config: operator.mail), kind by kind:
 * which mail is due, and which waits or is dropped, so that no trouble makes a
 * storm. At most one mail a kind and hour; what came meanwhile waits, the
 * newest in the place of the one before, and the next mail says how many were
 * not sent. A trouble that is over before its mail was sent is not told; one
 * that was told has its end told.
 *
 * When a mail was sent stands as a mark in its accept frame: a start reads it
 * again (operator_alerts_restore), so a crash loop sends no more than one
 * process would.
 *
 * Pure but for the log: the time is given, and mail leaves by config.send. One
 * thread.
 */
#pragma once

#include "base/buf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/text.h"

enum operator_kind {
#define OPERATOR(id, number, name, begin, commands) OPERATOR_##id,
#include "app/operator_kinds.def"
#undef OPERATOR
	OPERATOR_KINDS,
	OPERATOR_NONE = OPERATOR_KINDS,
};

enum {
	OPERATOR_EVERY_MS = 3600000,	/* one mail a kind */
	OPERATOR_AGAIN_MS = 60000,	/* after one that could not be stored */
	OPERATOR_ARGS = 3,		/* {1} to {3} of the texts */
	OPERATOR_ARG_MAX = 300,
	OPERATOR_DETAIL_MAX = 262144,
	OPERATOR_SUBJECT_MAX = 1000,
	OPERATOR_TEXT_MAX = 524288,
};

struct operator_event {
	enum operator_kind kind;
	int64_t since_ms;		/* wall clock; 0: isn't said */
	slice args[OPERATOR_ARGS];	/* cut to OPERATOR_ARG_MAX */
	slice detail;			/* lines for the end; may be empty */
};

/* What became of a mail. */
enum operator_sent {
	OPERATOR_SENT,			/* stored, or it may be */
	OPERATOR_NOT_SENT,		/* tried again */
};

struct operator_alerts_config {
	slice hostname;			/* outlives it */
	struct log *log;
	struct counters *counters;	/* may be NULL */
	/* Hands a mail on: subject and text live until operator_alerts_sent,
	 * which is called for each, not from inside. One at a time. */
	void (*send)(void *ctx, enum operator_kind kind, slice subject,
		     slice text);
	void *ctx;
};

struct operator_alerts;
/* NULL: no memory. */
struct operator_alerts *
operator_alerts_new(const struct operator_alerts_config *config);
void operator_alerts_free(struct operator_alerts **a);
/* Is there an address that mail can go to? Without one nothing is kept. */
void operator_alerts_enable(struct operator_alerts *a, bool enabled);

/* A mark that a start found, in the order of the log. Unknown numbers (of a
 * later version) are nothing. */
void operator_alerts_restore(struct operator_alerts *a, uint8_t number,
			     int64_t sent_ms);
uint8_t operator_kind_number(enum operator_kind kind);
const char *operator_kind_name(enum operator_kind kind);

/* Something happened. */
void operator_alerts_tell(struct operator_alerts *a,
			  const struct operator_event *e, int64_t now_ms);
/* A trouble is there, or not: to be called again and again. Its begin and its
 * end are told once each; the end without since_ms says when the begin was
 * sent. */
void operator_alerts_state(struct operator_alerts *a, bool is_there,
			   const struct operator_event *begin,
			   const struct operator_event *end, int64_t now_ms);
/* Sends what is due; once a second. */
void operator_alerts_look(struct operator_alerts *a, int64_t now_ms);
void operator_alerts_sent(struct operator_alerts *a, enum operator_sent what,
			  int64_t now_ms);
/* One is on its way. */
bool operator_alerts_busy(const struct operator_alerts *a);
/* The last mail of this kind; 0: none that is known. */
int64_t operator_alerts_last_ms(const struct operator_alerts *a,
				enum operator_kind kind);

/* operator_words.c: what a mail says, in both languages. `suppressed`: of its
 * kind, not sent. */
void operator_subject(struct buf *out, const struct operator_event *e,
		      slice hostname, enum language language);
void operator_text(struct buf *out, const struct operator_event *e,
		   slice hostname, uint64_t suppressed);
