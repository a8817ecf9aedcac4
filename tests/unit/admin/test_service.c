/*
 * The admin process on ctl.sock with a relay beside it: changes are live
 * before the answer, relay comes and goes, calls about the queue are passed
 * on. And what a change costs with 10 and with many customers.
 */
#include "unit/admin/harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "control/ask_admin.h"
#include "control/serve.h"
#include "os/ipc.h"
#include "os/net_fd.h"
#include "wire/frame.h"

struct relay {
	struct loop *loop;
	struct control_serve *serve;
	int view_dir;
	_Atomic uint64_t revision;
	_Atomic uint32_t licences;	/* of "example" */
	_Atomic bool silent;		/* never says live */
	struct os_post ending;
};

struct service {
	char *dir;
	int master;			/* our end */
	pthread_t thread;
	struct admin_config config;
	int exit_code;
	struct relay relay;
	struct ask_admin *ask;
};

/* --- relay ------------------------------------------------------------------------- */

static void on_view(void *ctx, const struct view *v)
{
	struct relay *r = ctx;
	const struct customer *c = view_customer_named(v, SLICE("example"));
	atomic_store(&r->licences, c ? c->licences : 0);
	atomic_store(&r->revision, view_revision(v));
	if (r->serve != NULL && !atomic_load(&r->silent))
		control_serve_live(r->serve, view_revision(v));
}

static void on_call(void *ctx, slice name, slice args,
		    struct control_answer *a)
{
	(void)ctx;
	struct buf row;
	buf_init(&row, 4096);
	buf_printf(&row, "{\"name\":\"%.*s\",\"args\":%.*s}",
		   SLICE_ARG(name), SLICE_ARG(args));
	control_answer_row(a, buf_slice(&row));
	row.n--;
	buf_append(&row, SLICE(",\"from\":\"Tokyo+1@example.test\"}"));
	control_answer_row(a, buf_slice(&row));
	control_answer_end(a, 69, SLICE("as relay says"));
	buf_fini(&row);
}

static void relay_end_run(struct os_post *post)
{
	struct relay *r = CONTAINER_OF(post, struct relay, ending);
	control_serve_close(&r->serve);
	os_thread_stop(loop_thread(r->loop));
}

static void relay_start(struct service *s, int admin_fd)
{
	struct relay *r = &s->relay;
	int data;
	struct err err;
	assert_true(os_dir_open(s->dir, &data, NULL));
	assert_true(os_dir_open_at(data, "view", &r->view_dir, NULL));
	os_file_close(&data);
	assert_true(loop_new(&r->loop, "control", NULL));
	struct control_handlers h = { .ctx = r, .view = on_view,
				      .call = on_call };
	struct control_serve_config c = { r->loop, NULL, r->view_dir,
					  admin_fd, -1 };
	if (!control_serve_open(&c, &h, &r->serve, &err))
		fail_msg("%s", err.text);
	if (!atomic_load(&r->silent))
		control_serve_live(r->serve, atomic_load(&r->revision));
	assert_true(os_thread_start(loop_thread(r->loop), NULL));
}

static void relay_stop(struct service *s)
{
	struct relay *r = &s->relay;
	if (r->loop == NULL)
		return;
	struct os_thread *t = loop_thread(r->loop);
	os_post_init(&r->ending, relay_end_run);
	os_thread_post(t, &r->ending);
	os_thread_join(&t);
	loop_free(&r->loop);
	os_file_close(&r->view_dir);
}

/* Master's part: a new pair, one end each. */
static void relay_restart(struct service *s)
{
	int pair[2];
	struct buf b;
	size_t n;
	assert_true(os_ipc_pair(pair, NULL));
	relay_start(s, pair[0]);
	buf_init(&b, 1000);
	frame_write(&b, FRAME_PEER, 0, SLICE(""));
	assert_int_equal(os_send_with_fd(s->master, buf_slice(&b), pair[1],
					 &n, NULL), OS_NET_DONE);
	os_socket_close(&pair[1]);
	buf_fini(&b);
}

/* --- service --------------------------------------------------------------------------- */

static void *serve_run(void *arg)
{
	struct service *s = arg;
	s->exit_code = admin_serve(&s->config);
	return NULL;
}

static void connect_ctl(struct service *s)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/ctl.sock", s->dir);
	for (int i = 0; i < 1000; i++) {
		if (ask_admin_open(path, &s->ask, NULL))
			return;
		usleep(10000);
	}
	fail_msg("nobody serves %s (exit %d)", path, s->exit_code);
}

static void admin_start(struct service *s, int relay_fd)
{
	int m[2];
	assert_true(os_ipc_pair(m, NULL));
	s->master = m[0];
	s->config = (struct admin_config){
		.data_dir = s->dir, .ctl_path = "ctl.sock",
		.relay_fd = relay_fd, .front_fd = -1, .master_fd = m[1],
		.hostname = SLICE("relay.test"),
	};
	assert_int_equal(pthread_create(&s->thread, NULL, serve_run, s), 0);
	connect_ctl(s);
}

static void admin_stop(struct service *s)
{
	ask_admin_close(&s->ask);
	os_socket_close(&s->master);
	pthread_join(s->thread, NULL);
}

static int setup(void **state)
{
	struct service *s = calloc(1, sizeof(*s));
	int pair[2];
	harness_setup((void **)&s->dir);
	assert_true(os_ipc_pair(pair, NULL));
	relay_start(s, pair[0]);
	admin_start(s, pair[1]);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct service *s = *state;
	admin_stop(s);
	assert_int_equal(s->exit_code, 75);	/* master is gone */
	relay_stop(s);
	harness_teardown((void **)&s->dir);
	free(s);
	return 0;
}

static struct answer ask(struct service *s, const char *name,
			 const char *args, slice text)
{
	struct answer a = { 0 };
	struct err err;
	buf_init(&a.text, 1 << 20);
	buf_init(&a.rows, 1 << 28);
	struct ask_admin_call c = { .name = name, .args = slice_of(args),
				    .text = text, .on_row = harness_row,
				    .ctx = &a };
	if (!ask_admin_call(s->ask, &c, &a.code, &a.text, &err))
		fail_msg("%s: %s", name, err.text);
	return a;
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void apply_licences(struct service *s, int n, int code)
{
	char text[128];
	snprintf(text, sizeof(text),
		 "customers:\n- name: example\n  licences: %d\n", n);
	struct answer a = ask(s, "directory.apply", "{\"file\":\"x.yaml\"}",
			      slice_of(text));
	if (a.code != code)
		show("apply", &a);
	answer_free(&a);
}

static void s3_6_the_answer_says_live_within_a_second(void **state)
{
	struct service *s = *state;
	double begin = seconds();
	struct answer a = ask(s, "directory.apply", "{}",
			      SLICE("customers:\n- name: example\n"
				    "  licences: 7\n"));
	if (a.code != 0)
		show("apply", &a);
	assert_slice_eq(buf_slice(&a.text), "revision 1 live");
	assert_int_equal(atomic_load(&s->relay.licences), 7);
	assert_true(seconds() - begin < 1.0);
	answer_free(&a);
	a = ask(s, "directory.apply", "{\"language\":\"ja\"}",
		SLICE("customers:\n- name: example\n  licences: 8\n"));
	assert_slice_eq(buf_slice(&a.text), "リビジョン 2 が有効になりました");
	answer_free(&a);
	a = ask(s, "status", "{}", SLICE(""));
	assert_has(&a.rows, "\"revision\":2,\"live\":2,\"relay\":true");
	answer_free(&a);
}

static void a_file_that_says_nothing_new_changes_nothing(void **state)
{
	struct service *s = *state;
	apply_licences(s, 5, 0);
	struct answer a = ask(s, "directory.apply", "{}",
			      SLICE("customers:\n- name: example\n"
				    "  licences: 5\n"));
	assert_int_equal(a.code, 0);
	assert_has(&a.text, "nothing to change (revision 1)");
	answer_free(&a);
	a = ask(s, "directory.apply", "{}", SLICE("customers: [ { x"));
	assert_int_equal(a.code, 78);
	answer_free(&a);
	assert_int_equal(atomic_load(&s->relay.revision), 1);
}

static void relay_that_was_away_gets_what_it_missed(void **state)
{
	struct service *s = *state;
	apply_licences(s, 1, 0);
	relay_stop(s);
	double begin = seconds();
	struct answer a = ask(s, "directory.apply", "{}",
			      SLICE("customers:\n- name: example\n"
				    "  licences: 2\n"));
	assert_int_equal(a.code, 75);
	assert_slice_eq(buf_slice(&a.text),
			"revision 2, live when relay runs");
	assert_true(seconds() - begin >= 4.9 && seconds() - begin < 7);
	answer_free(&a);
	a = ask(s, "queue.list", "{}", SLICE(""));
	assert_int_equal(a.code, 75);
	assert_has(&a.text, "relay does not run");
	answer_free(&a);
	/* It starts from the files alone. */
	relay_restart(s);
	assert_int_equal(atomic_load(&s->relay.licences), 2);
	apply_licences(s, 3, 0);
	assert_int_equal(atomic_load(&s->relay.licences), 3);
}

static void relay_runs_on_without_admin_and_never_turns_back(void **state)
{
	struct service *s = *state;
	apply_licences(s, 1, 0);
	apply_licences(s, 2, 0);
	admin_stop(s);
	assert_int_equal(atomic_load(&s->relay.licences), 2);
	relay_stop(s);
	atomic_store(&s->relay.revision, 0);
	relay_start(s, -1);
	assert_int_equal(atomic_load(&s->relay.revision), 2);
	assert_int_equal(atomic_load(&s->relay.licences), 2);
	relay_stop(s);
	/* A change made without a service, then both again. */
	apply_good(s->dir, "customers:\n- name: example\n  licences: 9\n");
	int pair[2];
	assert_true(os_ipc_pair(pair, NULL));
	relay_start(s, pair[0]);
	assert_int_equal(atomic_load(&s->relay.licences), 9);
	admin_start(s, pair[1]);
	apply_licences(s, 10, 0);
	assert_int_equal(atomic_load(&s->relay.licences), 10);
}

static void calls_about_the_queue_are_passed_on(void **state)
{
	struct service *s = *state;
	struct answer a = ask(s, "queue.show", "{\"id\":\"x\"}", SLICE(""));
	assert_int_equal(a.code, 69);
	assert_slice_eq(buf_slice(&a.text), "as relay says");
	assert_int_equal(a.row_count, 2);
	assert_has(&a.rows, "{\"name\":\"queue.show\",\"args\":{\"id\":\"x\",\"language\":\"en\"}}");
	answer_free(&a);
}

static void expect(struct service *s, const char *name, const char *args,
		   int rows, const char *row, const char *text)
{
	struct answer a = ask(s, name, args, SLICE(""));
	assert_int_equal(a.row_count, rows);
	if (rows > 0)
		assert_has(&a.rows, row);
	assert_slice_eq(buf_slice(&a.text), text);
	answer_free(&a);
}

/* Relay knows no roles: what it is asked is bound to the caller's customer,
 * and what a unit admin may not see is left out. */
static void s12_3_relay_is_asked_about_the_own_customer(void **state)
{
	static const char directory[] =
		"customers:\n- { name: before }\n- name: example\n"
		"  org_units: [ sales, sales/tokyo ]\n"
		"  domains: [ { name: example.test, verified: operator } ]\n"
		"  users:\n"
		"  - { address: s@example.test, role: super-admin }\n"
		"  - { address: u@example.test, role: unit-admin, org_unit: "
		"sales }\n"
		"  - { address: v@example.test, role: unit-admin, org_unit: "
		"sales/tokyo }\n"
		"  - { address: tokyo@example.test, org_unit: sales }\n";
	struct service *s = *state;
	struct answer a = ask(s, "directory.apply", "{}",
			      slice_of(directory));
	assert_int_equal(a.code, 0);
	answer_free(&a);
	expect(s, "queue.list", "{\"as\":\"s@example.test\"}", 2,
	       "\"args\":{\"customer\":2,\"by_customer\":1,\"language\":\"en\"}", "as relay says");
	expect(s, "queue.remove",
	       "{\"id\":\"x\",\"as\":\"s@example.test\"}", 2,
	       "\"args\":{\"id\":\"x\",\"customer\":2,"
	       "\"by_customer\":1,\"language\":\"en\"}", "as relay says");
	/* Another's customer becomes one that never is. */
	expect(s, "queue.retry",
	       "{\"customer\":1,\"as\":\"s@example.test\"}", 2,
	       "\"args\":{\"customer\":4294967295,\"by_customer\":1,\"language\":\"en\"}", "as relay says");
	/* Nothing chosen is not all. */
	expect(s, "queue.remove", "{\"as\":\"s@example.test\"}", 0, "",
	       "argument 'id' is missing or malformed");
	expect(s, "queue.list", "{\"as\":\"u@example.test\"}", 1,
	       "\"from\":\"Tokyo+1@", "as relay says");
	expect(s, "queue.list", "{\"as\":\"v@example.test\"}", 0, "",
	       "as relay says");
	expect(s, "queue.show",
	       "{\"id\":\"x\",\"as\":\"v@example.test\"}", 0, "",
	       "no such message in the queue");
	expect(s, "limits.show",
	       "{\"customer\":\"example\",\"as\":\"s@example.test\"}", 2,
	       "\"args\":{\"customer\":\"example\",\"language\":\"en\"}", "as relay says");
	expect(s, "queue.list", "{}", 2, "\"args\":{\"language\":\"en\"}", "as relay says");
}

static void a_long_text_and_a_long_answer(void **state)
{
	struct service *s = *state;
	enum { USERS = 40000 };
	struct buf text;
	buf_init(&text, 1 << 24);
	buf_append(&text, SLICE("customers:\n- name: big\n  domains: [ { "
				"name: big.test, verified: operator } ]\n"
				"  users:\n"));
	for (int i = 0; i < USERS; i++)
		buf_printf(&text, "  - { address: user%d@big.test }\n", i);
	assert_true(text.n > FRAME_MAX);
	struct answer a = ask(s, "directory.apply", "{}", buf_slice(&text));
	if (a.code != 0)
		show("apply", &(struct answer){ .text = a.text });
	answer_free(&a);
	a = ask(s, "directory.export", "{}", SLICE(""));
	assert_int_equal(a.code, 0);
	assert_true(a.row_count > 2);
	answer_free(&a);
	buf_fini(&text);
}

static void a_broken_caller_is_shut_out(void **state)
{
	struct service *s = *state;
	char path[256];
	int fd;
	snprintf(path, sizeof(path), "%s/ctl.sock", s->dir);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(os_ipc_connect(path, &fd, NULL));
	assert_int_equal(write(fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	struct os_ipc_wait w = { fd, OS_READABLE, 0 };
	assert_true(os_ipc_poll(&w, 1, 5000, NULL));
	char c;
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	/* The others don't notice. */
	apply_licences(s, 3, 0);
}

/* --- figures -------------------------------------------------------------------------------- */

static void fill(struct service *s, int from, int to)
{
	enum { AT_ONCE = 5000 };
	struct buf text;
	buf_init(&text, 1 << 24);
	for (int at = from; at < to; at += AT_ONCE) {
		buf_clear(&text);
		buf_append(&text, SLICE("customers:\n"));
		for (int i = at; i < to && i < at + AT_ONCE; i++)
			buf_printf(&text,
				   "- name: n%d\n"
				   "  domains: [ { name: n%d.test, verified: "
				   "operator } ]\n"
				   "  users: [ { address: a@n%d.test } ]\n"
				   "  relay_settings:\n"
				   "  - description: d\n"
				   "    authentication: { ip_only: true }\n"
				   "    ip_entries: [ { range: %d.%d.%d.%d, "
				   "description: d } ]\n",
				   i, i, i, 30 + i / 65536, i / 256 % 256,
				   i % 256, 1);
		struct answer a = ask(s, "directory.apply", "{}",
				      buf_slice(&text));
		if (a.code != 0)
			show("fill", &(struct answer){ .code = a.code,
						       .text = a.text });
		answer_free(&a);
	}
	buf_fini(&text);
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static uint64_t log_bytes(struct service *s)
{
	char path[256];
	struct stat st;
	snprintf(path, sizeof(path), "%s/view/view.log", s->dir);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void measure(struct service *s, int customers)
{
	enum { CHANGES = 51 };
	double took[CHANGES];
	uint64_t before = log_bytes(s), bytes = 0;
	for (int i = 0; i < CHANGES; i++) {
		char text[512];
		snprintf(text, sizeof(text),
			 "customers:\n- name: n3\n  licences: %d\n"
			 "  relay_settings:\n  - id: d\n    require_tls: %s\n"
			 "    ip_entries: [ { range: 30.0.3.1, description: "
			 "\"%d\" } ]\n",
			 100 + i + customers, i % 2 ? "true" : "false",
			 i);
		double begin = seconds();
		struct answer a = ask(s, "directory.apply", "{}",
				      slice_of(text));
		took[i] = seconds() - begin;
		if (a.code != 0)
			show("measure", &a);
		answer_free(&a);
	}
	bytes = log_bytes(s) - before;
	qsort(took, CHANGES, sizeof(*took), by_time);
	print_message("          %6d customers: a change is %lu bytes, live "
		      "after %.1f ms (median), %.1f ms (worst of %d)\n",
		      customers, (unsigned long)(bytes / CHANGES),
		      took[CHANGES / 2] * 1e3, took[CHANGES - 1] * 1e3,
		      CHANGES);
	assert_true(bytes / CHANGES < 65536);
	assert_true(took[CHANGES / 2] < 1.0);
}

static void a_change_costs_the_same_with_many_customers(void **state)
{
	struct service *s = *state;
	const char *many = getenv("CUSTOMERS");
	int n = many ? atoi(many) : 5000;
	fill(s, 0, 10);
	measure(s, 10);
	double begin = seconds();
	fill(s, 10, n);
	print_message("          filled in %.1f s\n", seconds() - begin);
	measure(s, n);
}

/* --- front connections ---------------------------------------------------- */

static void pass(int to, const char *payload, int fd)
{
	struct buf b;
	size_t n;
	buf_init(&b, 1000);
	frame_write(&b, FRAME_PEER, 0, slice_of(payload));
	assert_int_equal(os_send_with_fd(to, buf_slice(&b), fd, &n, NULL),
			 OS_NET_DONE);
	buf_fini(&b);
}

/* The console's part: makes a pair and passes one end on. */
static int front_connect(int front)
{
	int pair[2];
	assert_true(os_ipc_pair(pair, NULL));
	pass(front, "", pair[1]);
	os_socket_close(&pair[1]);
	return pair[0];
}

/* Its exit code; -1: the connection was closed. */
static int front_call(int fd, const char *name, const char *args)
{
	struct buf b;
	size_t n;
	int code = -2;
	buf_init(&b, 65536);
	frame_write_call(&b, 1, slice_of(name), slice_of(args));
	struct iovec piece = { b.p, b.n };
	if (os_send(fd, &piece, 1, &n, NULL) != OS_NET_DONE)
		code = -1;
	buf_clear(&b);
	while (code == -2) {
		struct os_ipc_wait w = { .fd = fd, .interest = OS_READABLE };
		slice rest;
		bool got = true;
		assert_true(os_ipc_poll(&w, 1, 5000, NULL));
		assert_int_not_equal(w.events, 0);
		if (os_recv(fd, buf_room(&b, 4096), 4096, &n, NULL) !=
		    OS_NET_DONE) {
			code = -1;
			break;
		}
		buf_added(&b, n);
		rest = buf_slice(&b);
		while (got) {
			struct frame f;
			uint8_t end;
			slice text;
			assert_true(frame_read(&rest, ~0u, &got, &f, NULL));
			if (!got || f.type != FRAME_END)
				continue;
			assert_true(frame_read_end(f.payload, &end, &text));
			code = end;
		}
	}
	buf_fini(&b);
	return code;
}

static int new_front(struct service *s)
{
	int pair[2];
	assert_true(os_ipc_pair(pair, NULL));
	pass(s->master, "console", pair[1]);
	os_socket_close(&pair[1]);
	return pair[0];
}

static void s12_3_a_front_connection_gives_no_right_by_itself(void **state)
{
	struct service *s = *state;
	int front = new_front(s);
	int fd = front_connect(front);
	static const struct {
		const char *call, *args;
		int code;
	} cases[] = {
		{ "status", "{}", 2 },
		{ "customer.list", "{\"session\":\"guessed\"}", 2 },
		{ "user.list", "{\"session\":null,\"customer\":\"x\"}", 2 },
		{ "version", "{\"session\":\"a\",\"csrf\":\"b\","
			     "\"client\":\"192.0.2.1\"}", 2 },
		/* Nobody stands in for anybody. */
		{ "version", "{\"as\":\"alice@example.test\"}", 64 },
		{ "version", "{\"session\":7}", 64 },
		{ "text.append", "x", 64 },
		{ "no.such", "{}", 64 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (front_call(fd, cases[i].call, cases[i].args) !=
		    cases[i].code)
			fail_msg("case %zu", i);
	os_socket_close(&fd);
	os_socket_close(&front);
	/* And on ctl.sock nobody has a session. */
	struct answer a = ask(s, "version", "{\"session\":\"x\"}", SLICE(""));
	assert_int_equal(a.code, 64);
	answer_free(&a);
}

static void front_connections_are_at_most_16(void **state)
{
	struct service *s = *state;
	int front = new_front(s), fds[16], other;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = front_connect(front);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_int_equal(front_call(fds[i], "version", "{}"), 2);
	other = front_connect(front);
	assert_int_equal(front_call(other, "version", "{}"), -1);
	os_socket_close(&other);
	/* One goes, another comes. */
	os_socket_close(&fds[3]);
	for (int code = -1, i = 0; code != 2; i++) {
		assert_true(i < 1000);
		fds[3] = front_connect(front);
		code = front_call(fds[3], "version", "{}");
		if (code != 2)
			os_socket_close(&fds[3]);
	}
	/* A new console: its channel takes the place of the old one's. */
	int again = new_front(s);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		os_socket_close(&fds[i]);
	fds[0] = front_connect(again);
	assert_int_equal(front_call(fds[0], "version", "{}"), 2);
	os_socket_close(&fds[0]);
	os_socket_close(&again);
	os_socket_close(&front);
	assert_int_equal(atomic_load(&s->relay.revision), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s3_6_the_answer_says_live_within_a_second),
		TEST(a_file_that_says_nothing_new_changes_nothing),
		TEST(relay_that_was_away_gets_what_it_missed),
		TEST(relay_runs_on_without_admin_and_never_turns_back),
		TEST(calls_about_the_queue_are_passed_on),
		TEST(s12_3_relay_is_asked_about_the_own_customer),
		TEST(a_long_text_and_a_long_answer),
		TEST(a_broken_caller_is_shut_out),
		TEST(s12_3_a_front_connection_gives_no_right_by_itself),
		TEST(front_connections_are_at_most_16),
		TEST(a_change_costs_the_same_with_many_customers),
	};
	return cmocka_run_group_tests_name("admin/service", tests, NULL,
					   NULL);
}
