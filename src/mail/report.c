/*
 * Delivery reports; see report.h. The message is put together part by part
 * into a scratch buffer that goes to the body after each, so a report about
 * many recipients needs no memory outside the budget of bodies.
 */
#include "mail/report.h"

#include <stdio.h>
#include <unistr.h>

#include "base/json.h"
#include "mail/mail_private.h"
#include "mail/report_private.h"

enum {
	/* Words: 50 recipients of some 2 KiB; returned: three bytes for one. */
	SCRATCH_MAX = 4 << 20,
	BOUNDARY_MAX = ID_TEXT_MAX + 16,
};

struct compose {
	const struct report *r;
	struct body *body;
	struct buf out;
	struct err *err;
	slice header;			/* of the original, what is returned */
	bool whole;			/* all of it is returned */
	bool eight_bit;
	char boundary[BOUNDARY_MAX];
};

/* --- what is returned ----------------------------------------------------- */

/* The header section, with its last line end; what of it there is. */
static slice header_of(slice message)
{
	size_t at = 0;
	while (at < message.n) {
		slice rest = slice_skip(message, at);
		size_t line = slice_find(rest, '\n');
		bool empty = line == 0 || (line == 1 && rest.p[0] == '\r');
		if (empty || line == rest.n)
			break;
		at += line + 1;
	}
	return slice_sub(message, 0, at);
}

/* Only CRLF line ends, no NUL, no line over 998: can stand as it is in a
 * message (RFC 5322 2.3, RFC 2045 2.7 and 2.8). */
static bool is_proper_text(slice s)
{
	size_t line = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool lf = i + 1 < s.n && s.p[i + 1] == '\n';
		if (c == '\0' || (c == '\r') != lf)
			return false;
		if (c == '\r') {
			line = 0;
			i++;
		} else if (++line > REPORT_LINE_MAX) {
			return false;
		}
	}
	return true;
}

/* RFC 3461 4.3: RET is about failures; the others return the header. A
 * message/rfc822 part may not be encoded, so what would need it is not
 * returned whole; nor is a cut message, which would be another one. */
static void choose_returned(struct compose *c)
{
	const struct report *r = c->r;
	slice all = slice_sub(r->returned, 0, r->returned_max_bytes);
	c->header = header_of(all);
	c->whole = r->kind == REPORT_FAILURE && r->returned_whole &&
		   r->original->ret == DSN_RET_FULL &&
		   !r->original->smtputf8 && all.n == r->returned.n &&
		   is_proper_text(all);
	c->eight_bit = (c->whole && has_8bit(all)) ||
		       r->original->sender.utf8;
}

/* Nobody outside can know it beforehand, and nothing returned holds it. */
static void choose_boundary(struct compose *c)
{
	char id[ID_TEXT_MAX];
	id_text(c->r->id, id);
	for (int i = 0; i < 100; i++) {
		snprintf(c->boundary, sizeof(c->boundary), "=_%s_%d", id, i);
		slice b = slice_of(c->boundary);
		if (slice_find_slice(c->r->returned, b) == c->r->returned.n)
			return;
	}
	unreachable_state("somebody guessed a hundred boundaries");
}

/* --- parts ---------------------------------------------------------------- */

static bool flush(struct compose *c)
{
	bool ok = !c->out.failed;
	if (!ok)
		err_set_memory(c->err, "report_compose");
	else
		ok = body_append(c->body, buf_slice(&c->out), c->err);
	buf_clear(&c->out);
	return ok;
}

/* A field whose value is put together in a buffer of its own. */
static void field_end(struct compose *c, const char *name, struct buf *value)
{
	if (value->failed)
		c->out.failed = true;
	else
		report_field(&c->out, name, buf_slice(value));
	buf_fini(value);
}

/* "<id>" as one word of ASCII, or nothing. */
static void write_references(struct compose *c)
{
	slice id = c->r->original->message_id;
	bool good = id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>';
	for (size_t i = 0; i < id.n; i++)
		good = good && (uint8_t)id.p[i] > 0x20 &&
		       (uint8_t)id.p[i] < 0x7f;
	if (good)
		report_field(&c->out, "References", id);
}

static void write_head(struct compose *c)
{
	static const enum report_text_id subjects[] = {
		[REPORT_FAILURE] = REPORT_TEXT_SUBJECT_FAILURE,
		[REPORT_DELAY] = REPORT_TEXT_SUBJECT_DELAY,
		[REPORT_SUCCESS] = REPORT_TEXT_SUBJECT_SUCCESS,
	};
	const struct report *r = c->r;
	struct buf *out = &c->out;
	char when[TIME_TEXT_MAX + 8], id[ID_TEXT_MAX];
	buf_append(out, SLICE("From: Mail Delivery System <MAILER-DAEMON@"));
	buf_append(out, r->hostname);
	buf_append(out, SLICE(">\r\nTo: <"));
	address_write(out, &r->original->sender);
	buf_append(out, SLICE(">\r\nSubject: "));
	report_encoded_words(out, slice_of(text_in(
		report_text(subjects[r->kind]), r->language)));
	buf_printf(out, "\r\nDate: %s\r\nMessage-ID: <%s@",
		   time_text_rfc5322(r->now_ms, when), id_text(r->id, id));
	buf_append(out, r->hostname);
	buf_append(out, SLICE(">\r\n"));
	write_references(c);
	buf_printf(out, "Auto-Submitted: auto-replied\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: multipart/report; "
			"report-type=delivery-status;\r\n"
			" boundary=\"%s\"\r\n"
			"Content-Transfer-Encoding: %s\r\n\r\n",
		   c->boundary,
		   c->whole && c->eight_bit ? "8bit" : "7bit");
}

/* The CRLF in front belongs to the boundary (RFC 2046 5.1.1). */
static void begin_part(struct compose *c, const char *type,
		       const char *encoding)
{
	buf_printf(&c->out, "\r\n--%s\r\nContent-Type: %s\r\n"
			    "Content-Transfer-Encoding: %s\r\n",
		   c->boundary, type, encoding);
}

static void write_words_part(struct compose *c)
{
	struct buf words;
	buf_init(&words, SCRATCH_MAX);
	report_write_words(&words, c->r, c->whole);
	bool encode = has_8bit(buf_slice(&words));
	begin_part(c, "text/plain; charset=UTF-8", encode ? "base64" : "7bit");
	buf_printf(&c->out, "Content-Language: %s\r\n\r\n",
		   c->r->language == LANGUAGE_JA ? "ja" : "en");
	if (encode) {
		/* The canonical form of text has CRLF (RFC 2049 section 4). */
		struct buf canonical;
		buf_init(&canonical, SCRATCH_MAX);
		report_crlf(&canonical, buf_slice(&words));
		report_base64(&c->out, buf_slice(&canonical));
		c->out.failed |= canonical.failed;
		buf_fini(&canonical);
	} else {
		report_crlf(&c->out, buf_slice(&words));
	}
	c->out.failed |= words.failed;
	buf_fini(&words);
}

/* --- part two: for machines ----------------------------------------------- */

/* Our spool holds ENVID decoded; what can't stand in a field plainly is
 * written as xtext does. */
static void write_envid(struct compose *c)
{
	slice s = c->r->original->envid;
	struct buf value;
	if (s.n == 0)
		return;
	buf_init(&value, SCRATCH_MAX);
	for (size_t i = 0; i < s.n && i < REPORT_REPLY_MAX; i++) {
		uint8_t b = (uint8_t)s.p[i];
		if (b >= 0x20 && b < 0x7f)
			buf_append_char(&value, (char)b);
		else
			buf_printf(&value, "+%02X", b);
	}
	field_end(c, "Original-Envelope-Id", &value);
}

/* RFC 6533 section 3: a UTF-8 address in ASCII, \x{HEX} for what is not. */
static void write_unitext(struct buf *out, slice s)
{
	while (s.n > 0) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)s.p, s.n);
		invariant(n > 0);
		if (c == '\\' || c >= 0x80)
			buf_printf(out, "\\x{%X}", (unsigned)c);
		else
			report_clean_ascii(out, slice_sub(s, 0, 1), 1);
		s = slice_skip(s, (size_t)n);
	}
}

static void write_final_recipient(struct compose *c, const struct address *a)
{
	struct buf value, text;
	buf_init(&value, SCRATCH_MAX);
	buf_init(&text, ADDRESS_TEXT_MAX);
	address_write(&text, a);
	if (a->utf8) {
		buf_append(&value, SLICE("utf-8; "));
		write_unitext(&value, buf_slice(&text));
	} else {
		buf_append(&value, SLICE("rfc822; "));
		report_clean_ascii(&value, buf_slice(&text), ADDRESS_TEXT_MAX);
	}
	value.failed |= text.failed;
	buf_fini(&text);
	field_end(c, "Final-Recipient", &value);
}

/* "type;address" as it was given, cleaned; not worth a field without type. */
static void write_original_recipient(struct compose *c, slice orcpt)
{
	struct buf value;
	size_t semicolon = slice_find(orcpt, ';');
	if (orcpt.n == 0 || semicolon == 0 || semicolon == orcpt.n)
		return;
	slice type = slice_sub(orcpt, 0, semicolon);
	slice address = slice_skip(orcpt, semicolon + 1);
	buf_init(&value, SCRATCH_MAX);
	report_clean_ascii(&value, type, 64);
	buf_append(&value, SLICE("; "));
	if (has_8bit(address) && utf8_valid(address))
		write_unitext(&value, utf8_cut(address, REPORT_REPLY_MAX));
	else
		report_clean_ascii(&value, address, REPORT_REPLY_MAX);
	field_end(c, "Original-Recipient", &value);
}

static void write_status(struct compose *c, const struct report_recipient *rr)
{
	static const char *const actions[] = {
		[REPORT_FAILED] = "failed", [REPORT_DELAYED] = "delayed",
		[REPORT_DELIVERED] = "delivered", [REPORT_RELAYED] = "relayed",
	};
	static const unsigned classes[] = {
		[REPORT_FAILED] = 5, [REPORT_DELAYED] = 4,
		[REPORT_DELIVERED] = 2, [REPORT_RELAYED] = 2,
	};
	invariant(rr->action < ARRAY_LEN(actions));
	/* The class says what is true now: a temporary failure that ran out
	 * of time is permanent for the sender's system. */
	buf_printf(&c->out, "Action: %s\r\nStatus: %u.%u.%u\r\n",
		   actions[rr->action], classes[rr->action],
		   (unsigned)rr->status[1], (unsigned)rr->status[2]);
}

static void write_remote(struct compose *c, const struct report_recipient *rr)
{
	struct buf value;
	if (rr->host.n > 0) {
		buf_init(&value, SCRATCH_MAX);
		buf_append(&value, SLICE("dns; "));
		report_clean_ascii(&value, rr->host, ADDRESS_DOMAIN_MAX);
		field_end(c, "Remote-MTA", &value);
	}
	if (rr->reply.n > 0) {
		buf_init(&value, SCRATCH_MAX);
		buf_append(&value, rr->host.n > 0 ? SLICE("smtp; ") :
						    SLICE("x-postrider; "));
		report_clean_ascii(&value, rr->reply, REPORT_REPLY_MAX);
		field_end(c, "Diagnostic-Code", &value);
	}
}

static void write_time(struct compose *c, const char *name, int64_t wall_ms)
{
	char when[TIME_TEXT_MAX + 8];
	if (wall_ms != 0)
		buf_printf(&c->out, "%s: %s\r\n", name,
			   time_text_rfc5322(wall_ms, when));
}

static void write_recipient(struct compose *c,
			    const struct report_recipient *rr)
{
	buf_append(&c->out, SLICE("\r\n"));
	write_original_recipient(c, rr->recipient->orcpt);
	write_final_recipient(c, &rr->recipient->address);
	write_status(c, rr);
	write_remote(c, rr);
	write_time(c, "Last-Attempt-Date", rr->last_attempt_ms);
	if (rr->action == REPORT_DELAYED)
		write_time(c, "Will-Retry-Until", rr->retry_until_ms);
}

static bool write_machine_part(struct compose *c)
{
	const struct report *r = c->r;
	begin_part(c, "message/delivery-status", "7bit");
	buf_append(&c->out, SLICE("\r\nReporting-MTA: dns; "));
	buf_append(&c->out, r->hostname);
	buf_append(&c->out, SLICE("\r\n"));
	write_envid(c);
	write_time(c, "Arrival-Date", r->original->accepted_ms);
	for (uint32_t i = 0; i < r->count; i++) {
		write_recipient(c, &r->recipients[i]);
		if (!flush(c))
			return false;
	}
	return true;
}

/* --- part three: the original --------------------------------------------- */

static void write_header_part(struct compose *c)
{
	bool encode = has_8bit(c->header) || !is_proper_text(c->header);
	begin_part(c, c->r->original->smtputf8 ? "message/global-headers" :
						 "text/rfc822-headers",
		   encode ? "quoted-printable" : "7bit");
	buf_append(&c->out, SLICE("\r\n"));
	if (encode)
		report_quoted_printable(&c->out, c->header);
	else
		buf_append(&c->out, c->header);
}

static void write_original_part(struct compose *c)
{
	if (!c->whole) {
		write_header_part(c);
		return;
	}
	begin_part(c, "message/rfc822", has_8bit(c->r->returned) ? "8bit" :
								   "7bit");
	buf_append(&c->out, SLICE("\r\n"));
	buf_append(&c->out, c->r->returned);
}

static bool write_all(struct compose *c)
{
	write_head(c);
	write_words_part(c);
	if (!flush(c) || !write_machine_part(c))
		return false;
	write_original_part(c);
	buf_printf(&c->out, "\r\n--%s--\r\n", c->boundary);
	return flush(c);
}

struct body *report_compose(const struct report *r, struct body_budget *budget,
			    bool *eight_bit, struct err *err)
{
	struct compose c = { .r = r, .err = err };
	/* RFC 3464 section 2: never to the null reverse-path. */
	invariant(!address_is_null(&r->original->sender));
	invariant(r->count > 0 && r->kind <= REPORT_SUCCESS);
	c.body = body_new(budget);
	if (c.body == NULL) {
		err_set_memory(err, "report_compose");
		return NULL;
	}
	buf_init(&c.out, SCRATCH_MAX);
	choose_returned(&c);
	choose_boundary(&c);
	if (!write_all(&c))
		body_unref(&c.body);
	buf_fini(&c.out);
	*eight_bit = c.eight_bit;
	return c.body;
}
