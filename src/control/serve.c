/*
 * Relay's end of the channels to admin and master; see serve.h. The view
 * that is here is complete or a step behind: a change of several parts is
 * put together beside it, and handed on with its last part.
 */
#include "control/serve.h"

#include <stdlib.h>

#include "base/cursor.h"

#include "control/channel.h"
#include "control/view_file.h"

enum { EXIT_TEMPORARY = 75 };

struct line {			/* a channel on the loop */
	struct os_watch watch;
	struct channel channel;
	struct control_serve *serve;
	bool (*take)(struct control_serve *c, const struct frame *f);
};

struct control_answer {
	struct list node;		/* of serve->answers */
	struct control_serve *serve;	/* NULL: nobody listens any more */
	uint32_t sequence;
	uint64_t dropped_rows;
};

struct control_serve {
	struct loop *loop;
	struct log *log;
	struct control_handlers handlers;
	int view_dir;
	const struct view *view;	/* complete */
	const struct view *part;	/* of the next one, or NULL */
	uint64_t live;			/* all shards have it */
	struct line admin, master;
	struct loop_task flush;
	struct list answers;
	uint32_t answer_count;
};

static void admin_ready(struct os_watch *w, unsigned events);
static void master_ready(struct os_watch *w, unsigned events);

static void note(struct control_serve *c, enum log_level level,
		 const char *event, const struct err *err)
{
	if (c->log != NULL)
		log_failure(c->log, level, event, err);
}

/* --- sending -------------------------------------------------------------- */

/* Readable always; writable while something waits. */
static void watch_update(struct line *l)
{
	unsigned interest = OS_READABLE;
	if (channel_pending(&l->channel) > 0)
		interest |= OS_WRITABLE;
	if (l->channel.fd >= 0)
		os_watch_change(loop_thread(l->serve->loop), &l->watch,
				interest);
}

static void orphan_answers(struct control_serve *c)
{
	list_each(&c->answers, node, after) {
		CONTAINER_OF(node, struct control_answer, node)->serve = NULL;
		list_remove(node);
	}
	c->answer_count = 0;
}

/* Mail flows with the last revision; master brings a new end. */
static void admin_close(struct control_serve *c)
{
	if (c->admin.channel.fd < 0)
		return;
	os_watch_remove(loop_thread(c->loop), &c->admin.watch);
	channel_close(&c->admin.channel);
	orphan_answers(c);
	view_unref(&c->part);
}

static void master_close(struct control_serve *c)
{
	if (c->master.channel.fd < 0)
		return;
	os_watch_remove(loop_thread(c->loop), &c->master.watch);
	channel_close(&c->master.channel);
}

static void flush(struct control_serve *c)
{
	struct err err;
	if (c->admin.channel.fd >= 0) {
		if (channel_flush(&c->admin.channel, &err) == CHANNEL_OPEN)
			watch_update(&c->admin);
		else
			admin_close(c);
	}
	if (c->master.channel.fd >= 0) {
		if (channel_flush(&c->master.channel, &err) == CHANNEL_OPEN)
			watch_update(&c->master);
		/* Else reading finds the end and says it. */
	}
}

static void flush_run(struct loop_task *task)
{
	flush(CONTAINER_OF(task, struct control_serve, flush));
}

static void flush_soon(struct control_serve *c)
{
	loop_task_post(c->loop, &c->flush);
}

static void send_live(struct control_serve *c, uint32_t sequence)
{
	if (c->admin.channel.fd < 0)
		return;
	frame_write_live(&c->admin.channel.out, sequence, c->live);
	flush_soon(c);
}

void control_serve_live(struct control_serve *c, uint64_t revision)
{
	if (revision <= c->live)
		return;
	c->live = revision;
	send_live(c, 0);
}

bool control_serve_admin_up(const struct control_serve *c)
{
	return c->admin.channel.fd >= 0;
}

void control_serve_ready(struct control_serve *c)
{
	if (c->master.channel.fd < 0)
		return;
	frame_write(&c->master.channel.out, FRAME_READY, 0, (slice){ 0 });
	flush_soon(c);
}

/* --- answers -------------------------------------------------------------- */

static void answer_begin(struct control_serve *c, const struct frame *f,
			 const struct frame_call *call)
{
	struct control_answer *a = NULL;
	if (c->answer_count < CONTROL_ANSWERS_MAX)
		a = calloc(1, sizeof(*a));
	if (a == NULL) {
		frame_write_end(&c->admin.channel.out, f->sequence,
				EXIT_TEMPORARY,
				SLICE("relay answers too many calls already"));
		flush_soon(c);
		return;
	}
	*a = (struct control_answer){ .serve = c, .sequence = f->sequence };
	list_init(&a->node);
	list_append(&c->answers, &a->node);
	c->answer_count++;
	c->handlers.call(c->handlers.ctx, call->name, call->args, a);
}

size_t control_answer_pending(const struct control_answer *a)
{
	return a->serve != NULL ? channel_pending(&a->serve->admin.channel) :
				  0;
}

void control_answer_row(struct control_answer *a, slice json_object)
{
	if (a->serve == NULL)
		return;
	struct buf *out = &a->serve->admin.channel.out;
	/* Room is left for ends and revisions. */
	if (out->n + json_object.n > CONTROL_OUT_MAX - FRAME_MAX ||
	    json_object.n > FRAME_MAX) {
		a->dropped_rows++;
		return;
	}
	frame_write(out, FRAME_ROW, a->sequence, json_object);
	flush_soon(a->serve);
}

void control_answer_end(struct control_answer *a, int code, slice text)
{
	struct control_serve *c = a->serve;
	invariant(code >= 0 && code <= 255);
	if (c != NULL) {
		if (a->dropped_rows > 0) {
			code = EXIT_TEMPORARY;
			text = SLICE("the answer is too long and was cut; "
				     "ask for less at a time");
		}
		frame_write_end(&c->admin.channel.out, a->sequence,
				(uint8_t)code, text);
		flush_soon(c);
		list_remove(&a->node);
		invariant(c->answer_count > 0);
		c->answer_count--;
	}
	free(a);
}

/* --- changes -------------------------------------------------------------- */

static void view_take_new(struct control_serve *c, const struct view *v)
{
	view_unref(&c->view);
	view_unref(&c->part);
	c->view = v;
	c->handlers.view(c->handlers.ctx, v);
}

static void change_take(struct control_serve *c, slice change)
{
	const struct view *next;
	struct err err;
	if (!view_apply(c->part != NULL ? c->part : c->view, change, &next,
			&err)) {
		note(c, LOG_ALARM, "control.change_refused", &err);
		view_unref(&c->part);
		send_live(c, LIVE_REFUSED);
		return;
	}
	if (view_complete(next)) {
		view_take_new(c, next);
		return;
	}
	view_unref(&c->part);
	c->part = next;
}

static void view_take_files(struct control_serve *c)
{
	struct view_loaded loaded;
	struct err err;
	bool ok = view_load(c->view_dir, &loaded, &err);
	if (ok && view_revision(loaded.view) > view_revision(c->view)) {
		view_take_new(c, loaded.view);
		return;
	}
	if (ok)
		view_unref(&loaded.view);
	else
		note(c, LOG_ALARM, "control.view_not_read", &err);
	send_live(c, LIVE_REFUSED);
}

/* --- frames --------------------------------------------------------------- */

static bool admin_take(struct control_serve *c, const struct frame *f)
{
	struct frame_call call;
	switch ((int)f->type) {
	case FRAME_CHANGE:
		change_take(c, f->payload);
		return true;
	case FRAME_VIEW:
		view_take_files(c);
		return true;
	case FRAME_CALL:
		if (!frame_read_call(f->payload, &call))
			return false;
		answer_begin(c, f, &call);
		return true;
	default:
		return false;
	}
}

static void admin_open(struct control_serve *c, int fd)
{
	struct err err;
	admin_close(c);
	if (fd < 0)
		return;
	channel_open(&c->admin.channel, fd);
	if (!os_watch_add(loop_thread(c->loop), &c->admin.watch, fd,
			  OS_READABLE, admin_ready, &err)) {
		note(c, LOG_ERROR, "control.admin_channel", &err);
		channel_close(&c->admin.channel);
		return;
	}
	send_live(c, 0);
}

static bool listen_take(struct control_serve *c, slice payload)
{
	struct cursor in = cursor_of(payload);
	uint32_t number = cursor_u32(&in);
	int fd = channel_take_passed(&c->master.channel);
	bool ok = cursor_done(&in) && fd >= 0;
	if (ok && c->handlers.listen != NULL)
		c->handlers.listen(c->handlers.ctx, number, fd);
	else
		os_socket_close(&fd);
	return ok;
}

static bool master_take(struct control_serve *c, const struct frame *f)
{
	switch ((int)f->type) {
	case FRAME_RELOAD:
		c->handlers.reload(c->handlers.ctx, f->payload);
		return true;
	case FRAME_DRAIN:
		c->handlers.drain(c->handlers.ctx);
		return true;
	case FRAME_PEER:
		admin_open(c, channel_take_passed(&c->master.channel));
		return true;
	case FRAME_LISTEN:
		return listen_take(c, f->payload);
	default:
		return false;
	}
}

/* All whole frames; false when the channel must end. A handler may have
 * closed it meanwhile. */
static bool take_frames(struct line *l, struct err *err)
{
	struct channel *ch = &l->channel;
	int fd = ch->fd;
	for (;;) {
		struct frame f;
		bool got;
		if (!channel_next(ch, &got, &f, err))
			return false;
		if (!got)
			break;
		if (!l->take(l->serve, &f))
			return err_set(err, ERR_PROTOCOL, SCOPE_SELF,
				       "control", "frame is malformed");
		if (ch->fd != fd)
			return true;
	}
	channel_taken(ch);
	return true;
}

static enum channel_result line_read(struct line *l, struct err *err)
{
	enum channel_result r = channel_receive(&l->channel, err);
	if (r == CHANNEL_OPEN && !take_frames(l, err))
		return CHANNEL_BROKEN;
	return r;
}

static void admin_ready(struct os_watch *w, unsigned events)
{
	struct line *l = CONTAINER_OF(w, struct line, watch);
	struct control_serve *c = l->serve;
	struct err err;
	if (events & OS_READABLE) {
		enum channel_result r = line_read(l, &err);
		if (r == CHANNEL_BROKEN)
			note(c, LOG_ERROR, "control.admin_channel", &err);
		if (r != CHANNEL_OPEN) {
			admin_close(c);
			return;
		}
	}
	flush_soon(c);
}

static void master_ready(struct os_watch *w, unsigned events)
{
	struct line *l = CONTAINER_OF(w, struct line, watch);
	struct control_serve *c = l->serve;
	struct err err;
	if (events & OS_READABLE) {
		enum channel_result r = line_read(l, &err);
		if (r == CHANNEL_BROKEN)
			note(c, LOG_ALARM, "control.master_channel", &err);
		if (r != CHANNEL_OPEN) {
			/* Nobody would start us again or stop us. */
			master_close(c);
			if (c->handlers.master_gone == NULL)
				exit(EXIT_TEMPORARY);
			c->handlers.master_gone(c->handlers.ctx);
			return;
		}
	}
	flush_soon(c);
}

/* --- begin and end -------------------------------------------------------- */

static void line_init(struct control_serve *c, struct line *l, uint32_t allowed,
		      bool (*take)(struct control_serve *,
				   const struct frame *))
{
	channel_init(&l->channel, -1, allowed, CONTROL_OUT_MAX);
	l->watch.fd = -1;
	l->serve = c;
	l->take = take;
}

static bool master_open(struct control_serve *c, int fd, struct err *err)
{
	if (fd < 0)
		return true;
	channel_open(&c->master.channel, fd);
	if (os_watch_add(loop_thread(c->loop), &c->master.watch, fd,
			 OS_READABLE, master_ready, err))
		return true;
	channel_close(&c->master.channel);
	return false;
}

static bool first_view(struct control_serve *c, struct err *err)
{
	struct view_loaded loaded;
	if (!view_load(c->view_dir, &loaded, err))
		return false;
	c->view = loaded.view;
	/* No shard ever runs with an older one; and admin must not think that
	 * this relay lacks what it has. */
	c->live = view_revision(c->view);
	if (c->log != NULL && (loaded.bad_files > 0 || loaded.gap)) {
		struct log_event e;
		log_begin(&e, c->log, LOG_ALARM, "control.view_damaged");
		json_member_u64(&e.json, "revision", view_revision(c->view));
		json_member_u64(&e.json, "bad_files", loaded.bad_files);
		json_member_bool(&e.json, "gap", loaded.gap);
		log_end(&e);
	}
	return true;
}

bool control_serve_open(const struct control_serve_config *config,
			const struct control_handlers *handlers,
			struct control_serve **out, struct err *err)
{
	int admin_fd = config->admin_fd, master_fd = config->master_fd;
	struct control_serve *c = calloc(1, sizeof(*c));
	*out = NULL;
	if (c == NULL) {
		os_socket_close(&admin_fd);
		os_socket_close(&master_fd);
		return err_set_memory(err, "control_serve_open");
	}
	c->loop = config->loop;
	c->log = config->log;
	c->view_dir = config->view_dir;
	c->handlers = *handlers;
	list_init(&c->answers);
	loop_task_init(&c->flush, flush_run);
	line_init(c, &c->admin,
		  FRAME_BIT(FRAME_CHANGE) | FRAME_BIT(FRAME_VIEW) |
			  FRAME_BIT(FRAME_CALL), admin_take);
	line_init(c, &c->master,
		  FRAME_BIT(FRAME_RELOAD) | FRAME_BIT(FRAME_DRAIN) |
			  FRAME_BIT(FRAME_PEER) | FRAME_BIT(FRAME_LISTEN),
		  master_take);
	bool viewed = first_view(c, err);
	if (!viewed)
		os_socket_close(&master_fd);
	if (!viewed || !master_open(c, master_fd, err)) {
		os_socket_close(&admin_fd);
		control_serve_close(&c);
		return false;
	}
	*out = c;
	c->handlers.view(c->handlers.ctx, c->view);
	admin_open(c, admin_fd);
	return true;
}

void control_serve_close(struct control_serve **serve)
{
	struct control_serve *c = *serve;
	if (c == NULL)
		return;
	/* Last words, if there is room for them. */
	flush(c);
	admin_close(c);
	master_close(c);
	loop_task_cancel(&c->flush);
	orphan_answers(c);
	channel_fini(&c->admin.channel);
	channel_fini(&c->master.channel);
	view_unref(&c->part);
	view_unref(&c->view);
	free(c);
	*serve = NULL;
}
