/*
 * MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3), as senders write them: any
 * case, spaces around the colon.
 *
 * A refused MAIL leaves TRANSACTION_FAILED, so that the RCPTs and the DATA
 * that were pipelined behind it get 503 and never count as errors; the RCPTs
 * of one MAIL are bounded by recipients + recipients_overshoot.
 */
#include "smtp/server_private.h"

/* What follows "FROM:" or "TO:"; false when that does not stand there. */
static bool skip_keyword(slice *arg, slice keyword)
{
	if (!slice_starts_fold(*arg, keyword))
		return false;
	slice rest = slice_trim(slice_skip(*arg, keyword.n));
	if (rest.n == 0 || rest.p[0] != ':')
		return false;
	*arg = slice_trim(slice_skip(rest, 1));
	return true;
}

static bool has_8bit(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return true;
	return false;
}

/* The path has to end where a space or the line does: "<a@b>,<c@d>" is no
 * address with a parameter behind it. */
static bool path_ends(slice arg, size_t used)
{
	invariant(used <= arg.n);
	return used == arg.n || arg.p[used] == ' ' ||
	       (used > 0 && arg.p[used - 1] == ' ');
}

static enum reply_id address_reply(const struct err *err,
				   enum address_use use)
{
	if (err->kind == ERR_INTERNAL || err->kind == ERR_LIMIT)
		return REPLY_FAULT;
	if (err->code == 553)
		return REPLY_UTF8_NOT_DECLARED;
	return use == ADDRESS_SENDER ? REPLY_SENDER_SYNTAX :
				       REPLY_RECIPIENT_SYNTAX;
}

struct path {
	struct address address;
	slice rest;		/* the parameters */
	bool eight_bit;
};

/* Parses the path at the front of arg; *id says what is wrong. Whether
 * SMTPUTF8 was given stands behind the path, so 8-bit is let through here
 * and judged later. */
static bool parse_path(struct server_call *c, slice arg, enum address_use use,
		       struct path *out, enum reply_id *id, struct err *err)
{
	out->rest = arg;
	if (!address_parse_path(&out->rest, use, true, &c->s->arena,
				&out->address, err)) {
		*id = address_reply(err, use);
		return false;
	}
	size_t used = arg.n - out->rest.n;
	if (!path_ends(arg, used)) {
		*id = use == ADDRESS_SENDER ? REPLY_SENDER_SYNTAX :
					      REPLY_RECIPIENT_SYNTAX;
		return false;
	}
	out->eight_bit = has_8bit(slice_sub(arg, 0, used));
	return true;
}

/* --- MAIL ----------------------------------------------------------------- */

void server_refuse_mail(struct server_call *c, enum reply_id id, slice detail,
			slice advice)
{
	struct smtp_server *s = c->s;
	invariant(!server_in_transaction(s));
	s->transaction = TRANSACTION_FAILED;
	/* A message that is too big is no fault in the protocol. */
	bool honest = id == REPLY_SIZE || id == REPLY_FAULT;
	server_refuse_with(c, id, detail, advice,
			   s->known && honest ? WEIGHT_JUNK : WEIGHT_ERROR);
	arena_reset(&s->arena);
}

static bool mail_in_order(struct server_call *c)
{
	if (!c->s->helo_done)
		server_refuse(c, REPLY_NEED_HELO);
	else if (server_in_transaction(c->s))
		server_refuse(c, REPLY_NESTED_MAIL);
	else
		return true;
	return false;
}

bool server_mail(struct server_call *c)
{
	struct smtp_server *s = c->s;
	struct err err = { 0 };
	struct path path = { 0 };
	enum reply_id id;
	slice arg = c->arg;
	if (!mail_in_order(c))
		return false;
	server_take_limits(s);
	s->rcpt_commands = s->rcpt_accepted = 0;
	if (!skip_keyword(&arg, SLICE("FROM"))) {
		server_refuse_mail(c, REPLY_SYNTAX, SLICE(""), SLICE(""));
		return false;
	}
	if (!parse_path(c, arg, ADDRESS_SENDER, &path, &id, &err)) {
		server_refuse_mail(c, id, SLICE(""), slice_of(err.text));
		return false;
	}
	if (!server_parameters(c, PARAMETERS_MAIL, path.rest))
		return false;
	if (path.eight_bit && !c->ev->smtputf8) {
		server_refuse_mail(c, REPLY_UTF8_NOT_DECLARED, SLICE(""),
				   SLICE(""));
		return false;
	}
	if (c->ev->declared_size > s->limits->message_size) {
		server_refuse_mail(c, REPLY_SIZE, SLICE(""), SLICE(""));
		return false;
	}
	s->body_type = c->ev->body_type;
	s->smtputf8 = c->ev->smtputf8;
	c->ev->sender = path.address;
	return server_event(c, SMTP_MAIL, AWAITS_MAIL);
}

/* --- RCPT ----------------------------------------------------------------- */

/* A list with some bad addresses must not cost a customer its session. */
void server_refuse_rcpt(struct server_call *c, enum reply_id id, slice detail,
			slice advice)
{
	server_refuse_with(c, id, detail, advice,
			   c->s->known ? WEIGHT_NOTHING : WEIGHT_ERROR);
}

/* Order and number. */
static bool rcpt_in_order(struct server_call *c)
{
	struct smtp_server *s = c->s;
	const struct limits *l = s->limits;
	if (s->transaction == TRANSACTION_NONE) {
		server_refuse(c, s->helo_done ? REPLY_NEED_MAIL :
						REPLY_NEED_HELO);
		return false;
	}
	if (s->transaction == TRANSACTION_BDAT) {
		server_refuse(c, REPLY_BDAT_OPEN);
		return false;
	}
	if (++s->rcpt_commands > l->recipients + l->recipients_overshoot)
		server_end_with(s, c->out, REPLY_TOO_MANY_ERRORS,
				SMTP_CLOSE_RECIPIENTS);
	else if (s->transaction == TRANSACTION_FAILED)
		server_say(c, REPLY_NEED_MAIL);
	else if (s->rcpt_accepted >= l->recipients)
		server_say(c, REPLY_TOO_MANY_RECIPIENTS);
	else
		return true;
	return false;
}

bool server_rcpt(struct server_call *c)
{
	struct err err = { 0 };
	struct path path = { 0 };
	enum reply_id id;
	slice arg = c->arg;
	if (!rcpt_in_order(c))
		return false;
	if (!skip_keyword(&arg, SLICE("TO"))) {
		server_refuse_rcpt(c, REPLY_SYNTAX, SLICE(""), SLICE(""));
		return false;
	}
	if (!parse_path(c, arg, ADDRESS_RECIPIENT, &path, &id, &err)) {
		server_refuse_rcpt(c, id, SLICE(""), slice_of(err.text));
		return false;
	}
	if (!server_parameters(c, PARAMETERS_RCPT, path.rest))
		return false;
	if (path.eight_bit && !c->s->smtputf8) {
		server_refuse_rcpt(c, REPLY_UTF8_NOT_DECLARED, SLICE(""),
				   SLICE(""));
		return false;
	}
	c->ev->recipient.address = path.address;
	return server_event(c, SMTP_RCPT, AWAITS_RCPT);
}
