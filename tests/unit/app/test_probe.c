/* What probe says about replies: every refusal of ours has words of its own. */
#include "unit/unit.h"

#include "app/probe.h"

struct ours {
	unsigned code;
	const char *enhanced, *text;
};
static const struct ours OURS[] = {
#define REPLY(id, code, enhanced, text) { code, enhanced, text },
#include "mail/reply.def"
#undef REPLY
};

static void s14_every_refusal_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(OURS); i++) {
		const struct text *t = probe_explain(
			OURS[i].code, slice_of(OURS[i].enhanced),
			slice_of(OURS[i].text));
		assert_int_equal(t != NULL, OURS[i].code >= 400);
		if (t == NULL)
			continue;
		assert_string_not_equal(t->en, t->ja);
		assert_true(utf8_valid(slice_of(t->ja)));
		/* Words of relaying are not left to the general rows. */
		if (OURS[i].code == 550 &&
		    strcmp(OURS[i].enhanced, "5.7.1") == 0)
			assert_ptr_not_equal(
				t, probe_explain(599, SLICE(""), SLICE("")));
	}
	for (unsigned code = 400; code < 600; code++)
		assert_non_null(probe_explain(code, SLICE(""), SLICE("")));
	assert_null(probe_explain(250, SLICE("2.0.0"), SLICE("OK")));
}

static void the_table_is_read_from_the_front(void **state)
{
	(void)state;
	static const struct {
		unsigned code;
		const char *enhanced, *words, *part;
	} cases[] = {
		{ 530, "5.7.0", "Must issue a STARTTLS command first",
		  "--starttls" },
		{ 530, "5.7.0", "Authentication required", "--auth" },
		{ 550, "5.7.1", "Mail relay denied [192.0.2.1]", "ip add" },
		{ 550, "5.7.1", "Daily SMTP relay limit exceeded for customer",
		  "limits show" },
		{ 450, "4.2.1", "Peak SMTP relay limit exceeded for customer",
		  "10 minutes" },
		{ 550, "5.4.4", "No route", "delivery.routes" },
		{ 450, "4.2.0", "greylisted", "tries again later" },
		{ 571, "", "go away", "refused for good" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct text *t = probe_explain(
			cases[i].code, slice_of(cases[i].enhanced),
			slice_of(cases[i].words));
		assert_non_null(t);
		assert_non_null(strstr(t->en, cases[i].part));
	}
}

static void references_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *words, *found;
	} cases[] = {
		{ "Accepted 0mb1zq2k300abcdefghi", "0mb1zq2k300abcdefghi" },
		{ "with SMTP AUTH. [7rv4e4041sc5y3hdelmhwoga5]",
		  "7rv4e4041sc5y3hdelmhwoga5" },
		{ "internationalization is late", "" },
		{ "queued as 4FzX1y", "" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_slice_eq(probe_reference(slice_of(cases[i].words)),
				cases[i].found);
}

static void every_text_is_there_twice(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROBE_TEXT_COUNT; i++) {
		const struct text *t = probe_text(i);
		assert_string_not_equal(t->en, t->ja);
		for (char n = '0'; n < '3'; n++) {
			char place[] = { '{', n, '}', '\0' };
			assert_int_equal(strstr(t->en, place) == NULL,
					 strstr(t->ja, place) == NULL);
		}
	}
	assert_non_null(probe_extension(SLICE("starttls")));
	assert_null(probe_extension(SLICE("X-ODD")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s14_every_refusal_is_explained),
		cmocka_unit_test(the_table_is_read_from_the_front),
		cmocka_unit_test(references_are_found),
		cmocka_unit_test(every_text_is_there_twice),
	};
	return cmocka_run_group_tests_name("app/probe", tests, NULL, NULL);
}
