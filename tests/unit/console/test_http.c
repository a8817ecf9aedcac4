/* What is read out of heads (http.h): RELIABILITY L3, L5. */
#include "unit/unit.h"

#include <stdio.h>

#include "console/http.h"

/* Fields stand in one text, as in a head: "name: value\n" each. */
static struct http_head head_of(const char *text)
{
	static char bytes[4096];
	struct http_head h = { 0 };
	snprintf(bytes, sizeof(bytes), "%s", text);
	for (char *p = bytes; *p;) {
		char *colon = strchr(p, ':'), *end = strchr(p, '\n');
		char *value = colon + 1;
		while (*value == ' ')
			value++;
		*colon = *end = '\0';
		http_head_field(&h, slice_of(p), slice_of(value));
		p = end + 1;
	}
	return h;
}

static void l5_ambiguous_heads_are_not_sound(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool sound;
	} cases[] = {
		{ "Host: a\n", true },
		{ "Host: a\nContent-Length: 5\n", true },
		{ "Host: a\nTransfer-Encoding: chunked\n", true },
		{ "", false },
		{ "Host: \n", false },
		{ "Host: a\nHost: a\n", false },
		{ "Host: a\nContent-Length: 5\nTransfer-Encoding: chunked\n",
		  false },
		{ "Host: a\nContent-Length: 5\ncontent-length: 5\n", false },
		{ "Host: a\nContent-Length: +5\n", false },
		{ "Host: a\nContent-Length: 5, 5\n", false },
		{ "Host: a\nContent-Length: \n", false },
		{ "Host: a\nTransfer-Encoding: gzip, chunked\n", false },
		{ "Host: a\nTransfer-Encoding: identity\n", false },
		{ "Host: a\nOrigin: https://a\nOrigin: https://a\n", false },
		{ "Host: a\nCookie: a=b\nCookie: c=d\n", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = head_of(cases[i].text);
		if (http_head_sound(&h, false) != cases[i].sound)
			fail_msg("case %zu", i);
	}
	struct http_head old = head_of("");
	assert_true(http_head_sound(&old, true));
	/* Put together of folded lines behind other fields. */
	struct http_head folded = head_of("Host: a\n");
	static const char bytes[] = "X-A\0 b\0X-B\0 d\0bc";
	http_head_field(&folded, slice_of(bytes), slice_of(bytes + 14));
	assert_false(http_head_sound(&folded, false));
}

static void l3_other_sites_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool own;
	} cases[] = {
		{ "Host: c.example\n", true },
		{ "Host: c.example\nOrigin: https://c.example\n", true },
		{ "Host: c.example:8443\nOrigin: https://c.example:8443\n",
		  true },
		{ "Host: localhost:8025\nOrigin: http://localhost:8025\n",
		  true },
		{ "Host: 127.0.0.1:8025\nOrigin: http://127.0.0.1:8025\n",
		  true },
		{ "Host: [::1]:8025\nOrigin: http://[::1]:8025\n", true },
		{ "Host: c.example\nOrigin: http://c.example\n", false },
		{ "Host: c.example\nOrigin: https://c.example:444\n", false },
		{ "Host: c.example\nOrigin: https://evil.example\n", false },
		{ "Host: c.example\nOrigin: https://c.example.evil.example\n",
		  false },
		{ "Host: c.example\nOrigin: null\n", false },
		{ "Host: c.example\nOrigin: \n", false },
		{ "Host: c.example\nSec-Fetch-Site: same-origin\n", true },
		{ "Host: c.example\nSec-Fetch-Site: same-site\n", false },
		{ "Host: c.example\nSec-Fetch-Site: cross-site\n", false },
		{ "Host: c.example\nSec-Fetch-Site: none\n", false },
		{ "Host: c.example\nOrigin: https://c.example\n"
		  "Sec-Fetch-Site: cross-site\n", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = head_of(cases[i].text);
		if (http_own_origin(&h) != cases[i].own)
			fail_msg("case %zu", i);
	}
}

static void l3_one_session_is_taken_or_none(void **state)
{
	(void)state;
	static const struct {
		const char *text, *session;
		bool by_cookie;
	} cases[] = {
		{ "Host: a\n", "", false },
		{ "Cookie: __Host-postrider=abc\n", "abc", true },
		{ "Cookie: a=b; __Host-postrider=abc; c=d\n", "abc", true },
		{ "Cookie: postrider=abc\n", "", false },
		{ "Cookie: x__Host-postrider=abc\n", "", false },
		{ "Cookie: __host-postrider=abc\n", "", false },
		{ "Cookie: __Host-postrider=a; __Host-postrider=b\n", "",
		  false },
		{ "Authorization: Bearer pr_api_x\n", "pr_api_x", false },
		{ "authorization: bearer  pr_api_x\n", "pr_api_x", false },
		/* A cookie's value would be free of the CSRF token here. */
		{ "Authorization: Bearer abc\n", "-", false },
		{ "Authorization: Bearer pr_api_x\n"
		  "Cookie: __Host-postrider=abc\n", "pr_api_x", false },
		{ "Authorization: Basic YTpi\n", "", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = head_of(cases[i].text);
		bool by_cookie;
		slice s = http_session(&h, &by_cookie);
		if (!slice_eq(s, slice_of(cases[i].session)) ||
		    by_cookie != cases[i].by_cookie)
			fail_msg("case %zu: %.*s", i, SLICE_ARG(s));
	}
}

static void the_reader_has_a_language(void **state)
{
	(void)state;
	static const struct {
		const char *header, *query;
		enum language language;
	} cases[] = {
		{ "", "", LANGUAGE_EN },
		{ "Accept-Language: ja\n", "", LANGUAGE_JA },
		{ "Accept-Language: ja-JP,ja;q=0.9,en;q=0.8\n", "",
		  LANGUAGE_JA },
		{ "Accept-Language: en-US,en;q=0.9,ja;q=0.8\n", "",
		  LANGUAGE_EN },
		{ "Accept-Language: fr, ja;q=0.1\n", "", LANGUAGE_JA },
		{ "Accept-Language: ja;q=0, fr\n", "", LANGUAGE_EN },
		{ "Accept-Language: ja,en\n", "", LANGUAGE_JA },
		{ "Accept-Language: en,ja\n", "", LANGUAGE_EN },
		{ "Accept-Language: jam\n", "", LANGUAGE_EN },
		{ "Accept-Language: en\n", "ja", LANGUAGE_JA },
		{ "Accept-Language: ja\n", "en", LANGUAGE_EN },
		{ "Accept-Language: ja\n", "xx", LANGUAGE_JA },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = head_of(cases[i].header);
		if (http_language(&h, slice_of(cases[i].query)) !=
		    cases[i].language)
			fail_msg("case %zu", i);
	}
}

static void other_fields(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool json, gzip;
		const char *client;
	} cases[] = {
		{ "Content-Type: application/json\n", true, false, "" },
		{ "Content-Type: Application/JSON; charset=utf-8\n", true,
		  false, "" },
		{ "Content-Type: text/plain\n", false, false, "" },
		{ "Content-Type: application/json-patch\n", false, false, "" },
		{ "Accept-Encoding: br, gzip;q=0.5\n", false, true, "" },
		{ "Accept-Encoding: gzip;q=0\n", false, false, "" },
		{ "X-Forwarded-For: 192.0.2.1\n", false, false, "192.0.2.1" },
		{ "X-Forwarded-For: 192.0.2.1, 2001:db8::1\n", false, false,
		  "2001:db8::1" },
		{ "X-Forwarded-For: 192.0.2.1, <script>\n", false, false, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = head_of(cases[i].text);
		if (http_is_json(&h) != cases[i].json ||
		    http_takes_gzip(&h) != cases[i].gzip)
			fail_msg("case %zu", i);
		assert_slice_eq(http_client(&h), cases[i].client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l5_ambiguous_heads_are_not_sound),
		cmocka_unit_test(l3_other_sites_are_told),
		cmocka_unit_test(l3_one_session_is_taken_or_none),
		cmocka_unit_test(the_reader_has_a_language),
		cmocka_unit_test(other_fields),
	};
	return cmocka_run_group_tests_name("console/http", tests, NULL, NULL);
}
