/* Requests into calls (api_call.h) and rows into answers (answer.h). */
#include "unit/unit.h"

#include <stdio.h>

#include "console/answer.h"
#include "console/assets.h"

static struct arena arena;

/* --- arguments ------------------------------------------------------------ */

struct asked {
	enum http_method method;
	const char *path;
	struct route_value query[2];
	const char *body;
	unsigned status;		/* 0: fine */
	const char *args;		/* or what the refusal is about */
};

#define Q(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } }

static void l5_bodies_and_queries_are_taken_strictly(void **state)
{
	(void)state;
	static const struct asked cases[] = {
		{ HTTP_GET, "/session", { { { 0 }, { 0 } } }, "", 0,
		  "{\"session\":\"s\",\"reader\":\"ja\"}" },
		{ HTTP_GET, "/customers/a/messages",
		  { Q("limit", "20"), Q("state", "held") }, "", 0,
		  "{\"customer\":\"a\",\"limit\":20,\"state\":\"held\","
		  "\"session\":\"s\",\"reader\":\"ja\"}" },
		{ HTTP_GET, "/customers/a/settings", { { { 0 }, { 0 } } }, "", 0,
		  "{\"customer\":\"a\",\"whole\":true,"
		  "\"session\":\"s\","
		  "\"reader\":\"ja\"}" },
		{ HTTP_GET, "/customers/a/explain", { Q("tls", "1") }, "", 0,
		  "{\"customer\":\"a\",\"tls\":true,"
		  "\"session\":\"s\","
		  "\"reader\":\"ja\"}" },
		{ HTTP_PATCH, "/customers/a", { { { 0 }, { 0 } } },
		  "{\"language\":\"en\"}", 0,
		  "{\"language\":\"en\",\"name\":\"a\",\"session\":\"s\","
		  "\"reader\":\"ja\"}" },
		{ HTTP_GET, "/session", { Q("lang", "ja") }, "", 0,
		  "{\"session\":\"s\",\"reader\":\"ja\"}" },
		/* Not asked like this. */
		{ HTTP_GET, "/customers", { Q("limit", "-1") }, "", 400,
		  "limit" },
		{ HTTP_GET, "/customers", { Q("limit", "1e3") }, "", 400,
		  "limit" },
		{ HTTP_GET, "/customers", { Q("limit", "5"), Q("limit", "6") },
		  "", 400, "limit" },
		{ HTTP_GET, "/customers", { Q("session", "x") }, "", 400,
		  "session" },
		{ HTTP_GET, "/customers", { Q("as", "x") }, "", 400, "as" },
		{ HTTP_GET, "/customers/a/settings", { Q("whole", "false") },
		  "", 400, "whole" },
		{ HTTP_DELETE, "/session", { { { 0 }, { 0 } } }, "{\"a\":1}",
		  400, "" },
		/* What the path says can't be said again. */
		{ HTTP_PATCH, "/customers/a", { { { 0 }, { 0 } } },
		  "{\"name\":\"b\"}", 400, "name" },
		{ HTTP_PATCH, "/customers/a/users/x@a",
		  { { { 0 }, { 0 } } }, "{\"customer\":\"b\"}", 400,
		  "customer" },
		/* Nor what the console says. */
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } },
		  "{\"session\":\"x\"}", 400, "session" },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } },
		  "{\"as\":\"x\"}", 400, "as" },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } },
		  "{\"reader\":\"ja\"}", 400, "reader" },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } },
		  "{\"client\":\"::1\"}", 400, "client" },
		/* No JSON object. */
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } }, "[1]", 400,
		  "{ } expected" },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } },
		  "{\"a\":1,\"a\":2}", 400, NULL },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } }, "{\"a\":1e309}",
		  400, NULL },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } }, "{} x", 400,
		  NULL },
		{ HTTP_POST, "/session", { { { 0 }, { 0 } } },
		  "{\"a\":\"\\ud800\"}", 400, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct asked *c = &cases[i];
		struct route_match match;
		struct api_refusal why = { 0 };
		struct buf out;
		size_t n = 0;
		while (n < 2 && c->query[n].name.n > 0)
			n++;
		route_find(c->method, slice_of(c->path), &arena, &match);
		assert_non_null(match.route);
		struct api_request r = {
			.match = &match, .query = c->query, .query_count = n,
			.body = slice_of(c->body), .session = SLICE("s"),
			.language = LANGUAGE_JA,
		};
		buf_init(&out, 65536);
		bool fine = api_call_write(&r, &arena, &out, &why);
		if (fine != (c->status == 0) ||
		    (!fine && why.status != c->status))
			fail_msg("case %zu: %u", i, why.status);
		if (c->args != NULL)
			assert_slice_eq(fine ? buf_slice(&out) : why.about,
					c->args);
		buf_fini(&out);
	}
}

static void l5_deep_bodies_are_refused(void **state)
{
	(void)state;
	struct route_match match;
	struct api_refusal why = { 0 };
	struct buf body, out;
	buf_init(&body, 65536);
	buf_init(&out, 65536);
	buf_append(&body, SLICE("{\"a\":"));
	for (int i = 0; i < 10000; i++)
		buf_append_char(&body, '[');
	route_find(HTTP_POST, SLICE("/session"), &arena, &match);
	struct api_request r = { .match = &match, .body = buf_slice(&body) };
	assert_false(api_call_write(&r, &arena, &out, &why));
	assert_int_equal(why.status, 400);
	buf_fini(&body);
	buf_fini(&out);
}

/* --- answers -------------------------------------------------------------- */

static struct answer answer_to(enum http_method method, const char *path,
			       int code, const char *text,
			       const char *const *rows, slice if_none_match)
{
	struct route_match match;
	struct front_call call;
	struct answer a;
	route_find(method, slice_of(path), &arena, &match);
	assert_non_null(match.route);
	front_call_init(&call);
	call.code = code;
	buf_append(&call.text, slice_of(text));
	for (; *rows != NULL; rows++)
		buf_bytes32(&call.rows, slice_of(*rows));
	answer_init(&a);
	answer_of_call(&a, match.route, &call, LANGUAGE_EN, if_none_match);
	front_call_fini(&call);
	return a;
}

static void codes_of_calls_become_status(void **state)
{
	(void)state;
	static const struct {
		int code;
		unsigned status;
	} cases[] = {
		{ 1, 404 }, { 2, 401 }, { 3, 412 }, { 4, 429 }, { 64, 400 },
		{ 65, 404 }, { 66, 422 }, { 69, 503 }, { 70, 500 },
		{ 74, 500 }, { 75, 503 }, { 77, 403 }, { 78, 422 },
		{ 99, 500 },
	};
	static const char *const rows[] = { "{\"a\":1}", NULL };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a = answer_to(HTTP_GET, "/session",
					    cases[i].code, "said", rows,
					    SLICE(""));
		assert_int_equal(a.status, cases[i].status);
		assert_string_equal(a.type, "application/problem+json");
		assert_string_equal(a.etag, "");
		answer_fini(&a);
	}
}

static void a_problem_has_the_rows_of_errors(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{\"what\":\"note\"}", "{\"error\":true,\"field\":\"x\"}",
		"{\"error\":true,\"field\":\"y\"}", NULL };
	struct answer a = answer_to(HTTP_PUT, "/customers/a/settings/b", 66,
				    "two things", rows, SLICE(""));
	assert_slice_eq(buf_slice(&a.body),
			"{\"type\":\"about:blank\",\"title\":\"The values "
			"can't be taken\",\"status\":422,\"detail\":\"two "
			"things\",\"errors\":[{\"error\":true,\"field\":\"x\"},"
			"{\"error\":true,\"field\":\"y\"}]}");
	answer_fini(&a);
	static const char *const slow[] = { "{\"retry_after\":17}", NULL };
	a = answer_to(HTTP_POST, "/session", 4, "", slow, SLICE(""));
	assert_int_equal(a.retry_after_s, 17);
	assert_true(slice_find_slice(buf_slice(&a.body),
				     SLICE("in 17 seconds")) < a.body.n);
	answer_fini(&a);
}

static void rows_become_lists_objects_and_acts(void **state)
{
	(void)state;
	static const char *const none[] = { NULL };
	static const char *const two[] = { "{\"a\":1}", "{\"a\":2}", NULL };
	static const char *const paged[] = { "{\"a\":1}",
		"{\"next\":\"c\",\"count\":7}", NULL };
	static const struct {
		enum http_method method;
		const char *path;
		const char *const *rows;
		unsigned status;
		const char *body;
	} cases[] = {
		{ HTTP_GET, "/customers", none, 200,
		  "{\"items\":[],\"next\":null}" },
		{ HTTP_GET, "/customers", two, 200,
		  "{\"items\":[{\"a\":1},{\"a\":2}],\"next\":null}" },
		{ HTTP_GET, "/customers", paged, 200,
		  "{\"items\":[{\"a\":1}],\"next\":\"c\",\"count\":7}" },
		{ HTTP_GET, "/session", two, 200, "{\"a\":1}" },
		{ HTTP_DELETE, "/session", none, 204, "" },
		{ HTTP_POST, "/account/tokens", two, 201, "{\"a\":1}" },
		{ HTTP_PATCH, "/customers/a", two, 200,
		  "{\"items\":[{\"a\":1},{\"a\":2}],\"text\":\"said\"}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a = answer_to(cases[i].method, cases[i].path, 0,
					    "said", cases[i].rows, SLICE(""));
		assert_int_equal(a.status, cases[i].status);
		assert_slice_eq(buf_slice(&a.body), cases[i].body);
		answer_fini(&a);
	}
}

static void the_cookie_is_taken_out_of_its_row(void **state)
{
	(void)state;
	static const struct {
		const char *row;
		unsigned status;
		const char *cookie, *body;
	} cases[] = {
		{ "{\"cookie\":\"abc-_1\",\"state\":\"in\"}", 200, "abc-_1",
		  "{\"state\":\"in\"}" },
		{ "{\"cookie\":\"\"}", 204, "", "" },
		/* Nothing that could end the field, or add one. */
		{ "{\"cookie\":\"a\\r\\nb\",\"state\":\"in\"}", 200, NULL,
		  "{\"state\":\"in\"}" },
		{ "{\"cookie\":\"a;b\",\"state\":\"in\"}", 200, NULL,
		  "{\"state\":\"in\"}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const rows[] = { cases[i].row, NULL };
		struct answer a = answer_to(HTTP_POST, "/session", 0, "", rows,
					    SLICE(""));
		assert_int_equal(a.status, cases[i].status);
		assert_int_equal(a.has_cookie, cases[i].cookie != NULL);
		if (cases[i].cookie != NULL)
			assert_string_equal(a.cookie, cases[i].cookie);
		assert_slice_eq(buf_slice(&a.body), cases[i].body);
		answer_fini(&a);
	}
}

static void tags_are_the_objects_own_and_of_what_is_shown(void **state)
{
	(void)state;
	static const char *const rows[] = { "{\"id\":1,\"etag\":\"e7\"}", NULL };
	static const char *const other[] = {
		"{\"id\":1,\"etag\":\"e7\",\"draft\":{}}", NULL };
	static const char path[] = "/customers/a/settings/b";
	struct answer a = answer_to(HTTP_GET, path, 0, "", rows, SLICE(""));
	assert_memory_equal(a.etag, "\"e7.", 4);
	assert_slice_eq(answer_if_match(slice_of(a.etag)), "e7");
	assert_slice_eq(answer_if_match(SLICE("\"e7\"")), "e7");
	assert_slice_eq(answer_if_match(SLICE("*")), "*");
	struct answer same = answer_to(HTTP_GET, path, 0, "", rows,
				       slice_of(a.etag));
	assert_int_equal(same.status, 304);
	assert_int_equal(same.body.n, 0);
	/* The same setting, but a draft has come. */
	struct answer more = answer_to(HTTP_GET, path, 0, "", other,
				       slice_of(a.etag));
	assert_int_equal(more.status, 200);
	answer_fini(&a);
	answer_fini(&same);
	answer_fini(&more);
}

/* --- files ---------------------------------------------------------------- */

static void pages_are_index_html(void **state)
{
	(void)state;
	static struct assets a;
	static const char *const pages[] = {
		"/", "/login", "/account", "/c/x", "/c/x/messages/abc",
		"/r/abc", "/operator/plans", "/help/postfix", "/c" };
	static const char *const none[] = {
		"", "//", "/favicon.ico", "/assets/none.js", "/index.php",
		"/../index.html", "/cc", "/%2e%2e/etc/passwd", "/.git/config",
		"/assets/../index.html" };
	assert_true(assets_read(assets_linked(), &a, NULL));
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (assets_find(&a, slice_of(pages[i])) != a.index)
			fail_msg("%s", pages[i]);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (assets_find(&a, slice_of(none[i])) != NULL)
			fail_msg("%s", none[i]);
	for (size_t i = 0; i < a.count; i++) {
		const struct asset *f = &a.files[i];
		assert_ptr_equal(assets_find(&a, f->path), f);
		assert_int_equal(f->immutable,
				 slice_starts(f->path, SLICE("/assets/")));
		assert_true(f->gzip.n < f->bytes.n && f->tag.n == 16);
	}
	/* Cut anywhere in its head, it is damaged. */
	slice whole = assets_linked();
	for (size_t n = 0; n < 200; n++)
		assert_false(assets_read(slice_sub(whole, 0, n), &a, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l5_bodies_and_queries_are_taken_strictly),
		cmocka_unit_test(l5_deep_bodies_are_refused),
		cmocka_unit_test(codes_of_calls_become_status),
		cmocka_unit_test(a_problem_has_the_rows_of_errors),
		cmocka_unit_test(rows_become_lists_objects_and_acts),
		cmocka_unit_test(the_cookie_is_taken_out_of_its_row),
		cmocka_unit_test(tags_are_the_objects_own_and_of_what_is_shown),
		cmocka_unit_test(pages_are_index_html),
	};
	arena_init(&arena, 1 << 20);
	int failed = cmocka_run_group_tests_name("console/answer", tests, NULL,
						 NULL);
	arena_fini(&arena);
	return failed;
}
