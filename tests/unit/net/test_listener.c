/* Listeners: many connections, pauses, no descriptors left. */
#include "net_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

enum { MANY = 1000 };

struct crowd {
	struct loop *loop;
	struct member {
		struct crowd *crowd;
		struct conn *server, *client;
		bool echoed;
	} members[MANY];
	unsigned accepted, echoed;
};

static void echo(void *ctx, slice *in)
{
	struct member *m = ctx;
	buf_append(conn_out(m->server), *in);
	*in = slice_skip(*in, in->n);
	conn_flush(m->server);
}

static void said(void *ctx)
{
	struct member *m = ctx;
	buf_append(conn_out(m->client), SLICE("hello"));
	conn_flush(m->client);
}

static void came_back(void *ctx, slice *in)
{
	struct member *m = ctx;
	if (in->n < 5)
		return;
	assert_slice_eq(*in, "hello");
	*in = slice_skip(*in, in->n);
	assert_false(m->echoed);
	m->echoed = true;
	if (++m->crowd->echoed == MANY)
		os_thread_stop(loop_thread(m->crowd->loop));
}

static const struct conn_user echo_user = { .input = echo };
static const struct conn_user member_user = { .connected = said,
					      .input = came_back };

static void accepted(void *ctx, int fd, const struct ip_port *peer,
		     const struct ip_port *local)
{
	struct crowd *c = ctx;
	struct member *m = &c->members[c->accepted++];
	m->server = conn_accepted(c->loop, fd, peer, local, &echo_user, m);
	assert_non_null(m->server);
	conn_resume(m->server);
}

static void a_thousand_connections_at_once(void **state)
{
	struct world *w = *state;
	struct crowd *c = calloc(1, sizeof(*c));
	struct err err;
	/* Its own callback, on the world's loop and socket. */
	listener_free(&w->listener);
	c->loop = w->loop;
	assert_true(listener_new(&w->listener, w->loop, w->listening, accepted,
				 c, &err));
	for (int i = 0; i < MANY; i++) {
		c->members[i].crowd = c;
		c->members[i].client = conn_connect(w->loop, &w->at, NULL,
						    &member_user,
						    &c->members[i], &err);
		assert_non_null(c->members[i].client);
	}
	world_run(w);
	assert_int_equal(c->accepted, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_true(c->members[i].echoed);
		conn_free(&c->members[i].client);
		conn_free(&c->members[i].server);
	}
	free(c);
}

/* --- pause ------------------------------------------------------------------------- */

static void resume_listener(struct world *w)
{
	assert_null(w->server.c);
	assert_in_range(loop_turns(w->loop), 0, 5);
	listener_resume(w->listener);
}

static void done_when_accepted(struct world *w)
{
	world_done(w);
}

static void a_paused_listener_leaves_connections_waiting(void **state)
{
	struct world *w = *state;
	w->accepted = done_when_accepted;
	listener_pause(w->listener);
	world_connect_raw(w);
	world_step_after(w, 40, resume_listener);
	world_run(w);
	assert_non_null(w->server.c);
}

static unsigned counted;

static void pause_after_one(void *ctx, int fd, const struct ip_port *peer,
			    const struct ip_port *local)
{
	struct world *w = ctx;
	(void)peer;
	(void)local;
	counted++;
	os_socket_close(&fd);
	listener_pause(w->listener);
	world_step_after(w, 20, world_done);
}

static void free_after_one(void *ctx, int fd, const struct ip_port *peer,
			   const struct ip_port *local)
{
	struct world *w = ctx;
	(void)peer;
	(void)local;
	counted++;
	os_socket_close(&fd);
	listener_free(&w->listener);
	world_step_after(w, 20, world_done);
}

static void a_listener_may_be_paused_or_freed_inside_accepted(void **state)
{
	static listener_accepted *const what[] = { pause_after_one,
						   free_after_one };
	for (size_t i = 0; i < ARRAY_LEN(what); i++) {
		struct world *w = *state;
		struct err err;
		int other;
		counted = 0;
		listener_free(&w->listener);
		assert_true(listener_new(&w->listener, w->loop, w->listening,
					 what[i], w, &err));
		world_connect_raw(w);
		assert_true(os_connect(&w->at, NULL, &other, &err));
		world_run(w);
		assert_int_equal(counted, 1);
		os_socket_close(&other);
		world_down(state);
		world_up(state);
	}
}

/* --- no descriptors left --------------------------------------------------------------- */

static struct rlimit before;

static void limit_to_what_is_open(void)
{
	getrlimit(RLIMIT_NOFILE, &before);
	struct rlimit none = { 3, before.rlim_max };
	while (fcntl((int)none.rlim_cur, F_GETFD) >= 0)
		none.rlim_cur++;
	setrlimit(RLIMIT_NOFILE, &none);
}

static void give_descriptors_back(struct world *w)
{
	assert_int_equal(listener_refused(w->listener), 3);
	assert_null(w->server.c);
	assert_true(loop_turns(w->loop) < 20);
	setrlimit(RLIMIT_NOFILE, &before);
	world_done(w);
}

static void r2_without_descriptors_connections_are_told_so(void **state)
{
	struct world *w = *state;
	struct err err;
	int fds[3];
	char got[32];
	listener_farewell(w->listener, SLICE("421 4.3.2 busy\r\n"));
	for (int i = 0; i < 3; i++)
		assert_true(os_connect(&w->at, NULL, &fds[i], &err));
	limit_to_what_is_open();
	world_step_after(w, 50, give_descriptors_back);
	os_thread_run(loop_thread(w->loop));
	setrlimit(RLIMIT_NOFILE, &before);
	assert_false(w->late);
	for (int i = 0; i < 3; i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN };
		assert_int_equal(poll(&p, 1, 1000), 1);
		ssize_t n = read(fds[i], got, sizeof(got));
		assert_slice_eq(((slice){ got, n < 0 ? 0 : (size_t)n }),
				"421 4.3.2 busy\r\n");
		os_socket_close(&fds[i]);
	}
}

/* Even the reserve is gone: as if another thread had taken it. */
static void never_accepted(void *ctx, int fd, const struct ip_port *peer,
			     const struct ip_port *local)
{
	(void)ctx;
	(void)fd;
	(void)peer;
	(void)local;
	fail_msg("accepted without a descriptor");
}

static void look_then_give_back(struct world *w)
{
	/* It rested instead of spinning. */
	assert_true(loop_turns(w->loop) < 20);
	setrlimit(RLIMIT_NOFILE, &before);
	listener_free(&w->listener);
	world_done(w);
}

static void no_spin_when_not_even_the_reserve_is_there(void **state)
{
	struct world *w = *state;
	struct err err;
	listener_free(&w->listener);
	assert_true(listener_new(&w->listener, w->loop, w->listening,
				 never_accepted, w, &err));
	world_connect_raw(w);
	getrlimit(RLIMIT_NOFILE, &before);
	/* Below the reserve's own number: closing it doesn't help. */
	struct rlimit none = { 3, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	world_step_after(w, 250, look_then_give_back);
	os_thread_run(loop_thread(w->loop));
	setrlimit(RLIMIT_NOFILE, &before);
	assert_false(w->late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_thousand_connections_at_once),
		WORLD_TEST(a_paused_listener_leaves_connections_waiting),
		WORLD_TEST(a_listener_may_be_paused_or_freed_inside_accepted),
		WORLD_TEST(r2_without_descriptors_connections_are_told_so),
		WORLD_TEST(no_spin_when_not_even_the_reserve_is_there),
	};
	return cmocka_run_group_tests_name("net/listener", tests, NULL, NULL);
}
