/*
 * The n-th allocation fails, once and for ever, for every n: an error and no
 * crash, and nothing stays allocated. With a sanitizer malloc is not ours,
 * so there this test is empty.
 */
#include "unit/unit.h"

#include "base/log.h"
#include "base/map.h"
#include "mail/report.h"
#include "mail/reply.h"

#if !defined(__SANITIZE_ADDRESS__)

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static struct {
	bool on;
	bool for_ever;
	long left;		/* allocations that still succeed */
	bool refused;
	long live;
} memory;

static bool refuse(void)
{
	if (!memory.on)
		return false;
	if (memory.left-- > 0)
		return false;
	if (memory.left < -1 && !memory.for_ever)
		return false;
	memory.refused = true;
	return true;
}

static void *counted(void *p)
{
	if (memory.on && p != NULL)
		memory.live++;
	return p;
}

void *malloc(size_t n)
{
	return refuse() ? NULL : counted(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return refuse() ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
	if (refuse())
		return NULL;
	return p == NULL ? counted(__libc_realloc(p, n)) :
			   __libc_realloc(p, n);
}

void free(void *p)
{
	if (memory.on && p != NULL)
		memory.live--;
	__libc_free(p);
}

/* Each does something whole and gives everything back; true: it worked. */

static bool scene_address(void)
{
	struct arena arena;
	struct address a;
	struct err err = { 0 };
	slice rest = SLICE("<\xc3\xa4\xc3\xb6@m\xc3\xbcnchen.xn--4ca.example>");
	arena_init(&arena, 4096);
	bool ok = address_parse_path(&rest, ADDRESS_RECIPIENT, true, &arena,
				     &a, &err);
	invariant(ok || err.kind == ERR_INTERNAL || err.kind == ERR_LIMIT);
	arena_fini(&arena);
	return ok;
}

static bool scene_envelope(void)
{
	struct recipient to = { .address = { SLICE("a"), SLICE("b"), false } };
	struct envelope e = { .recipients = &to, .recipient_count = 1 }, got;
	struct arena arena;
	struct err err = { 0 };
	struct buf b;
	buf_init(&b, 100000);
	arena_init(&arena, 100000);
	envelope_write(&b, &e);
	bool ok = !b.failed &&
		  envelope_read(buf_slice(&b), &arena, &got, &err);
	buf_fini(&b);
	arena_fini(&arena);
	return ok;
}

static bool scene_report(void)
{
	struct recipient to = {
		.address = { SLICE("\xc3\xa4"), SLICE("b"), true },
		.orcpt = SLICE("rfc822;a@b") };
	struct report_recipient row = {
		.recipient = &to, .action = REPORT_FAILED,
		.host = SLICE("mx.example"), .reply = SLICE("550 no") };
	struct envelope e = {
		.sender = { SLICE("a"), SLICE("b"), false },
		.envid = SLICE("x"), .id = { 1, 1 } };
	struct report r = {
		.language = LANGUAGE_JA, .hostname = SLICE("relay.example"),
		.id = { 2, 2 }, .original = &e, .recipients = &row, .count = 1,
		.returned = SLICE("Subject: \xc3\xa4\r\n\r\nbody\r\n"),
		.returned_max_bytes = 1000 };
	struct body_budget budget = { .max_bytes = 1 << 20 };
	struct err err = { 0 };
	bool eight_bit;
	struct body *b = report_compose(&r, &budget, &eight_bit, &err);
	bool ok = b != NULL;
	invariant(ok || err.kind == ERR_INTERNAL);
	body_unref(&b);
	invariant(budget.used_bytes == 0);
	return ok;
}

static bool scene_reply(void)
{
	struct reply r = { .id = REPLY_BUSY, .advice = SLICE("a\nb"),
			   .tag = SLICE("t") };
	struct buf b;
	buf_init(&b, 10000);
	reply_write(&b, &r);
	bool ok = !b.failed;
	buf_fini(&b);
	return ok;
}

static bool take_line(void *ctx, slice line)
{
	(void)ctx;
	invariant(line.n > 0 && line.p[line.n - 1] == '\n');
	return true;
}

static int64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static bool scene_log(void)
{
	static const char fill[3000];
	struct log log = { .write = take_line, .wall_ms = no_time };
	struct log_event e;
	log_begin(&e, &log, LOG_INFO, "test");
	json_member_string(&e.json, "a", (slice){ fill, sizeof(fill) });
	json_member_u64(&e.json, "b", 1);
	log_end(&e);
	return log.lost == 0;
}

static bool scene_map(void)
{
	static char objects[40];
	struct map m;
	size_t added = 0;
	map_init(&m, 100);
	for (size_t i = 0; i < 40; i++)
		added += map_add(&m, i + 2, &objects[i]);
	invariant(m.count == added);
	map_fini(&m);
	return added == 40;
}

static void try_all(bool (*scene)(void))
{
	for (int for_ever = 0; for_ever < 2; for_ever++) {
		for (long n = 0;; n++) {
			assert_true(n < 10000);
			memory.left = n;
			memory.for_ever = for_ever;
			memory.refused = false;
			memory.live = 0;
			memory.on = true;
			bool ok = scene();
			memory.on = false;
			assert_int_equal(memory.live, 0);
			if (!memory.refused) {
				assert_true(ok);
				break;
			}
		}
	}
}

#define TRY(scene)                         \
	static void try_##scene(void **state) \
	{                                  \
		(void)state;               \
		try_all(scene);            \
	}
TRY(scene_address)
TRY(scene_envelope)
TRY(scene_report)
TRY(scene_reply)
TRY(scene_log)
TRY(scene_map)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(try_scene_address),
		cmocka_unit_test(try_scene_envelope),
		cmocka_unit_test(try_scene_report),
		cmocka_unit_test(try_scene_reply),
		cmocka_unit_test(try_scene_log),
		cmocka_unit_test(try_scene_map),
	};
	return cmocka_run_group_tests_name("mail/memory", tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
