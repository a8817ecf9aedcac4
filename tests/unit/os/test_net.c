/* Sockets: listening, connecting, bytes, ends, no descriptors left. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/net.h"

static struct ip_port at(const char *text)
{
	struct ip_port p;
	assert_true(ip_port_parse(slice_of(text), &p));
	return p;
}

/* Waits, at most 5 s. */
static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	assert_int_equal(poll(&p, 1, 5000), 1);
}

static int listen_at(const char *text, struct ip_port *bound)
{
	struct ip_port want = at(text);
	struct err err;
	int fd;
	assert_true(os_listen(&want, false, &fd, &err));
	assert_true(os_local(fd, bound, &err));
	return fd;
}

static int connect_to(const struct ip_port *to)
{
	struct err err;
	int fd;
	assert_true(os_connect(to, NULL, &fd, &err));
	return fd;
}

static int accept_one(int listener, struct ip_port *peer,
		      struct ip_port *local)
{
	struct err err;
	int fd;
	wait_for(listener, POLLIN);
	assert_int_equal(os_accept(listener, &fd, peer, local, &err),
			 OS_NET_DONE);
	return fd;
}

struct pair {
	int client, server;
};

static struct pair connected_pair(void)
{
	struct ip_port bound, peer, local;
	struct err err;
	int listener = listen_at("127.0.0.1:0", &bound);
	struct pair p = { .client = connect_to(&bound) };
	p.server = accept_one(listener, &peer, &local);
	wait_for(p.client, POLLOUT);
	assert_true(os_connected(p.client, &local, &err));
	os_socket_close(&listener);
	return p;
}

static void close_pair(struct pair *p)
{
	os_socket_close(&p->client);
	os_socket_close(&p->server);
}

static void accepting_tells_both_addresses(void **state)
{
	(void)state;
	static const char *const where[] = { "127.0.0.1:0", "[::1]:0" };
	for (size_t i = 0; i < ARRAY_LEN(where); i++) {
		struct ip_port bound, peer, local, mine;
		struct err err;
		int no, fd = listen_at(where[i], &bound);
		assert_int_equal(os_accept(fd, &no, &peer, &local, &err),
				 OS_NET_AGAIN);
		assert_int_equal(no, -1);
		int client = connect_to(&bound);
		int server = accept_one(fd, &peer, &local);
		wait_for(client, POLLOUT);
		assert_true(os_connected(client, &mine, &err));
		assert_memory_equal(&peer, &mine, sizeof(mine));
		assert_memory_equal(&local, &bound, sizeof(bound));
		assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
		int nodelay = 0;
		socklen_t n = sizeof(nodelay);
		getsockopt(server, IPPROTO_TCP, TCP_NODELAY, &nodelay, &n);
		assert_true(nodelay);
		os_socket_close(&client);
		os_socket_close(&server);
		os_socket_close(&fd);
		assert_int_equal(fd, -1);
	}
}

static void both_families_and_several_shards_share_a_port(void **state)
{
	(void)state;
	struct ip_port four = at("0.0.0.0:0"), six = at("[::]:0");
	struct err err;
	int a, b, c, d;
	assert_true(os_listen(&four, true, &a, &err));
	assert_true(os_local(a, &four, &err));
	six.port = four.port;
	assert_true(os_listen(&four, true, &b, &err));
	assert_true(os_listen(&six, true, &c, &err));
	/* Without reuse_port the port is taken. */
	assert_false(os_listen(&four, false, &d, &err));
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(err.os_error, EADDRINUSE);
	assert_int_equal(d, -1);
	os_socket_close(&a);
	os_socket_close(&b);
	os_socket_close(&c);
}

static void a_connection_from_a_source_address_has_it(void **state)
{
	(void)state;
	struct ip_port bound, peer, local;
	struct ip_port from = at("127.0.0.77:1"), not_ours = at("192.0.2.1:1");
	struct err err;
	int client, listener = listen_at("127.0.0.1:0", &bound);
	assert_true(os_connect(&bound, &from.addr, &client, &err));
	int server = accept_one(listener, &peer, &local);
	assert_true(ip_addr_eq(&peer.addr, &from.addr));
	os_socket_close(&client);
	os_socket_close(&server);
	assert_false(os_connect(&bound, &not_ours.addr, &client, &err));
	assert_int_equal(err.scope, SCOPE_SOURCE);
	assert_int_equal(client, -1);
	os_socket_close(&listener);
}

static void a_refused_connection_is_the_hosts_failure(void **state)
{
	(void)state;
	struct ip_port bound, local;
	struct err err;
	int fd, listener = listen_at("127.0.0.1:0", &bound);
	os_socket_close(&listener);
	bool ok = os_connect(&bound, NULL, &fd, &err);
	if (ok) {
		wait_for(fd, POLLOUT);
		ok = os_connected(fd, &local, &err);
		os_socket_close(&fd);
	}
	assert_false(ok);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(err.os_error, ECONNREFUSED);
	assert_int_equal(err.scope, SCOPE_HOST);
}

static void bytes_go_in_pieces_and_end_orderly(void **state)
{
	(void)state;
	struct pair p = connected_pair();
	struct iovec iov[2] = { { .iov_base = (char[]){ "ab" }, .iov_len = 2 },
				{ .iov_base = (char[]){ "cd" }, .iov_len = 2 } };
	struct err err;
	char got[16];
	size_t n;
	assert_int_equal(os_recv(p.server, got, sizeof(got), &n, &err),
			 OS_NET_AGAIN);
	assert_int_equal(os_send(p.client, iov, 2, &n, &err), OS_NET_DONE);
	assert_int_equal(n, 4);
	wait_for(p.server, POLLIN);
	assert_int_equal(os_recv(p.server, got, sizeof(got), &n, &err),
			 OS_NET_DONE);
	assert_slice_eq(((slice){ got, n }), "abcd");
	os_shutdown_output(p.client);
	wait_for(p.server, POLLIN);
	assert_int_equal(os_recv(p.server, got, sizeof(got), &n, &err),
			 OS_NET_EOF);
	/* The other direction is open still. */
	assert_int_equal(os_send(p.server, iov, 1, &n, &err), OS_NET_DONE);
	close_pair(&p);
}

static void a_full_socket_says_again(void **state)
{
	(void)state;
	struct pair p = connected_pair();
	char *block = calloc(1, 65536);
	struct iovec iov = { .iov_base = block, .iov_len = 65536 };
	enum os_net_result r;
	struct err err;
	size_t n, sum = 0;
	while ((r = os_send(p.client, &iov, 1, &n, &err)) == OS_NET_DONE) {
		sum += n;
		assert_true(sum < 1u << 30);
	}
	assert_int_equal(r, OS_NET_AGAIN);
	assert_int_equal(n, 0);
	free(block);
	close_pair(&p);
}

static void an_abort_is_a_reset_and_no_signal(void **state)
{
	(void)state;
	struct pair p = connected_pair();
	struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct err err;
	char got[4];
	size_t n;
	os_socket_abort(&p.client);
	assert_int_equal(p.client, -1);
	wait_for(p.server, POLLIN);
	assert_int_equal(os_recv(p.server, got, sizeof(got), &n, &err),
			 OS_NET_FAILED);
	assert_int_equal(err.os_error, ECONNRESET);
	assert_int_equal(err.scope, SCOPE_HOST);
	assert_int_equal(os_send(p.server, &iov, 1, &n, &err), OS_NET_FAILED);
	assert_int_equal(err.os_error, EPIPE);
	close_pair(&p);
}

/* --- no descriptors left (RELIABILITY R2, R3) ------------------------------- */

struct drought {
	struct os_thread *thread;
	int listener, clients[2];
	bool tried;
	enum os_net_result accepted;
	struct err err;
	bool dropped[3];
};

static int64_t accept_without_descriptors(void *ctx)
{
	struct drought *d = ctx;
	struct ip_port peer, local;
	int fd;
	if (d->tried)
		return OS_NEVER;
	d->tried = true;
	d->accepted = os_accept(d->listener, &fd, &peer, &local, &d->err);
	for (size_t i = 0; i < ARRAY_LEN(d->dropped); i++)
		d->dropped[i] = os_accept_and_drop(d->listener,
						   SLICE("421 later\r\n"));
	os_thread_stop(d->thread);
	return OS_NEVER;
}

static void r2_without_descriptors_a_connection_is_refused_in_words(void **s)
{
	(void)s;
	struct ip_port bound;
	struct drought d = { 0 };
	struct rlimit before, none;
	char got[32];
	d.listener = listen_at("127.0.0.1:0", &bound);
	d.clients[0] = connect_to(&bound);
	d.clients[1] = connect_to(&bound);
	assert_true(os_thread_new(&d.thread, "drought",
				  accept_without_descriptors, &d, &d.err));
	getrlimit(RLIMIT_NOFILE, &before);
	/* Just what is open: the first number that is free is too high. */
	none = (struct rlimit){ 3, before.rlim_max };
	while (fcntl((int)none.rlim_cur, F_GETFD) >= 0)
		none.rlim_cur++;
	setrlimit(RLIMIT_NOFILE, &none);
	os_thread_run(d.thread);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(d.accepted, OS_NET_FAILED);
	assert_int_equal(d.err.kind, ERR_LIMIT);
	assert_int_equal(d.err.os_error, EMFILE);
	assert_true(d.dropped[0] && d.dropped[1]);
	assert_false(d.dropped[2]);	/* nobody waits any more */
	for (size_t i = 0; i < ARRAY_LEN(d.clients); i++) {
		wait_for(d.clients[i], POLLIN);
		ssize_t n = read(d.clients[i], got, sizeof(got));
		assert_slice_eq(((slice){ got, (size_t)n }), "421 later\r\n");
		wait_for(d.clients[i], POLLIN);
		assert_int_equal(read(d.clients[i], got, sizeof(got)), 0);
		os_socket_close(&d.clients[i]);
	}
	os_thread_join(&d.thread);
	os_socket_close(&d.listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepting_tells_both_addresses),
		cmocka_unit_test(both_families_and_several_shards_share_a_port),
		cmocka_unit_test(a_connection_from_a_source_address_has_it),
		cmocka_unit_test(a_refused_connection_is_the_hosts_failure),
		cmocka_unit_test(bytes_go_in_pieces_and_end_orderly),
		cmocka_unit_test(a_full_socket_says_again),
		cmocka_unit_test(an_abort_is_a_reset_and_no_signal),
		cmocka_unit_test(
		    r2_without_descriptors_a_connection_is_refused_in_words),
	};
	return cmocka_run_group_tests_name("os/net", tests, NULL, NULL);
}
