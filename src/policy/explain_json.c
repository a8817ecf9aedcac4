/* A decision as JSON; see explain.h. */
#include "policy/explain.h"

#include "policy/explain_text.h"

/* A sentence of ours is well below it. */
enum { SENTENCE_MAX = 4096 };

static void member_or_null(struct json *j, const char *key, bool there,
			   slice value)
{
	json_key(j, key);
	if (there)
		json_string(j, value);
	else
		json_null(j);
}

static void member_sentence(struct json *j, const char *key,
			    enum language language, enum explain_row row,
			    const struct explain_values *values)
{
	struct buf text;
	buf_init(&text, SENTENCE_MAX);
	explain_say(&text, language, row, values);
	member_or_null(j, key, !text.failed, buf_slice(&text));
	if (text.failed)
		j->out->failed = true;
	buf_fini(&text);
}

static void reply_member(struct json *j, const struct facts *f,
			 const struct decision *d)
{
	struct buf text;
	buf_init(&text, SENTENCE_MAX);
	explain_reply(&text, f, d);
	json_member_string(j, "reply", buf_slice(&text));
	if (text.failed)
		j->out->failed = true;
	buf_fini(&text);
}

static void sender_member(struct json *j, const struct decision *d)
{
	struct buf text;
	buf_init(&text, SENTENCE_MAX);
	address_write(&text, &d->sender);
	json_member_string(j, "sender", buf_slice(&text));
	if (text.failed)
		j->out->failed = true;
	buf_fini(&text);
}

static void step_object(struct json *j, const struct facts *f,
			const struct decision_step *s)
{
	static const char *const tests[TEST_COUNT] = {
		[TEST_ENABLED] = "enabled", [TEST_TLS] = "tls",
		[TEST_AUTH] = "auth",	    [TEST_ADDRESS] = "address",
		[TEST_SENDER] = "sender",
	};
	enum explain_row row;
	bool known = explain_row_named(s->why, &row);
	invariant(known && s->test < TEST_COUNT);
	struct explain_values values = { .facts = f, .setting = s->setting,
					 .detail = s->detail };
	json_object(j);
	member_or_null(j, "setting", s->setting != NULL,
		       s->setting ? s->setting->key : (slice){ 0 });
	json_member_cstr(j, "test", s->setting ? tests[s->test] : "identity");
	json_member_bool(j, "held", s->held);
	member_sentence(j, "why", LANGUAGE_EN, row, &values);
	member_sentence(j, "why_ja", LANGUAGE_JA, row, &values);
	json_member_cstr(j, "code", s->why);
	json_object_end(j);
}

static void fix_objects(struct json *j, const struct facts *f,
			const struct decision *d)
{
	enum explain_row rows[EXPLAIN_FIXES_MAX];
	uint32_t n = explain_fixes(f, d, rows);
	struct explain_values values = { .facts = f, .setting = d->setting,
					 .detail = d->why_detail };
	json_key(j, "fixes");
	json_array(j);
	for (uint32_t i = 0; i < n; i++) {
		json_object(j);
		json_member_cstr(j, "code", explain_words(rows[i])->name);
		member_sentence(j, "en", LANGUAGE_EN, rows[i], &values);
		member_sentence(j, "ja", LANGUAGE_JA, rows[i], &values);
		json_object_end(j);
	}
	json_array_end(j);
}

static const char *identified_name(enum identified_by by)
{
	switch (by) {
	case BY_NOTHING:
		return "nothing";
	case BY_LOGIN:
		return "login";
	case BY_ADDRESS_AND_SENDER:
		return "address_and_sender";
	case BY_ADDRESS_AND_HELO:
		return "address_and_helo";
	}
	unreachable_state("every way is listed");
}

void explain_json(struct json *j, const struct view *v, const struct facts *f,
		  const struct decision *d, const struct decision_trace *t)
{
	(void)v;
	json_object(j);
	json_member_cstr(j, "verdict",
			 d->reply == REPLY_SENDER_OK ? "accept" : "refuse");
	reply_member(j, f, d);
	member_or_null(j, "customer", d->customer != NULL,
		       d->customer ? d->customer->name : (slice){ 0 });
	member_or_null(j, "setting", d->setting != NULL,
		       d->setting ? d->setting->key : (slice){ 0 });
	json_key(j, "reference");
	json_null(j);
	json_key(j, "steps");
	json_array(j);
	for (uint32_t i = 0; i < t->count; i++)
		step_object(j, f, &t->steps[i]);
	json_array_end(j);
	json_member_bool(j, "steps_cut", t->cut);
	json_member_cstr(j, "identified_by",
			 identified_name(d->identified_by));
	sender_member(j, d);
	json_member_bool(j, "rewritten", d->rewritten);
	member_or_null(j, "user", d->user != NULL,
		       d->user ? d->user->address : (slice){ 0 });
	json_member_bool(j, "single_recipient", d->single_recipient);
	fix_objects(j, f, d);
	json_object_end(j);
}
