/*
 * The console's process: libmicrohttpd on a thread of its own reads and
 * writes HTTP, the main thread has admin, master and the streams; see
 * serve.h. Requests sleep while admin works, so two threads do for all.
 */
#include "console/serve.h"

#include <stdlib.h>

#include "console/api_call.h"
#include "console/console_private.h"
#include "console/openapi.h"
#include "control/channel.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/sandbox.h"
#include "wire/frame.h"

enum {
	CONNECTIONS_MAX = EVENTS_ALL_MAX + 280,
	CONNECTION_MEMORY = 32768,	/* of a head, and a piece of the body */
	CONNECTION_SECONDS = 15,	/* of silence */
	MASTER_OUT_MAX = 4096,
	EXIT_FAILED = 71,
};

struct server {
	struct console console;
	struct channel master;
	struct os_watch master_watch;
	bool stop;
	struct MHD_Daemon *daemon;
};

/* --- master --------------------------------------------------------------- */

/* False: it says the end, or speaks in tongues. */
static bool master_take(struct server *s, const struct frame *f)
{
	if (f->type != FRAME_PEER)
		return false;
	front_attach(s->console.front, channel_take_passed(&s->master));
	return true;
}

static bool master_read(struct server *s)
{
	struct err err;
	if (channel_receive(&s->master, &err) != CHANNEL_OPEN)
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
	return true;
}

static void master_ready(struct os_watch *watch, unsigned events)
{
	struct server *s = CONTAINER_OF(watch, struct server, master_watch);
	(void)events;
	if (master_read(s))
		return;
	os_watch_remove(s->console.thread, &s->master_watch);
	s->stop = true;
}

/* --- the main thread ------------------------------------------------------ */

/* Nobody goes to sleep from now on; who did was posted before. */
static void close_gate(struct console *c)
{
	os_mutex_lock(c->gate);
	c->closing = true;
	os_mutex_unlock(c->gate);
}

static int64_t turn(void *ctx)
{
	struct server *s = ctx;
	struct console *c = &s->console;
	int64_t now = os_monotonic_ns();
	if (s->stop && !c->closing) {
		close_gate(c);
		return OS_AGAIN;
	}
	if (s->stop) {
		events_stop(c->events);
		front_close(c->front);
		os_thread_stop(c->thread);
		return OS_NEVER;
	}
	int64_t front = front_turn(c->front, now);
	int64_t events = events_turn(c->events, now);
	int64_t slow = patience_turn(c->patience, now, os_shutdown_both);
	int64_t soon = front < events ? front : events;
	return soon < slow ? soon : slow;
}

/* --- begin and end -------------------------------------------------------- */

/* libmicrohttpd's own words go nowhere: they are about strangers' bytes. */
static void hush(void *ctx, const char *format, va_list args)
{
	(void)ctx;
	(void)format;
	(void)args;
}

struct patient *connection_patient(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

static void connection_notice(void *ctx, struct MHD_Connection *connection,
			      void **own,
			      enum MHD_ConnectionNotificationCode what)
{
	struct console *c = ctx;
	struct patient *patient = *own;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
		patience_end(c->patience, &patient);
	else if (info != NULL)
		patient = patience_begin(c->patience, info->connect_fd,
					 os_monotonic_ns());
	*own = patient;
}

/* Escapes are ours to decode (routes.h): "%2F" in a value is no slash. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *connection,
			   char *s)
{
	(void)ctx;
	(void)connection;
	return strlen(s);
}

static bool start_http(struct server *s, struct err *err)
{
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG,
		0, NULL, NULL, request_handle, &s->console,
		MHD_OPTION_EXTERNAL_LOGGER, hush, NULL,
		MHD_OPTION_LISTEN_SOCKET, s->console.config->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, request_completed, &s->console,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notice, &s->console,
		MHD_OPTION_END);
	return s->daemon != NULL ||
	       err_set(err, ERR_INTERNAL, SCOPE_SELF, "console_serve",
		       "libmicrohttpd does not start");
}

static bool begin(struct server *s, const struct console_config *config,
		  struct err *err)
{
	struct console *c = &s->console;
	uint32_t chance;
	os_seccomp_console_prepare();
	os_random(&chance, sizeof(chance));
	api_call_seed(chance);
	c->config = config;
	buf_init(&c->openapi, OPENAPI_MAX);
	openapi_write(&c->openapi);
	channel_init(&s->master, config->master_fd,
		     FRAME_BIT(FRAME_DRAIN) | FRAME_BIT(FRAME_PEER),
		     MASTER_OUT_MAX);
	if (c->openapi.failed)
		return err_set_memory(err, "console_serve");
	if (!assets_read(assets_linked(), &c->assets, err) ||
	    !os_mutex_new(&c->gate, err) ||
	    !patience_new(&c->patience, err) ||
	    !os_thread_new(&c->thread, "console", turn, s, err) ||
	    !front_new(&c->front, c->thread, err) ||
	    !events_new(&c->events, c->front, err) ||
	    !os_watch_add(c->thread, &s->master_watch, config->master_fd,
			  OS_READABLE, master_ready, err))
		return false;
	front_attach(c->front, config->admin_fd);
	/* libmicrohttpd names its thread by a file of /proc: its start is
	 * the last thing that the sandbox would end. */
	return start_http(s, err) && os_seccomp_console(err);
}

static void say_ready(struct server *s)
{
	struct err err;
	frame_write(&s->master.out, FRAME_READY, 0, (slice){ 0 });
	/* Master that doesn't listen is about to end us anyway. */
	s->stop = channel_flush(&s->master, &err) != CHANNEL_OPEN;
}

static void end(struct server *s)
{
	struct console *c = &s->console;
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	if (c->thread != NULL)
		os_watch_remove(c->thread, &s->master_watch);
	events_free(&c->events);
	patience_free(&c->patience);
	if (c->front != NULL)
		front_close(c->front);
	front_free(&c->front);
	os_thread_join(&c->thread);
	if (c->gate != NULL)
		os_mutex_free(&c->gate);
	channel_fini(&s->master);
	buf_fini(&c->openapi);
}

int console_serve(const struct console_config *config)
{
	struct err err = { 0 };
	struct server *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return EXIT_FAILED;
	s->master_watch.fd = -1;
	bool ok = begin(s, config, &err);
	if (ok) {
		say_ready(s);
		os_thread_run(s->console.thread);
	} else {
		log_failure(config->log, LOG_ALARM, "console.failed", &err);
	}
	end(s);
	free(s);
	return ok ? 0 : EXIT_FAILED;
}
