/* The look-ups of a decision side by side against those one by one. */
#include "unit/policy/build.h"

#include "policy/view_private.h"

enum { CUSTOMERS = 6, ENTRIES = 60, ROUNDS = 20000 };

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static slice random_text(uint64_t *random, const char *const *all,
			 uint32_t count)
{
	return slice_of(all[next_random(random) % count]);
}

/* Registered, not verified, aliases, unknown, and names above and below. */
static const char *const domains[] = {
	"a.example", "b.a.example", "c.b.a.example", "d.example",
	"alias.example", "e.d.example", "alias.d.example",
};
static const char *const asked_domains[] = {
	"a.example", "b.a.example", "c.b.a.example", "d.example",
	"alias.example", "e.d.example", "alias.d.example", "example",
	"x.a.example", "y.x.a.example", "z.y.x.a.example", "mail.alias.example",
	"nobody.example", "x.c.b.a.example", "", "com", "a..example", ".",
};
static const char *const locals[] = {
	"ann", "bob", "Ann", "ann+x", "bob+", "+bob", "c d", "zoe", "a@b",
};
static const char *const addresses[] = {
	"ann@a.example", "Bob@b.a.example", "\"c d\"@d.example",
	"bob@d.example", "ann+x@d.example", "\"a@b\"@a.example",
	"Zoe@e.d.example",
};

static const struct view *random_view(uint64_t *random)
{
	struct build b;
	build_init(&b);
	for (uint32_t c = 1; c <= CUSTOMERS; c++) {
		char name[] = { 'c', (char)('0' + c), '\0' };
		put_customer(&b, a_customer(c, name));
		for (uint32_t s = 0; s < c * 2; s++)
			put_setting(&b, a_setting(c * 100 + s, c, SENDERS_ANY));
	}
	/* Targets are never aliases themselves. */
	for (uint32_t i = 0; i < ARRAY_LEN(domains); i++) {
		struct domain d = a_domain(1, domains[i]);
		if (next_random(random) % 4 == 0 && i != 0 && i != 3)
			continue;
		d.verified = next_random(random) % 3 != 0;
		if (slice_starts(d.name, SLICE("alias"))) {
			d.kind = DOMAIN_ALIAS;
			d.alias_of = SLICE("d.example");
		}
		put_domain(&b, d);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (next_random(random) % 3 != 0)
			put_user(&b, a_user(i + 1, 1, addresses[i]));
	slice more = SLICE("\"An\\n\"@alias.example");
	struct user u = a_user(90, 1, "second@a.example");
	change_put_user(&b.change, &u, &more, 1);
	for (uint32_t i = 0; i < ENTRIES; i++)
		put_entry(&b, an_entry(i + 1, 1, 100, i % 2 ? "192.0.2.0/24" :
							      "192.0.2.9/32"));
	build_apply(&b);
	const struct view *v = view_ref(b.v);
	build_fini(&b);
	return v;
}

static void check(const struct view *v, const struct address *sender,
		  slice helo)
{
	struct ip_addr client = an_ip("192.0.2.9");
	struct seek got = { .client = &client, .sender = sender,
			    .helo = helo };
	view_seek(v, &got);
	assert_ptr_equal(got.helo_domain, view_domain_of(v, helo));
	const struct domain *d =
		sender ? view_domain_of(v, sender->domain) : NULL;
	assert_ptr_equal(got.sender_domain, d);
	assert_ptr_equal(got.sender_user, d ? view_user(v, sender) : NULL);
}

static void s2_4_s2_5_side_by_side_finds_what_one_by_one_does(void **state)
{
	(void)state;
	uint64_t random = 11;
	const struct view *v = NULL;
	uint32_t domains_found = 0, users_found = 0;
	for (uint32_t n = 0; n < ROUNDS; n++) {
		if (n % 500 == 0) {
			view_unref(&v);
			v = random_view(&random);
		}
		struct address a = {
			.local = random_text(&random, locals,
					     ARRAY_LEN(locals)),
			.domain = random_text(&random, asked_domains,
					      ARRAY_LEN(asked_domains)),
		};
		slice helo = random_text(&random, asked_domains,
					 ARRAY_LEN(asked_domains));
		check(v, n % 7 == 0 ? NULL : &a, helo);
		domains_found += view_domain_of(v, helo) != NULL;
		users_found += view_user(v, &a) != NULL;
	}
	/* The table isn't one of misses. */
	assert_true(domains_found > ROUNDS / 4);
	assert_true(users_found > ROUNDS / 20);
	view_unref(&v);
}

/* A name that is too long is no domain's, even if one above it is. */
static void s2_4_an_overlong_name_finds_nothing(void **state)
{
	(void)state;
	uint64_t random = 3;
	const struct view *v = random_view(&random);
	char name[ADDRESS_DOMAIN_MAX + 20];
	memset(name, 'x', sizeof(name));
	memcpy(name + sizeof(name) - 10, ".a.example", 10);
	struct address a = { .local = SLICE("ann"),
			     .domain = { name, sizeof(name) } };
	check(v, &a, SLICE("a.example"));
	a.local = (slice){ name, sizeof(name) };
	a.domain = SLICE("a.example");
	check(v, &a, SLICE("a.example"));
	view_unref(&v);
}

static void nothing_is_found_in_an_empty_view(void **state)
{
	(void)state;
	struct view *empty = view_new();
	const struct view *v = empty;
	struct address a = an_address("ann@a.example");
	check(v, &a, SLICE("mail.a.example"));
	check(v, NULL, SLICE(""));
	view_unref(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			s2_4_s2_5_side_by_side_finds_what_one_by_one_does),
		cmocka_unit_test(s2_4_an_overlong_name_finds_nothing),
		cmocka_unit_test(nothing_is_found_in_an_empty_view),
	};
	return cmocka_run_group_tests_name("policy/seek", tests, NULL, NULL);
}
