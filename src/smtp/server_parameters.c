/*
 * The parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152, 3030),
 * SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461), AUTH (RFC 4954,
 * looked at and ignored). RFC 5321 4.1.2:
 *
 *	esmtp-param   = esmtp-keyword ["=" esmtp-value]
 *	esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 *	esmtp-value   = 1*(%d33-60 / %d62-126)
 */
#include "smtp/server_private.h"
#include "smtp/xtext.h"

enum {
	ENVID_MAX = 100,	/* RFC 3461 4.4, encoded */
	ORCPT_MAX = 500,	/* RFC 3461 4.2, encoded */
	ORCPT_TYPE_MAX = 64,
	KEYWORD_SHOWN_MAX = 64,
};

struct parameter {
	slice name;
	bool has_value;
	/* err says so when it was memory that failed */
	bool (*read)(struct server_call *c, slice value, struct err *err);
};

/* --- MAIL ----------------------------------------------------------------- */

static bool read_size(struct server_call *c, slice value, struct err *err)
{
	(void)err;
	return value.n <= 20 &&
	       slice_u64(value, UINT64_MAX, &c->ev->declared_size);
}

static bool read_body(struct server_call *c, slice value, struct err *err)
{
	(void)err;
	if (slice_eq_fold(value, SLICE("7BIT")))
		c->ev->body_type = BODY_7BIT;
	else if (slice_eq_fold(value, SLICE("8BITMIME")))
		c->ev->body_type = BODY_8BITMIME;
	else if (slice_eq_fold(value, SLICE("BINARYMIME")))
		c->ev->body_type = BODY_BINARYMIME;
	else
		return false;
	return true;
}

static bool read_smtputf8(struct server_call *c, slice value, struct err *err)
{
	(void)err;
	invariant(value.n == 0);
	c->ev->smtputf8 = true;
	return true;
}

static bool read_ret(struct server_call *c, slice value, struct err *err)
{
	(void)err;
	if (slice_eq_fold(value, SLICE("FULL")))
		c->ev->ret = DSN_RET_FULL;
	else if (slice_eq_fold(value, SLICE("HDRS")))
		c->ev->ret = DSN_RET_HDRS;
	else
		return false;
	return true;
}

static bool read_envid(struct server_call *c, slice value, struct err *err)
{
	return value.n <= ENVID_MAX &&
	       xtext_decode(value, false, &c->s->arena, &c->ev->envid,
			    err);
}

/* Sendmail sends it without any login (W10): nobody believes it, but it must
 * be xtext without line ends (21Nails, CVE-2020-28021). */
static bool read_auth(struct server_call *c, slice value, struct err *err)
{
	slice ignored;
	return xtext_decode(value, false, &c->s->arena, &ignored, err);
}

/* --- RCPT ----------------------------------------------------------------- */

static bool notify_bit(slice word, uint8_t *bits)
{
	if (slice_eq_fold(word, SLICE("SUCCESS")))
		*bits |= DSN_SUCCESS;
	else if (slice_eq_fold(word, SLICE("FAILURE")))
		*bits |= DSN_FAILURE;
	else if (slice_eq_fold(word, SLICE("DELAY")))
		*bits |= DSN_DELAY;
	else
		return false;
	return true;
}

static bool read_notify(struct server_call *c, slice value, struct err *err)
{
	(void)err;
	uint8_t *bits = &c->ev->recipient.notify;
	if (slice_eq_fold(value, SLICE("NEVER"))) {
		*bits = DSN_NEVER;
		return true;
	}
	bool more;
	do {
		more = slice_find(value, ',') < value.n;
		if (!notify_bit(slice_cut(&value, ','), bits))
			return false;
	} while (more);
	return true;
}

/* addr-type of ORCPT: an atom (RFC 3461 4.2). */
static bool address_type_fine(slice type)
{
	if (type.n == 0 || type.n > ORCPT_TYPE_MAX)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (!ascii_alnum(type.p[i]) && type.p[i] != '-' &&
		    type.p[i] != '_' && type.p[i] != '.')
			return false;
	return true;
}

/* "type;xtext"; 8-bit only of type utf-8 and with SMTPUTF8 (RFC 6533). */
static bool read_orcpt(struct server_call *c, slice value, struct err *err)
{
	struct arena *arena = &c->s->arena;
	slice type, address, rest = value;
	if (value.n > ORCPT_MAX || slice_find(value, ';') == value.n)
		return false;
	type = slice_cut(&rest, ';');
	bool eight_bit = c->s->smtputf8 && slice_eq_fold(type, SLICE("utf-8"));
	if (!address_type_fine(type) || rest.n == 0 ||
	    !xtext_decode(rest, eight_bit, arena, &address, err))
		return false;
	char *p = arena_alloc(arena, type.n + 1 + address.n);
	if (p == NULL)
		return err_set_memory(err, "read_orcpt");
	memcpy(p, type.p, type.n);
	p[type.n] = ';';
	if (address.n > 0)
		memcpy(p + type.n + 1, address.p, address.n);
	c->ev->recipient.orcpt = (slice){ p, type.n + 1 + address.n };
	return true;
}

/* --- the loop ------------------------------------------------------------- */

static const struct parameter mail_parameters[] = {
	{ { "SIZE", 4 }, true, read_size },
	{ { "BODY", 4 }, true, read_body },
	{ { "SMTPUTF8", 8 }, false, read_smtputf8 },
	{ { "RET", 3 }, true, read_ret },
	{ { "ENVID", 5 }, true, read_envid },
	{ { "AUTH", 4 }, true, read_auth },
};

static const struct parameter rcpt_parameters[] = {
	{ { "NOTIFY", 6 }, true, read_notify },
	{ { "ORCPT", 5 }, true, read_orcpt },
};

static bool keyword_fine(slice keyword)
{
	for (size_t i = 0; i < keyword.n; i++)
		if (!ascii_alnum(keyword.p[i]) &&
		    (keyword.p[i] != '-' || i == 0))
			return false;
	return keyword.n > 0;
}

static void refuse(struct server_call *c, int whose, enum reply_id id,
		   slice keyword)
{
	slice shown = slice_sub(keyword, 0, KEYWORD_SHOWN_MAX);
	if (whose == PARAMETERS_MAIL)
		server_refuse_mail(c, id, shown, SLICE(""));
	else
		server_refuse_rcpt(c, id, shown, SLICE(""));
}

static const struct parameter *find(int whose, slice keyword)
{
	bool mail = whose == PARAMETERS_MAIL;
	const struct parameter *table = mail ? mail_parameters :
					       rcpt_parameters;
	size_t n = mail ? ARRAY_LEN(mail_parameters) :
			  ARRAY_LEN(rcpt_parameters);
	for (size_t i = 0; i < n; i++)
		if (slice_eq_fold(keyword, table[i].name))
			return &table[i];
	return NULL;
}

/* One parameter; `seen` has a bit for each row of the table. */
static bool read_one(struct server_call *c, int whose, slice word,
		     uint32_t *seen)
{
	bool has_value = slice_find(word, '=') < word.n;
	slice value = word;
	slice keyword = slice_cut(&value, '=');
	if (!keyword_fine(keyword)) {
		refuse(c, whose, REPLY_SYNTAX, SLICE(""));
		return false;
	}
	const struct parameter *p = find(whose, keyword);
	if (p == NULL) {
		refuse(c, whose, REPLY_PARAMETER_UNKNOWN, keyword);
		return false;
	}
	const struct parameter *table = whose == PARAMETERS_MAIL ?
		mail_parameters : rcpt_parameters;
	uint32_t bit = 1u << (uint32_t)(p - table);
	struct err err = { 0 };
	if ((*seen & bit) != 0 || has_value != p->has_value ||
	    (has_value && value.n == 0) || !p->read(c, value, &err)) {
		refuse(c, whose, err.kind == ERR_INTERNAL ?
					 REPLY_FAULT : REPLY_PARAMETER_VALUE,
		       keyword);
		return false;
	}
	*seen |= bit;
	return true;
}

bool server_parameters(struct server_call *c, int whose, slice rest)
{
	uint32_t seen = 0;
	for (rest = slice_trim(rest); rest.n > 0; rest = slice_trim(rest)) {
		slice word = slice_cut(&rest, ' ');
		if (!read_one(c, whose, word, &seen))
			return false;
	}
	return true;
}
