/* Changes: whole or nothing, references, parts, export. */
#include "unit/policy/build.h"

#include <stdio.h>

static void base_rows(struct build *b)
{
	build_init(b);
	put_customer(b, a_customer(1, "alpha"));
	put_customer(b, a_customer(2, "beta"));
	put_setting(b, a_setting(11, 1, SENDERS_ANY));
	put_entry(b, an_entry(21, 1, 11, "192.0.2.1"));
	put_domain(b, a_domain(1, "example.com"));
	struct domain alias = a_domain(1, "example.jp");
	alias.kind = DOMAIN_ALIAS;
	alias.alias_of = SLICE("example.com");
	put_domain(b, alias);
	put_user(b, a_user(31, 1, "alice@example.com"));
	put_app_password(b, an_app_password("aaaaaaaaaa", 31, 1));
	build_apply(b);
}

static void counts_are(const struct view *v, uint64_t customers,
		       uint64_t settings, uint64_t entries, uint64_t domains,
		       uint64_t users, uint64_t app_passwords)
{
	struct view_counts c;
	view_count(v, &c);
	assert_int_equal(c.customers, customers);
	assert_int_equal(c.settings, settings);
	assert_int_equal(c.entries, entries);
	assert_int_equal(c.domains, domains);
	assert_int_equal(c.users, users);
	assert_int_equal(c.app_passwords, app_passwords);
}

/* --- the app passwords of a user that SCRAM may prove --- */

static struct app_password numbered(uint32_t n, uint32_t user)
{
	char id[16];
	snprintf(id, sizeof(id), "%010u", n);
	return an_app_password(id, user, 1);
}

static void remove_numbered(struct build *b, uint32_t n)
{
	struct app_password p = numbered(n, 0);
	change_remove_app_password(&b->change,
				   (slice){ p.id, sizeof(p.id) });
}

static void proves(const struct view *v, uint32_t user, uint32_t count)
{
	const struct app_password *list[VIEW_SCRAM_MAX];
	assert_int_equal(view_scram_passwords(v, user, list), count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(list[i]->user, user);
		assert_int_equal(list[i]->scram_salt[15], 's');
		assert_int_equal(list[i]->scram_stored[31], list[i]->id[9]);
		assert_int_equal(list[i]->scram_server[31], 'k');
		for (uint32_t k = 0; k < i; k++)
			assert_ptr_not_equal(list[i], list[k]);
	}
}

static void s1_3_scram_passwords_of_a_user(void **state)
{
	(void)state;
	struct build b;
	struct err err;
	base_rows(&b);
	put_user(&b, a_user(32, 1, "bob@example.com"));
	proves(b.v, 31, 0);		/* the one it has is an older one */
	for (uint32_t n = 1; n <= VIEW_SCRAM_MAX; n++) {
		put_app_password(&b, with_scram(numbered(n, 31)));
		build_apply(&b);
		proves(b.v, 31, n);
	}
	put_app_password(&b, with_scram(numbered(7, 31)));	/* again */
	put_app_password(&b, numbered(100, 31));		/* without */
	build_apply(&b);
	proves(b.v, 31, VIEW_SCRAM_MAX);
	put_app_password(&b, with_scram(numbered(99, 31)));
	assert_false(build_try(&b, &err));
	put_app_password(&b, with_scram(numbered(3, 32)));	/* moves */
	put_app_password(&b, numbered(4, 31));			/* loses them */
	remove_numbered(&b, 5);
	build_apply(&b);
	proves(b.v, 31, VIEW_SCRAM_MAX - 3);
	proves(b.v, 32, 1);
	remove_numbered(&b, 3);
	change_remove_user(&b.change, 32);
	build_apply(&b);
	proves(b.v, 32, 0);
	build_fini(&b);
}

/* --- each row that must be refused --- */
static void no_customer_setting(struct build *b)
{
	put_setting(b, a_setting(12, 9, SENDERS_ANY));
}
static void open_relay_setting(struct build *b)
{
	struct setting s = a_setting(12, 1, SENDERS_ANY);
	s.ip_only = false;
	put_setting(b, s);
}
static void moved_setting(struct build *b)
{
	put_setting(b, a_setting(11, 2, SENDERS_ANY));
}
static void no_setting_entry(struct build *b)
{
	put_entry(b, an_entry(22, 1, 12, "192.0.2.2"));
}
static void foreign_setting_entry(struct build *b)
{
	put_entry(b, an_entry(22, 2, 11, "192.0.2.2"));
}
static void wide_entry(struct build *b)
{
	put_entry(b, an_entry(22, 1, 11, "192.0.0.0/15"));
}
static void wide_v6_entry(struct build *b)
{
	put_entry(b, an_entry(22, 1, 11, "2001:db8::/111"));
}
static void host_bits_entry(struct build *b)
{
	put_entry(b, an_entry(22, 1, 11, "192.0.2.1/24"));
}
static void no_customer_domain(struct build *b)
{
	put_domain(b, a_domain(9, "example.net"));
}
static void upper_case_domain(struct build *b)
{
	put_domain(b, a_domain(1, "Example.net"));
}
static void odd_domain(struct build *b)
{
	put_domain(b, a_domain(1, "example..net"));
}
static void alias_of_nothing(struct build *b)
{
	struct domain d = a_domain(1, "example.net");
	d.kind = DOMAIN_ALIAS;
	d.alias_of = SLICE("example.org");
	put_domain(b, d);
}
static void alias_across_customers(struct build *b)
{
	struct domain d = a_domain(2, "example.net");
	d.kind = DOMAIN_ALIAS;
	d.alias_of = SLICE("example.com");
	put_domain(b, d);
}
static void aliased_domain_moves(struct build *b)
{
	put_domain(b, a_domain(2, "example.com"));
}
static void no_customer_user(struct build *b)
{
	put_user(b, a_user(32, 9, "bob@example.com"));
}
static void taken_address(struct build *b)
{
	put_user(b, a_user(32, 1, "ALICE@example.com"));
}
static void same_address_twice(struct build *b)
{
	struct user u = a_user(32, 1, "bob@example.com");
	slice alias = SLICE("Bob@example.com");
	change_put_user(&b->change, &u, &alias, 1);
}
static void no_address_user(struct build *b)
{
	put_user(b, a_user(32, 1, "bob"));
}
static void foreign_user_password(struct build *b)
{
	put_app_password(b, an_app_password("bbbbbbbbbb", 31, 2));
}
static void no_user_password(struct build *b)
{
	put_app_password(b, an_app_password("bbbbbbbbbb", 32, 1));
}
static void taken_name(struct build *b)
{
	put_customer(b, a_customer(3, "alpha"));
}
static void nameless(struct build *b)
{
	put_customer(b, a_customer(3, ""));
}
static void customer_in_use(struct build *b)
{
	change_remove_customer(&b->change, 1);
}
static void setting_in_use(struct build *b)
{
	change_remove_setting(&b->change, 11);
}
static void domain_in_use(struct build *b)
{
	change_remove_domain(&b->change, SLICE("example.com"));
}
static void user_in_use(struct build *b)
{
	change_remove_user(&b->change, 31);
}
static void nothing_to_remove(struct build *b)
{
	change_remove_entry(&b->change, 99);
}

static void dangling_rows_are_refused_whole(void **state)
{
	(void)state;
	static void (*const cases[])(struct build *) = {
		no_customer_setting, open_relay_setting, moved_setting,
		no_setting_entry, foreign_setting_entry, wide_entry,
		wide_v6_entry, host_bits_entry, no_customer_domain,
		upper_case_domain, odd_domain, alias_of_nothing,
		alias_across_customers, aliased_domain_moves,
		no_customer_user, taken_address, same_address_twice,
		no_address_user, foreign_user_password, no_user_password,
		taken_name, nameless, customer_in_use, setting_in_use,
		domain_in_use, user_in_use, nothing_to_remove,
	};
	struct build b;
	base_rows(&b);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* What stands before the bad row doesn't stay either. */
		put_customer(&b, a_customer(5, "gamma"));
		cases[i](&b);
		struct err err = { 0 };
		if (build_try(&b, &err))
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_true(err.text[0] != '\0');
		assert_null(view_customer(b.v, 5));
		counts_are(b.v, 2, 1, 1, 2, 1, 1);
	}
	build_fini(&b);
}

static bool has_day(void *ctx, const struct ip_entry *e)
{
	*(uint32_t *)ctx = e->legacy_tls_until;
	return true;
}

static void s1_9_an_entry_has_a_day_or_none(void **state)
{
	(void)state;
	struct build b;
	struct ip_addr a = an_ip("192.0.2.1");
	struct ip_entry e = an_entry(21, 1, 11, "192.0.2.1");
	struct err err;
	uint32_t day = 7;
	base_rows(&b);
	view_entries_of(b.v, &a, has_day, &day);
	assert_int_equal(day, 0);
	e.legacy_tls_until = 47482;
	put_entry(&b, e);
	build_apply(&b);
	view_entries_of(b.v, &a, has_day, &day);
	assert_int_equal(day, 47482);
	/* That there is one, and it is none, has no meaning. */
	e.legacy_tls_until = 0x01010101;
	put_entry(&b, e);
	memset(b.change.p + b.change.n - 4, 0, 4);
	assert_false(build_try(&b, &err));
	assert_int_equal(err.kind, ERR_PROTOCOL);
	build_fini(&b);
}

static void rows_are_replaced_and_removed(void **state)
{
	(void)state;
	struct build b;
	base_rows(&b);
	const struct view *old = view_ref(b.v);
	put_customer(&b, a_customer(1, "renamed"));
	put_entry(&b, an_entry(21, 1, 11, "192.0.2.9"));
	put_user(&b, a_user(31, 1, "alicia@example.com"));
	build_apply(&b);
	assert_null(view_customer_named(b.v, SLICE("alpha")));
	assert_int_equal(view_customer_named(old, SLICE("alpha"))->id, 1);
	struct ip_addr was = an_ip("192.0.2.1"), is = an_ip("192.0.2.9");
	assert_false(view_address_listed(b.v, &was));
	assert_true(view_address_listed(b.v, &is));
	assert_true(view_address_listed(old, &was));
	struct address a = an_address("alice@example.com");
	assert_null(view_user(b.v, &a));
	assert_non_null(view_user(old, &a));
	counts_are(b.v, 2, 1, 1, 2, 1, 1);
	change_remove_app_password(&b.change, SLICE("aaaaaaaaaa"));
	change_remove_user(&b.change, 31);
	change_remove_domain(&b.change, SLICE("example.jp"));
	change_remove_domain(&b.change, SLICE("example.com"));
	change_remove_entry(&b.change, 21);
	change_remove_setting(&b.change, 11);
	change_remove_customer(&b.change, 1);
	change_remove_customer(&b.change, 2);
	build_apply(&b);
	counts_are(b.v, 0, 0, 0, 0, 0, 0);
	struct view_counts empty, fresh;
	struct view *none = view_new();
	const struct view *unref = none;
	view_count(b.v, &empty);
	view_count(none, &fresh);
	assert_int_equal(empty.bytes, fresh.bytes);
	view_unref(&unref);
	counts_are(old, 2, 1, 1, 2, 1, 1);
	view_unref(&old);
	build_fini(&b);
}

static void settings_stay_in_order(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	put_customer(&b, a_customer(1, "alpha"));
	static const uint32_t positions[] = { 5, 2, 9, 2 };
	for (uint32_t i = 0; i < ARRAY_LEN(positions); i++) {
		struct setting s = a_setting(i + 1, 1, SENDERS_ANY);
		s.position = positions[i];
		put_setting(&b, s);
	}
	build_apply(&b);
	const struct customer *c = view_customer(b.v, 1);
	static const uint32_t want[] = { 2, 4, 1, 3 };
	for (uint32_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(c->settings[i]->id, want[i]);
	struct setting s = a_setting(2, 1, SENDERS_OWN_DOMAINS);
	s.position = 7;
	put_setting(&b, s);
	build_apply(&b);
	static const uint32_t moved[] = { 4, 1, 2, 3 };
	c = view_customer(b.v, 1);
	assert_int_equal(c->setting_count, 4);
	for (uint32_t i = 0; i < ARRAY_LEN(moved); i++) {
		assert_int_equal(c->settings[i]->id, moved[i]);
		assert_ptr_equal(view_setting(b.v, moved[i]), c->settings[i]);
	}
	build_fini(&b);
}

/* --- the frame --- */
static void a_revision_never_goes_back(void **state)
{
	(void)state;
	struct build b;
	struct err err;
	base_rows(&b);
	buf_clear(&b.change);
	change_begin(&b.change, view_revision(b.v), true);
	assert_false(build_try(&b, &err));
	assert_int_equal(err.kind, ERR_PROTOCOL);
	buf_clear(&b.change);
	change_begin(&b.change, 1000, true);
	build_apply(&b);
	assert_int_equal(view_revision(b.v), 1000);
	build_fini(&b);
}

static void part(struct buf *out, uint64_t revision, bool last, uint32_t id,
		 const char *name)
{
	struct customer c = a_customer(id, name);
	buf_clear(out);
	change_begin(out, revision, last);
	change_put_customer(out, &c);
	change_end(out);
	assert_false(out->failed);
}

static void parts_take_effect_with_the_last(void **state)
{
	(void)state;
	struct build b;
	struct err err;
	const struct view *half, *whole, *other;
	struct buf out;
	base_rows(&b);
	buf_init(&out, CHANGE_MAX);
	part(&out, 2, false, 3, "three");
	assert_true(view_apply(b.v, buf_slice(&out), &half, &err));
	assert_false(view_complete(half));
	assert_true(view_complete(b.v));
	/* Another change does not go on top of half of one. */
	part(&out, 3, true, 4, "four");
	assert_false(view_apply(half, buf_slice(&out), &other, &err));
	assert_true(view_apply(b.v, buf_slice(&out), &other, &err));
	view_unref(&other);
	part(&out, 2, true, 4, "four");
	assert_true(view_apply(half, buf_slice(&out), &whole, &err));
	assert_true(view_complete(whole));
	assert_non_null(view_customer(whole, 3));
	assert_non_null(view_customer(whole, 4));
	assert_int_equal(view_revision(whole), 2);
	assert_null(view_customer(b.v, 3));
	view_unref(&half);
	view_unref(&whole);
	buf_fini(&out);
	build_fini(&b);
}

static void any_flipped_bit_is_found(void **state)
{
	(void)state;
	struct view *v = view_new();
	struct buf out;
	struct err err;
	buf_init(&out, CHANGE_MAX);
	part(&out, 2, true, 3, "three");
	for (size_t bit = 0; bit < out.n * 8; bit++) {
		const struct view *next;
		out.p[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(view_apply(v, buf_slice(&out), &next, &err));
		out.p[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t n = 0; n < out.n; n++) {
		size_t length;
		slice cut = slice_sub(buf_slice(&out), 0, n);
		const struct view *next;
		assert_true(change_length(cut, &length));
		assert_int_equal(length, 0);
		assert_false(view_apply(v, cut, &next, &err));
	}
	buf_append_char(&out, 'x');
	size_t length;
	assert_true(change_length(buf_slice(&out), &length));
	assert_int_equal(length, out.n - 1);
	const struct view *next, *unref = v;
	assert_false(view_apply(v, buf_slice(&out), &next, &err));
	view_unref(&unref);
	buf_fini(&out);
}

static void a_record_too_long_fails_the_writer(void **state)
{
	(void)state;
	struct buf out;
	static char text[CHANGE_RECORD_MAX];
	memset(text, 'x', sizeof(text));
	struct setting s = a_setting(1, 1, SENDERS_ANY);
	s.description = (slice){ text, sizeof(text) };
	buf_init(&out, 10 * CHANGE_MAX);
	change_begin(&out, 1, true);
	change_put_setting(&out, &s);
	assert_true(out.failed);
	buf_clear(&out);
	change_begin(&out, 1, true);
	s.description.n = CHANGE_RECORD_MAX - 200;
	for (int i = 0; i < 3; i++)
		change_put_setting(&out, &s);
	assert_false(out.failed);
	change_end(&out);
	assert_true(out.failed);
	buf_fini(&out);
}

/* --- export --- */
static bool apply_part(void *ctx, slice change, struct err *err)
{
	uint64_t revision;
	bool last;
	assert_true(change.n <= CHANGE_MAX);
	assert_true(change_peek(change, &revision, &last));
	return view_apply_onto(ctx, change, err);
}

static bool add_part(void *ctx, slice change, struct err *err)
{
	(void)err;
	buf_append(ctx, change);
	return true;
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Rows put and removed at random; refused ones leave all as it was. */
static void random_rows(struct build *b, uint64_t *random)
{
	static char text[40];
	struct err err;
	for (int i = 0; i < 6000; i++) {
		uint32_t n = next_random(random) % 200 + 1;
		uint32_t c = n % 20 + 1;
		snprintf(text, sizeof(text), "u%u@d%u.example.com", n, n % 7);
		bool remove = next_random(random) % 3 == 0;
		struct user u = a_user(n, c, text);
		slice alias = SLICE("alias@example.org");
		char range[24], name[24];
		snprintf(range, sizeof(range), "192.0.%u.%u/%u", n % 4,
			 n / 8 * 8, 29 + n % 4);
		struct ip_entry e = an_entry(n, c, c + n % 3 * 20, "::1");
		assert_true(ip_range_parse(slice_of(range), &e.range));
		e.range = ip_range_network(&e.range);
		snprintf(name, sizeof(name), "d%u.example.com", n % 50);
		struct domain d = a_domain(c, name);
		if (n % 4 == 0) {
			d.kind = DOMAIN_ALIAS;
			d.alias_of = SLICE("d1.example.com");
		}
		char id[16];
		snprintf(id, sizeof(id), "%010u", n);
		struct app_password p = an_app_password(id, n, c);
		if (n % 3 == 0)
			p = with_scram(p);
		switch (next_random(random) % 6) {
		case 0:
			if (remove)
				change_remove_customer(&b->change, c);
			else
				put_customer(b, a_customer(c, text));
			break;
		case 1:
			if (remove)
				change_remove_setting(&b->change, n % 60);
			else
				put_setting(b, a_setting(n % 60 + 1,
							 n % 60 % 20 + 1,
							 SENDERS_ANY));
			break;
		case 2:
			if (remove)
				change_remove_entry(&b->change, n);
			else
				put_entry(b, e);
			break;
		case 3:
			if (remove)
				change_remove_domain(&b->change, d.name);
			else
				put_domain(b, d);
			break;
		case 4:
			if (remove)
				change_remove_user(&b->change, n);
			else
				change_put_user(&b->change, &u, &alias,
						n % 30 == 0);
			break;
		default:
			if (remove)
				change_remove_app_password(&b->change,
							   slice_of(id));
			else
				put_app_password(b, p);
			break;
		}
		(void)build_try(b, &err);
	}
}

/* Tries and trees have one form for one content, so a view that was changed
 * a thousand times takes the very bytes of one that was loaded. */
static void export_gives_the_same_view(void **state)
{
	(void)state;
	struct build b;
	uint64_t random = 99;
	build_init(&b);
	random_rows(&b, &random);
	struct view_counts was, is;
	view_count(b.v, &was);
	assert_true(was.customers > 10 && was.entries > 10 &&
		    was.users > 10 && was.app_passwords > 10);
	struct err err = { 0 };
	const struct view *copy = view_new();
	if (!view_export(b.v, apply_part, &copy, &err))
		fail_msg("%s (%s)", err.text, err.detail);
	assert_true(view_complete(copy));
	assert_int_equal(view_revision(copy), view_revision(b.v));
	view_count(copy, &is);
	assert_memory_equal(&was, &is, sizeof(was));
	struct buf first, second;
	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	assert_true(view_export(b.v, add_part, &first, &err));
	assert_true(view_export(copy, add_part, &second, &err));
	assert_true(first.n > 0 && !first.failed);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));
	buf_fini(&first);
	buf_fini(&second);
	view_unref(&copy);
	build_fini(&b);
}

static void a_large_export_goes_in_parts(void **state)
{
	(void)state;
	struct build b;
	build_init(&b);
	put_customer(&b, a_customer(1, "alpha"));
	build_apply(&b);
	for (uint32_t i = 0; i < 3000; i++) {
		char address[40];
		snprintf(address, sizeof(address), "user%u@example.com", i);
		put_user(&b, a_user(i + 1, 1, address));
		if (i % 500 == 499)
			build_apply(&b);
	}
	struct buf out;
	struct err err;
	buf_init(&out, 1 << 24);
	assert_true(view_export(b.v, add_part, &out, &err));
	slice rest = buf_slice(&out);
	const struct view *copy = view_new();
	uint32_t parts = 0;
	while (rest.n > 0) {
		size_t n;
		assert_true(change_length(rest, &n) && n > 0);
		assert_true(view_apply_onto(&copy, slice_sub(rest, 0, n),
					    &err));
		rest = slice_skip(rest, n);
		parts++;
		assert_int_equal(view_complete(copy), rest.n == 0);
	}
	assert_true(parts > 2);
	counts_are(copy, 1, 0, 0, 0, 3000, 0);
	view_unref(&copy);
	buf_fini(&out);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dangling_rows_are_refused_whole),
		cmocka_unit_test(s1_9_an_entry_has_a_day_or_none),
		cmocka_unit_test(rows_are_replaced_and_removed),
		cmocka_unit_test(settings_stay_in_order),
		cmocka_unit_test(a_revision_never_goes_back),
		cmocka_unit_test(parts_take_effect_with_the_last),
		cmocka_unit_test(any_flipped_bit_is_found),
		cmocka_unit_test(a_record_too_long_fails_the_writer),
		cmocka_unit_test(s1_3_scram_passwords_of_a_user),
		cmocka_unit_test(export_gives_the_same_view),
		cmocka_unit_test(a_large_export_goes_in_parts),
	};
	return cmocka_run_group_tests_name("policy/change", tests, NULL, NULL);
}
