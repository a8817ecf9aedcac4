/* The journal: lines written and read again, hours, retention, positions,
 * what a crash leaves. */
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "journal/journal_private.h"
#include "os/clock.h"
#include "os/file.h"

struct place {
	char path[64];
	int dir;
	struct log log;
	struct journal_config config;
};

static bool drop_line(void *ctx, slice line)
{
	(void)ctx;
	(void)line;
	return true;
}
static int64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	strcpy(p->path, "/tmp/postrider-journal-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	assert_true(os_dir_open(p->path, &p->dir, NULL));
	p->log = (struct log){ .level = LOG_ALARM, .write = drop_line,
			       .wall_ms = no_time };
	p->config = (struct journal_config){
		.dir = p->dir, .log = &p->log, .keep_ms = 24 * 3600000,
		.max_bytes = 1 << 20, .queue_max_bytes = 65536 };
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char command[128];
	close(p->dir);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static struct journal *open_journal(struct place *p)
{
	struct journal *j;
	struct err err = { 0 };
	if (!journal_open(&p->config, &j, &err))
		fail_msg("%s %s", err.text, err.detail);
	return j;
}

static void say(struct journal *j, const char *event, uint64_t n,
		enum journal_weight weight, uint64_t position)
{
	struct journal_event e;
	journal_begin(&e, j, event, 1795494600000);
	json_member_u64(&e.json, "n", n);
	journal_end(&e, weight, position);
}

struct heard {
	unsigned lines;
	char first[200], last[200];
};
static bool hear(void *ctx, slice line)
{
	struct heard *h = ctx;
	char text[200];
	assert_true(slice_to_cstr(line, text, sizeof(text)));
	if (h->lines++ == 0)
		strcpy(h->first, text);
	strcpy(h->last, text);
	return true;
}

static struct heard read_all(struct place *p, struct journal_cursor *at,
			     uint32_t step)
{
	struct heard h = { 0 };
	bool more = true;
	for (unsigned round = 0; more && round < 10000; round++)
		assert_true(journal_read(p->dir, at, step, hear, &h, &more,
					 NULL));
	assert_false(more);
	return h;
}

static void write_file(struct place *p, uint64_t hour, const char *text)
{
	char name[JOURNAL_NAME_MAX];
	int fd = openat(p->dir, journal_name(hour, name),
			O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool exists(struct place *p, uint64_t hour)
{
	char name[JOURNAL_NAME_MAX];
	return faccessat(p->dir, journal_name(hour, name), F_OK, 0) == 0;
}

static uint64_t this_hour(void)
{
	return (uint64_t)os_wall_ms() / JOURNAL_HOUR_MS;
}

static void names_are_hours(void **state)
{
	(void)state;
	char name[JOURNAL_NAME_MAX];
	uint64_t hour;
	assert_string_equal(journal_name(0, name), "1970010100.jsonl");
	assert_string_equal(journal_name(498748, name), "2026112404.jsonl");
	for (uint64_t h = 0; h < 1000000; h += 997) {
		assert_true(journal_name_parse(journal_name(h, name), &hour));
		assert_int_equal(hour, h);
	}
	static const char *const bad[] = {
		"", "position", "2026112404.json", "2026112424.jsonl",
		"2026023101.jsonl", "202611240.jsonl", "x026112404.jsonl",
		"2026112404.jsonl~", "2026002404.jsonl" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(journal_name_parse(bad[i], &hour));
}

static void the_newest_hour_is_the_last_time(void **state)
{
	struct place *p = *state;
	struct err err;
	int64_t last_ms = -1;
	assert_true(journal_last_ms(p->dir, &last_ms, &err));
	assert_int_equal(last_ms, 0);
	write_file(p, 500000, "{}\n");
	write_file(p, 600000, "{}\n");		/* past 2038 */
	write_file(p, 400000, "{}\n");
	assert_true(journal_last_ms(p->dir, &last_ms, &err));
	assert_int_equal(last_ms, INT64_C(600000) * 3600000);
}

static void s11_7_lines_are_read_as_written(void **state)
{
	struct place *p = *state;
	struct journal *j = open_journal(p);
	struct journal_cursor at = { 0 };
	for (uint64_t i = 0; i < 500; i++)
		say(j, "test", i, JOURNAL_MAY_DROP, 0);
	journal_close(&j);
	assert_null(j);
	struct heard h = read_all(p, &at, 7);
	assert_int_equal(h.lines, 500);
	assert_string_equal(h.first, "{\"at\":\"2026-11-24T04:30:00.000Z\","
				     "\"event\":\"test\",\"n\":0}");
	assert_non_null(strstr(h.last, "\"n\":499}"));
	/* Nothing is told twice; what comes later is. */
	assert_int_equal(read_all(p, &at, 7).lines, 0);
	j = open_journal(p);
	say(j, "later", 1, JOURNAL_MAY_DROP, 0);
	journal_close(&j);
	h = read_all(p, &at, 7);
	assert_int_equal(h.lines, 1);
	assert_non_null(strstr(h.last, "later"));
}

static void a_reader_goes_from_file_to_file(void **state)
{
	struct place *p = *state;
	struct journal_cursor at = { 0 };
	write_file(p, 1000, "{\"a\":1}\n{\"a\":2}\nhalf a li");
	write_file(p, 1003, "{\"a\":3}\n");
	write_file(p, 1004, "");
	struct heard h = read_all(p, &at, 100);
	assert_int_equal(h.lines, 3);
	assert_string_equal(h.last, "{\"a\":3}");
	assert_int_equal(at.hour, 1004);
	write_file(p, 1004, "{\"a\":");
	assert_int_equal(read_all(p, &at, 100).lines, 0);
	write_file(p, 1004, "4}\n");
	assert_string_equal(read_all(p, &at, 100).last, "{\"a\":4}");
	/* The file a reader stood in may be gone. */
	at = (struct journal_cursor){ .hour = 1001, .offset = 999 };
	assert_int_equal(read_all(p, &at, 100).lines, 2);
}

static void half_a_line_of_a_crash_is_cut(void **state)
{
	struct place *p = *state;
	struct journal_cursor at = { 0 };
	uint64_t hour = this_hour();
	write_file(p, hour, "{\"a\":1}\n{\"a\":");
	struct journal *j = open_journal(p);
	say(j, "next", 1, JOURNAL_MAY_DROP, 0);
	journal_close(&j);
	struct heard h = read_all(p, &at, 100);
	assert_int_equal(h.lines, 2);
	assert_string_equal(h.first, "{\"a\":1}");
	assert_non_null(strstr(h.last, "next"));
}

static void old_and_too_many_files_go(void **state)
{
	struct place *p = *state;
	uint64_t hour = this_hour();
	char big[2001];
	memset(big, 'x', sizeof(big) - 2);
	big[sizeof(big) - 2] = '\n';
	big[sizeof(big) - 1] = '\0';
	write_file(p, hour - 100, big);
	write_file(p, hour - 20, big);
	write_file(p, hour - 10, big);
	write_file(p, hour - 5, big);
	p->config.max_bytes = 4500;
	struct journal *j = open_journal(p);
	assert_false(exists(p, hour - 100));	/* too old */
	assert_false(exists(p, hour - 20));	/* too many bytes */
	assert_true(exists(p, hour - 10));
	assert_true(exists(p, hour - 5));
	journal_close(&j);
}

static void over_budget_only_kept_lines_are_taken(void **state)
{
	struct place *p = *state;
	struct journal_cursor at = { 0 };
	p->config.max_bytes = 100;
	struct journal *j = open_journal(p);
	for (int i = 0; i < 3; i++)
		say(j, "first", 1, JOURNAL_KEEP, 0);
	journal_close(&j);
	j = open_journal(p);
	say(j, "dropped", 1, JOURNAL_MAY_DROP, 0);
	say(j, "kept", 1, JOURNAL_KEEP, 7);
	assert_int_equal(journal_dropped(j), 1);
	journal_close(&j);
	struct heard h = read_all(p, &at, 100);
	assert_int_equal(h.lines, 4);
	assert_non_null(strstr(h.last, "kept"));
}

static void full_queue_drops_and_counts_and_holds_the_position(void **state)
{
	struct place *p = *state;
	p->config.queue_max_bytes = 1024;
	struct journal *j = open_journal(p);
	for (int i = 0; i < 100; i++)
		say(j, "x", 1, JOURNAL_MAY_DROP, 0);
	uint64_t dropped = journal_dropped(j);
	assert_true(dropped > 50 && dropped < 100);
	say(j, "x", 1, JOURNAL_KEEP, 5);
	assert_int_equal(journal_dropped(j), dropped);
	for (int i = 0; i < 100; i++)
		say(j, "x", 1, JOURNAL_KEEP, 6);
	assert_true(journal_dropped(j) > dropped);
	journal_close(&j);
	/* A kept line was lost: recovery must tell from the old position. */
	j = open_journal(p);
	assert_int_equal(journal_position(j), 0);
	journal_close(&j);
}

static void position_survives_and_a_broken_slot_costs_one_step(void **state)
{
	struct place *p = *state;
	struct journal *j = open_journal(p);
	say(j, "accept", 1, JOURNAL_KEEP, 1000);
	assert_int_equal(journal_position(j), 0);
	journal_close(&j);
	j = open_journal(p);
	assert_int_equal(journal_position(j), 1000);
	say(j, "accept", 2, JOURNAL_KEEP, 2000);
	say(j, "accept", 2, JOURNAL_KEEP, 1500);
	journal_close(&j);
	j = open_journal(p);
	assert_int_equal(journal_position(j), 2000);
	journal_close(&j);
	int fd = openat(p->dir, "position", O_RDWR);
	assert_int_equal(pwrite(fd, "zz", 2, 8), 2);	/* slot of 2000 */
	close(fd);
	j = open_journal(p);
	assert_int_equal(journal_position(j), 1000);
	journal_close(&j);
}

static void thread_writes_and_syncs_by_itself(void **state)
{
	struct place *p = *state;
	struct journal *j = open_journal(p);
	struct journal_cursor at = { 0 };
	unsigned lines = 0;
	assert_true(journal_start(j, NULL));
	say(j, "accept", 1, JOURNAL_KEEP, 42);
	for (int i = 0; i < 300 && lines == 0; i++) {
		usleep(10000);
		lines = read_all(p, &at, 10).lines;
	}
	assert_int_equal(lines, 1);
	for (int i = 0; i < 500 && journal_position(j) == 0; i++)
		usleep(10000);
	assert_int_equal(journal_position(j), 42);
	journal_close(&j);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_hours),
		TEST(the_newest_hour_is_the_last_time),
		TEST(s11_7_lines_are_read_as_written),
		TEST(a_reader_goes_from_file_to_file),
		TEST(half_a_line_of_a_crash_is_cut),
		TEST(old_and_too_many_files_go),
		TEST(over_budget_only_kept_lines_are_taken),
		TEST(full_queue_drops_and_counts_and_holds_the_position),
		TEST(position_survives_and_a_broken_slot_costs_one_step),
		TEST(thread_writes_and_syncs_by_itself),
	};
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
