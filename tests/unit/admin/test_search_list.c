/* Lists of messages and refusals, and what is counted: SPEC 11.7, 12.1. */
#include "unit/admin/index.h"

#include "admin/search_private.h"

/* Ids that name their time: 2026-11-24T04:30:00.000Z and 23:59:59.900Z. */
static const char *id_at(int64_t ms, unsigned n, char to[ID_TEXT_MAX])
{
	return id_text(id_make(ms, n), to);
}

static const int64_t DAY = 1795478400000;	/* 2026-11-24 */
enum { MINUTE = 60000, HOUR = 3600000 };

/* A line of the journal, into the file of its hour. */
static void say(struct place *p, int64_t at, const char *event,
		const char *more)
{
	char when[TIME_TEXT_MAX], file[16], line[8192];
	time_text_ms(at, when);
	snprintf(file, sizeof(file), "%.4s%.2s%.2s%.2s", when, when + 5,
		 when + 8, when + 11);
	snprintf(line, sizeof(line), "{\"at\":\"%s\",\"event\":\"%s\",%s}\n",
		 when, event, more);
	write_lines(p, file, line);
}

static void accept(struct place *p, int64_t at, unsigned n, unsigned customer,
		   const char *from, const char *recipients, unsigned position)
{
	char id[ID_TEXT_MAX], more[4096];
	snprintf(more, sizeof(more), "\"id\":\"%s\",\"customer\":%u,"
		 "\"setting\":9,\"from\":\"%s\",\"client\":\"11.0.0.1\","
		 "\"message_id\":\"<%u@x>\",\"recipients\":[%s],"
		 "\"position\":%u", id_at(at, n, id), customer, from, n,
		 recipients, position);
	say(p, at, "accepted", more);
}

static void attempt(struct place *p, int64_t at, int64_t accepted, unsigned n,
		    unsigned customer, const char *results, unsigned position)
{
	char id[ID_TEXT_MAX], more[4096];
	snprintf(more, sizeof(more), "\"id\":\"%s\",\"customer\":%u,"
		 "\"recipients\":[%s],\"position\":%u",
		 id_at(accepted, n, id), customer, results, position);
	say(p, at, "delivery", more);
}

#define DELIVERED(to) \
	"{\"to\":\"" to "\",\"state\":\"delivered\",\"code\":250," \
	"\"reply\":\"ok\"}"
#define DEFERRED(to) \
	"{\"to\":\"" to "\",\"state\":\"deferred\",\"code\":450," \
	"\"reply\":\"later\"}"
#define FAILED(to) \
	"{\"to\":\"" to "\",\"state\":\"failed\",\"code\":550," \
	"\"reply\":\"no\"}"

/* --- asking ---------------------------------------------------------------- */

struct got {
	unsigned rows;
	char what[20000];		/* "delivered 1@x;" newest first */
	char reply[200];
	uint64_t count, times;
	bool more;
	struct search_cursor next;
};

static void take(void *ctx, const struct search_row *row)
{
	struct got *g = ctx;
	size_t n = strlen(g->what), at;
	slice id = row->line;
	at = slice_find_slice(id, SLICE("\"message_id\":\"<"));
	id = slice_skip(id, at + 15);
	id = slice_sub(id, 0, slice_find(id, '@'));
	g->rows++;
	snprintf(g->reply, sizeof(g->reply), "%.*s", SLICE_ARG(row->reply));
	if (row->is_refusal) {
		g->times = row->times;
		snprintf(g->what + n, sizeof(g->what) - n, "%.*s;",
			 SLICE_ARG(row->cause));
	} else {
		snprintf(g->what + n, sizeof(g->what) - n, "%s %.*s;",
			 search_state_name(search_row_state(row)),
			 SLICE_ARG(id));
	}
}

static struct got list_as(struct place *p, struct search_filter f,
			  bool (*sees)(void *, slice))
{
	struct got g = { 0 };
	struct search_list *l;
	struct err err = { 0 };
	bool done = false;
	if (f.of == 0)
		f.of = LIST_MESSAGES;
	if (f.limit == 0)
		f.limit = 50;
	if (!search_list_new(p->search, &f, sees, take, &g, &l, &err))
		fail_msg("%s %s", err.text, err.detail);
	for (int i = 0; !done && i < 10000; i++)
		if (!search_list_step(l, &done, &err))
			fail_msg("%s %s", err.text, err.detail);
	g.count = search_list_count(l);
	g.more = search_list_next(l, &g.next);
	search_list_free(&l);
	return g;
}

static struct got list(struct place *p, struct search_filter f)
{
	return list_as(p, f, NULL);
}

/* Number of what in the slots of this width that begin in [from, until). */
static uint64_t counted(struct place *p, uint32_t customer, uint32_t step_s,
			int64_t from_ms, int64_t until_ms, const char *what)
{
	struct search_days days;
	struct err err;
	uint64_t sum = 0;
	assert_true(search_days(p->search, &days, &err));
	for (size_t i = 0; i < days.count; i++) {
		struct store *d;
		assert_true(search_day_look(p->search, days.days[i], &d,
					    &err));
		struct sql q = sql_of(d, "SELECT sum(number) FROM counts "
					 "WHERE customer = ? AND step = ? AND "
					 "slot >= ? AND slot < ? AND "
					 "what = ?");
		sql_u64(&q, customer);
		sql_u64(&q, step_s);
		sql_i64(&q, from_ms / 1000);
		sql_i64(&q, until_ms / 1000);
		sql_text(&q, slice_of(what));
		sum += sql_number(&q, 0);
		store_close(&d);
	}
	return sum;
}

static uint64_t all(struct place *p, const char *what)
{
	return counted(p, 7, 3600, DAY, DAY + 48 * (int64_t)HOUR, what);
}

/* --- a day of mail --------------------------------------------------------- */

static void write_day(struct place *p)
{
	int64_t at = DAY + 4 * HOUR;
	accept(p, at, 1, 7, "Alice@seven.test", "\"bob@far.test\"", 100);
	accept(p, at + 1, 2, 7, "carol@seven.test",
	       "\"bob@far.test\",\"eve@other.test\"", 101);
	attempt(p, at + 500, at, 1, 7, DELIVERED("bob@far.test"), 102);
	attempt(p, at + 600, at + 1, 2, 7, DELIVERED("bob@far.test"), 103);
	attempt(p, at + 700, at + 1, 2, 7, DEFERRED("eve@other.test"), 104);
	accept(p, at + MINUTE, 3, 8, "x@eight.test", "\"bob@far.test\"", 105);
	accept(p, at + 2 * MINUTE, 4, 7, "Alice@seven.test",
	       "\"zoe@far.test\"", 106);
	attempt(p, at + 3 * MINUTE, at + 2 * MINUTE, 4, 7,
		FAILED("zoe@far.test"), 107);
	accept(p, at + 6 * MINUTE, 5, 7, "carol@seven.test",
	       "\"zoe@far.test\"", 108);
	for (int i = 0; i < 3; i++)
		say(p, at + 7 * MINUTE + i, "refused",
		    "\"reference\":\"6zqhncdu8lm61nic24mz1d9oa\","
		    "\"client\":\"11.0.0.2\",\"owner\":7,\"from\":"
		    "\"dan@seven.test\",\"cause\":\"address\"");
	say(p, at + 8 * MINUTE, "refused",
	    "\"customer\":7,\"client\":\"11.0.0.1\",\"from\":"
	    "\"carol@seven.test\",\"cause\":\"limit_peak\","
	    "\"recipients\":40,\"goes_on\":true");
}

static void s12_1_messages_newest_first(void **state)
{
	struct place *p = *state;
	write_day(p);
	index_all(p, 3);
	struct got g = list(p, (struct search_filter){ .customer = 7 });
	assert_string_equal(g.what, "waiting 5;failed 4;deferred 2;"
			    "delivered 1;");
	assert_int_equal(g.count, 4);
	assert_false(g.more);
	g = list(p, (struct search_filter){ .limit = 2 });
	assert_string_equal(g.what, "waiting 5;failed 4;");
	assert_int_equal(g.count, 5);
	assert_true(g.more);
	g = list(p, (struct search_filter){ .limit = 2, .after = g.next });
	assert_string_equal(g.what, "waiting 3;deferred 2;");
	assert_true(g.more);
	g = list(p, (struct search_filter){ .limit = 2, .after = g.next });
	assert_string_equal(g.what, "delivered 1;");
	assert_string_equal(g.reply, "250 ok");
	assert_false(g.more);
}

static void s12_1_filters(void **state)
{
	struct place *p = *state;
	write_day(p);
	index_all(p, 100);
	static const struct {
		struct search_filter f;
		const char *want;
	} cases[] = {
		{ { .text = SLICE("alice@SEVEN.test") },
		  "failed 4;delivered 1;" },
		{ { .text = SLICE("bob@far.test") },
		  "deferred 2;delivered 1;" },
		{ { .text = SLICE("far.test") },
		  "waiting 5;failed 4;deferred 2;delivered 1;" },
		{ { .text = SLICE("@other.test") }, "deferred 2;" },
		{ { .text = SLICE(" <4@x> ") }, "failed 4;" },
		{ { .text = SLICE("11.0.0.1"), .state = STATE_FAILED },
		  "failed 4;" },
		{ { .text = SLICE("8.8.8.8") }, "" },
		{ { .text = SLICE("no such word") }, "" },
		{ { .text = SLICE("x@eight.test") }, "" },
		{ { .from = SLICE("carol@seven.test"),
		    .to = SLICE("bob@far.test") }, "deferred 2;" },
		{ { .destination = SLICE("other.test") }, "deferred 2;" },
		{ { .state = STATE_DELIVERED }, "deferred 2;delivered 1;" },
		{ { .state = STATE_DEFERRED }, "deferred 2;" },
		{ { .state = STATE_WAITING }, "waiting 5;" },
		{ { .state = STATE_HELD }, "" },
		{ { .setting = 9, .state = STATE_FAILED }, "failed 4;" },
		{ { .setting = 8 }, "" },
		{ { .since_ms = 1795478400000 + 4 * HOUR + MINUTE },
		  "waiting 5;failed 4;" },
		{ { .until_ms = 1795478400000 + 4 * HOUR + 1 },
		  "delivered 1;" },
		{ { .of = LIST_REFUSALS }, "address;address;address;" },
		{ { .of = LIST_REFUSALS, .client = SLICE("11.0.0.1") }, "" },
		{ { .of = LIST_REFUSALS, .cause = SLICE("tls") }, "" },
		{ { .of = LIST_REFUSALS | LIST_MESSAGES, .limit = 4 },
		  "address;address;address;waiting 5;" },
		{ { .of = LIST_REFUSALS | LIST_MESSAGES,
		    .text = SLICE("dan@seven.test") },
		  "address;address;address;" },
		{ { .of = LIST_REFUSALS,
		    .text = SLICE("6zqhncdu8lm61nic24mz1d9oa") },
		  "address;address;address;" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct search_filter f = cases[i].f;
		f.customer = 7;
		struct got g = list(p, f);
		if (strcmp(g.what, cases[i].want) != 0)
			fail_msg("case %zu: %s", i, g.what);
	}
}

static bool only_carol(void *ctx, slice sender)
{
	(void)ctx;
	return slice_eq(sender, SLICE("carol@seven.test"));
}

static void s12_3_who_sees_some_senders_counts_only_those(void **state)
{
	struct place *p = *state;
	write_day(p);
	index_all(p, 100);
	struct got g = list_as(p, (struct search_filter){ .limit = 1 },
			       only_carol);
	assert_string_equal(g.what, "waiting 5;");
	assert_int_equal(g.count, 2);
	assert_true(g.more);
	g = list_as(p, (struct search_filter){ .limit = 1, .after = g.next },
		    only_carol);
	assert_string_equal(g.what, "deferred 2;");
	assert_false(g.more);
}

static void s12_1_counts_are_what_the_lines_say(void **state)
{
	static const struct {
		const char *what;
		uint64_t number;
	} cases[] = {
		{ "accepted", 5 }, { "delivered", 2 }, { "deferred", 1 },
		{ "failed", 1 }, { "refused", 43 }, { "refused:address", 3 },
		{ "refused:limit_peak", 40 }, { "took:2", 1 }, { "took:3", 1 },
		{ "took:0", 0 },
	};
	struct place *p = *state;
	write_day(p);
	index_all(p, 2);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (all(p, cases[i].what) != cases[i].number)
			fail_msg("%s: %llu", cases[i].what,
				 (unsigned long long)all(p, cases[i].what));
	/* By five minutes, and of all customers. */
	int64_t at = DAY + 4 * HOUR;
	assert_int_equal(counted(p, 7, 300, at, at + 5 * MINUTE, "accepted"),
			 4);
	assert_int_equal(counted(p, 0, 300, at, at + 5 * MINUTE, "accepted"),
			 5);
	assert_int_equal(counted(p, 0, 3600, at, at + HOUR, "accepted"), 6);
	struct got g = list(p, (struct search_filter){ .of = LIST_REFUSALS,
						       .limit = 1 });
	assert_int_equal(g.times, 3);
}

/* --- over days, twice, anew ------------------------------------------------ */

static void write_midnight(struct place *p)
{
	int64_t at = DAY + 24 * (int64_t)HOUR - 100;
	accept(p, at, 1, 7, "a@seven.test", "\"b@far.test\",\"c@far.test\"",
	       500);
	attempt(p, at + 50, at, 1, 7, DEFERRED("b@far.test"), 501);
	attempt(p, at + HOUR, at, 1, 7, DELIVERED("b@far.test"), 502);
	char more[200], id[ID_TEXT_MAX];
	snprintf(more, sizeof(more), "\"id\":\"%s\",\"customer\":7,"
		 "\"recipients\":1,\"position\":503", id_at(at, 1, id));
	say(p, at + HOUR + 1, "queue.held", more);
}

static void s11_7_a_message_that_ends_tomorrow(void **state)
{
	struct place *p = *state;
	write_midnight(p);
	index_all(p, 1);
	struct got g = list(p, (struct search_filter){ .customer = 7 });
	assert_string_equal(g.what, "held 1;");
	assert_int_equal(counted(p, 7, 3600, DAY, DAY + 24 * (int64_t)HOUR,
				 "delivered"), 0);
	assert_int_equal(all(p, "delivered"), 1);
	int64_t at = DAY + 24 * (int64_t)HOUR - 100;
	char more[200], id[ID_TEXT_MAX];
	snprintf(more, sizeof(more), "\"id\":\"%s\",\"customer\":7,"
		 "\"recipients\":1,\"position\":504", id_at(at, 1, id));
	say(p, at + 2 * HOUR, "queue.removed", more);
	index_all(p, 1);
	g = list(p, (struct search_filter){ .customer = 7 });
	assert_string_equal(g.what, "delivered 1;");
	assert_int_equal(all(p, "removed"), 1);
}

/* Recovery tells frames again, after midnight in the file of the next day. */
static void s11_7_what_is_told_again_counts_once(void **state)
{
	struct place *p = *state;
	int64_t at = DAY + 24 * (int64_t)HOUR - 100;
	char when[TIME_TEXT_MAX], line[1000], id[ID_TEXT_MAX];
	write_midnight(p);
	accept(p, at, 1, 7, "a@seven.test", "\"b@far.test\",\"c@far.test\"",
	       500);
	snprintf(line, sizeof(line), "{\"at\":\"%s\",\"event\":\"accepted\","
		 "\"id\":\"%s\",\"customer\":7,\"from\":\"a@seven.test\","
		 "\"recipients\":[\"b@far.test\",\"c@far.test\"],"
		 "\"position\":500,\"again\":true}\n",
		 time_text_ms(at, when), id_at(at, 1, id));
	write_lines(p, "2026112502", line);
	index_all(p, 10);
	assert_int_equal(all(p, "accepted"), 2);
	struct got g = list(p, (struct search_filter){ .customer = 7 });
	assert_int_equal(g.rows, 1);
}

/* The file of the earlier day was committed, today's was not. */
static void s11_7_a_crash_between_two_files(void **state)
{
	struct place *p = *state;
	char command[400];
	write_midnight(p);
	index_all(p, 100);
	search_close(&p->search);
	snprintf(command, sizeof(command), "rm %s/20261125.db*", p->index);
	assert_int_equal(system(command), 0);
	index_all(p, 100);
	struct got g = list(p, (struct search_filter){ .customer = 7 });
	assert_string_equal(g.what, "held 1;");
	assert_int_equal(all(p, "delivered"), 1);
	assert_int_equal(all(p, "deferred"), 1);
}

static void an_index_of_another_form_is_made_anew(void **state)
{
	struct place *p = *state;
	char path[200];
	struct err err;
	struct store *d;
	write_day(p);
	index_all(p, 100);
	assert_true(search_day_look(p->search, (uint64_t)DAY / 86400000, &d,
				    &err));
	assert_int_equal(sqlite3_exec(d->db, "DROP TABLE counts; DROP TABLE "
					     "messages; PRAGMA user_version = "
					     "0", NULL, NULL, NULL),
			 SQLITE_OK);
	store_close(&d);
	search_close(&p->search);
	index_all(p, 100);
	snprintf(path, sizeof(path), "%s/20261124.db", p->index);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(all(p, "accepted"), 5);
	assert_int_equal(list(p, (struct search_filter){ 0 }).count, 5);
}

static void s12_1_counted_to_ten_thousand(void **state)
{
	enum { MANY = 10300 };
	struct place *p = *state;
	char path[200];
	snprintf(path, sizeof(path), "%s/2026112404.jsonl", p->journal);
	FILE *f = fopen(path, "w");
	for (unsigned i = 0; i < MANY; i++) {
		char id[ID_TEXT_MAX];
		id_at(DAY + 4 * HOUR + i, i, id);
		fprintf(f, "{\"at\":\"2026-11-24T04:%02u:%02u.000Z\","
			"\"event\":\"accepted\",\"id\":\"%s\",\"customer\":7,"
			"\"from\":\"a@seven.test\",\"message_id\":\"<%u@x>\","
			"\"recipients\":[\"%s@far.test\"],\"position\":%u}\n",
			i / 200, i % 60, id, i, i == 77 ? "rare" : "b", i + 1);
	}
	fclose(f);
	index_all(p, 5000);
	struct got g = list(p, (struct search_filter){ .customer = 7 });
	assert_int_equal(g.rows, 50);
	assert_true(g.count > SEARCH_COUNT_MAX);
	g = list(p, (struct search_filter){
			    .text = SLICE("rare@far.test") });
	assert_string_equal(g.what, "waiting 77;");
	assert_int_equal(g.count, 1);
}

/* --- what is typed --------------------------------------------------------- */

static void what_is_typed_is_recognised(void **state)
{
	static const struct {
		const char *typed;
		enum search_term term;
		const char *clean;
	} cases[] = {
		{ "", TERM_NONE, "" },
		{ "  ", TERM_NONE, "" },
		{ "hello", TERM_NONE, "" },
		{ "Hello World.test", TERM_NONE, "" },
		{ " Alice@Example.COM ", TERM_ADDRESS, "alice@example.com" },
		{ "@Example.com", TERM_DOMAIN, "example.com" },
		{ "mail.Example.com", TERM_DOMAIN, "mail.example.com" },
		{ "例え.jp", TERM_DOMAIN, "例え.jp" },
		{ "<A.1@x.test>", TERM_MESSAGE_ID, "A.1@x.test" },
		{ "192.0.2.1", TERM_CLIENT, "192.0.2.1" },
		{ "[192.0.2.1]", TERM_CLIENT, "192.0.2.1" },
		{ "2001:DB8:0:0::1", TERM_CLIENT, "2001:db8::1" },
		{ "6ZQHNCDU8LM61NIC24MZ1D9OA", TERM_REFERENCE,
		  "6zqhncdu8lm61nic24mz1d9oa" },
		{ "0mwtxxxxx00000000001", TERM_ID, "0mwtxxxxx00000000001" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char room[SEARCH_TEXT_MAX];
		slice clean;
		enum search_term term = search_text(slice_of(cases[i].typed),
						    room, &clean);
		if (term != cases[i].term ||
		    (term != TERM_NONE &&
		     !slice_eq(clean, slice_of(cases[i].clean))))
			fail_msg("%s: %d %.*s", cases[i].typed, (int)term,
				 SLICE_ARG(clean));
	}
}

static void cursors(void **state)
{
	static const char *const bad[] = { "", "1", ".", "0.5", "1.", ".2",
					   "1.2.3", "-1.2", "9999999.1",
					   "1.99999999999999999999" };
	struct search_cursor c = { 20781, 12345 }, again;
	char text[SEARCH_CURSOR_MAX];
	(void)state;
	search_cursor_text(c, text);
	assert_true(search_cursor_parse(slice_of(text), &again));
	assert_memory_equal(&c, &again, sizeof(c));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(search_cursor_parse(slice_of(bad[i]), &c));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(s12_1_messages_newest_first),
		TEST(s12_1_filters),
		TEST(s12_3_who_sees_some_senders_counts_only_those),
		TEST(s12_1_counts_are_what_the_lines_say),
		TEST(s11_7_a_message_that_ends_tomorrow),
		TEST(s11_7_what_is_told_again_counts_once),
		TEST(s11_7_a_crash_between_two_files),
		TEST(an_index_of_another_form_is_made_anew),
		TEST(s12_1_counted_to_ten_thousand),
		cmocka_unit_test(what_is_typed_is_recognised),
		cmocka_unit_test(cursors),
	};
	return cmocka_run_group_tests_name("admin/search_list", tests, NULL,
					   NULL);
}
