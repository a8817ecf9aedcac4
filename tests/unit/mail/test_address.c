/*
 * Addresses. The first table has every form of the catalogue of hostile
 * addresses (2.4), as a path behind "TO:" or "FROM:" with SMTPUTF8 given.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "mail/address.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define LABEL63 X60 "xxx"
#define OMEGA "\xcf\x89"

struct row {
	const char *in;
	size_t n;		/* 0: strlen */
	int code;		/* 250, 501, 553 */
	const char *local, *domain, *rest;
	const char *written;	/* NULL: local@domain */
};

static const struct row catalogue[] = {
	{ "<a@b>", 0, 250, "a", "b", "", NULL },
	{ "<a>", 0, 501, 0, 0, 0, 0 },
	{ "a@b", 0, 250, "a", "b", "", NULL },
	{ "< a@b>", 0, 250, "a", "b", "", NULL },
	{ "<a@b >", 0, 250, "a", "b", "", NULL },
	{ "  <  a@b  >", 0, 250, "a", "b", "", NULL },
	{ "<a@b> x", 0, 250, "a", "b", "x", NULL },
	{ "<a@b>x", 0, 250, "a", "b", "x", NULL },
	{ "a@b SIZE=1", 0, 250, "a", "b", "SIZE=1", NULL },
	{ "<\"a b\"@c>", 0, 250, "a b", "c", "", "\"a b\"@c" },
	{ "\"a b\"@c x", 0, 250, "a b", "c", "x", "\"a b\"@c" },
	{ "<\"a\\\"b\"@c>", 0, 250, "a\"b", "c", "", "\"a\\\"b\"@c" },
	{ "<\"a\\@b\"@c>", 0, 250, "a@b", "c", "", "\"a@b\"@c" },
	{ "<\"a@evil\"@c>", 0, 250, "a@evil", "c", "", "\"a@evil\"@c" },
	{ "<\"abc\"@c>", 0, 250, "abc", "c", "", "abc@c" },
	{ "<\"a\\b\"@c>", 0, 250, "ab", "c", "", "ab@c" },
	{ "<\"a\\\\b\"@c>", 0, 250, "a\\b", "c", "", "\"a\\\\b\"@c" },
	{ "<\"a.\"@c>", 0, 250, "a.", "c", "", "\"a.\"@c" },
	{ "<\"a..b\"@c>", 0, 250, "a..b", "c", "", "\"a..b\"@c" },
	{ "<\"a>\"@c>", 0, 250, "a>", "c", "", "\"a>\"@c" },
	{ "<\"a\\", 0, 501, 0, 0, 0, 0 },
	{ "<\"a@c>", 0, 501, 0, 0, 0, 0 },
	{ "<\"a\"b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<\"\"@c>", 0, 501, 0, 0, 0, 0 },
	{ "<@c>", 0, 501, 0, 0, 0, 0 },		/* dma's null sender */
	{ "<a@>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b@c>", 0, 501, 0, 0, 0, 0 },
	{ "a@b@c", 0, 501, 0, 0, 0, 0 },
	{ "<a.@c>", 0, 501, 0, 0, 0, 0 },
	{ "<.a@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a..b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<@x,@y:a@b>", 0, 250, "a", "b", "", NULL },
	{ "<@x:a@b>", 0, 250, "a", "b", "", NULL },
	{ "<@[IPv6:::1]:a@b>", 0, 250, "a", "b", "", NULL },
	{ "<@x:a@b", 0, 501, 0, 0, 0, 0 },
	{ "<@x,:a@b>", 0, 501, 0, 0, 0, 0 },
	{ "<@x,y:a@b>", 0, 501, 0, 0, 0, 0 },
	{ "<@x:>", 0, 501, 0, 0, 0, 0 },
	{ "<@x:postmaster>", 0, 501, 0, 0, 0, 0 },
	{ "@x:a@b", 0, 501, 0, 0, 0, 0 },
	{ "<a@b", 0, 501, 0, 0, 0, 0 },
	{ "a@b>", 0, 501, 0, 0, 0, 0 },
	{ "<<a@b>>", 0, 501, 0, 0, 0, 0 },
	{ "<a%b@c>", 0, 250, "a%b", "c", "", NULL },
	{ "<b!a>", 0, 501, 0, 0, 0, 0 },
	{ "<b!a@c>", 0, 250, "b!a", "c", "", NULL },
	{ "<a@b.>", 0, 501, 0, 0, 0, 0 },
	{ "<a@.b>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b..c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@.>", 0, 501, 0, 0, 0, 0 },
	{ "<a@-b>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b->", 0, 501, 0, 0, 0, 0 },
	{ "<a@b_c>", 0, 250, "a", "b_c", "", NULL },
	{ "<a@_b.c>", 0, 250, "a", "_b.c", "", NULL },
	{ "<a@r3---sn-x.example>", 0, 250, "a", "r3---sn-x.example", "",
	  NULL },
	{ "<" X60 "xxxx@c>", 0, 250, X60 "xxxx", "c", "", NULL },
	{ "<" X60 "xxxxx@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@" LABEL63 ".c>", 0, 250, "a", LABEL63 ".c", "", NULL },
	{ "<a@" LABEL63 "x.c>", 0, 501, 0, 0, 0, 0 },
	/* 252 of domain: a path of 256; one more is too long. */
	{ "<a@" LABEL63 "." LABEL63 "." LABEL63 "." X60 ">", 0, 250, "a",
	  LABEL63 "." LABEL63 "." LABEL63 "." X60, "", NULL },
	{ "<a@" LABEL63 "." LABEL63 "." LABEL63 "." X60 "x>", 0, 501, 0, 0, 0,
	  0 },
	{ "<a@" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ">", 0, 501, 0,
	  0, 0, 0 },
	{ "<a@" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".y>", 0, 501, 0,
	  0, 0, 0 },
	{ "<a@[1.2.3.4]>", 0, 250, "a", "[1.2.3.4]", "", NULL },
	{ "<a@[1.2.3.256]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[1.2.3]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[01.2.3.4]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[1.2.3.4>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[1.2.3.4]x>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[ 1.2.3.4 ]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[IPv6:::1]>", 0, 250, "a", "[IPv6:::1]", "", NULL },
	{ "<a@[ipv6:2001:DB8:0:0::1]>", 0, 250, "a", "[IPv6:2001:db8::1]", "",
	  NULL },
	/* the same host as [127.0.0.1], so the same text */
	{ "<a@[IPv6:::ffff:127.0.0.1]>", 0, 250, "a", "[127.0.0.1]", "",
	  NULL },
	{ "<a@[IPv6:127.0.0.1]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[::1]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[IPv6:::1%lo]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@[x:y]>", 0, 501, 0, 0, 0, 0 },
	{ "<a@0x7f.1>", 0, 501, 0, 0, 0, 0 },
	{ "<a@1.0x7F>", 0, 501, 0, 0, 0, 0 },
	{ "<a@2130706433>", 0, 501, 0, 0, 0, 0 },
	{ "<a@127.1>", 0, 501, 0, 0, 0, 0 },
	{ "<a@127.0.0.1>", 0, 501, 0, 0, 0, 0 },
	{ "<a@0x>", 0, 501, 0, 0, 0, 0 },
	{ "<a@1.example>", 0, 250, "a", "1.example", "", NULL },
	{ "<a@0xyz>", 0, 250, "a", "0xyz", "", NULL },
	{ "<\xc3\xa4@x>", 0, 250, "\xc3\xa4", "x", "", NULL },
	{ "<a@\xc3\xa4.x>", 0, 250, "a", "xn--4ca.x", "", NULL },
	{ "<a@\xc3\x84.X>", 0, 250, "a", "xn--4ca.x", "", NULL },
	{ "<a@xn--4ca.x>", 0, 250, "a", "xn--4ca.x", "", NULL },
	{ "<a@XN--4CA.x>", 0, 250, "a", "xn--4ca.x", "", NULL },
	{ "<a@fa\xc3\x9f.de>", 0, 250, "a", "xn--fa-hia.de", "", NULL },
	{ "<a@\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab.\xe4\xbe\x8b\xe3\x81\x88."
	  "jp>", 0, 250, "a", "xn--4dkua4c.xn--r8jz45g.jp", "", NULL },
	{ "<a@xn--a>", 0, 501, 0, 0, 0, 0 },
	{ "<a@xn--.x>", 0, 501, 0, 0, 0, 0 },
	{ "<a@xn--zzzzzz99999.x>", 0, 501, 0, 0, 0, 0 },
	{ "<a@xn--u-ccb.com>", 0, 501, 0, 0, 0, 0 },	/* stands for NFD */
	/* NFD twins */
	{ "<a\xcc\x88@x>", 0, 553, 0, 0, 0, 0 },
	{ "<a@a\xcc\x88.x>", 0, 553, 0, 0, 0, 0 },
	/* full width @ and dot, ideographic full stop, ligature, digits */
	{ "<a\xef\xbc\xa0" "b>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b\xef\xbc\x8e" "c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b\xe3\x80\x82" "c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@\xef\xac\x81.x>", 0, 501, 0, 0, 0, 0 },
	{ "<a@\xe2\x91\xa0.com>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b.\xef\xbc\x91>", 0, 501, 0, 0, 0, 0 },
	/* right to left: letters yes, overrides no */
	{ "<\xd7\x90@x>", 0, 250, "\xd7\x90", "x", "", NULL },
	{ "<a@\xd7\x90\xd7\x91.com>", 0, 250, "a", "xn--4dbc.com", "", NULL },
	{ "<a\xe2\x80\xae" "b@x>", 0, 553, 0, 0, 0, 0 },
	{ "<a\xc2\x85" "b@x>", 0, 553, 0, 0, 0, 0 },
	{ "<a\xe2\x80\xa8" "b@x>", 0, 553, 0, 0, 0, 0 },
	{ "<\xc3@x>", 0, 553, 0, 0, 0, 0 },
	{ "<\xc0\xaf@x>", 0, 553, 0, 0, 0, 0 },
	{ "<a@\xff.x>", 0, 553, 0, 0, 0, 0 },
	{ "<\"\xc3\xa4 b\"@x>", 0, 250, "\xc3\xa4 b", "x", "",
	  "\"\xc3\xa4 b\"@x" },
	{ "<" OMEGA "." OMEGA "@x>", 0, 250, OMEGA "." OMEGA, "x", "", NULL },
	{ "<a@b:25>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b#c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b/c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b?c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b c>", 0, 501, 0, 0, 0, 0 },
	{ "<a b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a @c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@ c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b\tc>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b\0.c>", 8, 501, 0, 0, 0, 0 },
	{ "<a\0@c>", 6, 501, 0, 0, 0, 0 },
	{ "<\"a\0\"@c>", 8, 501, 0, 0, 0, 0 },
	{ "<\"a\r\nb\"@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a\r@c>", 0, 501, 0, 0, 0, 0 },
	{ "<\"a\x7f\"@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b\r\n>", 0, 501, 0, 0, 0, 0 },
	{ "<(c)a@b>", 0, 501, 0, 0, 0, 0 },
	{ "<a(c)@b>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b(c)>", 0, 501, 0, 0, 0, 0 },
	{ "Alice <a@b>", 0, 501, 0, 0, 0, 0 },
	{ "<a,b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a@b,c@d>", 0, 501, 0, 0, 0, 0 },
	{ "<a;b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a:b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<a\\b@c>", 0, 501, 0, 0, 0, 0 },
	{ "<|a@c>", 0, 250, "|a", "c", "", NULL },
	{ "</etc/passwd@c>", 0, 250, "/etc/passwd", "c", "", NULL },
	{ "<-a@c>", 0, 250, "-a", "c", "", NULL },
	{ "<Bob.Smith+tag@Example.ORG>", 0, 250, "Bob.Smith+tag",
	  "example.org", "", NULL },
	{ "<BOB.smith+tag@example.org>", 0, 250, "BOB.smith+tag",
	  "example.org", "", NULL },
	{ "", 0, 501, 0, 0, 0, 0 },
	{ " ", 0, 501, 0, 0, 0, 0 },
	{ "<", 0, 501, 0, 0, 0, 0 },
	{ "@", 0, 501, 0, 0, 0, 0 },
	{ "<ossecm@HULK>", 0, 250, "ossecm", "hulk", "", NULL },
};

static slice input_of(const struct row *row)
{
	return (slice){ row->in, row->n ? row->n : strlen(row->in) };
}

static slice written(struct buf *b, const struct address *a)
{
	buf_clear(b);
	address_write(b, a);
	assert_false(b->failed);
	return buf_slice(b);
}

/* What was read is written, read again, and is the same. */
static void check_round_trip(const struct address *a, const char *want)
{
	struct arena arena;
	struct buf b;
	struct address again, path;
	struct err err;
	char bracketed[ADDRESS_TEXT_MAX + 2];
	arena_init(&arena, 4096);
	buf_init(&b, ADDRESS_TEXT_MAX);
	slice text = written(&b, a);
	assert_slice_eq(text, want);
	assert_slice_eq(address_text(a, &arena), want);
	if (!address_is_literal(a) && a->domain.n > 0) {
		assert_true(address_parse(text, &arena, &again, &err));
		assert_true(address_eq(a, &again));
	}
	int n = snprintf(bracketed, sizeof(bracketed), "<%.*s>",
			 SLICE_ARG(text));
	slice rest = { bracketed, (size_t)n };
	/* Quotes can make the written form longer than a path. */
	if (n <= ADDRESS_PATH_MAX) {
		assert_true(address_parse_path(&rest, ADDRESS_RECIPIENT, true,
					       &arena, &path, &err));
		assert_true(address_eq(a, &path));
		assert_int_equal(rest.n, 0);
	}
	buf_fini(&b);
	arena_fini(&arena);
}

static void check_row(const struct row *row, enum address_use use)
{
	struct arena arena;
	struct address a;
	struct err err = { 0 };
	slice rest = input_of(row);
	char want[ADDRESS_TEXT_MAX];
	arena_init(&arena, 4096);
	bool ok = address_parse_path(&rest, use, true, &arena, &a, &err);
	int code = ok ? 250 : err.code;
	if (code != row->code)
		fail_msg("%s: %d %s, want %d", row->in, code, err.text,
			 row->code);
	if (ok) {
		assert_slice_eq(a.local, row->local);
		assert_slice_eq(a.domain, row->domain);
		assert_slice_eq(rest, row->rest);
		snprintf(want, sizeof(want), "%s@%s", row->local, row->domain);
		check_round_trip(&a, row->written ? row->written : want);
	} else {
		slice unchanged = input_of(row);
		assert_true(rest.p == unchanged.p && rest.n == unchanged.n);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(err.enhanced[0], 5);
		assert_int_equal(err.enhanced[1], code == 553 ? 6 : 1);
		assert_int_equal(err.enhanced[2],
				 code == 553 || use == ADDRESS_SENDER ? 7 : 3);
		for (const char *c = err.text; *c != '\0'; c++)
			assert_true(*c >= 0x20 && *c < 0x7f);
	}
	arena_fini(&arena);
}

static void s14_catalogue_of_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(catalogue); i++) {
		check_row(&catalogue[i], ADDRESS_SENDER);
		check_row(&catalogue[i], ADDRESS_RECIPIENT);
	}
}

static void s14_8bit_without_smtputf8_is_553(void **state)
{
	(void)state;
	static const char *const bad[] = { "<\xc3\xa4@x>", "<a@\xc3\xa4.x>",
					   "<\"\xc3\xa4\"@x>",
					   "<\xff@x>", "<a@\xff>" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct arena arena;
		struct address a;
		struct err err = { 0 };
		slice rest = slice_of(bad[i]);
		arena_init(&arena, 4096);
		assert_false(address_parse_path(&rest, ADDRESS_SENDER, false,
						&arena, &a, &err));
		assert_int_equal(err.code, 553);
		arena_fini(&arena);
	}
}

static bool parse(const char *text, enum address_use use, struct address *a,
		  struct arena *arena, int *code)
{
	struct err err = { 0 };
	slice rest = slice_of(text);
	bool ok = address_parse_path(&rest, use, false, arena, a, &err);
	*code = err.code;
	return ok;
}

static void s5_2_null_sender_is_for_senders_only(void **state)
{
	(void)state;
	static const char *const forms[] = { "<>", "< >", " <>", "<> SIZE=1" };
	struct arena arena;
	struct address a;
	int code;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_true(parse(forms[i], ADDRESS_SENDER, &a, &arena, &code));
		assert_true(address_is_null(&a));
		assert_slice_eq(address_text(&a, &arena), "");
		assert_false(parse(forms[i], ADDRESS_RECIPIENT, &a, &arena,
				   &code));
		assert_int_equal(code, 501);
	}
	arena_fini(&arena);
}

static void postmaster_needs_no_domain_as_recipient(void **state)
{
	(void)state;
	static const char *const forms[] = { "<postmaster>", "<PostMaster>",
					     "postmaster", "<\"postmaster\">" };
	struct arena arena;
	struct address a;
	int code;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_true(parse(forms[i], ADDRESS_RECIPIENT, &a, &arena,
				  &code));
		assert_int_equal(a.domain.n, 0);
		assert_int_equal(a.local.n, 10);
		assert_int_equal(address_text(&a, &arena).n, 10);
		assert_false(parse(forms[i], ADDRESS_SENDER, &a, &arena,
				   &code));
	}
	assert_false(parse("<postmaster@>", ADDRESS_RECIPIENT, &a, &arena,
			   &code));
	arena_fini(&arena);
}

static void ten_thousand_backslashes_are_refused(void **state)
{
	(void)state;
	struct arena arena;
	struct address a;
	int code;
	char text[10100];
	memset(text, '\\', sizeof(text));
	text[0] = '<';
	text[1] = '"';
	strcpy(text + 10002, "\"@c>");
	arena_init(&arena, 4096);
	assert_false(parse(text, ADDRESS_SENDER, &a, &arena, &code));
	assert_int_equal(code, 501);
	text[1] = '\\';
	assert_false(parse(text, ADDRESS_SENDER, &a, &arena, &code));
	arena_fini(&arena);
}

static void a_long_source_route_is_refused(void **state)
{
	(void)state;
	struct arena arena;
	struct address a;
	int code;
	char text[4000] = "<";
	for (size_t n = 1; n < 3900; n += 8)
		strcpy(text + n, "@x.test,");
	strcpy(text + strlen(text), "@y:a@b>");
	arena_init(&arena, 4096);
	assert_false(parse(text, ADDRESS_SENDER, &a, &arena, &code));
	assert_int_equal(code, 501);
	arena_fini(&arena);
}

static void a_full_arena_is_a_limit(void **state)
{
	(void)state;
	for (size_t max = 0; max < 32; max += 16) {
		struct arena arena;
		struct address a;
		struct err err = { 0 };
		slice rest = SLICE("<a@b>");
		arena_init(&arena, max);
		assert_false(address_parse_path(&rest, ADDRESS_SENDER, true,
						&arena, &a, &err));
		assert_int_equal(err.kind, ERR_LIMIT);
		assert_int_equal(err.code, 0);
		arena_fini(&arena);
	}
}

static void people_write_a_whole_address(void **state)
{
	(void)state;
	static const struct { const char *in, *want; } cases[] = {
		{ "Alice@Example.COM", "Alice@example.com" },
		{ "alice@example.com.", "alice@example.com" },
		{ "\"a b\"@c", "\"a b\"@c" },
		{ "\xc3\xa4@\xc3\xa4.example", "\xc3\xa4@xn--4ca.example" },
		{ "postmaster", NULL }, { "", NULL }, { "@b", NULL },
		{ "a@b c", NULL }, { "<a@b>", NULL }, { " a@b", NULL },
		{ "a@b ", NULL }, { "a@b>", NULL }, { "a@b..", NULL },
		{ "a@.", NULL },
	};
	struct arena arena;
	arena_init(&arena, 8192);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct address a;
		struct err err = { 0 };
		bool ok = address_parse(slice_of(cases[i].in), &arena, &a,
					&err);
		if (ok != (cases[i].want != NULL))
			fail_msg("%s: %s", cases[i].in, err.text);
		if (ok)
			assert_slice_eq(address_text(&a, &arena),
					cases[i].want);
	}
	arena_fini(&arena);
}

static void domains_fold_to_one_spelling(void **state)
{
	(void)state;
	static const struct { const char *in, *want; } cases[] = {
		{ "Example.COM", "example.com" },
		{ "example.com.", "example.com" },
		{ "\xc3\x84.example", "xn--4ca.example" },
		{ "m\xc3\xbcnchen.de", "xn--mnchen-3ya.de" },
		{ "XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de" },
		{ "a_b.c", "a_b.c" },
		{ LABEL63 "." LABEL63 "." LABEL63 "." LABEL63,
		  LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 },
		{ LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".", LABEL63
		  "." LABEL63 "." LABEL63 "." LABEL63 },
		{ LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".x", NULL },
		{ "", NULL }, { ".", NULL }, { "..", NULL }, { "a..", NULL },
		{ "[1.2.3.4]", NULL }, { "1.2.3.4", NULL }, { "a b", NULL },
		{ "*.example", NULL }, { "a/b", NULL }, { "a@b", NULL },
	};
	struct arena arena;
	arena_init(&arena, 8192);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		slice out;
		struct err err = { 0 };
		bool ok = domain_normalise(slice_of(cases[i].in), &arena, &out,
					   &err);
		if (ok != (cases[i].want != NULL))
			fail_msg("%s: %s", cases[i].in, err.text);
		if (ok)
			assert_slice_eq(out, cases[i].want);
	}
	arena_fini(&arena);
}

static void domains_within_and_parents(void **state)
{
	(void)state;
	static const struct { const char *inner, *domain; bool in; } cases[] = {
		{ "example.com", "example.com", true },
		{ "a.example.com", "example.com", true },
		{ "a.b.example.com", "example.com", true },
		{ "notexample.com", "example.com", false },
		{ ".example.com", "example.com", false },
		{ "com", "example.com", false },
		{ "example.com", "a.example.com", false },
		{ "example.com", "", false },
		{ "", "", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(domain_within(slice_of(cases[i].inner),
					       slice_of(cases[i].domain)),
				 cases[i].in);
	assert_slice_eq(domain_parent(SLICE("a.b.c")), "b.c");
	assert_slice_eq(domain_parent(SLICE("c")), "");
	assert_slice_eq(domain_parent(SLICE("")), "");
}

/* Any bytes at all: no crash, and what is taken is written and read back. */
static void random_bytes_round_trip(void **state)
{
	(void)state;
	static const char letters[] = "ab@.<>\"\\ [:]xn-0_\xc3\xa4\xcc\x88";
	uint32_t seed = 5;
	unsigned taken = 0;
	for (int round = 0; round < 200000; round++) {
		char text[16];
		struct arena arena;
		struct address a;
		struct err err;
		size_t n = 0;
		seed = seed * 1664525 + 1013904223;
		size_t length = 3 + (seed >> 8) % 13;
		for (; n < length; n++) {
			seed = seed * 1664525 + 1013904223;
			text[n] = letters[(seed >> 8) % (sizeof(letters) - 1)];
		}
		slice rest = { text, n };
		arena_init(&arena, 4096);
		if (address_parse_path(&rest, ADDRESS_RECIPIENT, true, &arena,
				       &a, &err)) {
			slice spelled = address_text(&a, &arena);
			char want[ADDRESS_TEXT_MAX];
			assert_true(slice_to_cstr(spelled, want,
						  sizeof(want)));
			check_round_trip(&a, want);
			taken++;
		}
		arena_fini(&arena);
	}
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s14_catalogue_of_addresses),
		cmocka_unit_test(s14_8bit_without_smtputf8_is_553),
		cmocka_unit_test(s5_2_null_sender_is_for_senders_only),
		cmocka_unit_test(postmaster_needs_no_domain_as_recipient),
		cmocka_unit_test(ten_thousand_backslashes_are_refused),
		cmocka_unit_test(a_long_source_route_is_refused),
		cmocka_unit_test(a_full_arena_is_a_limit),
		cmocka_unit_test(people_write_a_whole_address),
		cmocka_unit_test(domains_fold_to_one_spelling),
		cmocka_unit_test(domains_within_and_parents),
		cmocka_unit_test(random_bytes_round_trip),
	};
	return cmocka_run_group_tests_name("mail/address", tests, NULL, NULL);
}
