/* The index of the journal and trace; SPEC 11.7. */
#include "unit/admin/index.h"

struct found {
	unsigned rows;
	char first[8192];
};
static bool take(void *ctx, slice row)
{
	struct found *f = ctx;
	if (f->rows++ == 0)
		assert_true(slice_to_cstr(row, f->first, sizeof(f->first)));
	return true;
}
static struct found look(struct place *p, struct search_query q)
{
	struct found f = { 0 };
	struct err err = { 0 };
	if (!search_find(p->search, &q, take, &f, &err))
		fail_msg("%s %s", err.text, err.detail);
	return f;
}

#define ID "0mwtxxxxx00000000001"
#define OTHER "0mwtxxxxx00000000002"
#define REFERENCE "6zqhncdu8lm61nic24mz1d9oa"
static const char accepted[] =
	"{\"at\":\"2026-11-24T04:30:00.000Z\",\"event\":\"accepted\","
	"\"id\":\"" ID "\",\"customer\":7,\"from\":\"Alice@Example.com\","
	"\"original_from\":\"list@foreign.example\","
	"\"session\":\"s1\",\"client\":\"192.0.2.1\",\"size\":217,"
	"\"message_id\":\"<1@x>\",\"recipients\":[\"bob@example.net\","
	"\"Eve@example.org\"],\"position\":100}\n";
static const char deferred[] =
	"{\"at\":\"2026-11-24T04:30:01.000Z\",\"event\":\"delivery\","
	"\"id\":\"" ID "\",\"customer\":7,\"destination\":\"example.net\","
	"\"host\":\"mx.example.net\",\"address\":\"198.51.100.1:25\","
	"\"tls\":\"TLSv1.3\",\"try\":1,\"recipients\":[{\"to\":"
	"\"bob@example.net\",\"state\":\"deferred\",\"code\":450,\"reply\":"
	"\"later\"}],\"next_at\":\"2026-11-24T04:31:01.000Z\",\"position\":200}\n";
static const char delivered[] =
	"{\"at\":\"2026-11-25T00:10:00.000Z\",\"event\":\"delivery\","
	"\"id\":\"" ID "\",\"customer\":7,\"destination\":\"example.net\","
	"\"host\":\"mx.example.net\",\"try\":2,\"recipients\":[{\"to\":"
	"\"bob@example.net\",\"state\":\"delivered\",\"code\":250,\"reply\":"
	"\"ok\"}],\"position\":300}\n";
static const char refused[] =
	"{\"at\":\"2026-11-24T05:00:00.000Z\",\"event\":\"refused\","
	"\"reference\":\"" REFERENCE "\",\"session\":\"s2\",\"client\":"
	"\"2001:db8::1\",\"helo\":\"x\",\"from\":\"eve@wrong.example\","
	"\"reply\":\"SENDER_NOT_ALLOWED\",\"code\":550}\n";
static const char other[] =
	"{\"at\":\"2026-11-24T05:10:00.000Z\",\"event\":\"accepted\","
	"\"id\":\"" OTHER "\",\"customer\":8,\"from\":\"alice@example.com\","
	"\"session\":\"s3\",\"client\":\"192.0.2.1\",\"size\":1,"
	"\"message_id\":\"<2@x>\",\"recipients\":[\"bob@example.net\"],"
	"\"position\":150}\n";

static void write_all(struct place *p)
{
	write_lines(p, "2026112404", accepted);
	write_lines(p, "2026112404", deferred);
	write_lines(p, "2026112405", refused);
	write_lines(p, "2026112405", "no json\n\n{}\n{\"at\":1}\n");
	write_lines(p, "2026112405", other);
	write_lines(p, "2026112500", delivered);
}

static void s11_7_a_message_from_connection_to_final_reply(void **state)
{
	struct place *p = *state;
	write_all(p);
	index_all(p, 2);
	struct found f = look(p, (struct search_query){ .id = SLICE(ID) });
	assert_int_equal(f.rows, 1);
	static const char *const parts[] = {
		"\"id\":\"" ID "\"", "\"session\":\"s1\"", "\"customer\":7",
		"\"from\":\"Alice@Example.com\"", "\"size\":217",
		"\"accepted_at\":\"2026-11-24T04:30:00.000Z\"",
		"{\"to\":\"bob@example.net\",\"state\":\"delivered\","
		"\"destination\":\"example.net\",\"tries\":2,\"next_at\":null,"
		"\"reply\":\"250 ok\"}",
		"{\"to\":\"Eve@example.org\",\"state\":\"waiting\","
		"\"destination\":null,\"tries\":0,"
		"\"next_at\":\"2026-11-24T04:30:00.000Z\","
		"\"reply\":null}",
		"{\"at\":\"2026-11-24T04:30:01.000Z\",\"event\":\"delivery\","
		"\"host\":\"mx.example.net\",\"address\":\"198.51.100.1:25\","
		"\"tls\":\"TLSv1.3\",\"reply\":\"450 later\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strstr(f.first, parts[i]) == NULL)
			fail_msg("no %s in %s", parts[i], f.first);
}

/* The same message, hour by hour: when its first recipient is tried next. */
static void d8_when_it_is_tried_next(void **state)
{
	struct place *p = *state;
#define ACT(at, event) "{\"at\":\"" at "\",\"event\":\"queue." event \
	"\",\"id\":\"" ID "\",\"customer\":7,\"recipients\":1}\n"
	static const struct {
		const char *hour, *lines, *next_at;
	} steps[] = {
		{ "2026112404", accepted, "\"2026-11-24T04:30:00.000Z\"" },
		{ "2026112405", deferred, "\"2026-11-24T04:31:01.000Z\"" },
		{ "2026112406", ACT("2026-11-24T06:00:00.000Z", "held"),
		  "null" },
		{ "2026112407", ACT("2026-11-24T07:00:00.000Z", "released"),
		  "\"2026-11-24T07:00:00.000Z\"" },
		{ "2026112408", ACT("2026-11-24T08:00:00.000Z", "retried"),
		  "\"2026-11-24T08:00:00.000Z\"" },
		{ "2026112500", delivered, "null" },
	};
#undef ACT
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		char want[100];
		write_lines(p, steps[i].hour, steps[i].lines);
		index_all(p, 2);
		struct found f =
			look(p, (struct search_query){ .id = SLICE(ID) });
		snprintf(want, sizeof(want), "\"next_at\":%s",
			 steps[i].next_at);
		const char *first = strstr(f.first, "\"next_at\"");
		assert_non_null(first);
		if (strncmp(first, want, strlen(want)) != 0)
			fail_msg("step %zu: %.60s", i, first);
	}
}

static void s11_7_found_by_everything(void **state)
{
	struct place *p = *state;
	write_all(p);
	index_all(p, 100);
	static const struct {
		struct search_query query;
		unsigned rows;
		const char *first;
	} cases[] = {
		{ { .from = SLICE("alice@example.com") }, 2, OTHER },
		{ { .from = SLICE("ALICE@example.com") }, 2, OTHER },
		{ { .from = SLICE("list@foreign.example") }, 1, ID },
		{ { .to = SLICE("eve@example.org") }, 1, ID },
		{ { .to = SLICE("bob@example.net") }, 2, OTHER },
		{ { .to = SLICE("alice@example.com") }, 0, NULL },
		{ { .message_id = SLICE("<1@x>") }, 1, ID },
		{ { .message_id = SLICE("1@x") }, 1, ID },
		{ { .client_ip = SLICE("192.0.2.1") }, 2, OTHER },
		{ { .client_ip = SLICE("2001:db8::1") }, 1, REFERENCE },
		{ { .reference = SLICE(REFERENCE) }, 1, "eve@wrong.example" },
		{ { .id = SLICE("s2") }, 1, "550 SENDER_NOT_ALLOWED" },
		{ { .id = SLICE("s1") }, 1, ID },
		{ { .from = SLICE("alice@example.com"), .customer = 7 }, 1,
		  ID },
		{ { .from = SLICE("alice@example.com"), .limit = 1 }, 1,
		  OTHER },
		{ { .id = SLICE("00000000000000000000") }, 0, NULL },
		{ { .from = SLICE("' OR 1=1 --") }, 0, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct found f = look(p, cases[i].query);
		if (f.rows != cases[i].rows)
			fail_msg("case %zu: %u rows, not %u", i, f.rows,
				 cases[i].rows);
		if (f.rows > 0 && strstr(f.first, cases[i].first) == NULL)
			fail_msg("case %zu: %s", i, f.first);
	}
}

/* A client that both customers list, in one session. */
static void s12_3_a_session_of_two_customers(void **state)
{
	static const char lines[] =
		"{\"at\":\"2026-11-24T04:30:00.000Z\",\"event\":"
		"\"legacy_tls\",\"session\":\"s9\",\"customer\":7,"
		"\"client\":\"192.0.2.9\"}\n"
		"{\"at\":\"2026-11-24T04:30:01.000Z\",\"event\":\"refused\","
		"\"reference\":\"" REFERENCE "\",\"session\":\"s9\","
		"\"customer\":8,\"client\":\"192.0.2.9\","
		"\"from\":\"secret@eight.example\",\"code\":550}\n";
	static const char *const ids[] = { "s9", "" };
	struct place *p = *state;
	write_lines(p, "2026112404", lines);
	index_all(p, 100);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct search_query q = { .customer = 7 };
		if (*ids[i])
			q.id = slice_of(ids[i]);
		else
			q.client_ip = SLICE("192.0.2.9");
		struct found f = look(p, q);
		assert_int_equal(f.rows, 1);
		assert_non_null(strstr(f.first, "legacy_tls"));
		assert_null(strstr(f.first, "eight.example"));
	}
}

static void indexing_goes_on_where_it_ended(void **state)
{
	struct place *p = *state;
	write_lines(p, "2026112404", accepted);
	index_all(p, 1);
	search_close(&p->search);
	write_lines(p, "2026112404", deferred);
	index_all(p, 1);
	struct found f = look(p, (struct search_query){ .id = SLICE(ID) });
	assert_int_equal(f.rows, 1);
	char *again = strstr(f.first, "\"event\":\"accepted\"");
	assert_non_null(again);
	assert_null(strstr(again + 1, "\"event\":\"accepted\""));
	assert_int_equal(search_indexed_ms(p->search), 1795494601000);
}

/* After a crash recovery tells frames again: same position, same event. */
static void s11_7_what_is_told_twice_is_shown_once(void **state)
{
	struct place *p = *state;
	write_lines(p, "2026112404", accepted);
	write_lines(p, "2026112404", accepted);
	index_all(p, 100);
	struct found f = look(p, (struct search_query){ .id = SLICE(ID) });
	char *again = strstr(f.first, "\"event\":\"accepted\"");
	assert_null(strstr(again + 1, "\"event\":\"accepted\""));
}

static void a_broken_index_is_made_again(void **state)
{
	struct place *p = *state;
	char path[160];
	write_all(p);
	index_all(p, 100);
	search_close(&p->search);
	snprintf(path, sizeof(path), "%s/20261125.db", p->index);
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "this is no database, but long enough to "
			       "be looked at as one", 60), 60);
	close(fd);
	index_all(p, 100);
	struct found f = look(p, (struct search_query){ .id = SLICE(ID) });
	assert_int_equal(f.rows, 1);
	assert_non_null(strstr(f.first, "250 ok"));
}

static void days_without_a_journal_are_forgotten(void **state)
{
	struct place *p = *state;
	char command[256];
	write_all(p);
	index_all(p, 100);
	search_close(&p->search);
	snprintf(command, sizeof(command), "rm %s/20261124*", p->journal);
	assert_int_equal(system(command), 0);
	write_lines(p, "2026112501", other);
	index_all(p, 100);
	snprintf(command, sizeof(command), "%s/20261124.db", p->index);
	assert_int_not_equal(access(command, F_OK), 0);
}

static void cut_and_changed_lines_do_no_harm(void **state)
{
	struct place *p = *state;
	char line[sizeof(accepted) + 2];
	for (size_t n = 1; n < sizeof(accepted) - 1; n += 3) {
		memcpy(line, accepted, n);
		line[n] = '\n';
		line[n + 1] = '\0';
		write_lines(p, "2026112404", line);
	}
	for (size_t i = 0; i < sizeof(accepted) - 2; i += 5) {
		memcpy(line, accepted, sizeof(accepted));
		line[i] = "\"{[0\xff"[i % 5];
		write_lines(p, "2026112405", line);
	}
	write_lines(p, "2026112406", deferred);
	index_all(p, 50);
	struct found f = look(p, (struct search_query){ .id = SLICE(ID) });
	assert_int_equal(f.rows, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(s11_7_a_message_from_connection_to_final_reply),
		TEST(d8_when_it_is_tried_next),
		TEST(s11_7_found_by_everything),
		TEST(s12_3_a_session_of_two_customers),
		TEST(indexing_goes_on_where_it_ended),
		TEST(s11_7_what_is_told_twice_is_shown_once),
		TEST(a_broken_index_is_made_again),
		TEST(days_without_a_journal_are_forgotten),
		TEST(cut_and_changed_lines_do_no_harm),
	};
	return cmocka_run_group_tests_name("admin/search", tests, NULL, NULL);
}
