/* Received: fields; see trace.h. */
#include "smtp/trace.h"

#include "base/json.h"

enum { HELO_SHOWN = 255, RECIPIENT_SHOWN = 330 };

/* Words of strangers inside a field: printable ASCII without what has a
 * meaning there (parentheses, backslash, angle brackets, semicolon). */
static void clean(struct buf *out, slice s, size_t max)
{
	for (size_t i = 0; i < s.n && i < max; i++) {
		char c = s.p[i];
		bool plain = c > ' ' && c <= '~' && c != '(' && c != ')' &&
			     c != '\\' && c != '<' && c != '>' && c != ';';
		buf_append_char(out, plain ? c : '?');
	}
}

/* RFC 3848; UTF8SMTP* of RFC 6531 4.3. */
static void protocol(struct buf *out, const struct trace_facts *f)
{
	if (!f->extended) {
		buf_append(out, SLICE("SMTP"));
		return;
	}
	buf_append(out, f->utf8 ? SLICE("UTF8SMTP") : SLICE("ESMTP"));
	if (f->tls_version != NULL)
		buf_append_char(out, 'S');
	if (f->authenticated)
		buf_append_char(out, 'A');
}

static void from_clause(struct buf *out, const struct trace_facts *f)
{
	char address[IP_TEXT_MAX];
	buf_append(out, SLICE("from "));
	if (f->helo.n > 0)
		clean(out, f->helo, HELO_SHOWN);
	else
		buf_append(out, SLICE("unknown"));
	ip_addr_text(&f->client, address);
	buf_printf(out, " ([%s%s])\r\n\t",
		   ip_is_v4(&f->client) ? "" : "IPv6:", address);
}

void trace_write(struct buf *out, const struct trace_facts *f, slice hostname,
		 struct id id, int64_t wall_ms)
{
	char id_chars[ID_TEXT_MAX];
	char date[TIME_TEXT_MAX + 8];
	buf_append(out, SLICE("Received: "));
	if (f->from_client)
		from_clause(out, f);
	buf_append(out, SLICE("by "));
	buf_append(out, hostname);
	buf_append(out, SLICE(" (Postrider)"));
	if (f->from_client) {
		buf_append(out, SLICE(" with "));
		protocol(out, f);
	}
	buf_printf(out, " id %s", id_text(id, id_chars));
	if (f->tls_version != NULL)
		buf_printf(out, "\r\n\t(%s %s %u bits)", f->tls_version,
			   f->tls_cipher, f->tls_bits);
	if (f->only_recipient.n > 0) {
		buf_append(out, SLICE("\r\n\tfor <"));
		clean(out, f->only_recipient, RECIPIENT_SHOWN);
		buf_append_char(out, '>');
	}
	buf_printf(out, ";\r\n\t%s\r\n", time_text_rfc5322(wall_ms, date));
}
