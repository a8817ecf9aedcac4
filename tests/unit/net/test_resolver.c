/* Names to addresses, with a small name server of our own as forwarder. */
#include "unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "os/clock.h"

/* --- a name server --------------------------------------------------------- */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };

struct zone_row {
	const char *name;
	int rcode;		/* -1: silence */
	unsigned v4, v6;	/* addresses */
	bool v6_fails;
	bool alias;		/* of a.test */
};

static const struct zone_row zone[] = {
	{ .name = "a.test", .v4 = 1, .v6 = 1 },
	{ .name = "four.test", .v4 = 2 },
	{ .name = "many.test", .v4 = 20, .v6 = 20 },
	{ .name = "six.test", .v4 = 3, .v6 = 20 },
	{ .name = "alias.test", .v4 = 1, .v6 = 1, .alias = true },
	{ .name = "empty.test" },
	{ .name = "broken.test", .v4 = 1, .v6_fails = true },
	{ .name = "fail.test", .rcode = 2 },
	{ .name = "silent.test", .rcode = -1 },
	{ .name = "under_score.test", .v4 = 1 },
};

struct name_server {
	int fd;
	char address[32];
	pthread_t thread;
	_Atomic bool stop;
	_Atomic unsigned asked;
};

static void put16(struct buf *b, unsigned v)
{
	buf_u8(b, (uint8_t)(v >> 8));
	buf_u8(b, (uint8_t)v);
}

static void put_name(struct buf *b, slice name)
{
	while (name.n > 0) {
		slice label = slice_cut(&name, '.');
		buf_u8(b, (uint8_t)label.n);
		buf_append(b, label);
	}
	buf_u8(b, 0);
}

static void put_record_head(struct buf *b, slice owner, unsigned type,
			    unsigned length)
{
	put_name(b, owner);
	put16(b, type);
	put16(b, 1);
	put16(b, 0);
	put16(b, 60);		/* TTL */
	put16(b, length);
}

static void put_addresses(struct buf *b, slice owner, unsigned type,
			  unsigned count)
{
	static const uint8_t v4[3] = { 192, 0, 2 };
	static const uint8_t v6[15] = { 0x20, 0x01, 0x0d, 0xb8 };
	for (unsigned i = 1; i <= count; i++) {
		put_record_head(b, owner, type, type == TYPE_A ? 4 : 16);
		if (type == TYPE_A)
			buf_append_bytes(b, v4, sizeof(v4));
		else
			buf_append_bytes(b, v6, sizeof(v6));
		buf_u8(b, (uint8_t)i);
	}
}

/* The question's name as text; the bytes it took. */
static size_t read_name(const uint8_t *p, size_t n, char *to)
{
	size_t at = 0, out = 0;
	while (at < n && p[at] != 0 && at + p[at] < n) {
		if (out > 0)
			to[out++] = '.';
		for (size_t i = 0; i < p[at]; i++)
			to[out++] = ascii_lower((char)p[at + 1 + i]);
		at += 1 + (size_t)p[at];
	}
	to[out] = '\0';
	return at + 1;
}

static const struct zone_row *find_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(zone); i++)
		if (strcmp(zone[i].name, name) == 0)
			return &zone[i];
	return NULL;
}

/* False: silence. */
static bool make_answer(const uint8_t *q, size_t n, struct buf *out)
{
	char name[256];
	size_t name_n = read_name(q + 12, n - 12, name);
	unsigned type = q[12 + name_n + 1];
	const struct zone_row *row = find_row(name);
	int rcode = row == NULL ? 3 : row->rcode;
	unsigned count = 0;
	if (rcode < 0)
		return false;
	if (row != NULL && type == TYPE_AAAA && row->v6_fails)
		rcode = 2;
	if (row != NULL && rcode == 0)
		count = type == TYPE_A ? row->v4 :
			type == TYPE_AAAA ? row->v6 : 0;
	bool alias = count > 0 && row->alias;
	buf_append_bytes(out, q, 2);
	put16(out, 0x8180u | (unsigned)rcode);	/* QR RD RA */
	put16(out, 1);
	put16(out, count + alias);
	put16(out, 0);
	put16(out, 0);
	buf_append_bytes(out, q + 12, name_n + 4);
	slice owner = slice_of(name);
	if (alias) {
		put_record_head(out, owner, TYPE_CNAME, 8);
		owner = SLICE("a.test");
		put_name(out, owner);
	}
	put_addresses(out, owner, type, count);
	return true;
}

static void *serve(void *arg)
{
	struct name_server *s = arg;
	while (!atomic_load(&s->stop)) {
		uint8_t question[512];
		struct sockaddr_in from;
		socklen_t from_n = sizeof(from);
		ssize_t n = recvfrom(s->fd, question, sizeof(question), 0,
				     (struct sockaddr *)&from, &from_n);
		struct buf answer;
		if (n < 17)
			continue;
		atomic_fetch_add(&s->asked, 1);
		buf_init(&answer, 4096);
		if (make_answer(question, (size_t)n, &answer))
			sendto(s->fd, answer.p, answer.n, 0,
			       (struct sockaddr *)&from, from_n);
		buf_fini(&answer);
	}
	return NULL;
}

static void name_server_start(struct name_server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct timeval tick = { .tv_usec = 50000 };
	socklen_t n = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	snprintf(s->address, sizeof(s->address), "127.0.0.1@%u",
		 ntohs(at.sin_port));
	pthread_create(&s->thread, NULL, serve, s);
}

static void name_server_stop(struct name_server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* --- asking ------------------------------------------------------------------- */

enum { QUESTIONS_MAX = 64 };

struct asker {
	struct name_server server;
	struct resolver *resolver;
	struct loop *loop;
	struct os_post begin;
	const char *names[QUESTIONS_MAX];
	struct resolver_query queries[QUESTIONS_MAX];
	int64_t took_ns[QUESTIONS_MAX];
	bool told[QUESTIONS_MAX];
	int64_t begun_ns;
	unsigned count, done;
	bool asking;
	_Atomic bool asked;
};

static struct asker *asker_here;

static void answered(struct resolver_query *q)
{
	struct asker *a = asker_here;
	size_t i = (size_t)(q - a->queries);
	assert_false(a->asking);
	assert_false(a->told[i]);
	assert_ptr_equal(os_thread_self(), loop_thread(a->loop));
	a->told[i] = true;
	a->took_ns[i] = os_monotonic_ns() - a->begun_ns;
	if (++a->done == a->count)
		os_thread_stop(loop_thread(a->loop));
}

static void ask_all(struct os_post *post)
{
	struct asker *a = CONTAINER_OF(post, struct asker, begin);
	a->begun_ns = os_monotonic_ns();
	a->asking = true;
	for (unsigned i = 0; i < a->count; i++)
		resolver_addresses(a->resolver, &a->queries[i],
				   slice_of(a->names[i]), answered);
	a->asking = false;
	atomic_store(&a->asked, true);
}

static void open_resolver(struct asker *a)
{
	const char *forward[] = { a->server.address, NULL };
	struct resolver_config config = { .forward = forward, .threads = 2,
					  .deadline_ms = 1500 };
	struct err err;
	if (!resolver_open(&config, &a->resolver, &err))
		fail_msg("%s", err.detail);
}

static int up(void **state)
{
	struct asker *a = calloc(1, sizeof(*a));
	struct err err;
	name_server_start(&a->server);
	open_resolver(a);
	assert_true(resolver_start(a->resolver, &err));
	assert_true(loop_new(&a->loop, "asker", &err));
	os_post_init(&a->begin, ask_all);
	asker_here = a;
	*state = a;
	return 0;
}

static int down(void **state)
{
	struct asker *a = *state;
	struct os_thread *t = loop_thread(a->loop);
	resolver_close(&a->resolver);
	assert_null(a->resolver);
	os_thread_join(&t);
	loop_free(&a->loop);
	name_server_stop(&a->server);
	free(a);
	return 0;
}

static struct resolver_query *ask(struct asker *a, const char *name)
{
	a->names[a->count] = name;
	return &a->queries[a->count++];
}

static void get_answers(struct asker *a)
{
	os_thread_post(loop_thread(a->loop), &a->begin);
	os_thread_run(loop_thread(a->loop));
	assert_int_equal(a->done, a->count);
}

static void assert_address(const struct resolver_query *q, unsigned i,
			   const char *want)
{
	char text[IP_TEXT_MAX];
	assert_true(q->ok);
	assert_true(i < q->count);
	assert_string_equal(ip_addr_text(&q->addresses[i], text), want);
}

static void addresses_answer_themselves(void **state)
{
	struct asker *a = *state;
	static const char *const cases[][2] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8::7", "2001:db8::7" },
		{ "[192.0.2.7]", "192.0.2.7" },
		{ "[2001:db8::7]", "2001:db8::7" },
		{ "[IPv6:2001:db8::7]", "2001:db8::7" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ask(a, cases[i][0]);
	get_answers(a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(a->queries[i].count, 1);
		assert_address(&a->queries[i], 0, cases[i][1]);
	}
	assert_int_equal(a->server.asked, 0);
}

static void what_is_no_host_name_is_not_asked_for(void **state)
{
	struct asker *a = *state;
	const char *cases[] = {
		"", ".", "a..test", ".test", "a b.test", "a\\046b.test",
		"a@b", "[192.0.2.7", "[nonsense]", "\xc3\xa4.test", "a.test..",
		NULL,
	};
	char long_label[70];	/* 64 letters: one too many */
	memset(long_label, 'x', 64);
	memcpy(long_label + 64, ".test", 6);
	cases[ARRAY_LEN(cases) - 1] = long_label;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ask(a, cases[i]);
	get_answers(a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (a->queries[i].ok)
			fail_msg("%s", cases[i]);
		assert_int_equal(a->queries[i].err.kind, ERR_PERMANENT);
	}
	assert_int_equal(a->server.asked, 0);
}

static void names_have_both_kinds_of_addresses(void **state)
{
	struct asker *a = *state;
	struct resolver_query *both = ask(a, "a.test");
	struct resolver_query *dot = ask(a, "A.Test.");
	struct resolver_query *four = ask(a, "four.test");
	struct resolver_query *alias = ask(a, "alias.test");
	struct resolver_query *broken = ask(a, "broken.test");
	struct resolver_query *odd = ask(a, "under_score.test");
	get_answers(a);
	assert_int_equal(both->count, 2);
	assert_address(both, 0, "2001:db8::1");		/* IPv6 first */
	assert_address(both, 1, "192.0.2.1");
	assert_int_equal(dot->count, 2);
	assert_int_equal(four->count, 2);
	assert_int_equal(alias->count, 2);
	assert_address(alias, 1, "192.0.2.1");
	assert_int_equal(broken->count, 1);	/* AAAA fails: as well */
	assert_address(broken, 0, "192.0.2.1");
	assert_address(odd, 0, "192.0.2.1");
}

static void many_addresses_leave_room_for_both_kinds(void **state)
{
	struct asker *a = *state;
	struct resolver_query *many = ask(a, "many.test");
	struct resolver_query *six = ask(a, "six.test");
	get_answers(a);
	assert_int_equal(many->count, RESOLVER_ADDRESSES_MAX);
	unsigned v4 = 0;
	for (unsigned i = 0; i < many->count; i++)
		v4 += ip_is_v4(&many->addresses[i]);
	assert_int_equal(v4, RESOLVER_ADDRESSES_MAX / 2);
	assert_int_equal(six->count, RESOLVER_ADDRESSES_MAX);
	v4 = 0;
	for (unsigned i = 0; i < six->count; i++)
		v4 += ip_is_v4(&six->addresses[i]);
	assert_int_equal(v4, 3);
}

static void failures_are_permanent_or_temporary(void **state)
{
	struct asker *a = *state;
	static const struct {
		const char *name;
		enum err_kind kind;
	} cases[] = {
		{ "nowhere.test", ERR_PERMANENT },
		{ "empty.test", ERR_PERMANENT },
		{ "fail.test", ERR_TEMPORARY },
		{ "silent.test", ERR_TEMPORARY },
		{ "name.invalid", ERR_PERMANENT },	/* RFC 6761 6.4 */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ask(a, cases[i].name);
	get_answers(a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct resolver_query *q = &a->queries[i];
		assert_false(q->ok);
		assert_int_equal(q->count, 0);
		if (q->err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].name, q->err.detail);
		assert_int_equal(q->err.scope, SCOPE_HOST);
	}
	/* Silence ends at the deadline. */
	assert_true(a->took_ns[3] >= 1500 * (int64_t)MS);
	assert_true(a->took_ns[3] < 5000 * (int64_t)MS);
}

static void silent_names_do_not_hold_up_others(void **state)
{
	struct asker *a = *state;
	for (int i = 0; i < 40; i++)
		ask(a, "silent.test");
	ask(a, "a.test");
	ask(a, "four.test");
	get_answers(a);
	for (unsigned i = 40; i < 42; i++) {
		assert_true(a->queries[i].ok);
		assert_true(a->took_ns[i] < 1000 * (int64_t)MS);
	}
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(a->queries[i].err.kind, ERR_TEMPORARY);
}

static void a_second_question_is_answered_from_the_cache(void **state)
{
	struct asker *a = *state;
	ask(a, "a.test");
	get_answers(a);
	unsigned asked = a->server.asked;
	assert_int_equal(asked, 2);
	/* A new asking thread, the same resolver. */
	struct os_thread *t = loop_thread(a->loop);
	struct err err;
	os_thread_join(&t);
	loop_free(&a->loop);
	assert_true(loop_new(&a->loop, "asker", &err));
	a->done = 0;
	a->told[0] = false;
	os_post_init(&a->begin, ask_all);
	get_answers(a);
	assert_int_equal(a->queries[0].count, 2);
	assert_int_equal(a->server.asked, asked);
}

/* The first line of /etc/hosts that we can use; false: there is none. */
static bool a_hosts_name(char *name, char *address)
{
	FILE *f = fopen("/etc/hosts", "r");
	char line[512];
	bool found = false;
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		struct ip_addr ip;
		found = sscanf(line, "%45s %63s", address, name) == 2 &&
			ip_addr_parse(slice_of(address), &ip) &&
			strcmp(name, "localhost") != 0;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static void names_of_the_hosts_file_are_known(void **state)
{
	struct asker *a = *state;
	char name[64], address[64];
	struct resolver_query *local = ask(a, "localhost");
	bool has_name = a_hosts_name(name, address);
	struct resolver_query *other = has_name ? ask(a, name) : NULL;
	get_answers(a);
	assert_true(local->ok);
	bool v4 = false;
	for (unsigned i = 0; i < local->count; i++)
		v4 |= ip_addr_class(&local->addresses[i]) == IP_LOOPBACK;
	assert_true(v4);
	if (other != NULL) {
		bool there = false;
		char text[IP_TEXT_MAX];
		for (unsigned i = 0; i < other->count; i++)
			there |= strcmp(ip_addr_text(&other->addresses[i],
						     text), address) == 0;
		assert_true(there);
	}
	assert_int_equal(a->server.asked, 0);
}

static void closing_with_questions_under_way(void **state)
{
	struct asker *a = *state;
	struct os_thread *t = loop_thread(a->loop);
	struct err err;
	for (int i = 0; i < 10; i++)
		ask(a, "silent.test");
	assert_true(os_thread_start(t, &err));
	os_thread_post(t, &a->begin);
	while (!atomic_load(&a->asked) || atomic_load(&a->server.asked) < 1)
		usleep(1000);
	resolver_close(&a->resolver);	/* ASan tells of leaks */
	os_thread_stop(t);
	os_thread_join(&t);
	loop_free(&a->loop);
	assert_int_equal(a->done, 0);
	assert_true(loop_new(&a->loop, "asker", &err));
}

static void a_wrong_forwarder_is_told_when_opening(void **state)
{
	(void)state;
	static const char *const bad[] = { "not an address", NULL };
	struct resolver_config config = { .forward = bad, .threads = 1 };
	struct resolver *r;
	struct err err;
	assert_false(resolver_open(&config, &r, &err));
	assert_null(r);
	assert_int_equal(err.kind, ERR_PERMANENT);
	assert_non_null(strstr(err.detail, "not an address"));
}

static void without_forwarders_resolv_conf_is_read(void **state)
{
	(void)state;
	struct resolver_config config = { .threads = 1 };
	struct resolver *r;
	struct err err;
	if (!resolver_open(&config, &r, &err))
		fail_msg("%s", err.detail);
	resolver_close(&r);
}

/* As in a sandbox: no file is opened any more. */
static void close_sandbox(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	static const int forbidden[] = { SCMP_SYS(open), SCMP_SYS(openat),
					 SCMP_SYS(openat2), SCMP_SYS(fork) };
	assert_int_equal(seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		assert_int_equal(seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS,
						  forbidden[i], 0), 0);
	assert_int_equal(seccomp_load(f), 0);
	seccomp_release(f);
}

/* In a process of its own, for leak checkers open files at its end. */
static int answers_in_sandbox(void)
{
	void *state;
	struct err err;
	up(&state);
	struct asker *a = state;
	struct resolver_query *both = ask(a, "a.test");
	struct resolver_query *local = ask(a, "localhost");
	struct resolver_query *nowhere = ask(a, "nowhere.test");
	struct resolver_query *silent = ask(a, "silent.test");
	resolver_close(&a->resolver);
	open_resolver(a);
	close_sandbox();
	if (!resolver_start(a->resolver, &err))
		return 1;
	get_answers(a);
	return both->count == 2 && local->ok &&
			       nowhere->err.kind == ERR_PERMANENT &&
			       silent->err.kind == ERR_TEMPORARY
		       ? 0 : 2;
}

static void after_opening_no_file_is_needed(void **state)
{
	int status;
	(void)state;
	pid_t child = fork();
	if (child == 0)
		_exit(answers_in_sandbox());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_answer_themselves),
		TEST(what_is_no_host_name_is_not_asked_for),
		TEST(names_have_both_kinds_of_addresses),
		TEST(many_addresses_leave_room_for_both_kinds),
		TEST(failures_are_permanent_or_temporary),
		TEST(silent_names_do_not_hold_up_others),
		TEST(a_second_question_is_answered_from_the_cache),
		TEST(names_of_the_hosts_file_are_known),
		TEST(closing_with_questions_under_way),
		cmocka_unit_test(a_wrong_forwarder_is_told_when_opening),
		cmocka_unit_test(without_forwarders_resolv_conf_is_read),
		cmocka_unit_test(after_opening_no_file_is_needed),
	};
	return cmocka_run_group_tests_name("net/resolver", tests, NULL, NULL);
}
