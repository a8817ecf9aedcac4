/* What a reload can take, what waits for a new start, and what nothing can be
 * taken without. */
#include "unit/unit.h"

#include "app/config_change.h"

static bool parse(const char *text, struct arena *arena, struct config *c)
{
	struct buf errors;
	arena_init(arena, CONFIG_ARENA_MAX);
	buf_init(&errors, 65536);
	bool ok = config_parse(slice_of(text), "t.yaml", LANGUAGE_EN, arena, c,
			       &errors);
	buf_fini(&errors);
	return ok;
}

static void note(void *ctx, const char *key)
{
	struct buf *keys = ctx;
	buf_printf(keys, "%s%s", keys->n > 0 ? " " : "", key);
}

static void a_changed_key_needs_what_it_needs(void **state)
{
	(void)state;
	static const struct {
		const char *old, *new, *fixed, *waiting;
	} rows[] = {
		{ "", "", NULL, "" },
		/* at once */
		{ "", "limits: { message_size: 70000, bodies_memory: 16777216,"
		  " destination_concurrency: 1 }\n", NULL, "" },
		{ "", "listeners:\n  - { address: \"*:25\" }\n", NULL, "" },
		{ "", "tls: { certificate: a, key: b }\n", NULL, "" },
		{ "", "delivery:\n  expire: 2d\n  retry: [1m]\n", NULL, "" },
		{ "", "operator: { mail: ops@a.example }\n", NULL, "" },
		/* with the next start */
		{ "hostname: a.example\n", "hostname: b.example\n", NULL,
		  "hostname" },
		{ "", "limits: { ledger_memory: 33554432, "
		  "body_log_max: 65536, log_line: 1024 }\n", NULL,
		  "limits.ledger_memory limits.body_log_max limits.log_line" },
		{ "dns: { forward: [ 127.0.0.1 ] }\n",
		  "dns: { forward: [ 127.0.0.1 ] }\n", NULL, "" },
		{ "dns: { forward: [ 127.0.0.1 ] }\n",
		  "dns: { forward: [ 127.0.0.1, 127.0.0.2 ] }\n", NULL,
		  "dns.forward" },
		{ "", "dns: { forward: [ 127.0.0.1 ] }\n", NULL,
		  "dns.forward" },
		{ "", "spool: { segment: 16MiB, keep_free: 0 }\n"
		  "journal: { keep: 7d, size: 1GiB }\n", NULL,
		  "spool.segment spool.keep_free journal.keep journal.size" },
		/* nothing at all */
		{ "", "data_dir: /elsewhere\n", "data_dir", "" },
		{ "user: a\n", "user: b\n", "user", "" },
		{ "", "user: b\n", "user", "" },
		{ "shards: 1\n", "shards: 2\n", "shards", "" },
		{ "", "control: other.sock\n", "control", "" },
		{ "", "console: { address: none }\n", "console", "" },
		{ "console: { address: \"unix:a\" }\n",
		  "console: { address: \"unix:b\" }\n", "console", "" },
		{ "", "console: { address: \"127.0.0.1:9\" }\n", "console",
		  "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a, b;
		struct config old, new;
		struct buf keys;
		buf_init(&keys, 4096);
		assert_true(parse(rows[i].old, &a, &old));
		assert_true(parse(rows[i].new, &b, &new));
		const char *fixed = config_change_fixed(&old, &new);
		config_change_waiting(&old, &new, note, &keys);
		if ((fixed == NULL) != (rows[i].fixed == NULL) ||
		    (fixed != NULL && strcmp(fixed, rows[i].fixed) != 0) ||
		    !slice_eq(buf_slice(&keys), slice_of(rows[i].waiting)))
			fail_msg("row %zu: %s; %.*s", i, fixed ? fixed : "-",
				 SLICE_ARG(buf_slice(&keys)));
		buf_fini(&keys);
		arena_fini(&a);
		arena_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_key_needs_what_it_needs),
	};
	return cmocka_run_group_tests_name("app/config_change", tests, NULL,
					   NULL);
}
