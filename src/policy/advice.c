/*
 * What to do about a refusal (SPEC 4.2, 4.3): which sentences fit, for the
 * reply on the wire and for people. The decisive condition says what was
 * wrong; from it follows what helps, the easiest first.
 */
#include "policy/explain_text.h"

struct fixes {
	enum explain_row *rows;
	uint32_t n;
};

static void add(struct fixes *fixes, enum explain_row row)
{
	if (fixes->n < EXPLAIN_FIXES_MAX)
		fixes->rows[fixes->n++] = row;
}

/* AUTH, or the server's own name; a generic name is named as such. */
static void add_proof(struct fixes *fixes, const struct facts *f,
		      enum explain_row row)
{
	add(fixes, row);
	if (policy_helo_generic(f->helo, (slice){ 0 }))
		add(fixes, SAY_FIX_HELO_GENERIC);
}

static void fix_tls(struct fixes *fixes, enum explain_row why)
{
	if (why == SAY_TLS_MISSING_FOR_AUTH) {
		add(fixes, SAY_FIX_STARTTLS_AND_AUTH);
		return;
	}
	add(fixes, SAY_FIX_STARTTLS);
	add(fixes, SAY_FIX_WITHOUT_TLS);
}

static void fix_auth(struct fixes *fixes, enum explain_row why)
{
	switch ((int)why) {
	case SAY_LOGIN_OUT_OF_RANGE:
		add(fixes, SAY_FIX_RANGE);
		break;
	case SAY_LOGIN_USER_SUSPENDED:
		add(fixes, SAY_FIX_USER);
		break;
	case SAY_LOGIN_USER_GONE:
		add(fixes, SAY_FIX_OTHER_LOGIN);
		break;
	default:
		add(fixes, SAY_FIX_AUTH);
		break;
	}
}

static void fix_denied(struct fixes *fixes, const struct facts *f,
		       enum explain_row why)
{
	switch ((int)why) {
	case SAY_NO_SETTING_ON:
		add(fixes, SAY_FIX_SETTING_ON);
		break;
	case SAY_ADDRESS_ENTRY_OFF:
		add(fixes, SAY_FIX_ENTRY_ON);
		break;
	case SAY_ADDRESS_ENTRY_INERT:
		add(fixes, SAY_FIX_ENTRY_SHARING);
		break;
	case SAY_ADDRESS_NOT_LISTED:
	case SAY_ADDRESS_IN_OTHER_SETTING:
		add(fixes, SAY_FIX_LIST_ADDRESS_HERE);
		break;
	case SAY_NOBODY_LOGIN_GONE:
		add(fixes, SAY_FIX_OTHER_LOGIN);
		break;
	case SAY_NOBODY_NEITHER:
		add_proof(fixes, f, SAY_FIX_NAME_YOURSELF);
		break;
	default:
		add(fixes, SAY_FIX_LIST_ADDRESS);
		break;
	}
}

static void fix_sender(struct fixes *fixes, const struct facts *f,
		       enum explain_row why)
{
	switch ((int)why) {
	case SAY_SENDER_NULL_UNPROVEN:
	case SAY_SENDER_FOREIGN_UNPROVEN:
		add_proof(fixes, f, SAY_FIX_PROVE);
		break;
	case SAY_SENDER_UNREGISTERED:
		add(fixes, SAY_FIX_REGISTER_USER);
		break;
	case SAY_SENDER_USER_SUSPENDED:
		add(fixes, SAY_FIX_USER);
		break;
	case SAY_SENDER_DOMAIN_UNVERIFIED:
		add(fixes, SAY_FIX_VERIFY_DOMAIN);
		break;
	case SAY_SENDER_NOT_LOGIN:
		add(fixes, SAY_FIX_MATCH_LOGIN);
		break;
	case SAY_SENDER_NOT_BOUND:
		add(fixes, SAY_FIX_BOUND);
		break;
	default:
		add(fixes, SAY_FIX_OWN_SENDER);
		break;
	}
}

uint32_t explain_fixes(const struct facts *f, const struct decision *d,
		       enum explain_row out[EXPLAIN_FIXES_MAX])
{
	struct fixes fixes = { out, 0 };
	enum explain_row why;
	if (!explain_row_named(d->why, &why))
		return 0;
	switch ((int)d->reply) {
	case REPLY_SENDER_OK:
		break;
	case REPLY_TLS_REQUIRED:
		fix_tls(&fixes, why);
		break;
	case REPLY_AUTH_REQUIRED:
		fix_auth(&fixes, why);
		break;
	case REPLY_CUSTOMER_SUSPENDED:
		add(&fixes, SAY_FIX_SUSPENDED);
		break;
	case REPLY_PLAN_WITHOUT_RELAY:
		add(&fixes, SAY_FIX_PLAN);
		break;
	case REPLY_SENDER_NOT_ALLOWED:
		fix_sender(&fixes, f, why);
		break;
	default:
		fix_denied(&fixes, f, why);
		break;
	}
	return fixes.n;
}

/* --- on the wire ---------------------------------------------------------- */

/* One line, cut where it would be too long. */
static void line(struct buf *out, enum explain_row row,
		 const struct explain_values *values, bool first)
{
	if (!first)
		buf_append_char(out, '\n');
	size_t from = out->n;
	explain_say(out, LANGUAGE_EN, row, values);
	if (!out->failed && out->n - from > POLICY_ADVICE_LINE_MAX)
		out->n = from + POLICY_ADVICE_LINE_MAX;
}

void policy_advice(const struct facts *f, const struct decision *d,
		   slice hostname, struct buf *out)
{
	enum explain_row why, fixes[EXPLAIN_FIXES_MAX];
	uint32_t n = explain_fixes(f, d, fixes);
	if (n == 0 || !explain_row_named(d->why, &why))
		return;
	bool closest = d->customer != NULL && d->setting != NULL &&
		       d->setting->key.n > 0;
	struct explain_values values = {
		.facts = f,
		.setting = closest ? d->setting : NULL,
		.detail = d->why_detail,
		.hostname = hostname,
		.reply = true,
	};
	line(out, closest ? SAY_SEEN_CLOSEST : SAY_SEEN, &values, true);
	line(out, why, &values, false);
	line(out, fixes[n > 1 && fixes[1] == SAY_FIX_HELO_GENERIC ? 1 : 0],
	     &values, false);
}
