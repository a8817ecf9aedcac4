/* Writing a notice and handing it to the door; see notice.h. */
#include "accept/notice.h"

#include <stdlib.h>

#include "base/json.h"
#include "mail/report_encode.h"

enum { ARGUMENT_MAX = 400, ARENA_MAX = 1 << 20 };

/* --- words ---------------------------------------------------------------- */

static void write_clean(struct buf *out, slice argument)
{
	report_clean_utf8(out, argument, ARGUMENT_MAX);
}

void notice_say(struct buf *out, const struct text *t, enum language language,
		const slice *args, size_t count)
{
	text_fill(out, t, language, args, count, write_clean);
}

/* --- the message ---------------------------------------------------------- */

static bool is_ascii(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return false;
	return true;
}

static void write_to(struct buf *out, const struct recipient *to,
		     uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		buf_append(out, i == 0 ? SLICE("To: <") : SLICE(",\r\n <"));
		address_write(out, &to[i].address);
		buf_append(out, SLICE(">"));
	}
	buf_append(out, SLICE("\r\n"));
}

/* In base64 the canonical form is encoded, with CRLF (RFC 2049 section 4). */
static void write_text(struct buf *out, slice text)
{
	struct buf canonical;
	buf_init(&canonical, 2 * NOTICE_TEXT_MAX);
	report_crlf(&canonical, text);
	if (is_ascii(text))
		buf_append(out, buf_slice(&canonical));
	else
		report_base64(out, buf_slice(&canonical));
	out->failed |= canonical.failed;
	buf_fini(&canonical);
}

void notice_write(struct buf *out, const struct notice *n, struct id id,
		  slice hostname, int64_t now_ms,
		  const struct recipient *to, uint32_t to_count)
{
	char when[TIME_TEXT_MAX + 8], text[ID_TEXT_MAX];
	struct buf subject;
	buf_init(&subject, NOTICE_TEXT_MAX);
	report_clean_utf8(&subject, n->subject, ARGUMENT_MAX);
	buf_append(out, SLICE("From: Postrider <postmaster@"));
	buf_append(out, hostname);
	buf_append(out, SLICE(">\r\n"));
	write_to(out, to, to_count);
	buf_append(out, SLICE("Subject: "));
	report_encoded_words(out, buf_slice(&subject));
	buf_printf(out, "\r\nDate: %s\r\nMessage-ID: <%s@",
		   time_text_rfc5322(now_ms, when), id_text(id, text));
	buf_append(out, hostname);
	buf_printf(out, ">\r\nAuto-Submitted: auto-generated\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: text/plain; charset=UTF-8\r\n"
			"Content-Language: %s\r\n"
			"Content-Transfer-Encoding: %s\r\n\r\n",
		   n->in_both ? "en, ja" :
		   n->language == LANGUAGE_JA ? "ja" : "en",
		   is_ascii(n->text) ? "7bit" : "base64");
	write_text(out, n->text);
	out->failed |= subject.failed;
	buf_fini(&subject);
}

/* --- to the door ---------------------------------------------------------- */

static bool is_listed(const struct recipient *to, uint32_t count,
		      const struct address *a)
{
	for (uint32_t i = 0; i < count; i++)
		if (address_eq(&to[i].address, a))
			return true;
	return false;
}

/* Those who can be reached. */
static uint32_t choose(const struct door *d, const struct notice *n,
		       struct arena *arena, struct recipient *to)
{
	const struct router *router =
		queue_router(door_settings(d)->queue);
	uint32_t count = 0;
	for (uint32_t i = 0; i < n->to_count && i < NOTICE_TO_MAX; i++) {
		struct address a;
		struct err err;
		if (!address_parse(n->to[i], arena, &a, &err) ||
		    is_listed(to, count, &a) ||
		    router->route(router, a.domain) == NULL)
			continue;
		to[count++] = (struct recipient){ .address = a,
						  .notify = DSN_NEVER };
	}
	return count;
}

static struct body *make_body(struct door *d, struct body_budget *budget,
			      const struct notice *n,
			      const struct envelope *e, struct err *err)
{
	const struct door_config *c = door_settings(d);
	struct body *body = body_new(budget);
	struct buf message;
	buf_init(&message, 4 * NOTICE_TEXT_MAX);
	notice_write(&message, n, e->id, c->hostname, c->wall_ms(c->clock),
		     e->recipients, e->recipient_count);
	bool ok = body != NULL && !message.failed;
	if (!ok)
		err_set_memory(err, "notice");
	else
		ok = body_append(body, buf_slice(&message), err);
	buf_fini(&message);
	if (!ok)
		body_unref(&body);
	return body;
}

static bool submit(struct door *d, struct body_budget *budget,
		   const struct notice *n, struct envelope *e,
		   struct err *err)
{
	struct body *body = make_body(d, budget, n, e, err);
	if (body == NULL)
		return false;
	struct submission s = {
		.envelope = e, .body = body, .booking = n->mark,
		.done = n->done, .ctx = n->ctx,
	};
	door_submit(d, &s);
	return true;
}

bool notice_send(struct door *d, struct body_budget *budget,
		 const struct notice *n, struct err *err)
{
	struct recipient to[NOTICE_TO_MAX];
	struct arena arena;
	arena_init(&arena, ARENA_MAX);
	struct envelope e = {
		.id = door_id(d), .customer = n->customer, .own = true,
		.recipients = to,
	};
	e.recipient_count = choose(d, n, &arena, to);
	for (uint32_t i = 0; i < e.recipient_count; i++)
		e.smtputf8 |= to[i].address.utf8;
	if (e.smtputf8)
		e.body_type = BODY_8BITMIME;
	bool ok = e.recipient_count > 0 ?
		submit(d, budget, n, &e, err) :
		err_set(err, ERR_PERMANENT, SCOPE_CUSTOMER, "notice",
			"nobody can be reached: no address, or no route");
	arena_fini(&arena);
	return ok;
}
