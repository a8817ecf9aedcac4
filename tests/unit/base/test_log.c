/* Log lines: one event, one line of JSON, whatever strangers put in. */
#include "unit/unit.h"

#include <jansson.h>

#include "base/log.h"

struct sink {
	struct buf lines;
	bool broken;
};

static bool sink_write(void *ctx, slice line)
{
	struct sink *s = ctx;
	buf_append(&s->lines, line);
	return !s->broken;
}

static int64_t sink_time(void *ctx)
{
	(void)ctx;
	return 1000;
}

static struct log log_to(struct sink *s)
{
	buf_init(&s->lines, 1 << 20);
	return (struct log){ .level = LOG_INFO, .write = sink_write,
			     .wall_ms = sink_time, .ctx = s,
			     .role = "relay" };
}

/* The one line as JSON; checks that it is one. */
static json_t *only_line(struct sink *s)
{
	slice all = buf_slice(&s->lines);
	assert_true(all.n > 0 && slice_find(all, '\n') == all.n - 1);
	json_t *line = json_loadb(all.p, all.n, 0, NULL);
	assert_non_null(line);
	return line;
}

static void a_flood_is_cut_and_counted(void **state)
{
	(void)state;
	struct sink s = { 0 };
	struct log log = log_to(&s);
	s.lines.max = 4 << 20;
	for (int i = 0; i < LOG_LINES_A_SECOND + 5; i++) {
		struct log_event e;
		log_begin(&e, &log, LOG_ERROR, "disk.failed");
		log_end(&e);
	}
	size_t lines = 0;
	for (size_t i = 0; i < s.lines.n; i++)
		lines += s.lines.p[i] == '\n';
	assert_int_equal(lines, LOG_LINES_A_SECOND);
	assert_int_equal(atomic_load(&log.lost), 5);
	buf_fini(&s.lines);
}

static void an_event_is_a_line(void **state)
{
	(void)state;
	struct sink s = { 0 };
	struct log log = log_to(&s);
	struct log_event e;
	log_begin(&e, &log, LOG_INFO, "test.event");
	json_member_string(&e.json, "helo", SLICE("a\r\nb\"\xff"));
	log_end(&e);
	assert_slice_eq(buf_slice(&s.lines),
			"{\"at\":\"1970-01-01T00:00:01.000Z\","
			"\"level\":\"info\",\"role\":\"relay\","
			"\"event\":\"test.event\","
			"\"helo\":\"a\\u000d\\u000ab\\\"\xef\xbf\xbd\"}\n");
	buf_fini(&s.lines);
}

static void below_the_level_nothing_is_written(void **state)
{
	(void)state;
	struct sink s = { 0 };
	struct log log = log_to(&s);
	struct log_event e;
	log_begin(&e, &log, LOG_DEBUG, "test.event");
	json_member_u64(&e.json, "n", 1);
	log_end(&e);
	log_begin(&e, NULL, LOG_ALARM, "test.event");
	log_end(&e);
	assert_int_equal(s.lines.n, 0);
	assert_int_equal(log.lost, 0);
}

static void errors_become_members(void **state)
{
	(void)state;
	struct sink s = { 0 };
	struct log log = log_to(&s);
	struct err err;
	err_set_os(&err, 28, "here", "write seg-3.log");
	err.code = 452;
	log_failure(&log, LOG_ERROR, "spool.failed", &err);
	json_t *line = only_line(&s);
	assert_string_equal(json_string_value(json_object_get(line, "kind")),
			    "io");
	assert_string_equal(json_string_value(json_object_get(line, "where")),
			    "here");
	assert_int_equal(json_integer_value(json_object_get(line, "errno")),
			 28);
	assert_int_equal(json_integer_value(json_object_get(line, "code")),
			 452);
	json_decref(line);
	buf_fini(&s.lines);
}

/* Every length of members around the cap, so that the line breaks off at
 * every kind of place. */
static void a_cut_line_is_still_json(void **state)
{
	(void)state;
	for (size_t n = 0; n < 1200; n++) {
		struct sink s = { 0 };
		struct log log = log_to(&s);
		struct log_event e;
		char fill[1200];
		log.line_max = 1024;
		memset(fill, n % 3 == 0 ? '"' : 'x', sizeof(fill));
		log_begin(&e, &log, LOG_INFO, "test.event");
		json_member_string(&e.json, "a", (slice){ fill, n });
		json_key(&e.json, "list");
		json_array_begin(&e.json);
		json_put_string(&e.json, SLICE("},{"));
		json_object_begin(&e.json);
		json_member_string(&e.json, "b\\\"", SLICE("\\"));
		json_member_u64(&e.json, "c", n);
		json_object_end(&e.json);
		json_array_end(&e.json);
		json_member_bool(&e.json, "last", true);
		log_end(&e);
		assert_true(s.lines.n <= 1024);
		json_t *line = only_line(&s);
		assert_true(json_is_true(json_object_get(line, "cut")) !=
			    json_is_true(json_object_get(line, "last")));
		assert_non_null(json_object_get(line, "event"));
		json_decref(line);
		buf_fini(&s.lines);
	}
}

static void strings_of_strangers_are_cut(void **state)
{
	(void)state;
	struct sink s = { 0 };
	struct log log = log_to(&s);
	struct log_event e;
	static char fill[100000];
	memset(fill, 'x', sizeof(fill));
	log_begin(&e, &log, LOG_INFO, "test.event");
	json_member_string(&e.json, "long", (slice){ fill, sizeof(fill) });
	json_member_bool(&e.json, "last", true);
	log_end(&e);
	json_t *line = only_line(&s);
	assert_true(json_is_true(json_object_get(line, "last")));
	json_decref(line);
	assert_true(s.lines.n < LOG_LINE_MAX);
	buf_fini(&s.lines);
}

static void lost_lines_are_counted(void **state)
{
	(void)state;
	struct sink s = { .broken = true };
	struct log log = log_to(&s);
	struct log_event e;
	log_begin(&e, &log, LOG_INFO, "test.event");
	log_end(&e);
	assert_int_equal(log.lost, 1);
	buf_fini(&s.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_a_line),
		cmocka_unit_test(a_flood_is_cut_and_counted),
		cmocka_unit_test(below_the_level_nothing_is_written),
		cmocka_unit_test(errors_become_members),
		cmocka_unit_test(a_cut_line_is_still_json),
		cmocka_unit_test(strings_of_strangers_are_cut),
		cmocka_unit_test(lost_lines_are_counted),
	};
	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
