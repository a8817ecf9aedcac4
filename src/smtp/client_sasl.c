/*
 * AUTH as a client (RFC 4954): PLAIN (RFC 4616) with its initial response,
 * else LOGIN. Credentials never leave without TLS, unless the configuration
 * says so. A failure is one of the destination: its other hosts know the
 * same passwords, and mail waits until the operator has mended it.
 */
#include "smtp/client_private.h"

#include "smtp/base64.h"

#include <string.h>

static void fail_destination(struct smtp_client *c, const char *text)
{
	client_fail(c, ERR_TEMPORARY, SCOPE_DESTINATION, text);
}

bool client_auth_possible(struct smtp_client *c)
{
	const struct smtp_client_config *g = &c->config;
	const char *why = NULL;
	if (!c->tls && !g->auth_in_clear)
		why = "AUTH is configured, but there is no TLS";
	else if (!c->extensions.auth_plain && !c->extensions.auth_login)
		why = "AUTH is configured, but not offered by the peer";
	else if (g->auth_user.n > SMTP_CREDENTIAL_MAX ||
		 g->auth_password.n > SMTP_CREDENTIAL_MAX)
		why = "user name or password is too long";
	if (why != NULL)
		fail_destination(c, why);
	return why == NULL;
}

/* message = [authzid] NUL authcid NUL passwd */
static void send_plain(struct smtp_client *c, struct buf *out)
{
	char message[2 * SMTP_CREDENTIAL_MAX + 2];
	slice user = c->config.auth_user, password = c->config.auth_password;
	invariant(user.n + password.n + 2 <= sizeof(message));
	size_t n = 0;
	message[n++] = '\0';
	if (user.n > 0)
		memcpy(message + n, user.p, user.n);
	n += user.n;
	message[n++] = '\0';
	if (password.n > 0)
		memcpy(message + n, password.p, password.n);
	n += password.n;
	base64_write(out, (slice){ message, n });
	explicit_bzero(message, sizeof(message));
}

void client_auth_send(struct smtp_client *c, struct buf *out)
{
	switch (c->auth) {
	case AUTH_PLAIN_SENT:
		buf_append(out, SLICE("AUTH PLAIN "));
		send_plain(c, out);
		break;
	case AUTH_LOGIN_SENT:
		buf_append(out, SLICE("AUTH LOGIN"));
		break;
	case AUTH_LOGIN_USER:
		base64_write(out, c->config.auth_user);
		break;
	case AUTH_LAST:
		if (c->extensions.auth_plain)
			send_plain(c, out);
		else
			base64_write(out, c->config.auth_password);
		break;
	default:
		unreachable_state("auth");
	}
	buf_append(out, SLICE("\r\n"));
}

/*
 *	PLAIN_SENT → done [235]; → LAST [334: initial response was not taken]
 *	LOGIN_SENT → LOGIN_USER → LAST [334] → done [235]
 */
void client_auth_reply(struct smtp_client *c)
{
	unsigned class = smtp_reply_class(&c->reply);
	if (class == 2 && (c->auth == AUTH_PLAIN_SENT ||
			   c->auth == AUTH_LAST)) {
		client_enter(c, CLIENT_READY);
	} else if (class == 3 && c->auth != AUTH_LAST) {
		c->auth = c->auth == AUTH_LOGIN_SENT ? AUTH_LOGIN_USER
						     : AUTH_LAST;
		c->due = true;
	} else if (class == 4 || class == 5) {
		struct err err;
		smtp_reply_err(&c->reply, &err, SCOPE_DESTINATION, "AUTH");
		fail_destination(c, err.text);
		c->failure.code = err.code;
		memcpy(c->failure.enhanced, err.enhanced,
		       sizeof(err.enhanced));
	} else {
		client_fail(c, ERR_PROTOCOL, SCOPE_SESSION,
			    "peer's reply does not fit AUTH");
	}
}
