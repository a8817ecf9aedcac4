/* MAIL and RCPT as we write them; see client_command.h. */
#include "smtp/client_command.h"

#include <inttypes.h>

#include "smtp/xtext.h"

/* --- what can't go -------------------------------------------------------- */

enum refusal { REFUSE_8BIT, REFUSE_BINARY, REFUSE_UTF8, REFUSE_SIZE,
	       REFUSE_LINE_ENDS, REFUSE_SENDER, REFUSE_RECIPIENT };

static const struct smtp_refusal refusals[] = {
	[REFUSE_8BIT] = { 554, { 5, 6, 3 },
		"The next host does not take 8-bit text (8BITMIME)" },
	[REFUSE_BINARY] = { 554, { 5, 6, 3 },
		"The next host does not take binary content (BINARYMIME)" },
	[REFUSE_UTF8] = { 553, { 5, 6, 7 },
		"The next host does not take UTF-8 addresses or headers "
		"(SMTPUTF8)" },
	[REFUSE_SIZE] = { 552, { 5, 3, 4 },
		"The message is bigger than the next host takes" },
	[REFUSE_LINE_ENDS] = { 550, { 5, 6, 11 },
		"The message has CR or LF outside line ends, which the next "
		"host does not take (CHUNKING)" },
	[REFUSE_SENDER] = { 501, { 5, 1, 7 },
		"The sender address can't be sent" },
	[REFUSE_RECIPIENT] = { 501, { 5, 1, 3 },
		"A recipient address can't be sent" },
};

/* No control character: nothing that could end the command. Addresses come
 * from our own parser, which lets none through; this is the second door. */
static bool is_clean(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool address_is_clean(const struct address *a)
{
	return is_clean(a->local) && is_clean(a->domain) &&
	       slice_find(a->domain, ' ') == a->domain.n &&
	       slice_find(a->domain, '>') == a->domain.n;
}

/* RFC 6531 3.2: needed for a UTF-8 address; when it was only declared, then
 * for 8-bit content, whose header may hold UTF-8. */
static bool needs_utf8(const struct smtp_transaction *t)
{
	bool needed = t->envelope->sender.utf8 ||
		      (t->envelope->smtputf8 && t->has_8bit);
	for (uint32_t i = 0; i < t->count && !needed; i++)
		needed = t->outcomes[i].recipient->address.utf8;
	return needed;
}

static bool is_binary(const struct smtp_transaction *t)
{
	return t->envelope->body_type == BODY_BINARYMIME;
}

const struct smtp_refusal *smtp_transaction_refusal(
	const struct smtp_transaction *t, const struct smtp_extensions *e)
{
	if (!address_is_clean(&t->envelope->sender))
		return &refusals[REFUSE_SENDER];
	for (uint32_t i = 0; i < t->count; i++)
		if (!address_is_clean(&t->outcomes[i].recipient->address))
			return &refusals[REFUSE_RECIPIENT];
	if (needs_utf8(t) && !e->smtputf8)
		return &refusals[REFUSE_UTF8];
	if (is_binary(t) && !(e->chunking && e->binarymime))
		return &refusals[REFUSE_BINARY];
	if (t->has_8bit && !e->eight_bit && !is_binary(t))
		return &refusals[REFUSE_8BIT];
	if (t->envelope->bare_line_ends && !e->chunking)
		return &refusals[REFUSE_LINE_ENDS];
	if (e->size_max > 0 && t->size > e->size_max)
		return &refusals[REFUSE_SIZE];
	return NULL;
}

const struct smtp_refusal *smtp_refusal_bare_line_end(void)
{
	return &refusals[REFUSE_LINE_ENDS];
}

/*
 * BDAT only for a body that DATA can't carry. DATA is what every server does
 * thousands of times a day; BDAT implementations have answered early, lost
 * chunks behind refused recipients and unstuffed dots (SENDERS 5, rows 52 to
 * 54), and for a body of proper lines it gains nothing.
 */
bool smtp_transaction_by_bdat(const struct smtp_transaction *t,
			      const struct smtp_extensions *e)
{
	return e->chunking && (t->envelope->bare_line_ends || is_binary(t));
}

/* --- the commands --------------------------------------------------------- */

static void write_body_type(struct buf *out, const struct smtp_transaction *t,
			    const struct smtp_extensions *e)
{
	bool eight = t->has_8bit || t->envelope->body_type == BODY_8BITMIME;
	if (is_binary(t))
		buf_append(out, SLICE(" BODY=BINARYMIME"));
	else if (eight && e->eight_bit)
		buf_append(out, SLICE(" BODY=8BITMIME"));
}

/* RFC 3461 4.3, 4.4. */
static void write_dsn_mail(struct buf *out, const struct envelope *v)
{
	if (v->ret == DSN_RET_FULL)
		buf_append(out, SLICE(" RET=FULL"));
	else if (v->ret == DSN_RET_HDRS)
		buf_append(out, SLICE(" RET=HDRS"));
	if (v->envid.n > 0) {
		buf_append(out, SLICE(" ENVID="));
		xtext_write(out, v->envid);
	}
}

void smtp_command_mail(struct buf *out, const struct smtp_transaction *t,
		       const struct smtp_extensions *e)
{
	const struct envelope *v = t->envelope;
	buf_append(out, SLICE("MAIL FROM:<"));
	address_write(out, &v->sender);
	buf_append_char(out, '>');
	if (e->size)
		buf_printf(out, " SIZE=%" PRIu64, t->size);
	write_body_type(out, t, e);
	if (e->smtputf8 && (v->smtputf8 || needs_utf8(t)))
		buf_append(out, SLICE(" SMTPUTF8"));
	if (e->dsn)
		write_dsn_mail(out, v);
	buf_append(out, SLICE("\r\n"));
}

/* RFC 3461 4.1: NEVER stands alone. */
static void write_notify(struct buf *out, uint8_t notify)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = { { DSN_SUCCESS, "SUCCESS" }, { DSN_FAILURE, "FAILURE" },
		      { DSN_DELAY, "DELAY" } };
	const char *before = " NOTIFY=";
	if (notify & DSN_NEVER) {
		buf_append(out, SLICE(" NOTIFY=NEVER"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(notify & names[i].bit))
			continue;
		buf_append(out, slice_of(before));
		buf_append(out, slice_of(names[i].name));
		before = ",";
	}
}

/* ASCII as xtext, UTF-8 as it is (RFC 6533 3: only with SMTPUTF8). */
static void write_xtext_utf8(struct buf *out, slice s)
{
	while (s.n > 0) {
		size_t n = 0;
		bool high = (uint8_t)s.p[0] >= 0x80;
		while (n < s.n && ((uint8_t)s.p[n] >= 0x80) == high)
			n++;
		slice run = slice_sub(s, 0, n);
		if (high)
			buf_append(out, run);
		else
			xtext_write(out, run);
		s = slice_skip(s, n);
	}
}

static bool is_ascii(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return false;
	return true;
}

/* RFC 3461 4.2: addr-type ";" xtext. One that can't be written is left out;
 * reports then name the recipient of this hop. */
static void write_orcpt(struct buf *out, slice orcpt, bool utf8)
{
	slice type = slice_cut(&orcpt, ';');
	if (type.n == 0 || orcpt.n == 0 || !is_clean(orcpt) ||
	    (!utf8 && !is_ascii(orcpt)))
		return;
	for (size_t i = 0; i < type.n; i++)
		if (!ascii_alnum(type.p[i]) && type.p[i] != '-')
			return;
	buf_append(out, SLICE(" ORCPT="));
	buf_append(out, type);
	buf_append_char(out, ';');
	write_xtext_utf8(out, orcpt);
}

void smtp_command_rcpt(struct buf *out, const struct recipient *r,
		       const struct smtp_transaction *t,
		       const struct smtp_extensions *e)
{
	buf_append(out, SLICE("RCPT TO:<"));
	address_write(out, &r->address);
	buf_append_char(out, '>');
	if (e->dsn) {
		write_notify(out, r->notify);
		write_orcpt(out, r->orcpt, e->smtputf8 &&
			    (t->envelope->smtputf8 || needs_utf8(t)));
	}
	buf_append(out, SLICE("\r\n"));
}
