/* The table of the API and its look-ups (routes.h). */
#include "unit/unit.h"

#include <stdio.h>

#include "console/openapi.h"
#include "console/routes.h"

static struct arena arena;

static struct route_match find(enum http_method method, const char *path)
{
	struct route_match m;
	route_find(method, slice_of(path), &arena, &m);
	return m;
}

static void paths_find_their_route(void **state)
{
	(void)state;
	static const struct {
		enum http_method method;
		const char *path, *call, *name, *value;
	} cases[] = {
		{ HTTP_GET, "/session", "session.show", NULL, NULL },
		{ HTTP_DELETE, "/session", "session.end", NULL, NULL },
		{ HTTP_GET, "/customers/a%20b", "customer.show", "name", "a b" },
		/* What is said beats a value. */
		{ HTTP_PUT, "/customers/x/settings/order", "setting.order",
		  "customer", "x" },
		{ HTTP_PUT, "/customers/x/settings/orders", "setting.put", "id",
		  "orders" },
		/* An escaped slash is none. */
		{ HTTP_PATCH, "/customers/x/settings/s/ip/11.0.0.0%2F24",
		  "ip.change", "range", "11.0.0.0/24" },
		{ HTTP_GET, "/customers/x/users/%E3%82%A2@example.jp",
		  "user.show", "address", "ア@example.jp" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_match m = find(cases[i].method, cases[i].path);
		if (m.route == NULL || m.malformed)
			fail_msg("case %zu", i);
		assert_slice_eq(slice_of(m.route->call), cases[i].call);
		bool found = cases[i].name == NULL;
		for (size_t k = 0; k < m.value_count && !found; k++)
			found = slice_eq(m.values[k].name,
					 slice_of(cases[i].name)) &&
				slice_eq(m.values[k].value,
					 slice_of(cases[i].value));
		if (!found)
			fail_msg("case %zu: value", i);
	}
}

static void l6_what_is_no_route_is_none(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"", "/", "//session", "/session/", "/customers//settings",
		"/customers/x/settings/../users", "/SESSION", "/sessionx",
		"/customers/x/nothing",
	};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (find(HTTP_GET, paths[i]).route != NULL)
			fail_msg("%s", paths[i]);
	struct route_match m = find(HTTP_PATCH, "/session");
	assert_null(m.route);
	assert_int_equal(m.methods, 1u << HTTP_GET | 1u << HTTP_POST |
				    1u << HTTP_DELETE);
}

static void l6_malformed_escapes_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "a%", "%4", "%zz", "a%00b", "%ff",
					   "%c0%af", "%ed%a0%80" };
	slice out;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (http_unescape(slice_of(bad[i]), &arena, &out))
			fail_msg("%s", bad[i]);
	assert_true(http_unescape(SLICE("%2e%2E%2f"), &arena, &out));
	assert_slice_eq(out, "../");
	assert_true(find(HTTP_GET, "/customers/%00").malformed);
}

static bool words_are_known(const char *words)
{
	slice rest = slice_of(words);
	while (rest.n > 0) {
		slice word = slice_cut(&rest, ' ');
		if (!slice_starts(word, SLICE("=")) &&
		    slice_find(word, ':') == word.n && route_arg(word) == NULL)
			return false;
	}
	return true;
}

static void each_row_of_the_table_is_sound(void **state)
{
	(void)state;
	size_t count;
	const struct route *r = routes(&count);
	for (size_t i = 0; i < count; i++) {
		assert_true(words_are_known(r[i].query));
		assert_true(r[i].answer == ROUTE_OPENAPI ||
			    slice_of(r[i].call).n > 0);
		assert_true(r[i].body == NULL || words_are_known(r[i].body));
		/* Bodies belong to methods that take one. */
		bool takes = r[i].method != HTTP_GET &&
			     r[i].method != HTTP_DELETE;
		if (takes != (r[i].body != NULL))
			fail_msg("%s: body", r[i].path);
		for (size_t k = 0; k < i; k++)
			if (r[k].method == r[i].method &&
			    strcmp(r[k].path, r[i].path) == 0)
				fail_msg("%s stands twice", r[i].path);
	}
}

static void the_document_can_be_written(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, OPENAPI_MAX);
	openapi_write(&out);
	assert_false(out.failed);
	assert_true(out.n > 10000);
	buf_fini(&out);
	buf_init(&out, 5000);
	openapi_write(&out);
	assert_true(out.failed);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_find_their_route),
		cmocka_unit_test(l6_what_is_no_route_is_none),
		cmocka_unit_test(l6_malformed_escapes_are_refused),
		cmocka_unit_test(each_row_of_the_table_is_sound),
		cmocka_unit_test(the_document_can_be_written),
	};
	arena_init(&arena, 1 << 20);
	int failed = cmocka_run_group_tests_name("console/routes", tests, NULL,
						 NULL);
	arena_fini(&arena);
	return failed;
}
