/* Causes and owners of refusals; see refusal.h. */
#include "policy/refusal.h"

#include "policy/explain_text.h"
#include "policy/view_private.h"

const char *refusal_cause_key(enum refusal_cause cause)
{
	static const char *const keys[CAUSE_COUNT] = {
#define CAUSE(id, key) [CAUSE_##id] = key,
#include "policy/refusal_cause.def"
#undef CAUSE
	};
	invariant(cause < CAUSE_COUNT);
	return keys[cause];
}

enum refusal_cause refusal_cause_named(slice key)
{
	for (enum refusal_cause c = 0; c < CAUSE_COUNT; c++)
		if (slice_eq(key, slice_of(refusal_cause_key(c))))
			return c;
	return CAUSE_OTHER;
}

/* --- causes ---------------------------------------------------------------- */

/* Rows that say the cause by themselves. */
static const struct {
	enum explain_row why;
	enum refusal_cause cause;
} causes[] = {
	{ SAY_NOBODY_UNLISTED, CAUSE_ADDRESS },
	{ SAY_NOBODY_LOGIN_GONE, CAUSE_CREDENTIALS },
	{ SAY_CUSTOMER_SUSPENDED, CAUSE_SUSPENDED },
	{ SAY_PLAN_WITHOUT_RELAY, CAUSE_PLAN },
	{ SAY_LOGIN_WITHOUT_TLS, CAUSE_TLS },
	{ SAY_LOGIN_USER_SUSPENDED, CAUSE_CREDENTIALS },
	{ SAY_LOGIN_USER_GONE, CAUSE_CREDENTIALS },
	{ SAY_LOGIN_OUT_OF_RANGE, CAUSE_CREDENTIALS },
	{ SAY_NO_SETTING_ON, CAUSE_SETTING },
	{ SAY_TLS_MISSING, CAUSE_TLS },
	{ SAY_TLS_MISSING_FOR_AUTH, CAUSE_TLS },
	{ SAY_AUTH_MISSING, CAUSE_AUTH },
	{ SAY_ADDRESS_NOT_LISTED, CAUSE_ADDRESS },
	{ SAY_ADDRESS_ENTRY_OFF, CAUSE_ADDRESS },
	{ SAY_ADDRESS_ENTRY_INERT, CAUSE_ADDRESS },
	{ SAY_ADDRESS_IN_OTHER_SETTING, CAUSE_ADDRESS },
	{ SAY_SENDER_NULL_UNPROVEN, CAUSE_EMPTY },
	{ SAY_SENDER_FOREIGN, CAUSE_DOMAIN },
	{ SAY_SENDER_DOMAIN_UNVERIFIED, CAUSE_DOMAIN },
	{ SAY_SENDER_FOREIGN_UNPROVEN, CAUSE_FOREIGN },
	{ SAY_SENDER_FOREIGN_LOGIN_DOMAIN, CAUSE_FOREIGN },
	{ SAY_SENDER_UNREGISTERED, CAUSE_USER },
	{ SAY_SENDER_USER_SUSPENDED, CAUSE_USER },
	{ SAY_SENDER_NOT_LOGIN, CAUSE_SENDER },
	{ SAY_SENDER_NOT_BOUND, CAUSE_SENDER },
};

enum refusal_cause refusal_cause_of(const struct facts *f,
				    const struct decision *d)
{
	enum explain_row why;
	if (!explain_row_named(d->why, &why))
		return CAUSE_OTHER;
	/* The address is listed: it is the sender that nobody knows. */
	if (why == SAY_NOBODY_NEITHER)
		return address_is_null(&f->sender) ? CAUSE_EMPTY :
						     CAUSE_DOMAIN;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (causes[i].why == why)
			return causes[i].cause;
	return CAUSE_OTHER;
}

enum refusal_cause refusal_cause_of_reply(enum reply_id id)
{
	switch ((int)id) {
	case REPLY_USER_DAY:
	case REPLY_USER_DAY_DEFER:
		return CAUSE_LIMIT_USER;
	case REPLY_CUSTOMER_DAY:
	case REPLY_CUSTOMER_DAY_DEFER:
		return CAUSE_LIMIT_DAY;
	case REPLY_CUSTOMER_PEAK:
		return CAUSE_LIMIT_PEAK;
	case REPLY_AUTH_FAILED:
		return CAUSE_CREDENTIALS;
	case REPLY_AUTH_NEEDS_TLS:
		return CAUSE_TLS;
	case REPLY_BUSY:
	case REPLY_TLS_BUSY:
	case REPLY_AUTH_BUSY:
		return CAUSE_DOS;
	case REPLY_NO_ROUTE:
		return CAUSE_ROUTE;
	case REPLY_SIZE:
	case REPLY_HEADER_TOO_BIG:
	case REPLY_TWO_FROM:
	case REPLY_MAIL_LOOP:
	case REPLY_BARE_LINE_END:
		return CAUSE_CONTENT;
	default:
		return CAUSE_OTHER;
	}
}

/* --- whom it concerns ------------------------------------------------------ */

struct listed {
	uint32_t customer;
	bool several;
};

static bool note_customer(void *ctx, const struct ip_entry *e)
{
	struct listed *l = ctx;
	l->several = l->several ||
		     (l->customer != 0 && l->customer != e->customer);
	l->customer = e->customer;
	return !l->several;
}

uint32_t refusal_owner(const struct view *v, const struct facts *f)
{
	struct listed l = { 0 };
	view_entries_of(v, &f->client, note_customer, &l);
	if (l.customer != 0 && !l.several)
		return l.customer;
	const struct domain *d =
		address_is_null(&f->sender) ? NULL :
			view_domain_of(v, f->sender.domain);
	return d != NULL ? d->customer : 0;
}

struct entry_wanted {
	uint32_t setting;
	bool login_holds;
	const struct ip_entry *found;
};

static bool look_at_entry(void *ctx, const struct ip_entry *e)
{
	struct entry_wanted *w = ctx;
	if (e->enabled && e->setting == w->setting &&
	    (w->login_holds || !e->inert))
		w->found = e;
	return w->found == NULL;
}

const struct ip_entry *refusal_entry(const struct view *v,
				     const struct setting *s,
				     const struct ip_addr *client,
				     bool login_holds)
{
	struct entry_wanted w = { .setting = s->id,
				  .login_holds = login_holds };
	view_ranges_of(v, client, look_at_entry, &w);
	return w.found;
}

/* --- for people ------------------------------------------------------------ */

static void put_sentence(struct json *j, enum explain_row row,
			 const struct explain_values *values)
{
	enum { SENTENCE_MAX = 65536 };
	struct buf text;
	buf_init(&text, SENTENCE_MAX);
	json_object_begin(j);
	json_member_cstr(j, "code", explain_words(row)->name);
	explain_say(&text, LANGUAGE_EN, row, values);
	json_member_string(j, "en", buf_slice(&text));
	buf_clear(&text);
	explain_say(&text, LANGUAGE_JA, row, values);
	json_member_string(j, "ja", buf_slice(&text));
	json_object_end(j);
	j->out->failed = j->out->failed || text.failed;
	buf_fini(&text);
}

/* Advice that needs the setting's name, without it. */
static enum explain_row unnamed(enum explain_row fix)
{
	return fix == SAY_FIX_LIST_ADDRESS_HERE || fix == SAY_FIX_ENTRY_ON ?
		       SAY_FIX_LIST_ADDRESS : fix;
}

static const char *row_name(slice name)
{
	for (int i = 0; i < SAY_COUNT; i++) {
		const char *known = explain_words((enum explain_row)i)->name;
		if (slice_eq(name, slice_of(known)))
			return known;
	}
	return NULL;
}

void refusal_explain(struct json *j, const struct facts *f,
		     enum reply_id reply, slice why, slice detail,
		     const struct setting *setting, slice hostname)
{
	enum explain_row fixes[EXPLAIN_FIXES_MAX], row;
	struct decision d = { .reply = reply, .why = row_name(why),
			      .why_detail = detail };
	struct explain_values values = { .facts = f, .setting = setting,
					 .detail = detail,
					 .hostname = hostname };
	json_key(j, "why");
	if (explain_row_named(d.why, &row))
		put_sentence(j, row, &values);
	else
		json_put_null(j);
	uint32_t n = explain_fixes(f, &d, fixes);
	json_key(j, "fixes");
	json_array_begin(j);
	for (uint32_t i = 0; i < n; i++)
		put_sentence(j, setting == NULL ? unnamed(fixes[i]) : fixes[i],
			     &values);
	json_array_end(j);
}
