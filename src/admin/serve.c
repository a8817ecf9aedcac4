/*
 * The admin process on one thread and one poll: callers on ctl.sock and those
 * whom the console brings (front connections), relay, master; see serve.h. A
 * call that can't end at once (live in relay, relay's answer, a long export)
 * waits in its connection while others are served.
 */
#include "admin/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/calls.h"
#include "admin/people_link.h"
#include "admin/search.h"
#include "control/channel.h"
#include "crypto/password.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/process.h"

enum {
	CONNS_MAX = 64,
	FRONT_CONNS_MAX = 16,
	OUT_MAX = 67108864,		/* of one connection */
	OUT_HIGH = 1048576,		/* `more` waits above it */
	MORE_AT_ONCE = 64,		/* steps of `more` in a round */
	MORE_MS = 20,			/* … and of a round's time */
	MASTER_OUT_MAX = 65536,
	TICK_MS = 1000,
	PATH_TEXT_MAX = 4096,
	EXIT_MASTER_GONE = 75,
};

struct conn {
	struct channel channel;		/* fd -1: free */
	struct server *server;
	bool front;			/* the console's: sessions, not uids */
	char who[32];
	struct buf text;		/* of text.append */
	bool busy;			/* with the call */
	bool ended;			/* the call did, and is to be freed */
	bool cut;			/* rows were dropped */
	uint32_t sequence;		/* of the call */
	struct admin_call call;
};

struct server {
	struct admin admin;
	struct channel master;
	struct channel front;		/* console brings its connections */
	int listener;
	bool index_more;		/* lines wait to be indexed */
	int64_t indexed_at_ms;		/* when it was looked last */
	bool stop;
	int exit_code;
	struct conn conns[CONNS_MAX];
};

/* Of a round of waiting, in this order. */
enum { WAIT_LISTENER, WAIT_MASTER, WAIT_RELAY, WAIT_FRONT, WAIT_CONNS };

static void note(struct server *s, enum log_level level, const char *event,
		 const struct err *err)
{
	if (s->admin.log != NULL)
		log_failure(s->admin.log, level, event, err);
}

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

/* --- connections ---------------------------------------------------------- */

static void conn_close(struct conn *c)
{
	if (c->channel.fd < 0)
		return;
	if (c->busy || c->ended)
		call_fini(&c->call);
	c->busy = c->ended = c->cut = false;
	channel_close(&c->channel);
	channel_fini(&c->channel);
	buf_fini(&c->text);
}

static void conn_row(struct admin_call *call, slice json_object)
{
	struct conn *c = CONTAINER_OF(call, struct conn, call);
	if (c->channel.out.n + json_object.n > OUT_MAX - 2 * FRAME_MAX)
		c->cut = true;
	else
		frame_write(&c->channel.out, FRAME_ROW, c->sequence,
			    json_object);
}

static void conn_end(struct admin_call *call, int code, slice text)
{
	struct conn *c = CONTAINER_OF(call, struct conn, call);
	invariant(c->busy);
	if (c->cut) {
		code = CALL_TEMPORARY;
		text = SLICE("the answer is too long and was cut; ask for "
			     "less at a time");
	}
	frame_write_end(&c->channel.out, c->sequence, (uint8_t)code, text);
	/* Freed by the round, not under the feet of the call. */
	c->busy = false;
	c->ended = true;
}

static void text_append(struct conn *c, uint32_t sequence, slice piece)
{
	if (!c->front)
		buf_append(&c->text, piece);
	if (c->front)
		frame_write_end(&c->channel.out, sequence, CALL_USAGE,
				(slice){ 0 });
	else if (c->text.failed)
		frame_write_end(&c->channel.out, sequence, CALL_CONFIG,
				slice_of(admin_text(SAY_TEXT_TOO_LONG)->en));
	else
		frame_write_end(&c->channel.out, sequence, CALL_OK,
				(slice){ 0 });
}

/* What call_end leaves. */
static void conn_clean(struct conn *c)
{
	if (!c->ended)
		return;
	c->ended = false;
	call_fini(&c->call);
	c->cut = false;
	buf_release(&c->text);
}

static void conn_call(struct conn *c, const struct frame *f,
		      const struct frame_call *call)
{
	c->busy = true;
	c->sequence = f->sequence;
	c->call = (struct admin_call){
		.admin = &c->server->admin,
		.text = buf_slice(&c->text),
		.who = slice_of(c->who),
		.front = c->front,
		.row = conn_row,
		.end = conn_end,
	};
	call_start(&c->call, call->name, call->args);
	conn_clean(c);
}

/* Calls wait for one another. False: the connection must end. */
static bool conn_take(struct conn *c)
{
	struct err err;
	while (!c->busy) {
		struct frame f;
		struct frame_call call;
		bool got;
		if (!channel_next(&c->channel, &got, &f, &err))
			return false;
		if (!got)
			break;
		if (!frame_read_call(f.payload, &call))
			return false;
		if (slice_eq(call.name, SLICE("text.append")))
			text_append(c, f.sequence, call.args);
		else
			conn_call(c, &f, &call);
	}
	channel_taken(&c->channel);
	return !c->channel.out.failed;
}

/* Rows of a long answer, as fast as they are read, each connection at least
 * one piece in a round; and calls that wait. */
static void conn_go_on(struct conn *c, int64_t now)
{
	for (int i = 0; i < MORE_AT_ONCE && c->busy; i++) {
		if (c->call.more == NULL ||
		    channel_pending(&c->channel) > OUT_HIGH ||
		    (i > 0 && now_ms() - now > MORE_MS))
			break;
		c->call.more(&c->call);
	}
	if (c->busy)
		call_look(&c->call, now);
	conn_clean(c);
}

static void conn_turn(struct conn *c, unsigned events, int64_t now)
{
	struct err err;
	bool good = true;
	if (c->channel.fd < 0)
		return;
	if (events & OS_READABLE)
		good = channel_receive(&c->channel, &err) == CHANNEL_OPEN;
	conn_go_on(c, now);
	good = good && conn_take(c);
	/* An answer may have begun with the last frame. */
	conn_go_on(c, now);
	if (!good || channel_flush(&c->channel, &err) != CHANNEL_OPEN)
		conn_close(c);
}

static unsigned conn_interest(const struct conn *c)
{
	unsigned interest = 0;
	if (c->channel.in.n < FRAME_HEADER + FRAME_MAX)
		interest |= OS_READABLE;
	if (channel_pending(&c->channel) > 0)
		interest |= OS_WRITABLE;
	return interest;
}

/* --- who may come in ------------------------------------------------------ */

static struct conn *free_conn(struct server *s)
{
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (s->conns[i].channel.fd < 0)
			return &s->conns[i];
	return NULL;
}

/* Takes the descriptor over. NULL: there is no room. */
static struct conn *conn_open(struct server *s, int fd)
{
	struct conn *c = free_conn(s);
	if (c == NULL) {
		os_socket_close(&fd);
		return NULL;
	}
	*c = (struct conn){ .server = s };
	channel_init(&c->channel, fd, FRAME_BIT(FRAME_CALL), OUT_MAX);
	buf_init(&c->text, YAML_TEXT_MAX);
	return c;
}

static void conn_of_peer(struct server *s, int fd,
			 const struct os_ipc_peer *peer)
{
	struct conn *c = NULL;
	if (peer->uid == 0 || peer->uid == os_ipc_uid())
		c = conn_open(s, fd);
	else
		os_socket_close(&fd);
	if (c != NULL)
		snprintf(c->who, sizeof(c->who), "uid %u", peer->uid);
}

static void accept_all(struct server *s)
{
	for (int i = 0; i < CONNS_MAX; i++) {
		struct os_ipc_peer peer;
		struct err err;
		int fd;
		switch (os_ipc_accept(s->listener, &fd, &peer, &err)) {
		case OS_NET_DONE:
			conn_of_peer(s, fd, &peer);
			continue;
		case OS_NET_AGAIN:
		case OS_NET_EOF:
			return;
		case OS_NET_FAILED:
			note(s, LOG_ERROR, "admin.accept", &err);
			return;
		}
	}
}

/* --- the console ---------------------------------------------------------- */

static void front_conn(struct server *s, int fd)
{
	unsigned n = 0;
	for (size_t i = 0; i < CONNS_MAX; i++)
		n += s->conns[i].channel.fd >= 0 && s->conns[i].front;
	if (fd < 0)
		return;
	struct conn *c = NULL;
	if (n < FRONT_CONNS_MAX)
		c = conn_open(s, fd);
	else
		os_socket_close(&fd);
	if (c == NULL)
		return;
	c->front = true;
	/* Until the session tells more (call_front_caller). */
	snprintf(c->who, sizeof(c->who), "console");
}

/* Each frame has the end of a connection with it. */
static bool front_take(struct server *s)
{
	struct err err;
	if (channel_receive(&s->front, &err) != CHANNEL_OPEN)
		return false;
	for (;;) {
		struct frame f;
		bool got;
		if (!channel_next(&s->front, &got, &f, &err))
			return false;
		if (!got)
			break;
		front_conn(s, channel_take_passed(&s->front));
	}
	channel_taken(&s->front);
	return true;
}

static void front_turn(struct server *s, unsigned events)
{
	if (s->front.fd >= 0 && (events & OS_READABLE) && !front_take(s))
		channel_close(&s->front);
}

/* --- relay and master ----------------------------------------------------- */

static void relay_live(void *ctx, uint64_t revision, bool refused)
{
	struct server *s = ctx;
	admin_relay_live(&s->admin, revision, refused);
}

static void relay_gone(void *ctx)
{
	struct server *s = ctx;
	s->admin.relay_known = false;
	s->admin.relay_refused = false;
}

/* One that starts again: what hung on the old one ends by itself. */
static void peer_came(struct server *s, slice role)
{
	int fd = channel_take_passed(&s->master);
	if (!slice_eq(role, SLICE("console")))
		ask_attach(s->admin.ask, fd);
	else if (fd >= 0)
		channel_open(&s->front, fd);
}

static bool master_take(struct server *s, const struct frame *f)
{
	switch ((int)f->type) {
	case FRAME_PEER:
		peer_came(s, f->payload);
		return true;
	case FRAME_DRAIN:
		s->stop = true;
		return true;
	case FRAME_RELOAD:
		return true;	/* nothing of it concerns a running admin */
	default:
		return false;
	}
}

/* False: master is gone, or speaks in tongues. */
static bool master_turn(struct server *s, unsigned events)
{
	struct err err;
	if (s->master.fd < 0)
		return true;
	if ((events & OS_READABLE) &&
	    channel_receive(&s->master, &err) != CHANNEL_OPEN)
		return false;
	for (;;) {
		struct frame f;
		bool got;
		if (!channel_next(&s->master, &got, &f, &err))
			return false;
		if (!got)
			break;
		if (!master_take(s, &f))
			return false;
	}
	channel_taken(&s->master);
	return channel_flush(&s->master, &err) == CHANNEL_OPEN;
}

/* --- rounds --------------------------------------------------------------- */

static unsigned master_interest(const struct server *s)
{
	return OS_READABLE |
	       (channel_pending(&s->master) > 0 ? OS_WRITABLE : 0u);
}

/* A call that waits for relay's word or its own next piece. */
static int wait_ms(const struct server *s)
{
	int ms = -1;
	for (size_t i = 0; i < CONNS_MAX; i++) {
		const struct conn *c = &s->conns[i];
		if (c->channel.fd < 0 || !c->busy)
			continue;
		if (c->call.more != NULL &&
		    channel_pending(&c->channel) <= OUT_HIGH)
			return 0;
		if (c->call.wait_revision != 0)
			ms = TICK_MS / 10;
	}
	if (ms < 0 && (s->admin.behind || s->admin.search != NULL))
		ms = TICK_MS;
	/* Indexing goes on between the calls, a step each round. */
	return s->index_more ? 0 : ms;
}

static void serve_conns(struct server *s, const struct os_ipc_wait *waits)
{
	int64_t now = now_ms();
	for (size_t i = 0; i < CONNS_MAX; i++)
		conn_turn(&s->conns[i], waits != NULL ? waits[i].events : 0u,
			  now);
}

static bool one_round(struct server *s, struct err *err)
{
	struct os_ipc_wait waits[WAIT_CONNS + CONNS_MAX];
	struct ask *ask = s->admin.ask;
	waits[WAIT_LISTENER] =
		(struct os_ipc_wait){ s->listener, OS_READABLE, 0 };
	waits[WAIT_MASTER] =
		(struct os_ipc_wait){ s->master.fd, master_interest(s), 0 };
	waits[WAIT_RELAY] =
		(struct os_ipc_wait){ ask_fd(ask), ask_interest(ask), 0 };
	waits[WAIT_FRONT] =
		(struct os_ipc_wait){ s->front.fd, OS_READABLE, 0 };
	for (size_t i = 0; i < CONNS_MAX; i++)
		waits[WAIT_CONNS + i] = (struct os_ipc_wait){
			s->conns[i].channel.fd,
			s->conns[i].channel.fd >= 0 ?
				conn_interest(&s->conns[i]) :
				0u,
			0
		};
	if (!os_ipc_poll(waits, ARRAY_LEN(waits), wait_ms(s), err))
		return false;
	if (!master_turn(s, waits[WAIT_MASTER].events)) {
		s->stop = true;
		s->exit_code = EXIT_MASTER_GONE;
		return true;
	}
	/* master_turn may have brought a new relay: its number then waits
	 * for the next round. */
	if (ask_fd(ask) == waits[WAIT_RELAY].fd)
		ask_ready(ask, waits[WAIT_RELAY].events);
	serve_conns(s, &waits[WAIT_CONNS]);
	if (s->front.fd == waits[WAIT_FRONT].fd)
		front_turn(s, waits[WAIT_FRONT].events);
	if (waits[WAIT_LISTENER].events != 0)
		accept_all(s);
	if (s->admin.behind)
		admin_catch_up(&s->admin);
	if (s->index_more || now_ms() - s->indexed_at_ms >= TICK_MS) {
		s->indexed_at_ms = now_ms();
		admin_index(&s->admin, &s->index_more);
	}
	/* What the round wrote for relay goes out at once. */
	ask_ready(ask, OS_WRITABLE);
	return true;
}

/* --- begin and end -------------------------------------------------------- */

static bool listen_at(struct server *s, const struct admin_config *config,
		      struct err *err)
{
	char path[PATH_TEXT_MAX];
	const char *name = config->ctl_path;
	unsigned mode = config->ctl_mode != 0 ? config->ctl_mode : 0600;
	int n = name[0] == '/' ?
			snprintf(path, sizeof(path), "%s", name) :
			snprintf(path, sizeof(path), "%s/%s", config->data_dir,
				 name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "admin_serve",
			       "path of ctl.sock is too long");
	return os_ipc_listen(path, mode, &s->listener, err);
}

static int exit_of(const struct err *err)
{
	if (err->kind == ERR_PERMANENT)
		return CALL_CONFIG;
	return err->kind == ERR_IO ? CALL_IO : CALL_TEMPORARY;
}

/* Not to the log: to whoever started the service, once. */
static void tell_first_link(struct server *s)
{
	struct err err = { 0 };
	struct buf out;
	buf_init(&out, 8192);
	if (!people_first_link(&s->admin, &out, &err))
		note(s, LOG_ERROR, "admin.first_link", &err);
	else if (out.n > 0 && !out.failed)
		(void)os_write_out(buf_slice(&out));
	if (out.cap > 0)
		secret_wipe(out.p, out.cap);
	buf_fini(&out);
}

static bool begin(struct server *s, const struct admin_config *config,
		  struct err *err)
{
	struct ask_handlers handlers = { s, relay_live, relay_gone };
	s->admin.log = config->log;
	s->admin.hostname = config->hostname;
	s->admin.pepper = config->pepper;
	s->admin.alone = config->alone;
	s->admin.console_url = config->console_url;
	if (!admin_open(&s->admin, config->data_dir, err))
		return false;
	/* Without an index all but trace works. */
	if (config->index_dir != NULL &&
	    !search_open(config->journal_dir, config->index_dir, config->log,
			 &s->admin.search, err))
		note(s, LOG_ERROR, "search.closed", err);
	if (!config->alone)
		tell_first_link(s);
	s->admin.ask = ask_new(&handlers);
	return s->admin.ask != NULL ? listen_at(s, config, err) :
				      err_set_memory(err, "admin_serve");
}

static void end(struct server *s)
{
	for (size_t i = 0; i < CONNS_MAX; i++)
		conn_close(&s->conns[i]);
	os_socket_close(&s->listener);
	channel_fini(&s->master);
	channel_fini(&s->front);
	search_close(&s->admin.search);
	admin_close(&s->admin);
}

int admin_serve(const struct admin_config *config)
{
	struct err err;
	struct server *s = calloc(1, sizeof(*s));
	int relay_fd = config->relay_fd;
	if (s == NULL)
		return CALL_TEMPORARY;
	channel_init(&s->front, config->front_fd, FRAME_BIT(FRAME_PEER),
		     MASTER_OUT_MAX);
	s->listener = -1;
	for (size_t i = 0; i < CONNS_MAX; i++)
		s->conns[i].channel.fd = -1;
	channel_init(&s->master, config->master_fd,
		     FRAME_BIT(FRAME_PEER) | FRAME_BIT(FRAME_DRAIN) |
			     FRAME_BIT(FRAME_RELOAD),
		     MASTER_OUT_MAX);
	bool ok = begin(s, config, &err);
	if (ok) {
		ask_attach(s->admin.ask, relay_fd);
		if (s->master.fd >= 0)
			frame_write(&s->master.out, FRAME_READY, 0,
				    (slice){ 0 });
	} else {
		os_socket_close(&relay_fd);
	}
	while (ok && !s->stop)
		ok = one_round(s, &err);
	if (!ok) {
		note(s, LOG_ALARM, "admin.ends", &err);
		s->exit_code = exit_of(&err);
	}
	int code = s->exit_code;
	end(s);
	free(s);
	return code;
}
