/* Part one of a report: what people read. Texts: report_text.def. */
#include <stdio.h>

#include "base/json.h"
#include "mail/report_private.h"

static const struct text texts[] = {
#define TEXT(id, en, ja) { en, ja },
#include "mail/report_text.def"
#undef TEXT
};

const struct text *report_text(enum report_text_id id)
{
	invariant((unsigned)id < REPORT_TEXT_COUNT);
	return &texts[id];
}

enum { REPLY_LINES_MAX = 20 };

static const slice nothing = { "", 0 };

/* Both arguments are clean. */
static void say(struct buf *out, const struct report *r,
		enum report_text_id id, slice one, slice two)
{
	const slice args[] = { one, two };
	text_fill(out, report_text(id), r->language, args, ARRAY_LEN(args),
		  buf_append);
}

/* What the status means to people (RFC 3463), where it says anything. */
static enum report_text_id why(const struct report_recipient *rr)
{
	static const struct {
		uint8_t subject, detail;	/* detail 255: any other */
		enum report_text_id text;
	} rows[] = {
		{ 1, 1, REPORT_TEXT_WHY_ADDRESS },
		{ 1, 6, REPORT_TEXT_WHY_ADDRESS },
		{ 1, 2, REPORT_TEXT_WHY_DOMAIN },
		{ 1, 10, REPORT_TEXT_WHY_DOMAIN },
		{ 2, 1, REPORT_TEXT_WHY_DISABLED },
		{ 2, 2, REPORT_TEXT_WHY_FULL },
		{ 2, 3, REPORT_TEXT_WHY_SIZE },
		{ 3, 4, REPORT_TEXT_WHY_SIZE },
		{ 4, 4, REPORT_TEXT_WHY_DOMAIN },
		{ 4, 6, REPORT_TEXT_WHY_LOOP },
		{ 4, 7, REPORT_TEXT_WHY_EXPIRED },
		{ 4, 255, REPORT_TEXT_WHY_ROUTE },
		{ 6, 255, REPORT_TEXT_WHY_CONTENT },
		{ 7, 255, REPORT_TEXT_WHY_POLICY },
	};
	const uint8_t *status = rr->status;
	/* 5.4.5 of ours; others mean limits of theirs by it. */
	if (rr->host.n == 0 && status[1] == 4 && status[2] == 5)
		return REPORT_TEXT_WHY_LIMIT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].subject == status[1] &&
		    (rows[i].detail == status[2] || rows[i].detail == 255))
			return rows[i].text;
	return REPORT_TEXT_COUNT;
}

/* Each line behind four spaces: quoted words never look like ours. */
static void quote_reply(struct buf *out, slice reply)
{
	reply = slice_sub(reply, 0, REPORT_REPLY_MAX);
	for (int i = 0; i < REPLY_LINES_MAX && reply.n > 0; i++) {
		slice line = slice_cut(&reply, '\n');
		buf_append(out, SLICE("    "));
		report_clean_utf8(out, line, REPORT_LINE_MAX / 2);
		buf_append_char(out, '\n');
	}
}

static void say_reply(struct buf *out, const struct report *r,
		      const struct report_recipient *rr)
{
	if (rr->reply.n == 0)
		return;
	if (rr->host.n > 0) {
		struct buf host;
		buf_init(&host, 1024);
		report_clean_ascii(&host, rr->host, ADDRESS_DOMAIN_MAX);
		say(out, r, REPORT_TEXT_HOST_SAID, buf_slice(&host), nothing);
		out->failed |= host.failed;
		buf_fini(&host);
	} else {
		say(out, r, REPORT_TEXT_REASON, nothing, nothing);
	}
	quote_reply(out, rr->reply);
}

static void say_tries(struct buf *out, const struct report *r,
		      const struct report_recipient *rr)
{
	char when[TIME_TEXT_MAX + 8], tries[16];
	if (rr->tries == 0 || rr->last_attempt_ms == 0)
		return;
	slice last = slice_of(time_text_rfc5322(rr->last_attempt_ms, when));
	snprintf(tries, sizeof(tries), "%u", rr->tries);
	if (rr->tries == 1)
		say(out, r, REPORT_TEXT_TRIED_ONCE, last, nothing);
	else
		say(out, r, REPORT_TEXT_TRIED, slice_of(tries), last);
}

static void say_outcome(struct buf *out, const struct report *r,
			const struct report_recipient *rr)
{
	char when[TIME_TEXT_MAX + 8];
	enum report_text_id reason = why(rr);
	switch (rr->action) {
	case REPORT_DELIVERED:
		say(out, r, REPORT_TEXT_DELIVERED, nothing, nothing);
		return;
	case REPORT_RELAYED:
		say(out, r, REPORT_TEXT_RELAYED, nothing, nothing);
		return;
	case REPORT_FAILED:
	case REPORT_DELAYED:
		break;
	}
	if (reason != REPORT_TEXT_COUNT)
		say(out, r, reason, nothing, nothing);
	say_reply(out, r, rr);
	say_tries(out, r, rr);
	if (rr->action == REPORT_DELAYED && rr->retry_until_ms != 0)
		say(out, r, REPORT_TEXT_RETRY_UNTIL,
		    slice_of(time_text_rfc5322(rr->retry_until_ms, when)),
		    nothing);
}

static void say_recipient(struct buf *out, const struct report *r,
			  const struct report_recipient *rr)
{
	struct buf address;
	buf_init(&address, ADDRESS_TEXT_MAX);
	address_write(&address, &rr->recipient->address);
	buf_append(out, SLICE("\n<"));
	report_clean_utf8(out, buf_slice(&address), ADDRESS_TEXT_MAX);
	buf_append(out, SLICE(">\n"));
	out->failed |= address.failed;
	buf_fini(&address);
	say_outcome(out, r, rr);
}

static void say_identity(struct buf *out, const struct report *r)
{
	char id[ID_TEXT_MAX], when[TIME_TEXT_MAX + 8];
	slice accepted = slice_of(
		time_text_rfc5322(r->original->accepted_ms, when));
	say(out, r, REPORT_TEXT_IDENTITY,
	    slice_of(id_text(r->original->id, id)), accepted);
}

void report_write_words(struct buf *out, const struct report *r, bool whole)
{
	static const enum report_text_id intro[] = {
		[REPORT_FAILURE] = REPORT_TEXT_FAILURE,
		[REPORT_DELAY] = REPORT_TEXT_DELAY,
		[REPORT_SUCCESS] = REPORT_TEXT_SUCCESS,
	};
	uint32_t listed = r->count < REPORT_LISTED_MAX ? r->count :
							 REPORT_LISTED_MAX;
	say(out, r, REPORT_TEXT_INTRO, r->hostname, nothing);
	say(out, r, intro[r->kind], nothing, nothing);
	for (uint32_t i = 0; i < listed; i++)
		say_recipient(out, r, &r->recipients[i]);
	buf_append_char(out, '\n');
	if (listed < r->count) {
		char more[16];
		snprintf(more, sizeof(more), "%u", r->count - listed);
		say(out, r, REPORT_TEXT_MORE, slice_of(more), nothing);
	}
	say_identity(out, r);
	say(out, r, whole ? REPORT_TEXT_RETURNED_WHOLE :
			    REPORT_TEXT_RETURNED_HEADER, nothing, nothing);
}
