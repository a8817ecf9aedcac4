/* A decision in words; see explain.h. The order is that of the console's
 * page: the answer, what was seen, whose mail it is, setting by setting, what
 * else happens, what to do. */
#include "policy/explain.h"

#include "policy/explain_text.h"

struct page {
	struct buf *out;
	enum language language;
	const struct view *v;
	const struct facts *f;
	const struct decision *d;
	const struct decision_trace *t;
};

static struct explain_values values_of(const struct page *p, slice detail)
{
	return (struct explain_values){
		.facts = p->f,
		.setting = p->d->setting,
		.detail = detail,
	};
}

static void say(const struct page *p, enum explain_row row, slice detail)
{
	struct explain_values values = values_of(p, detail);
	explain_say(p->out, p->language, row, &values);
}

static void put(const struct page *p, const char *text)
{
	buf_append(p->out, slice_of(text));
}

static bool accepted(const struct decision *d)
{
	return d->reply == REPLY_SENDER_OK;
}

void explain_reply(struct buf *out, const struct facts *f,
		   const struct decision *d)
{
	const struct reply_row *row = reply_row(d->reply);
	buf_printf(out, "%u %s ", (unsigned)row->code, row->enhanced);
	slice text = slice_of(row->text);
	size_t at = slice_find_slice(text, SLICE("%s"));
	buf_append(out, slice_sub(text, 0, at));
	if (at == text.n)
		return;
	char address[IP_TEXT_MAX];
	buf_append(out, slice_of(ip_addr_text(&f->client, address)));
	buf_append(out, slice_skip(text, at + 2));
}

uint32_t explain_about(const struct decision *d,
		       const struct decision_trace *t)
{
	if (d->customer != NULL)
		return d->customer->id;
	if (d->setting != NULL)
		return d->setting->customer;
	for (uint32_t i = 0; t != NULL && i < t->count; i++)
		if (t->steps[i].setting != NULL)
			return t->steps[i].setting->customer;
	return 0;
}

/* --- the answer and what was seen ----------------------------------------- */
static void sentence_of_why(const struct page *p, const char *why,
			    slice detail)
{
	enum explain_row row;
	if (explain_row_named(why, &row))
		say(p, row, detail);
}

static void answer(const struct page *p)
{
	say(p, accepted(p->d) ? SAY_VERDICT_ACCEPTED : SAY_VERDICT_REFUSED,
	    (slice){ 0 });
	put(p, p->language == LANGUAGE_EN ? " " : "");
	sentence_of_why(p, p->d->why, p->d->why_detail);
	put(p, "\n");
	say(p, SAY_HEAD_REPLY, (slice){ 0 });
	put(p, ": ");
	explain_reply(p->out, p->f, p->d);
	put(p, "\n");
}

static void fact_name(const struct page *p, enum explain_row row)
{
	put(p, "  ");
	say(p, row, (slice){ 0 });
	put(p, ": ");
}

static void sender_text(struct buf *out, const struct address *a)
{
	if (address_is_null(a)) {
		buf_append(out, SLICE("<>"));
		return;
	}
	explain_value(out, a->local, false);
	if (a->domain.n > 0)
		buf_append_char(out, '@');
	explain_value(out, a->domain, false);
}

static const struct user *login_user(const struct page *p)
{
	return p->f->login ? view_user_by_id(p->v, p->f->login->user) : NULL;
}

static void facts(const struct page *p)
{
	char address[IP_TEXT_MAX];
	const struct user *user = login_user(p);
	put(p, "\n");
	say(p, SAY_HEAD_FACTS, (slice){ 0 });
	put(p, "\n");
	fact_name(p, SAY_FACT_ADDRESS);
	put(p, ip_addr_text(&p->f->client, address));
	put(p, "\n");
	fact_name(p, SAY_FACT_TLS);
	say(p, p->f->tls ? SAY_FACT_TLS_YES : SAY_FACT_TLS_NO, (slice){ 0 });
	put(p, "\n");
	fact_name(p, SAY_FACT_LOGIN);
	if (user != NULL)
		explain_value(p->out, user->address, false);
	else
		say(p, SAY_FACT_LOGIN_NONE, (slice){ 0 });
	put(p, "\n");
	fact_name(p, SAY_FACT_HELO);
	explain_value(p->out, p->f->helo, false);
	put(p, "\n");
	fact_name(p, SAY_FACT_SENDER);
	sender_text(p->out, &p->f->sender);
	put(p, "\n");
}

/* --- the steps ------------------------------------------------------------ */
static void step(const struct page *p, const struct decision_step *s)
{
	static const enum explain_row tests[TEST_COUNT] = {
		[TEST_ENABLED] = SAY_TEST_ENABLED,
		[TEST_TLS] = SAY_TEST_TLS,
		[TEST_AUTH] = SAY_TEST_AUTH,
		[TEST_ADDRESS] = SAY_TEST_ADDRESS,
		[TEST_SENDER] = SAY_TEST_SENDER,
	};
	invariant(s->test < TEST_COUNT);
	put(p, s->setting != NULL ? "     " : "   ");
	put(p, s->held ? "✓ " : "✗ ");
	if (s->setting != NULL) {
		say(p, tests[s->test], (slice){ 0 });
		put(p, ": ");
	}
	sentence_of_why(p, s->why, s->detail);
	put(p, "\n");
}

static void whose(const struct page *p)
{
	put(p, "\n");
	say(p, SAY_HEAD_CUSTOMER, (slice){ 0 });
	put(p, "\n   ");
	if (p->d->customer != NULL)
		say(p, SAY_CUSTOMER_IS, p->d->customer->name);
	else
		say(p, SAY_CUSTOMER_NOBODY, (slice){ 0 });
	put(p, "\n");
	for (uint32_t i = 0; i < p->t->count; i++)
		if (p->t->steps[i].setting == NULL)
			step(p, &p->t->steps[i]);
}

static void setting_head(const struct page *p, const struct setting *s)
{
	put(p, "   ");
	put(p, p->language == LANGUAGE_EN ? "\"" : "「");
	explain_value(p->out, s->description.n ? s->description : s->key,
		      false);
	put(p, p->language == LANGUAGE_EN ? "\"" : "」");
	if (s == p->d->setting) {
		put(p, p->language == LANGUAGE_EN ? " (" : "(");
		say(p, accepted(p->d) ? SAY_ACCEPTED_BY_THIS :
					SAY_CAME_CLOSEST, (slice){ 0 });
		put(p, ")");
	}
	put(p, "\n");
}

static bool is_last_setting(const struct page *p, const struct setting *s)
{
	const struct customer *c = view_customer(p->v, s->customer);
	return c == NULL || c->setting_count == 0 ||
	       c->settings[c->setting_count - 1] == s;
}

static void settings(const struct page *p)
{
	const struct setting *last = NULL;
	for (uint32_t i = 0; i < p->t->count; i++) {
		const struct decision_step *s = &p->t->steps[i];
		if (s->setting == NULL)
			continue;
		if (last == NULL) {
			put(p, "\n");
			say(p, SAY_HEAD_SETTINGS, (slice){ 0 });
			put(p, "\n");
		}
		if (s->setting != last)
			setting_head(p, s->setting);
		last = s->setting;
		step(p, s);
	}
	bool more = accepted(p->d) && !is_last_setting(p, p->d->setting);
	if (!more && !p->t->cut)
		return;
	put(p, "   ");
	say(p, p->t->cut ? SAY_STEPS_CUT : SAY_NOT_REACHED, (slice){ 0 });
	put(p, "\n");
}

/* --- what follows --------------------------------------------------------- */
static void item(const struct page *p, enum explain_row row, slice detail)
{
	put(p, "   - ");
	say(p, row, detail);
	put(p, "\n");
}

static void rewritten_item(const struct page *p)
{
	char text[ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX];
	const struct address *a = &p->d->sender;
	invariant(a->local.n + 1 + a->domain.n <= sizeof(text));
	memcpy(text, a->local.p, a->local.n);
	text[a->local.n] = '@';
	memcpy(text + a->local.n + 1, a->domain.p, a->domain.n);
	item(p, SAY_EFFECT_REWRITTEN,
	     (slice){ text, a->local.n + 1 + a->domain.n });
}

static void effects(const struct page *p)
{
	put(p, "\n");
	say(p, SAY_HEAD_EFFECTS, (slice){ 0 });
	put(p, "\n");
	if (p->d->rewritten)
		rewritten_item(p);
	if (p->d->single_recipient)
		item(p, SAY_EFFECT_SINGLE, (slice){ 0 });
	if (p->d->user != NULL)
		item(p, SAY_EFFECT_USER, p->d->user->address);
	else
		item(p, SAY_EFFECT_NO_USER, (slice){ 0 });
}

static void fixes(const struct page *p)
{
	enum explain_row rows[EXPLAIN_FIXES_MAX];
	uint32_t n = explain_fixes(p->f, p->d, rows);
	if (n == 0)
		return;
	put(p, "\n");
	say(p, SAY_HEAD_FIXES, (slice){ 0 });
	put(p, "\n");
	for (uint32_t i = 0; i < n; i++)
		item(p, rows[i], p->d->why_detail);
}

void explain_text(struct buf *out, enum language language,
		  const struct view *v, const struct facts *f,
		  const struct decision *d, const struct decision_trace *t)
{
	struct page p = { out, language, v, f, d, t };
	answer(&p);
	facts(&p);
	whose(&p);
	settings(&p);
	if (accepted(d))
		effects(&p);
	else
		fixes(&p);
}
