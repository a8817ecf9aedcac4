/*
 * The byte form of envelopes; docs/formats/envelope.md has the table. What
 * is read was written by this program and checksummed, and yet nothing here
 * trusts it: a damaged spool must not crash its reader, nor bring a line end
 * into a command.
 */
#include "mail/envelope.h"

#include "base/cursor.h"
#include "mail/mail_private.h"

enum {
	VERSION = 1,
	FLAG_SMTPUTF8 = 1,
	FLAG_BARE_LINE_ENDS = 2,
	FLAG_OWN = 4,
	FLAGS_KNOWN = FLAG_SMTPUTF8 | FLAG_BARE_LINE_ENDS | FLAG_OWN,
	NOTIFY_KNOWN = DSN_NEVER | DSN_SUCCESS | DSN_FAILURE | DSN_DELAY,
	MESSAGE_ID_MAX = 255,
	RECIPIENT_MIN = 5,		/* bytes of the shortest */
};

/* --- writing -------------------------------------------------------------- */

static void write_text8(struct buf *out, slice s, size_t max)
{
	invariant(max <= UINT8_MAX);
	if (s.n > max) {
		out->failed = true;
		return;
	}
	buf_u8(out, (uint8_t)s.n);
	buf_append(out, s);
}

static void write_text16(struct buf *out, slice s)
{
	if (s.n > UINT16_MAX) {
		out->failed = true;
		return;
	}
	buf_u16(out, (uint16_t)s.n);
	buf_append(out, s);
}

static void write_address(struct buf *out, const struct address *a)
{
	write_text8(out, a->local, ADDRESS_LOCAL_MAX);
	write_text8(out, a->domain, ADDRESS_DOMAIN_MAX);
}

static void write_id(struct buf *out, struct id id)
{
	buf_u64(out, id.time_ms);
	buf_u64(out, id.random);
}

static void write_head(struct buf *out, const struct envelope *e)
{
	invariant(e->body_type <= BODY_BINARYMIME && e->ret <= DSN_RET_HDRS);
	buf_u8(out, VERSION);
	buf_u8(out, (uint8_t)((e->smtputf8 ? FLAG_SMTPUTF8 : 0) |
			      (e->bare_line_ends ? FLAG_BARE_LINE_ENDS : 0) |
			      (e->own ? FLAG_OWN : 0)));
	buf_u8(out, (uint8_t)e->body_type);
	buf_u8(out, (uint8_t)e->ret);
	write_id(out, e->id);
	write_id(out, e->session);
	buf_u64(out, (uint64_t)e->accepted_ms);
	buf_u32(out, e->customer);
	buf_u32(out, e->setting);
	buf_u32(out, e->user);
	buf_append_bytes(out, e->client.bytes, sizeof(e->client.bytes));
	buf_u64(out, e->body_bytes);
	buf_u32(out, e->trace_bytes);
}

void envelope_write(struct buf *out, const struct envelope *e)
{
	write_head(out, e);
	write_address(out, &e->sender);
	write_address(out, &e->original_sender);
	write_text16(out, e->helo);
	write_text16(out, e->envid);
	write_text8(out, e->message_id, MESSAGE_ID_MAX);
	if (e->recipient_count > ENVELOPE_RECIPIENTS_MAX)
		out->failed = true;
	buf_u32(out, e->recipient_count);
	for (uint32_t i = 0; i < e->recipient_count && !out->failed; i++) {
		const struct recipient *r = &e->recipients[i];
		invariant((r->notify & ~NOTIFY_KNOWN) == 0);
		write_address(out, &r->address);
		buf_u8(out, r->notify);
		write_text16(out, r->orcpt);
	}
}

/* --- reading -------------------------------------------------------------- */

/* No byte below SP, no DEL: what may stand in a command or a field. */
static slice clean(struct cursor *c, slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			c->failed = true;
	return s;
}

static slice read_text8(struct cursor *c, size_t max)
{
	uint8_t n = cursor_u8(c);
	if (n > max)
		c->failed = true;
	return cursor_take(c, n);
}

static slice read_text16(struct cursor *c)
{
	uint16_t n = cursor_u16(c);
	return cursor_take(c, n);
}

static struct address read_address(struct cursor *c)
{
	struct address a;
	a.local = clean(c, read_text8(c, ADDRESS_LOCAL_MAX));
	a.domain = clean(c, read_text8(c, ADDRESS_DOMAIN_MAX));
	a.utf8 = has_8bit(a.local);
	return a;
}

static struct id read_id(struct cursor *c)
{
	struct id id = { .time_ms = cursor_u64(c) };
	id.random = cursor_u64(c);
	/* In range, else it has no text. */
	if (id.time_ms > INT64_MAX ||
	    !id_eq(id, id_make((int64_t)id.time_ms, id.random)))
		c->failed = true;
	return id;
}

static unsigned read_enum(struct cursor *c, unsigned last)
{
	uint8_t v = cursor_u8(c);
	if (v > last)
		c->failed = true;
	return v <= last ? v : 0;
}

static void read_head(struct cursor *c, struct envelope *e)
{
	if (cursor_u8(c) != VERSION)
		c->failed = true;
	uint8_t flags = cursor_u8(c);
	if ((flags & ~FLAGS_KNOWN) != 0)
		c->failed = true;
	e->smtputf8 = (flags & FLAG_SMTPUTF8) != 0;
	e->bare_line_ends = (flags & FLAG_BARE_LINE_ENDS) != 0;
	e->own = (flags & FLAG_OWN) != 0;
	e->body_type = (enum body_type)read_enum(c, BODY_BINARYMIME);
	e->ret = (enum dsn_return)read_enum(c, DSN_RET_HDRS);
	e->id = read_id(c);
	e->session = read_id(c);
	e->accepted_ms = (int64_t)cursor_u64(c);
	e->customer = cursor_u32(c);
	e->setting = cursor_u32(c);
	e->user = cursor_u32(c);
	slice client = cursor_take(c, sizeof(e->client.bytes));
	if (client.n > 0)
		memcpy(e->client.bytes, client.p, client.n);
	e->body_bytes = cursor_u64(c);
	e->trace_bytes = cursor_u32(c);
}

static void read_recipient(struct cursor *c, struct recipient *r)
{
	r->address = read_address(c);
	r->notify = cursor_u8(c);
	r->orcpt = clean(c, read_text16(c));
	if ((r->notify & ~NOTIFY_KNOWN) != 0 || r->address.local.n == 0)
		c->failed = true;
}

static bool damaged(struct err *err)
{
	return err_set(err, ERR_PROTOCOL, SCOPE_MESSAGE, "envelope_read",
		       "damaged envelope");
}

bool envelope_read(slice bytes, struct arena *arena, struct envelope *out,
		   struct err *err)
{
	struct cursor c = cursor_of(bytes);
	struct envelope e = { 0 };
	read_head(&c, &e);
	e.sender = read_address(&c);
	e.original_sender = read_address(&c);
	e.helo = read_text16(&c);
	e.envid = clean(&c, read_text16(&c));
	e.message_id = read_text8(&c, MESSAGE_ID_MAX);
	e.recipient_count = cursor_u32(&c);
	/* No more room is asked for than the bytes can fill. */
	if (c.failed || e.recipient_count > ENVELOPE_RECIPIENTS_MAX ||
	    e.recipient_count > c.rest.n / RECIPIENT_MIN)
		return damaged(err);
	e.recipients = arena_alloc(arena, e.recipient_count *
						  sizeof(struct recipient));
	if (e.recipients == NULL)
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "envelope_read",
			       "no memory for an envelope");
	for (uint32_t i = 0; i < e.recipient_count && !c.failed; i++)
		read_recipient(&c, &e.recipients[i]);
	if (!cursor_done(&c))
		return damaged(err);
	*out = e;
	return true;
}
