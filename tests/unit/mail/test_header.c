/* The header scan: fed whole, byte by byte and in pieces, the same. */
#include "unit/unit.h"

#include "mail/header.h"

#define HOST "relay.example.net"

struct row {
	const char *text;
	size_t n;		/* 0: strlen */
	uint32_t fields, received, own, from;
	uint64_t bytes;		/* 0: not looked at */
	bool ended, eight_bit, automatic, report;
	const char *message_id;
};

static const struct row rows[] = {
	{ .text = "", .message_id = "" },
	{ .text = "From: a\r\nTo: b\r\n\r\nFrom: c\r\n", .fields = 2,
	  .from = 1, .bytes = 18, .ended = true, .message_id = "" },
	{ .text = "\r\nFrom: c\r\n", .bytes = 2, .ended = true,
	  .message_id = "" },
	{ .text = "From: a\nTo: b\n\nFrom: c\n", .fields = 2, .from = 1,
	  .bytes = 15, .ended = true, .message_id = "" },
	{ .text = "From: a\r\nfrom : b\r\nFROM\t:c\r\n\r\n", .fields = 3,
	  .from = 3, .ended = true, .message_id = "" },
	{ .text = "From: a\r\n\r", .fields = 1, .from = 1,
	  .message_id = "" },
	{ .text = "From: a\r\n\rFrom: b\r\n", .fields = 1, .from = 1,
	  .ended = true, .message_id = "" },
	/* A value that looks like a field; a folded one. */
	{ .text = "X: From: a\r\n From: b\r\n\tFrom: c\r\n\r\n", .fields = 1,
	  .ended = true, .message_id = "" },
	/* No field: the header is over. */
	{ .text = "From: a\r\nno colon here\r\nFrom: b\r\n", .fields = 1,
	  .from = 1, .ended = true, .message_id = "" },
	{ .text = "From: a\r\nFr\0om: b\r\n", .n = 19, .fields = 1, .from = 1,
	  .ended = true, .message_id = "" },
	{ .text = "From: a\r\n: b\r\n", .fields = 1, .from = 1,
	  .ended = true, .message_id = "" },
	{ .text = "From: a\r\nFr\xc3\xb6m: b\r\n", .fields = 1, .from = 1,
	  .ended = true, .eight_bit = true, .message_id = "" },
	{ .text = "hello\r\n", .ended = true, .message_id = "" },
	/* A space on top hides nothing. */
	{ .text = " x\r\nFrom: a\r\n\r\n", .fields = 1, .from = 1,
	  .ended = true, .message_id = "" },
	{ .text = "A: x\r\n\r\nbody \xc3\xa4", .fields = 1, .ended = true,
	  .eight_bit = true, .message_id = "" },
	{ .text = "Message-ID: <1@x>\r\n\r\n", .fields = 1, .ended = true,
	  .message_id = "<1@x>" },
	{ .text = "message-id:<1@x> \r\nMessage-ID: <2@x>\r\n\r\n",
	  .fields = 2, .ended = true, .message_id = "<1@x>" },
	{ .text = "Message-ID:\r\n <1@x>\r\n\r\n", .fields = 1,
	  .ended = true, .message_id = "<1@x>" },
	/* A message that is all header is judged too. */
	{ .text = "Message-ID: <1@x>\r\n", .fields = 1,
	  .message_id = "<1@x>" },
	{ .text = "Message-ID: a\x01" "b\r\n\r\n", .fields = 1,
	  .ended = true, .message_id = "a?b" },
	{ .text = "Auto-Submitted: no\r\n\r\n", .fields = 1, .ended = true,
	  .message_id = "" },
	{ .text = "Auto-Submitted: (no) No ; x\r\n\r\n", .fields = 1,
	  .ended = true, .message_id = "" },
	{ .text = "Auto-Submitted:\r\n\r\n", .fields = 1, .ended = true,
	  .message_id = "" },
	{ .text = "auto-submitted:\r\n auto-replied (vacation)\r\n\r\n",
	  .fields = 1, .ended = true, .automatic = true, .message_id = "" },
	{ .text = "Auto-Submitted: auto-generated\r\n\r\n", .fields = 1,
	  .ended = true, .automatic = true, .message_id = "" },
	{ .text = "Content-Type: Multipart/Report; report-type=x\r\n\r\n",
	  .fields = 1, .ended = true, .report = true, .message_id = "" },
	{ .text = "Content-Type:\r\n multipart/report;\r\n x=y\r\n\r\n",
	  .fields = 1, .ended = true, .report = true, .message_id = "" },
	{ .text = "Content-Type: multipart/reporting\r\n\r\n", .fields = 1,
	  .ended = true, .message_id = "" },
	{ .text = "Subject: x\r\n\r\nContent-Type: multipart/report\r\n",
	  .fields = 1, .ended = true, .message_id = "" },
	/* Loops (M5). */
	{ .text = "Received: from a (b [192.0.2.1])\r\n\tby " HOST
		  " with ESMTP id 1;\r\n\tTue, 24 Nov 2026\r\n\r\n",
	  .fields = 1, .received = 1, .own = 1, .ended = true,
	  .message_id = "" },
	{ .text = "Received: from " HOST " by mx.other.example id 1; x\r\n"
		  "received:by RELAY.example.NET; x\r\n"
		  "Received: (by " HOST ") from x by y; by " HOST "\r\n"
		  "Received: from x by\r\n " HOST "\r\n\r\n",
	  .fields = 4, .received = 4, .own = 2, .ended = true,
	  .message_id = "" },
	{ .text = "Received: by x" HOST "; x\r\nReceived: by " HOST
		  ".x; x\r\n\r\n",
	  .fields = 2, .received = 2, .ended = true, .message_id = "" },
};

static void check(const struct row *row, const struct header_scan *h)
{
	bool ok = h->fields == row->fields && h->received == row->received &&
		  h->own_received == row->own && h->from == row->from &&
		  h->ended == row->ended && h->eight_bit == row->eight_bit &&
		  h->auto_submitted == row->automatic &&
		  h->multipart_report == row->report && !h->too_big &&
		  (row->bytes == 0 || h->bytes == row->bytes);
	if (!ok)
		fail_msg("%s", row->text);
	assert_slice_eq(((slice){ h->message_id, h->message_id_n }),
			row->message_id);
}

static void rows_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		slice all = slice_of(rows[i].text);
		if (rows[i].n > 0)
			all.n = rows[i].n;
		for (size_t piece = 1; piece <= all.n + 1; piece++) {
			struct header_scan h;
			header_scan_init(&h, SLICE(HOST), 100000, 1000);
			for (size_t at = 0; at < all.n; at += piece)
				header_scan_feed(&h, slice_sub(all, at, piece));
			check(&rows[i], &h);
		}
	}
}

static int verdict_of(slice text, uint64_t max_bytes, uint32_t max_fields,
		      size_t piece)
{
	struct header_scan h;
	struct err err = { 0 };
	header_scan_init(&h, SLICE(HOST), max_bytes, max_fields);
	for (size_t at = 0; at < text.n; at += piece)
		header_scan_feed(&h, slice_sub(text, at, piece));
	if (header_scan_verdict(&h, 100, 3, &err))
		return 250;
	assert_int_equal(err.scope, SCOPE_MESSAGE);
	assert_int_equal(err.enhanced[0], 5);
	return err.code;
}

/* n times one field and the empty line. */
static slice repeated(char *to, const char *field, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(to + at, field, strlen(field));
		at += strlen(field);
	}
	memcpy(to + at, "\r\n", 2);
	return (slice){ to, at + 2 };
}

static void s14_mail_loops(void **state)
{
	(void)state;
	static char text[20000];
	static const struct { const char *field; size_t n; int code; } cases[] = {
		{ "Received: from a by b; x\r\n", 30, 250 },
		{ "Received: from a by b; x\r\n", 100, 250 },
		{ "Received: from a by b; x\r\n", 101, 554 },
		{ "Received: from a by " HOST "; x\r\n", 2, 250 },
		{ "Received: from a by " HOST "; x\r\n", 3, 554 },
		{ "Received: from " HOST " by b; x\r\n", 99, 250 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(verdict_of(repeated(text, cases[i].field,
						     cases[i].n),
					    100000, 1000, 1000),
				 cases[i].code);
}

static void s14_two_from_fields(void **state)
{
	(void)state;
	static char text[1000];
	assert_int_equal(verdict_of(repeated(text, "From: a\r\n", 0), 1000, 10,
				    1), 250);
	assert_int_equal(verdict_of(repeated(text, "From: a\r\n", 1), 1000, 10,
				    1), 250);
	assert_int_equal(verdict_of(repeated(text, "From: a\r\n", 2), 1000, 10,
				    1), 550);
}

static void s14_header_too_big(void **state)
{
	(void)state;
	static char text[300000];
	slice small = repeated(text, "X: y\r\n", 16);	/* 98 bytes */
	assert_int_equal(verdict_of(small, 98, 16, 7), 250);
	assert_int_equal(verdict_of(small, 97, 16, 7), 552);
	assert_int_equal(verdict_of(small, 98, 15, 7), 552);
	slice folded = repeated(text, " \r\n", 90000);
	assert_int_equal(verdict_of(folded, 262144, 2000, 5000), 552);
	slice nothing = { text, 300000 };
	memset(text, 'x', sizeof(text));
	memcpy(text, "X: ", 3);
	assert_int_equal(verdict_of(nothing, 262144, 2000, 5000), 552);
	/* The body is not counted. */
	memcpy(text, "X: y\r\n\r\n", 8);
	assert_int_equal(verdict_of(nothing, 1000, 2000, 5000), 250);
}

static void eight_bit_is_found_at_every_place(void **state)
{
	(void)state;
	char text[200];
	for (size_t at = 0; at <= sizeof(text); at++) {
		struct header_scan h;
		memset(text, 'x', sizeof(text));
		memcpy(text, "\r\n", 2);
		if (at < sizeof(text))
			text[at] = (char)0x80;
		header_scan_init(&h, SLICE(HOST), 1000, 10);
		header_scan_feed(&h, (slice){ text, sizeof(text) });
		assert_int_equal(h.eight_bit, at < sizeof(text));
	}
}

static void random_bytes_in_any_pieces_are_the_same(void **state)
{
	(void)state;
	static const char letters[] = "\r\n\r\n: \tFrombyX(;)\x80\0";
	uint32_t seed = 9;
	for (int round = 0; round < 50000; round++) {
		char text[64];
		struct header_scan whole, parts;
		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = letters[(seed >> 8) % sizeof(letters)];
		}
		if (round % 2 == 0)
			memcpy(text, "Received:by b\r\nFrom: x", 22);
		header_scan_init(&whole, SLICE("b"), 40, 3);
		header_scan_init(&parts, SLICE("b"), 40, 3);
		header_scan_feed(&whole, (slice){ text, sizeof(text) });
		for (size_t at = 0; at < sizeof(text);) {
			seed = seed * 1664525 + 1013904223;
			slice piece = slice_sub((slice){ text, sizeof(text) },
						at, (seed >> 8) % 9);
			header_scan_feed(&parts, piece);
			at += piece.n;
		}
		assert_memory_equal(&whole, &parts, sizeof(whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_in_any_pieces),
		cmocka_unit_test(s14_mail_loops),
		cmocka_unit_test(s14_two_from_fields),
		cmocka_unit_test(s14_header_too_big),
		cmocka_unit_test(eight_bit_is_found_at_every_place),
		cmocka_unit_test(random_bytes_in_any_pieces_are_the_same),
	};
	return cmocka_run_group_tests_name("mail/header", tests, NULL, NULL);
}
