/*
 * Bodies: where DATA ends and where it does not (RELIABILITY 2.1, V1–V24),
 * dots, bare CR and LF, sizes. The engine is compared with a slow reading of
 * the rule, byte by byte, over all short texts of CR, LF, dot and a letter.
 */
#include "unit/smtp/server_harness.h"

#include <time.h>

#define START "EHLO x\r\nMAIL FROM:<a@example.jp>\r\n" \
	      "RCPT TO:<r@dest.example>\r\n"

/* --- the rule, said slowly ------------------------------------------------ */

struct told {
	struct buf body;
	size_t end;		/* index behind CRLF . CRLF, 0: there is none */
	bool bare_cr, bare_lf;
};

static void tell(slice in, struct told *told)
{
	bool start = true, cr = false;
	*told = (struct told){ 0 };
	buf_init(&told->body, 16 << 20);
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		slice rest = slice_skip(in, i);
		if (start && slice_starts(rest, SLICE(".\r\n"))) {
			told->end = i + 3;
			return;
		}
		bool dot = start && c == '.' && rest.n > 1 &&
			   rest.p[1] != '\r' && rest.p[1] != '\n';
		if (cr && c != '\n')
			told->bare_cr = true;
		if (c == '\n' && !cr)
			told->bare_lf = true;
		start = cr && c == '\n';
		cr = c == '\r';
		if (!dot)
			buf_append_char(&told->body, c);
	}
}

/* Feeds a body up to its end, in pieces of n bytes (0: whole), and compares
 * event, flags and bytes. */
static void compare(slice text, size_t n, unsigned flags)
{
	struct talk t;
	struct told told;
	struct buf want, bodies;
	tell(text, &told);
	assert_true(told.end > 0);
	talk_begin(&t, flags);
	talk_say(&t, START "DATA\r\n");
	text = slice_sub(text, 0, told.end);
	talk_feed_pieces(&t, text, n ? n : text.n);
	talk_say(&t, "QUIT\r\n");
	buf_init(&bodies, 16 << 20);
	buf_init(&want, 16 << 20);
	buf_printf(&want, "END%s%s %zu\n", told.bare_cr ? " cr" : "",
		   told.bare_lf ? " lf" : "", told.body.n);
	buf_append_char(&want, '\0');
	talk_expect_event(&t, want.p);
	talk_bodies(&t, &bodies);
	if (told.body.n > 0)
		buf_append_char(&told.body, '|');
	assert_true(slice_eq(buf_slice(&bodies), buf_slice(&told.body)));
	talk_expect_codes(&t, told.bare_cr || told.bare_lf ?
				      "220 250 250 250 354 550 221" :
				      "220 250 250 250 354 250 221");
	buf_fini(&want);
	buf_fini(&bodies);
	buf_fini(&told.body);
	talk_end(&t);
}

static void all_short_texts_are_read_by_the_rule(void **state)
{
	(void)state;
	static const char alphabet[] = { '\r', '\n', '.', 'a' };
	enum { LONGEST = 6 };
	for (unsigned length = 0; length <= LONGEST; length++) {
		for (unsigned code = 0; code < 1u << (2 * length); code++) {
			char text[LONGEST + 5];
			for (unsigned i = 0; i < length; i++)
				text[i] = alphabet[code >> (2 * i) & 3];
			memcpy(text + length, "\r\n.\r\n", 5);
			slice s = { text, length + 5 };
			compare(s, 0, TALK_KNOWN);
			compare(s, 1, TALK_KNOWN);
			compare(s, 2 + code % 3, TALK_KNOWN);
		}
	}
}

/* --- V1 to V24 ------------------------------------------------------------ */

#define TAIL "MAIL FROM:<smuggled@dest.example>\r\n" \
	     "RCPT TO:<victim@dest.example>\r\nDATA\r\nsmuggled\r\n.\r\n"

/* Each between "…body" and TAIL; a true end stands at the end of TAIL. */
static const struct variant {
	const char *name;
	slice bytes;
} variants[] = {
	{ "v01_lf_dot_lf", SLICE("\n.\n") },
	{ "v02_lf_dot_cr", SLICE("\n.\r") },
	{ "v03_cr_dot_lf", SLICE("\r.\n") },
	{ "v04_cr_dot_cr", SLICE("\r.\r") },
	{ "v05_lf_dot_crlf", SLICE("\n.\r\n") },
	{ "v06_cr_dot_crlf", SLICE("\r.\r\n") },
	{ "v07_lflf_dot_lflf", SLICE("\n\n.\n\n") },
	{ "v08_crcr_dot_crcr", SLICE("\r\r.\r\r") },
	{ "v09_crlf_dot_crcrlf", SLICE("\r\n.\r\r\n") },
	{ "v10_crcrlf_dot_crcrlf", SLICE("\r\r\n.\r\r\n") },
	{ "v11_crlf_nul_dot_crlf", SLICE("\r\n\0.\r\n") },
	{ "v12_crlf_dot_lf", SLICE("\r\n.\n") },
	{ "v13_crlf_dot_cr", SLICE("\r\n.\r") },
	{ "v14_crlf_dot_nul_crlf", SLICE("\r\n.\0\r\n") },
	{ "v15_lf_dot_crcrlf", SLICE("\n.\r\r\n") },
	{ "v17_crlf_dot_cr_nul_lf", SLICE("\r\n.\r\0\n") },
	{ "v18_crlf_space_dot_crlf", SLICE("\r\n .\r\n") },
	{ "v18_crlf_dot_space_crlf", SLICE("\r\n. \r\n") },
	{ "v18_crlf_dot_tab_crlf", SLICE("\r\n.\t\r\n") },
	{ "v19_high_bit_crlf", SLICE("\x8d\x8a.\x8d\x8a") },
	{ "v20_vt", SLICE("\v.\v") },
	{ "v20_ff", SLICE("\f.\f") },
	{ "v20_nel", SLICE("\x85.\x85") },
	{ "v20_line_separator", SLICE("\xe2\x80\xa8.\xe2\x80\xa8") },
	{ "v21_lfcr_dot_lfcr", SLICE("\n\r.\n\r") },
	{ "v22_stuffed_dot", SLICE("\r\n..\r\n") },
};

static void make(struct buf *to, size_t pad, slice variant)
{
	buf_clear(to);
	while (to->n < pad)
		buf_append_char(to, to->n % 60 < 58 ? 'p' :
				    to->n % 60 == 58 ? '\r' : '\n');
	buf_append(to, SLICE("\r\nbody"));
	buf_append(to, variant);
	buf_append(to, SLICE(TAIL));
}

static void never_smuggled(const struct talk *t)
{
	assert_false(talk_has_event(t, "\nMAIL <smuggled"));
	assert_false(talk_has_event(t, "RCPT <victim"));
}

static void one_variant_in_data(slice variant, unsigned flags)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	make(&text, 0, variant);
	slice s = buf_slice(&text);
	for (size_t n = 0; n < 9; n++)
		compare(s, n, flags);
	for (size_t n = 0; n < variant.n + 12; n++)
		compare(s, 6 + n, flags);	/* one cut, inside of it */
	static const size_t edges[] = { 4096, 16384, 65536 };
	for (size_t e = 0; e < ARRAY_LEN(edges); e++) {
		for (size_t off = 0; off < variant.n + 8; off++) {
			make(&text, edges[e] - 8 - off, variant);
			compare(buf_slice(&text), edges[e], flags);
		}
	}
	buf_fini(&text);
}

static void one_variant_in_bdat(slice variant, unsigned flags, size_t piece)
{
	struct talk t;
	struct buf text, bodies, command;
	buf_init(&text, 1 << 20);
	buf_init(&bodies, 1 << 20);
	buf_init(&command, 1 << 10);
	make(&text, 0, variant);
	talk_begin(&t, flags);
	talk_say(&t, START);
	buf_printf(&command, "BDAT %zu LAST\r\n", text.n);
	talk_feed_pieces(&t, buf_slice(&command), piece);
	talk_feed_pieces(&t, buf_slice(&text), piece);
	talk_say(&t, "QUIT\r\n");
	talk_expect_codes(&t, "220 250 250 250 250 221");
	talk_bodies(&t, &bodies);
	buf_append_char(&text, '|');
	assert_true(slice_eq(buf_slice(&bodies), buf_slice(&text)));
	never_smuggled(&t);
	buf_fini(&text);
	buf_fini(&bodies);
	buf_fini(&command);
	talk_end(&t);
}

static void smuggling(void **state)
{
	const struct variant *v = *state;
	one_variant_in_data(v->bytes, TALK_KNOWN);
	one_variant_in_data(v->bytes, TALK_KNOWN | TALK_TLS);
	for (size_t piece = 1; piece < 9; piece++)
		one_variant_in_bdat(v->bytes, TALK_KNOWN, piece);
	one_variant_in_bdat(v->bytes, TALK_KNOWN | TALK_TLS, 1 << 20);
}

static void v16_the_true_end_in_any_two_parts(void **state)
{
	(void)state;
	slice end = SLICE("x\r\n.\r\n");
	for (size_t n = 1; n < end.n; n++)
		compare(end, n, TALK_KNOWN);
}

static void v23_dot_right_behind_data(void **state)
{
	(void)state;
	compare(SLICE(".\r\n"), 0, TALK_KNOWN);
	compare(SLICE(".\r\n"), 1, TALK_KNOWN);
	compare(SLICE(".\n" TAIL), 0, TALK_KNOWN);
	compare(SLICE(".\n" TAIL), 1, TALK_KNOWN);
	compare(SLICE("..\r\n.\r\n"), 1, TALK_KNOWN);
}

static void v24_bare_and_a_true_end(void **state)
{
	(void)state;
	static const slice ends[] = { SLICE("body\r\r\n.\r\n"),
				      SLICE("body\n\r\n.\r\n") };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		for (size_t n = 0; n < ends[i].n; n++)
			compare(ends[i], n, TALK_KNOWN);
}

/* --- sizes ---------------------------------------------------------------- */

enum { SIZE = 65536 };

static void begin_small(struct talk *t)
{
	struct limits limits;
	limits_defaults(&limits);
	limits.message_size = SIZE;
	talk_begin_with(t, TALK_KNOWN, &limits);
	talk_say(t, START);
}

static void feed_many(struct talk *t, size_t n)
{
	char *p = malloc(n);
	assert_non_null(p);
	memset(p, 'x', n);
	talk_feed(t, (slice){ p, n });
	free(p);
}

static void data_size_at_n_minus_1_n_and_n_plus_1(void **state)
{
	(void)state;
	for (int more = -1; more <= 1; more++) {
		struct talk t;
		char end[64];
		begin_small(&t);
		talk_say(&t, "DATA\r\n");
		feed_many(&t, (size_t)(SIZE - 2 + more));
		talk_say(&t, "\r\n.\r\nQUIT\r\n");
		talk_expect_codes(&t, more > 0 ?
					      "220 250 250 250 354 552 221" :
					      "220 250 250 250 354 250 221");
		snprintf(end, sizeof(end), "END%s %d\n",
			 more > 0 ? " big" : "", SIZE + more);
		talk_expect_event(&t, end);
		talk_end(&t);
	}
}

static void data_read_on_to_the_bound_then_closed(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		struct talk t;
		begin_small(&t);
		talk_say(&t, "DATA\r\n");
		feed_many(&t, 2 * SIZE - 2 + more);
		talk_say(&t, "\r\n.\r\n");
		talk_expect_codes(&t, "220 250 250 250 354 552");
		assert_int_equal(t.close, more ? SMTP_CLOSE_OVERSIZE :
						 SMTP_CLOSE_NONE);
		talk_end(&t);
	}
}

static void w5_bdat_over_size(void **state)
{
	(void)state;
	struct talk t;
	char command[64];
	begin_small(&t);
	snprintf(command, sizeof(command), "BDAT %d\r\n", SIZE);
	talk_say(&t, command);
	feed_many(&t, SIZE);
	talk_say(&t, "BDAT 6 LAST\r\nQUIT\r\nQUIT\r\n");
	talk_expect_codes(&t, "220 250 250 250 250 552 221");
	talk_expect_event(&t, "END bdat big 65542");
	talk_end(&t);
	/* the sum over the bound: closed */
	begin_small(&t);
	snprintf(command, sizeof(command), "BDAT %d\r\n", 2 * SIZE);
	talk_say(&t, command);
	feed_many(&t, 2 * SIZE);
	talk_say(&t, "BDAT 6 LAST\r\nQUIT\r\n");
	talk_expect_codes(&t, "220 250 250 250 250 552");
	assert_int_equal(t.close, SMTP_CLOSE_OVERSIZE);
	talk_end(&t);
	/* one chunk over it: closed before a byte is read */
	begin_small(&t);
	snprintf(command, sizeof(command), "BDAT %d LAST\r\n", 2 * SIZE + 1);
	talk_say(&t, command);
	talk_expect_codes(&t, "220 250 250 250 501");
	assert_int_equal(t.close, SMTP_CLOSE_BDAT_SIZE);
	talk_end(&t);
}

static void w5_refused_bdats_are_eaten_up_to_a_bound(void **state)
{
	(void)state;
	struct talk t;
	char command[64];
	begin_small(&t);
	talk_say(&t, "RSET\r\n");
	snprintf(command, sizeof(command), "BDAT %d LAST\r\n", SIZE);
	for (int i = 0; i < 2; i++) {
		talk_say(&t, command);
		feed_many(&t, SIZE);
	}
	talk_say(&t, "BDAT 1 LAST\r\n");
	talk_expect_codes(&t, "220 250 250 250 250 503 503 552");
	assert_int_equal(t.close, SMTP_CLOSE_OVERSIZE);
	talk_end(&t);
}

/* The part that fits is given out whatever the cuts; over the bound too. */
static void oversize_in_all_cuts(size_t size)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	while (text.n < size)
		buf_append(&text, SLICE("..twelve byte\r\n"));
	buf_append(&text, SLICE(".\r\n"));
	struct talk whole, cut;
	begin_small(&whole);
	talk_say(&whole, "DATA\r\n");
	talk_feed(&whole, buf_slice(&text));
	static const size_t pieces[] = { 1, 7, 4096, 16384 };
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		begin_small(&cut);
		talk_say(&cut, "DATA\r\n");
		talk_feed_pieces(&cut, buf_slice(&text), pieces[i]);
		assert_true(slice_eq(buf_slice(&whole.events),
				     buf_slice(&cut.events)));
		assert_int_equal(whole.close, cut.close);
		talk_end(&cut);
	}
	assert_true(talk_has_event(&whole, "BODY .twelve"));
	buf_fini(&text);
	talk_end(&whole);
}

static void oversize_gives_the_same_bytes_in_all_cuts(void **state)
{
	(void)state;
	oversize_in_all_cuts(SIZE + 5000);
	oversize_in_all_cuts(2 * SIZE + 20000);
}

static void c9_many_one_byte_chunks(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, START);
	for (int i = 0; i < 20000; i++)
		talk_say(&t, "BDAT 1\r\nx");
	talk_say(&t, "BDAT 0 LAST\r\n");
	assert_int_equal(t.messages, 1);
	talk_expect_event(&t, "END bdat 20000");
	talk_end(&t);
}

static void c9_empty_chunks_are_no_progress(void **state)
{
	(void)state;
	struct talk t;
	talk_begin(&t, TALK_KNOWN);
	talk_say(&t, START);
	for (int i = 0; i < 101; i++)
		talk_say(&t, "BDAT 0\r\n");
	assert_int_equal(t.close, SMTP_CLOSE_JUNK);
	talk_end(&t);
}

/* --- speed ---------------------------------------------------------------- */

static int64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* 10 KiB in lines of 76 bytes; printed, and bounded far above the target so
 * that it only fails when a loop over bytes has crept in. */
static void a_body_of_10_kib_costs_microseconds(void **state)
{
	(void)state;
	enum { ROUNDS = 200 };
	struct talk t;
	struct smtp_event ev;
	struct buf text;
	buf_init(&text, 1 << 20);
	while (text.n < 10240)
		buf_append(&text, SLICE("seventy-four letters make a line of "
					"seventy-six with its end and no more."
					".\r\n"));
	buf_append(&text, SLICE(".\r\n"));
	talk_begin(&t, TALK_KNOWN);
	int64_t best = INT64_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		talk_say(&t, i ? "MAIL FROM:<a@example.jp>\r\n"
				 "RCPT TO:<r@dest.example>\r\nDATA\r\n" :
				 START "DATA\r\n");
		slice in = buf_slice(&text);
		int64_t start = now_ns();
		while (smtp_server_next(t.server, &in, &t.replies, &ev) ==
		       SMTP_BODY)
			;
		int64_t took = now_ns() - start;
		best = took < best ? took : best;
		assert_int_equal(ev.kind, SMTP_BODY_END);
		t.open = false;
		struct reply r = { .id = REPLY_ACCEPTED };
		smtp_server_answer(t.server, &t.replies, &r);
	}
	print_message("10 KiB of DATA: %.1f us\n", (double)best / 1000);
	assert_true(best < 200000);
	buf_fini(&text);
	talk_end(&t);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_LEN(variants) + 16] = {
		cmocka_unit_test(all_short_texts_are_read_by_the_rule),
		cmocka_unit_test(v16_the_true_end_in_any_two_parts),
		cmocka_unit_test(v23_dot_right_behind_data),
		cmocka_unit_test(v24_bare_and_a_true_end),
		cmocka_unit_test(data_size_at_n_minus_1_n_and_n_plus_1),
		cmocka_unit_test(data_read_on_to_the_bound_then_closed),
		cmocka_unit_test(w5_bdat_over_size),
		cmocka_unit_test(w5_refused_bdats_are_eaten_up_to_a_bound),
		cmocka_unit_test(oversize_gives_the_same_bytes_in_all_cuts),
		cmocka_unit_test(c9_many_one_byte_chunks),
		cmocka_unit_test(c9_empty_chunks_are_no_progress),
		cmocka_unit_test(a_body_of_10_kib_costs_microseconds),
	};
	enum { OWN = 12 };
	for (size_t i = 0; i < ARRAY_LEN(variants); i++)
		tests[OWN + i] = (struct CMUnitTest){
			.name = variants[i].name,
			.test_func = smuggling,
			.initial_state = (void *)(uintptr_t)&variants[i],
		};
	size_t count = OWN + ARRAY_LEN(variants);
	return _cmocka_run_group_tests("smtp/server_data", tests, count, NULL,
				       NULL);
}
