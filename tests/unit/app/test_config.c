/* The configuration file: defaults, every key, and what is wrong with broken
 * ones (tests/unit/app/bad, RELIABILITY L7). */
#include "unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "app/config.h"

#define BAD "tests/unit/app/bad/"

struct parsed {
	struct arena arena;
	struct config c;
	struct buf errors;
	bool ok;
};

static struct parsed parse(slice text)
{
	struct parsed p;
	arena_init(&p.arena, CONFIG_ARENA_MAX);
	buf_init(&p.errors, 65536);
	p.ok = config_parse(text, "test.yaml", LANGUAGE_EN, &p.arena, &p.c, &p.errors);
	return p;
}

static void done(struct parsed *p)
{
	buf_fini(&p->errors);
	arena_fini(&p->arena);
}

static slice read_file(const char *path, char *to, size_t cap)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is missing: run from the project's folder", path);
	size_t n = fread(to, 1, cap, f);
	fclose(f);
	return (slice){ to, n };
}

static void s1_1_without_a_file_the_high_ports(void **state)
{
	(void)state;
	struct arena arena;
	struct config c;
	arena_init(&arena, CONFIG_ARENA_MAX);
	assert_true(config_defaults(&c, &arena));
	assert_int_equal(c.listener_count, 3);
	static const uint16_t ports[] = { 2525, 2587, 2465 };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(c.listeners[i].at_count, 2);
		assert_int_equal(c.listeners[i].at[0].port, ports[i]);
		assert_true(ip_is_v4(&c.listeners[i].at[0].addr));
		assert_false(ip_is_v4(&c.listeners[i].at[1].addr));
		assert_int_equal(c.listeners[i].tls, i == 2
				 ? LISTENER_IMPLICIT_TLS : LISTENER_STARTTLS);
	}
	assert_string_equal(c.data_dir, "postrider-data");
	assert_int_equal(c.console_at.port, 8025);
	assert_int_equal(c.retry_count, 7);
	assert_int_equal(c.retry_ms[6], 3600000);
	assert_int_equal(c.expire_ms, 5 * 86400000);
	assert_int_equal(c.limits.message_size, 35882577);
	arena_fini(&arena);
	/* An empty file is no file. */
	struct parsed p = parse(SLICE("# nothing yet\n"));
	assert_true(p.ok);
	assert_int_equal(p.c.listener_count, 3);
	done(&p);
}

static const char whole[] =
	"hostname: Relay.Example.NET\n"
	"data_dir: /var/lib/postrider\n"
	"user: postrider\n"
	"shards: 4\n"
	"listeners:\n"
	"  - { name: smtp, address: \"*:25\", tls: starttls }\n"
	"  - { name: submissions, address: \"192.0.2.1:465\", tls: implicit }\n"
	"  - { address: \"[::1]:10025\", tls: none,\n"
	"      proxy: [ 192.0.2.7, \"2001:db8::/32\" ],\n"
	"      xclient: [ 192.0.2.8 ] }\n"
	"  - { name: old, address: \"[::1]:10026\",\n"
	"      legacy_tls: { until: 2028-02-29, auth: true } }\n"
	"tls: { certificate: /etc/postrider/tls.pem, key: /etc/p/tls.key }\n"
	"console: { address: \"unix:console.sock\" }\n"
	"store: { url: \"sqlite:directory.db\" }\n"
	"dns: { forward: [ \"127.0.0.1@53\", \"::1\" ], trust_anchor: none }\n"
	"delivery:\n"
	"  allow_addresses: [ 127.0.0.0/8, \"fd00::/8\" ]\n"
	"  port: 2526\n"
	"  retry: [1m, 90s, 2h]\n"
	"  expire: 2d\n"
	"  routes:\n"
	"    - { domain: \"corp.example\", lmtp: \"127.0.0.1:24\" }\n"
	"    - { domain: \"staging.example\", maildir: \"capture/\" }\n"
	"    - { domain: \"b\xc3\xbc" "cher.example\", smart_host: \"[2001:db8::1]:25\" }\n"
	"    - { domain: \"*\", smart_host: \"mx.example:587\", tls: required,\n"
	"        auth: { user: u, password: \"@file:/etc/p/relay.pw\" } }\n"
	"operator: { mail: ops@example.net }\n"
	"spool: { segment: 16MiB, keep_free: 0 }\n"
	"journal: { keep: 7d, size: 1GiB }\n"
	"control: run/ctl.sock\n"
	"limits: { message_size: 1000000, connections_total: 500 }\n";

static void every_key_is_read(void **state)
{
	(void)state;
	struct parsed p = parse(SLICE(whole));
	struct config *c = &p.c;
	if (!p.ok)
		fail_msg("%.*s", SLICE_ARG(buf_slice(&p.errors)));
	assert_slice_eq(c->hostname, "relay.example.net");
	assert_string_equal(c->data_dir, "/var/lib/postrider");
	assert_string_equal(c->user, "postrider");
	assert_int_equal(c->shards, 4);
	assert_int_equal(c->listener_count, 4);
	assert_true(c->listeners[0].any_address);
	assert_int_equal(c->listeners[1].at_count, 1);
	assert_int_equal(c->listeners[1].tls, LISTENER_IMPLICIT_TLS);
	assert_int_equal(c->listeners[2].tls, LISTENER_PLAIN);
	assert_slice_eq(c->listeners[2].name, "[::1]:10025");
	assert_int_equal(c->listeners[1].proxy_count, 0);
	assert_int_equal(c->listeners[2].proxy_count, 2);
	assert_int_equal(c->listeners[2].proxies[0].bits, 128);
	assert_int_equal(c->listeners[2].proxies[1].bits, 32);
	assert_int_equal(c->listeners[2].xclient_count, 1);
	assert_int_equal(c->listeners[0].legacy_until_ms, 0);
	/* the end of that day: 2028-03-01T00:00:00Z */
	assert_int_equal(c->listeners[3].legacy_until_ms, 1835481600000);
	assert_slice_eq(c->listeners[3].legacy_until, "2028-02-29");
	assert_true(c->listeners[3].legacy_auth);
	assert_int_equal(c->listeners[3].legacy_at.line, 12);
	assert_int_equal(c->tls_certificate_at.line, 13);
	assert_int_equal(c->tls_certificate_at.column, 21);
	assert_int_equal(c->tls_key_at.column, 50);
	assert_string_equal(c->tls_certificate, "/etc/postrider/tls.pem");
	assert_string_equal(c->tls_key, "/etc/p/tls.key");
	assert_string_equal(c->console_path, "console.sock");
	assert_string_equal(c->dns_forward[1], "::1");
	assert_null(c->dns_forward[2]);
	assert_string_equal(c->dns_trust_anchor, "none");
	assert_int_equal(c->allow_address_count, 2);
	assert_int_equal(c->allow_addresses[0].bits, 104);
	assert_int_equal(c->delivery_port, 2526);
	assert_int_equal(c->retry_count, 3);
	assert_int_equal(c->retry_ms[1], 90000);
	assert_int_equal(c->expire_ms, 2 * 86400000);
	assert_slice_eq(c->operator_mail, "ops@example.net");
	assert_int_equal(c->spool_segment_bytes, 16 << 20);
	assert_int_equal(c->spool_keep_free_bytes, 0);
	assert_int_equal(c->journal_keep_ms, 7 * 86400000);
	assert_int_equal(c->journal_bytes, 1 << 30);
	assert_string_equal(c->control_path, "run/ctl.sock");
	assert_int_equal(c->limits.message_size, 1000000);
	assert_int_equal(c->limits.connections_total, 500);
	assert_int_equal(c->limits.recipients, 1000);
	done(&p);
}

static void s11_2_the_first_route_that_covers_a_domain(void **state)
{
	(void)state;
	struct parsed p = parse(SLICE(whole));
	static const struct {
		const char *domain;
		enum route_kind kind;
		const char *to;
	} cases[] = {
		{ "corp.example", ROUTE_LMTP, "127.0.0.1" },
		{ "a.b.corp.example", ROUTE_LMTP, "127.0.0.1" },
		{ "xcorp.example", ROUTE_SMART_HOST, "mx.example" },
		{ "staging.example", ROUTE_MAILDIR, "capture" },
		{ "xn--bcher-kva.example", ROUTE_SMART_HOST, "2001:db8::1" },
		{ "example", ROUTE_SMART_HOST, "mx.example" },
	};
	assert_true(p.ok);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct config_route *r =
			config_route_of(&p.c, slice_of(cases[i].domain));
		assert_non_null(r);
		assert_int_equal(r->kind, cases[i].kind);
		if (r->kind == ROUTE_MAILDIR)
			assert_string_equal(r->maildir, cases[i].to);
		else
			assert_slice_eq(r->host, cases[i].to);
	}
	const struct config_route *last = &p.c.routes[3];
	assert_int_equal(last->port, 587);
	assert_int_equal(last->tls, ROUTE_TLS_REQUIRED);
	assert_slice_eq(last->user, "u");
	assert_string_equal(last->password_file, "/etc/p/relay.pw");
	assert_int_equal(last->password.n, 0);
	p.c.route_count = 3;
	assert_null(config_route_of(&p.c, SLICE("example")));
	done(&p);
}

/* Every file of bad/ has its line in expected.txt, and says just that. */
static void l7_broken_files_say_what_is_wrong(void **state)
{
	(void)state;
	static char expected[65536], text[65536];
	slice rest = read_file(BAD "expected.txt", expected, sizeof(expected));
	unsigned files = 0;
	while (rest.n > 0) {
		slice line = slice_cut(&rest, '\n');
		slice after = line, name = slice_cut(&after, ':');
		char path[256], file[200];
		struct buf errors;
		struct arena arena;
		struct config c;
		assert_true(slice_to_cstr(name, file, sizeof(file)));
		snprintf(path, sizeof(path), BAD "%s", file);
		slice got = read_file(path, text, sizeof(text));
		arena_init(&arena, CONFIG_ARENA_MAX);
		buf_init(&errors, 65536);
		assert_false(config_parse(got, file, LANGUAGE_EN, &arena, &c,
					  &errors));
		slice all = buf_slice(&errors), first = slice_cut(&all, '\n');
		if (!slice_eq(first, line))
			fail_msg("got \"%.*s\", want \"%.*s\"",
				 SLICE_ARG(first), SLICE_ARG(line));
		buf_fini(&errors);
		arena_fini(&arena);
		files++;
	}
	assert_true(files >= 60);
	DIR *d = opendir(BAD);
	unsigned found = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		found += strstr(e->d_name, ".yaml") != NULL;
	closedir(d);
	assert_int_equal(found, files);
}

static slice first_line(slice text, enum language language, struct buf *to)
{
	struct arena arena;
	struct config c;
	arena_init(&arena, CONFIG_ARENA_MAX);
	buf_init(to, 65536);
	assert_false(config_parse(text, "f", language, &arena, &c, to));
	arena_fini(&arena);
	slice all = buf_slice(to);
	return slice_cut(&all, '\n');
}

/* The same place, other words; no file of bad/ is left out. */
static void l7_broken_files_say_it_in_japanese_too(void **state)
{
	(void)state;
	static const slice mark = SLICE(": error: ");
	static char text[65536];
	DIR *d = opendir(BAD);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		char path[512];
		struct buf ours, theirs;
		if (strstr(e->d_name, ".yaml") == NULL)
			continue;
		snprintf(path, sizeof(path), BAD "%s", e->d_name);
		slice file = read_file(path, text, sizeof(text));
		slice en = first_line(file, LANGUAGE_EN, &ours);
		slice ja = first_line(file, LANGUAGE_JA, &theirs);
		size_t at = slice_find_slice(en, mark) + mark.n;
		if (!slice_eq(slice_sub(en, 0, at), slice_sub(ja, 0, at)) ||
		    slice_eq(en, ja) || !utf8_valid(ja))
			fail_msg("%s: %.*s", e->d_name, SLICE_ARG(ja));
		buf_fini(&ours);
		buf_fini(&theirs);
	}
	closedir(d);
}

static void every_text_is_there_twice(void **state)
{
	(void)state;
	for (enum config_text i = 0; i < CONFIG_SAY_COUNT; i++) {
		const struct text *t = config_text(i);
		if (t->en == NULL || t->ja == NULL || t->en[0] == '\0' ||
		    t->ja[0] == '\0' || strcmp(t->en, t->ja) == 0 ||
		    text_places(t->en) != text_places(t->ja) ||
		    !utf8_valid(slice_of(t->ja)))
			fail_msg("%d: %s", (int)i, t->en ? t->en : "missing");
		for (enum config_text k = 0; k < i; k++)
			assert_string_not_equal(t->en, config_text(k)->en);
	}
}

static void l7_all_errors_are_told_at_once(void **state)
{
	(void)state;
	struct parsed p = parse(SLICE("hostnam: a\nshards: 0\n"
				      "delivery: { port: 0 }\n"
				      "limits: { recipients: 1 }\n"));
	unsigned lines = 0;
	assert_false(p.ok);
	for (slice rest = buf_slice(&p.errors); rest.n > 0; lines++)
		slice_cut(&rest, '\n');
	assert_int_equal(lines, 4);
	done(&p);
}

static void l7_a_file_cut_anywhere_is_no_crash(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		char *copy = malloc(n + 1);	/* exact: asan sees a byte more */
		char *exact = realloc(copy, n > 0 ? n : 1);
		memcpy(exact, whole, n);
		struct parsed p = parse((slice){ exact, n });
		done(&p);
		free(exact);
	}
}

static void l7_bytes_changed_anywhere_are_no_crash(void **state)
{
	(void)state;
	static const char swaps[] = { '\0', ':', '{', '"', '\t', '*', '-',
				      (char)0xff };
	char text[sizeof(whole)];
	for (size_t i = 0; i < sizeof(whole) - 1; i += 3) {
		memcpy(text, whole, sizeof(whole));
		text[i] = swaps[i % sizeof(swaps)];
		struct parsed p = parse((slice){ text, sizeof(whole) - 1 });
		done(&p);
	}
}

static void l7_huge_files_are_refused(void **state)
{
	(void)state;
	size_t n = CONFIG_TEXT_MAX + 1;
	char *text = malloc(n);
	memset(text, '#', n);
	struct parsed p = parse((slice){ text, n });
	assert_false(p.ok);
	done(&p);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_1_without_a_file_the_high_ports),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(s11_2_the_first_route_that_covers_a_domain),
		cmocka_unit_test(l7_broken_files_say_what_is_wrong),
		cmocka_unit_test(l7_broken_files_say_it_in_japanese_too),
		cmocka_unit_test(every_text_is_there_twice),
		cmocka_unit_test(l7_all_errors_are_told_at_once),
		cmocka_unit_test(l7_a_file_cut_anywhere_is_no_crash),
		cmocka_unit_test(l7_bytes_changed_anywhere_are_no_crash),
		cmocka_unit_test(l7_huge_files_are_refused),
	};
	return cmocka_run_group_tests_name("app/config", tests, NULL, NULL);
}
