/* app_password.list: of one user and of all, page by page, no secrets. */
#include "unit/admin/harness.h"

#include "admin/store.h"

static const char EXAMPLE[] =
	"customers:\n"
	"  - name: example\n"
	"    domains:\n"
	"      - { name: example.com, verified: operator }\n"
	"    users:\n"
	"      - { address: alice@example.com }\n"
	"      - { address: bob@example.com }\n";

static void make_passwords(void *dir, const char *address, int count)
{
	char args[200];
	snprintf(args, sizeof(args), "{\"address\":\"%s\","
		 "\"range\":\"192.0.2.0/24\"}", address);
	for (int i = 0; i < count; i++) {
		struct answer a = call(dir, "app_password.create", args);
		assert_int_equal(a.code, 0);
		answer_free(&a);
	}
}

static void s1_3_app_passwords_are_listed_without_their_secrets(void **state)
{
	apply_good(*state, EXAMPLE);
	make_passwords(*state, "alice@example.com", 2);
	struct answer a = call(*state, "app_password.create",
			       "{\"address\":\"alice@example.com\","
			       "\"sender\":\"News@Example.com\"}");
	char secret[44] = "";
	size_t at = slice_find_slice(buf_slice(&a.rows), SLICE("pr_"));
	memcpy(secret, a.rows.p + at, 43);
	char id[11] = "";
	memcpy(id, secret + 3, 10);
	answer_free(&a);
	for (int one = 0; one < 2; one++) {
		a = call(*state, "app_password.list",
			 one ? "{\"address\":\"Alice@Example.com\"}" : "{}");
		assert_int_equal(a.code, 0);
		assert_int_equal(a.row_count, 3);
		assert_has(&a.rows, id);
		assert_has(&a.rows, "\"address\":\"alice@example.com\"");
		assert_has(&a.rows, "\"customer\":\"example\"");
		assert_has(&a.rows, "\"sender\":\"news@example.com\"");
		assert_has(&a.rows, "\"sender\":null");
		assert_has(&a.rows, "\"range\":\"192.0.2.0/24\"");
		assert_has(&a.rows, "\"range\":null");
		assert_has(&a.rows, "\"created_at\":\"20");
		assert_false(has(&a.rows, secret + 13));
		assert_false(has(&a.rows, "pr_"));
		answer_free(&a);
	}
	a = call(*state, "app_password.list",
		 "{\"address\":\"nobody@example.com\"}");
	assert_int_equal(a.code, 65);
	assert_has(&a.text, "nobody@example.com");
	answer_free(&a);
	a = call(*state, "app_password.list", "{\"address\":\"x\"}");
	assert_int_equal(a.code, 64);
	answer_free(&a);
}

/* More than a page: each once, in the order of their ids. */
static void s1_3_all_app_passwords_are_listed(void **state)
{
	enum { USERS = 36, EACH = 30 };
	struct buf text;
	buf_init(&text, 1 << 20);
	buf_printf(&text, "customers:\n  - name: many\n    domains:\n"
			  "      - { name: example.com, verified: operator }\n"
			  "    users:\n");
	for (int i = 0; i < USERS; i++)
		buf_printf(&text, "      - { address: u%d@example.com }\n", i);
	buf_append_char(&text, '\0');
	apply_good(*state, text.p);
	buf_fini(&text);
	struct store *s;
	struct err err;
	int dir;
	assert_true(os_dir_open(*state, &dir, &err));
	assert_true(store_open(*state, dir, &s, &err));
	for (int i = 0; i < USERS * EACH; i++) {
		char id[16];
		struct sql q = sql_of(s,
			"INSERT INTO app_passwords (id, user, customer, mac, "
			"sender, generation, created_at) SELECT ?, id, "
			"customer, zeroblob(32), '', 1, 5 FROM users "
			"WHERE address = 'u' || ? || '@example.com'");
		snprintf(id, sizeof(id), "a%09d", i * 7919 % (USERS * EACH));
		sql_text(&q, slice_of(id));
		sql_u64(&q, (uint64_t)(i % USERS));
		sql_run(&q);
	}
	assert_true(store_good(s, &err));
	store_close(&s);
	os_file_close(&dir);
	struct answer a = call(*state, "app_password.list", "{}");
	assert_int_equal(a.code, 0);
	assert_int_equal(a.row_count, USERS * EACH);
	slice rest = buf_slice(&a.rows);
	for (int i = 0; i < USERS * EACH; i++) {
		char want[32];
		snprintf(want, sizeof(want), "{\"id\":\"a%09d\"", i);
		assert_true(slice_starts(slice_cut(&rest, '\n'),
					 slice_of(want)));
	}
	answer_free(&a);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(s1_3_app_passwords_are_listed_without_their_secrets),
		TEST(s1_3_all_app_passwords_are_listed),
	};
	return cmocka_run_group_tests_name("admin/password_list", tests, NULL,
					   NULL);
}
