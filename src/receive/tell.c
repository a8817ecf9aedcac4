/* What the journal learns of sessions: refusals with all facts, and the end
 * of each session. Never secrets, never bodies. */
#include "receive/receive_private.h"

#include <stdio.h>

struct log *log_about(struct receive *r, const struct ip_addr *client,
		      bool is_stranger, enum log_level level)
{
	const struct receive_config *c = &r->config;
	uint64_t rate = is_stranger ? c->limits->log_rate_stranger
				    : c->limits->log_rate;
	if (c->log_sources == NULL || c->log == NULL || level < c->log->level ||
	    log_sources_take(c->log_sources, c->log, client, rate,
			     loop_now_ms(c->loop)))
		return c->log;
	return NULL;
}

struct log *session_log(struct session *s, enum log_level level)
{
	return log_about(s->receive, &s->client.addr, s->admission.is_stranger,
			 level);
}

static void tell_address(struct json *j, const char *key,
			 const struct address *a)
{
	struct buf text;
	buf_init(&text, ADDRESS_TEXT_MAX);
	address_write(&text, a);
	json_member_string(j, key, buf_slice(&text));
	buf_fini(&text);
}

static void tell_client(struct json *j, struct session *s)
{
	char address[IP_TEXT_MAX];
	json_key(j, "session");
	json_id(j, s->id);
	json_member_cstr(j, "client", ip_addr_text(&s->client.addr, address));
	if (s->by_proxy)
		json_member_cstr(j, "proxy", ip_addr_text(&s->proxy, address));
	json_member_cstr(j, "listener", s->listener->name);
	json_member_string(j, "helo", slice_of(s->helo));
	if (s->conn != NULL && conn_tls(s->conn) != NULL) {
		json_member_cstr(j, "tls", tls_version(conn_tls(s->conn)));
		json_member_cstr(j, "cipher", tls_cipher(conn_tls(s->conn)));
	}
	if (s->has_login)
		json_member_string(j, "login",
				   (slice){ s->login_id,
					    sizeof(s->login_id) });
}

/* By which entry the client is known to the customer. */
static void tell_entry(struct json *j, struct session *s,
		       const struct refusal *r)
{
	const struct view *v = s->receive->view;
	const struct setting *setting = view_setting(v, r->setting);
	if (setting == NULL || setting->customer != r->customer)
		return;
	const struct ip_entry *e = refusal_entry(v, setting, &s->client.addr,
						 session_login(s, v) != NULL);
	if (e != NULL)
		json_member_string(j, "entry_name", e->description);
}

void tell_refusal(struct session *s, const struct refusal *r, slice tag)
{
	struct journal_event e;
	journal_begin(&e, s->receive->config.journal, "refused",
		      loop_wall_ms(s->receive->config.loop));
	struct json *j = &e.json;
	tell_client(j, s);
	if (!s->has_login && r->login.n > 0)
		json_member_string(j, "login", r->login);
	if (r->sender != NULL)
		tell_address(j, "from", r->sender);
	tell_entry(j, s, r);
	refusal_tell_rest(j, r, tag);
	journal_end(&e, JOURNAL_MAY_DROP, 0);
}

void tell_turned_away(struct receive *r, const struct receive_listener *l,
		      const struct ip_addr *client, const struct refusal *why,
		      slice tag)
{
	char address[IP_TEXT_MAX];
	struct journal_event e;
	journal_begin(&e, r->config.journal, "refused",
		      loop_wall_ms(r->config.loop));
	json_member_cstr(&e.json, "client", ip_addr_text(client, address));
	json_member_cstr(&e.json, "listener", l->name);
	refusal_tell_rest(&e.json, why, tag);
	journal_end(&e, JOURNAL_MAY_DROP, 0);
}

/* The engine refused it. Once a session is enough to see it by. */
void tell_auth_in_clear(struct session *s)
{
	char tag[REFERENCE_TEXT_MAX];
	struct facts f = { .client = s->client.addr };
	struct refusal r = {
		.reply = REPLY_AUTH_NEEDS_TLS,
		.cause = refusal_cause_of_reply(REPLY_AUTH_NEEDS_TLS),
		.owner = refusal_owner(s->receive->view, &f),
		.why = SLICE("LOGIN_WITHOUT_TLS"),
	};
	tell_refusal(s, &r, refusal_tag(tag));
}

void tell_session_end(struct session *s)
{
	struct journal_event e;
	int64_t now = loop_wall_ms(s->receive->config.loop);
	journal_begin(&e, s->receive->config.journal, "session", now);
	struct json *j = &e.json;
	tell_client(j, s);
	json_member_u64(j, "ms", (uint64_t)(now - s->begun_ms));
	json_member_u64(j, "accepted", s->accepted);
	json_member_u64(j, "refused", s->refused);
	if (s->auth_failed > 0)
		json_member_u64(j, "auth_failed", s->auth_failed);
	if (s->mangled)
		json_member_bool(j, "firewall_mangled", true);
	if (smtp_server_was_out_of_turn(s->server))
		json_member_bool(j, "out_of_turn", true);
	if (smtp_server_saw_secret_in_clear(s->server))
		json_member_bool(j, "secret_in_clear", true);
	if (s->close != SMTP_CLOSE_NONE)
		json_member_cstr(j, "close",
				 smtp_close_reason_name(s->close));
	journal_end(&e, JOURNAL_MAY_DROP, 0);
}

static void legacy_event(struct session *s, const struct legacy_client *row)
{
	struct journal_event e;
	journal_begin(&e, s->receive->config.journal, "legacy_tls",
		      loop_wall_ms(s->receive->config.loop));
	struct json *j = &e.json;
	tell_client(j, s);
	if (row->customer != 0)
		json_member_u64(j, "customer", row->customer);
	json_member_u64(j, "handshakes", row->handshakes);
	journal_end(&e, JOURNAL_MAY_DROP, 0);
}

void tell_legacy_tls(struct session *s)
{
	struct receive *r = s->receive;
	const struct tls *tls = conn_tls(s->conn);
	struct legacy_client row, seen = {
		.address = s->client.addr,
		.customer = s->admission.class_customer,
	};
	if (r->legacy_clients == NULL)
		return;
	snprintf(seen.version, sizeof(seen.version), "%s", tls_version(tls));
	snprintf(seen.cipher, sizeof(seen.cipher), "%s", tls_cipher(tls));
	if (legacy_clients_note(r->legacy_clients, &seen,
				loop_wall_ms(r->config.loop), &row))
		legacy_event(s, &row);
}
