/*
 * What EHLO announces (RFC 5321 4.1.1.1), in the same order always. AUTH
 * only under TLS (SPEC 1.3); XCLIENT only to proxies, nothing else that begins
 * with X; no mechanism that makes Exchange try NTLM first.
 */
#include "smtp/server_private.h"

static void line(struct buf *out, const char *text)
{
	buf_append(out, SLICE("250-"));
	buf_append(out, slice_of(text));
	buf_append(out, SLICE("\r\n"));
}

void server_ehlo_write(struct smtp_server *s, struct buf *out, slice name)
{
	const struct smtp_server_config *config = s->config;
	const struct limits *l = s->limits;
	buf_printf(out, "250-%.*s\r\n", SLICE_ARG(name));
	line(out, "PIPELINING");
	buf_printf(out, "250-SIZE %llu\r\n",
		   (unsigned long long)l->message_size);
	line(out, "8BITMIME");
	line(out, "SMTPUTF8");
	line(out, "CHUNKING");
	line(out, "BINARYMIME");
	line(out, "DSN");
	line(out, "ENHANCEDSTATUSCODES");
	buf_printf(out, "250-LIMITS RCPTMAX=%llu\r\n",
		   (unsigned long long)l->recipients);
	if (config->offer_starttls && !s->tls)
		line(out, "STARTTLS");
	if (config->offer_auth && !s->no_auth && s->tls)
		line(out, "AUTH PLAIN LOGIN SCRAM-SHA-256");
	if (s->xclient == SMTP_XCLIENT_ALLOWED)
		line(out, "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR "
			  "DESTPORT");
	buf_append(out, SLICE("250 HELP\r\n"));
}
