/* What master hands to a child: comes out as it went in; cut or changed
 * bytes are refused without harm. */
#include "unit/unit.h"

#include "app/bundle.h"

static const slice secrets[] = { { "", 0 }, { "s3cret", 6 } };

static struct bundle sample(void)
{
	static struct start_listener listeners[] = {
		{ .shard = 1, .listener = 2, .at = { .port = 25 },
		  .number = 9, .fd = 17 },
	};
	static struct id poison[] = { { 1234, 5678 } };
	static struct start_refused refused[] = { { .left_ms = 99 } };
	return (struct bundle){
		.role = ROLE_RELAY, .master_pid = 42, .change_user = true,
		.uid = 100, .gid = 101, .hostname = SLICE("relay.example"),
		.data_path = SLICE("/var/lib/postrider"), .shards = 2,
		.files = {
			.file = SLICE("postrider.yaml"),
			.text = SLICE("delivery:\n  routes:\n"
				      "    - { domain: a.example, lmtp: "
				      "\"127.0.0.1:24\" }\n"
				      "    - { domain: \"*\", smart_host: "
				      "\"mx.example:25\", auth: { user: u, "
				      "password: \"@file:/p\" } }\n"),
			.certificate_pem = SLICE("CERT"), .key_pem = SLICE("KEY"),
			.secrets = secrets, .secret_count = 2 },
		.pepper = SLICE("0123456789abcdef0123456789abcdef"),
		.listeners = listeners, .listener_count = 1,
		.master_fd = 3, .peer_fds = { -1, 4, -1 }, .counters_fd = 5,
		.notes_fd = 6, .console_fd = 8,
		.poison = poison, .poison_count = 1,
		.refused = refused, .refused_count = 1,
		.troubles = { .crashes = 3, .crashed_ms = 77,
			      .spool_closed_ms = 78 },
	};
}

static void bundle_comes_out_as_it_went_in(void **state)
{
	(void)state;
	struct bundle in = sample(), out;
	struct buf bytes;
	struct arena arena;
	struct config c;
	buf_init(&bytes, BUNDLE_MAX);
	arena_init(&arena, CONFIG_ARENA_MAX);
	bundle_encode(&in, &bytes);
	assert_true(bundle_decode(buf_slice(&bytes), &arena, &out, NULL));
	assert_int_equal(out.role, ROLE_RELAY);
	assert_int_equal(out.master_pid, 42);
	assert_int_equal(out.gid, 101);
	assert_slice_eq(out.hostname, "relay.example");
	assert_int_equal(out.peer_fds[ROLE_RELAY], -1);
	assert_int_equal(out.peer_fds[ROLE_ADMIN], 4);
	assert_int_equal(out.console_fd, 8);
	assert_int_equal(out.listener_count, 1);
	assert_int_equal(out.listeners[0].fd, 17);
	assert_int_equal(out.listeners[0].listener, 2);
	assert_int_equal(out.listeners[0].number, 9);
	assert_true(id_eq(out.poison[0], in.poison[0]));
	assert_int_equal(out.refused[0].left_ms, 99);
	assert_int_equal(out.troubles.crashes, 3);
	assert_int_equal(out.troubles.crashed_ms, 77);
	assert_int_equal(out.troubles.spool_closed_ms, 78);
	assert_slice_eq(out.pepper, "0123456789abcdef0123456789abcdef");
	assert_true(files_to_config(&out.files, &arena, &c, NULL));
	assert_int_equal(c.routes[0].password.n, 0);
	assert_slice_eq(c.routes[1].password, "s3cret");
	arena_fini(&arena);
	buf_fini(&bytes);
}

static void cut_bundles_are_refused(void **state)
{
	(void)state;
	struct bundle in = sample(), out;
	struct buf bytes;
	buf_init(&bytes, BUNDLE_MAX);
	bundle_encode(&in, &bytes);
	for (size_t n = 0; n < bytes.n; n++) {
		struct arena arena;
		char *exact = malloc(n > 0 ? n : 1);
		memcpy(exact, bytes.p, n);
		arena_init(&arena, CONFIG_ARENA_MAX);
		assert_false(bundle_decode((slice){ exact, n }, &arena, &out,
					   NULL));
		arena_fini(&arena);
		free(exact);
	}
	buf_fini(&bytes);
}

static void changed_bundles_do_no_harm(void **state)
{
	(void)state;
	struct bundle in = sample(), out;
	struct buf bytes;
	buf_init(&bytes, BUNDLE_MAX);
	bundle_encode(&in, &bytes);
	for (size_t i = 0; i < bytes.n; i++) {
		struct arena arena;
		char had = bytes.p[i];
		arena_init(&arena, CONFIG_ARENA_MAX);
		bytes.p[i] = (char)0xff;
		bool taken = bundle_decode(buf_slice(&bytes), &arena, &out,
					   NULL);
		(void)taken;
		bytes.p[i] = had;
		arena_fini(&arena);
	}
	buf_fini(&bytes);
}

static void reload_carries_secrets_and_certificate(void **state)
{
	(void)state;
	struct bundle in = sample();
	struct start_reload out;
	struct buf bytes;
	struct arena arena;
	buf_init(&bytes, BUNDLE_MAX);
	arena_init(&arena, CONFIG_ARENA_MAX);
	reload_encode(&in.files, in.listeners, in.listener_count, &bytes);
	assert_true(start_reload_decode(buf_slice(&bytes), &arena, &out, NULL));
	memset(bytes.p, 0, bytes.n);	/* nothing lends from the frame */
	assert_slice_eq(out.key_pem, "KEY");
	assert_slice_eq(out.config.routes[1].password, "s3cret");
	assert_int_equal(out.listener_count, 1);
	assert_int_equal(out.listeners[0].number, 9);
	assert_int_equal(out.listeners[0].shard, 1);
	/* the sample has the three listeners that serve without any said */
	static const struct start_listener beyond = { .listener = 3 };
	buf_clear(&bytes);
	reload_encode(&in.files, &beyond, 1, &bytes);
	assert_false(start_reload_decode(buf_slice(&bytes), &arena, &out,
					 NULL));
	bytes.n--;
	assert_false(start_reload_decode(buf_slice(&bytes), &arena, &out,
					 NULL));
	arena_fini(&arena);
	buf_fini(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundle_comes_out_as_it_went_in),
		cmocka_unit_test(cut_bundles_are_refused),
		cmocka_unit_test(changed_bundles_do_no_harm),
		cmocka_unit_test(reload_carries_secrets_and_certificate),
	};
	return cmocka_run_group_tests_name("app/bundle", tests, NULL, NULL);
}
