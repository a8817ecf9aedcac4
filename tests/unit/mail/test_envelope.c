/* The byte form of envelopes: there and back, cut, changed. */
#include "unit/unit.h"

#include "mail/envelope.h"

static struct recipient recipients[] = {
	{ { { "a b", 3 }, { "c.example", 9 }, false }, 0, { 0, 0 } },
	{ { { "\xc3\xa4", 2 }, { "[192.0.2.1]", 11 }, true },
	  DSN_SUCCESS | DSN_DELAY, { "rfc822;x@y", 10 } },
	{ { { "postmaster", 10 }, { 0, 0 }, false }, DSN_NEVER, { 0, 0 } },
};

static struct envelope sample(void)
{
	return (struct envelope){
		.id = id_make(1790000000000, 77),
		.session = id_make(1790000000000, 78),
		.accepted_ms = 1790000000123,
		.customer = 1, .setting = UINT32_MAX, .user = 3,
		.sender = { SLICE("alice"), SLICE("example.com"), false },
		.original_sender = { SLICE("bob"), SLICE("other.example"),
				     false },
		.client = { { 0x20, 0x01, [15] = 9 } },
		.helo = SLICE("mail.example.com"),
		.envid = SLICE("env 1"),
		.ret = DSN_RET_HDRS, .body_type = BODY_BINARYMIME,
		.smtputf8 = true, .bare_line_ends = true, .own = false,
		.body_bytes = 1ull << 40, .trace_bytes = 200,
		.message_id = SLICE("<1@example.com>"),
		.recipients = recipients,
		.recipient_count = ARRAY_LEN(recipients),
	};
}

static void assert_same(const struct envelope *a, const struct envelope *b)
{
	assert_true(id_eq(a->id, b->id) && id_eq(a->session, b->session));
	assert_true(a->accepted_ms == b->accepted_ms);
	assert_true(a->customer == b->customer && a->setting == b->setting &&
		    a->user == b->user);
	assert_true(address_eq(&a->sender, &b->sender));
	assert_true(address_eq(&a->original_sender, &b->original_sender));
	assert_true(ip_addr_eq(&a->client, &b->client));
	assert_true(slice_eq(a->helo, b->helo));
	assert_true(slice_eq(a->envid, b->envid));
	assert_true(a->ret == b->ret && a->body_type == b->body_type);
	assert_true(a->smtputf8 == b->smtputf8 && a->own == b->own &&
		    a->bare_line_ends == b->bare_line_ends);
	assert_true(a->body_bytes == b->body_bytes &&
		    a->trace_bytes == b->trace_bytes);
	assert_true(slice_eq(a->message_id, b->message_id));
	assert_true(a->recipient_count == b->recipient_count);
	for (uint32_t i = 0; i < a->recipient_count; i++) {
		const struct recipient *x = &a->recipients[i];
		const struct recipient *y = &b->recipients[i];
		assert_true(address_eq(&x->address, &y->address));
		assert_true(x->address.utf8 == y->address.utf8);
		assert_true(x->notify == y->notify);
		assert_true(slice_eq(x->orcpt, y->orcpt));
	}
}

static void reads_back_what_was_written(void **state)
{
	(void)state;
	struct envelope cases[3] = { sample(), sample(), sample() };
	cases[1].own = true;
	cases[1].smtputf8 = cases[1].bare_line_ends = false;
	cases[1].session = (struct id){ 0 };
	cases[1].sender = cases[1].original_sender = (struct address){ 0 };
	cases[1].accepted_ms = -1;
	cases[2].recipient_count = 0;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b;
		struct arena arena;
		struct envelope e;
		struct err err;
		buf_init(&b, 100000);
		arena_init(&arena, 100000);
		envelope_write(&b, &cases[i]);
		assert_false(b.failed);
		assert_true(envelope_read(buf_slice(&b), &arena, &e, &err));
		assert_same(&cases[i], &e);
		arena_fini(&arena);
		buf_fini(&b);
	}
}

static void every_cut_and_every_longer_one_is_refused(void **state)
{
	(void)state;
	struct envelope e = sample(), out;
	struct buf b;
	struct err err;
	buf_init(&b, 100000);
	envelope_write(&b, &e);
	buf_append_char(&b, 'x');
	for (size_t n = 0; n <= b.n; n++) {
		struct arena arena;
		/* At its very end, so that reading beyond is seen. */
		char *copy = malloc(n ? n : 1);
		memcpy(copy, b.p, n);
		arena_init(&arena, 100000);
		bool ok = envelope_read((slice){ copy, n }, &arena, &out, &err);
		assert_int_equal(ok, n == b.n - 1);
		if (!ok)
			assert_int_equal(err.kind, ERR_PROTOCOL);
		arena_fini(&arena);
		free(copy);
	}
	buf_fini(&b);
}

/* A flipped byte may give another envelope, but one that can be written
 * again to the same bytes; never a crash. */
static void any_changed_byte_reads_or_is_refused(void **state)
{
	(void)state;
	struct envelope e = sample(), out;
	struct buf b, again;
	struct err err;
	buf_init(&b, 100000);
	buf_init(&again, 100000);
	envelope_write(&b, &e);
	for (size_t i = 0; i < b.n; i++) {
		for (unsigned v = 0; v < 256; v += v < 32 ? 1 : 37) {
			struct arena arena;
			char before = b.p[i];
			b.p[i] = (char)v;
			arena_init(&arena, 100000);
			if (envelope_read(buf_slice(&b), &arena, &out, &err)) {
				buf_clear(&again);
				envelope_write(&again, &out);
				assert_true(slice_eq(buf_slice(&b),
						     buf_slice(&again)));
			}
			arena_fini(&arena);
			b.p[i] = before;
		}
	}
	buf_fini(&b);
	buf_fini(&again);
}

static void a_line_end_in_an_address_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "a\nb", "a\rb", "\x1f", "\x7f" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		for (int where = 0; where < 4; where++) {
			struct recipient r = { .address = {
				SLICE("a"), SLICE("b"), false } };
			struct envelope e = sample(), out;
			slice s = slice_of(bad[i]);
			struct arena arena;
			struct err err;
			struct buf b;
			e.recipients = &r;
			e.recipient_count = 1;
			*(where == 0 ? &e.sender.local :
			  where == 1 ? &r.address.domain :
			  where == 2 ? &r.orcpt : &e.envid) = s;
			buf_init(&b, 10000);
			arena_init(&arena, 10000);
			envelope_write(&b, &e);
			assert_false(b.failed);
			assert_false(envelope_read(buf_slice(&b), &arena, &out,
						   &err));
			arena_fini(&arena);
			buf_fini(&b);
		}
	}
}

static void what_is_too_long_is_not_written(void **state)
{
	(void)state;
	static char text[70000];
	memset(text, 'x', sizeof(text));
	for (int where = 0; where < 5; where++) {
		struct recipient r = { .address = { SLICE("a"), SLICE("b"),
						    false } };
		struct envelope e = sample();
		struct buf b;
		e.recipients = &r;
		e.recipient_count = 1;
		slice *at[] = { &e.sender.local, &e.sender.domain, &e.helo,
				&e.message_id, &r.orcpt };
		static const size_t max[] = { 64, 255, 65535, 255, 65535 };
		buf_init(&b, 1000000);
		*at[where] = (slice){ text, max[where] };
		envelope_write(&b, &e);
		assert_false(b.failed);
		buf_clear(&b);
		*at[where] = (slice){ text, max[where] + 1 };
		envelope_write(&b, &e);
		assert_true(b.failed);
		buf_fini(&b);
	}
}

static void recipients_are_bounded(void **state)
{
	(void)state;
	struct recipient *many = calloc(ENVELOPE_RECIPIENTS_MAX + 1,
					sizeof(*many));
	struct envelope e = sample(), out;
	struct arena arena;
	struct err err;
	struct buf b;
	for (size_t i = 0; i <= ENVELOPE_RECIPIENTS_MAX; i++)
		many[i].address = (struct address){ SLICE("a"), SLICE("b"),
						    false };
	e.recipients = many;
	e.recipient_count = ENVELOPE_RECIPIENTS_MAX;
	buf_init(&b, 10000000);
	arena_init(&arena, 100000000);
	envelope_write(&b, &e);
	assert_false(b.failed);
	assert_true(envelope_read(buf_slice(&b), &arena, &out, &err));
	arena_fini(&arena);
	arena_init(&arena, 1000);
	assert_false(envelope_read(buf_slice(&b), &arena, &out, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	arena_fini(&arena);
	e.recipient_count++;
	buf_clear(&b);
	envelope_write(&b, &e);
	assert_true(b.failed);
	buf_fini(&b);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_was_written),
		cmocka_unit_test(every_cut_and_every_longer_one_is_refused),
		cmocka_unit_test(any_changed_byte_reads_or_is_refused),
		cmocka_unit_test(a_line_end_in_an_address_is_refused),
		cmocka_unit_test(what_is_too_long_is_not_written),
		cmocka_unit_test(recipients_are_bounded),
	};
	return cmocka_run_group_tests_name("mail/envelope", tests, NULL, NULL);
}
