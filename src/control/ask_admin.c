/* Calling admin; see ask_admin.h. */
#include "control/ask_admin.h"

#include <stdlib.h>

#include "control/channel.h"
#include "os/clock.h"
#include "os/ipc.h"

enum {
	OUT_MAX = 2 * FRAME_MAX,
	PIECE_BYTES = 524288,
	SILENCE_MS = 60000,
};

struct ask_admin {
	struct channel channel;
	uint32_t sequence;
};

bool ask_admin_open(const char *path, struct ask_admin **out, struct err *err)
{
	int fd;
	*out = NULL;
	struct ask_admin *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return err_set_memory(err, "ask_admin_open");
	channel_init(&a->channel, -1,
		     FRAME_BIT(FRAME_ROW) | FRAME_BIT(FRAME_END), OUT_MAX);
	if (!os_ipc_connect(path, &fd, err)) {
		ask_admin_close(&a);
		return false;
	}
	channel_open(&a->channel, fd);
	*out = a;
	return true;
}

void ask_admin_close(struct ask_admin **a)
{
	if (*a == NULL)
		return;
	channel_fini(&(*a)->channel);
	free(*a);
	*a = NULL;
}

static bool lost(struct ask_admin *a, struct err *err)
{
	channel_close(&a->channel);
	return err_set(err, ERR_TEMPORARY, SCOPE_SELF, "ask_admin",
		       "the service was lost on the way: what it did is "
		       "unknown; run the command again");
}

/* One round of waiting and moving bytes. */
static bool turn(struct ask_admin *a, int silence_ms, bool *moved,
		 struct err *err)
{
	struct channel *c = &a->channel;
	struct os_ipc_wait w = {
		.fd = c->fd,
		.interest = OS_READABLE |
			    (channel_pending(c) > 0 ? OS_WRITABLE : 0u),
	};
	if (!os_ipc_poll(&w, 1, silence_ms, err))
		return false;
	*moved = w.events != 0;
	/* What the peer said before it closed still counts: read first. */
	if ((w.events & OS_READABLE) &&
	    channel_receive(c, err) != CHANNEL_OPEN)
		return lost(a, err);
	if ((w.events & OS_WRITABLE) &&
	    channel_flush(c, err) != CHANNEL_OPEN)
		return lost(a, err);
	return true;
}

struct waiting {
	const struct ask_admin_call *call;
	int *code;
	struct buf *text;
	bool ended;
};

static bool take(struct ask_admin *a, const struct frame *f,
		 struct waiting *w, struct err *err)
{
	if (f->sequence != a->sequence)
		return true;		/* of a call that was given up */
	if (f->type == FRAME_ROW) {
		if (w->call->on_row != NULL &&
		    !w->call->on_row(w->call->ctx, f->payload)) {
			w->ended = true;
			*w->code = 0;
		}
		return true;
	}
	uint8_t code;
	slice text;
	if (!frame_read_end(f->payload, &code, &text))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "ask_admin",
			       "admin answered with a broken frame");
	*w->code = code;
	if (w->text != NULL)
		buf_append(w->text, text);
	w->ended = true;
	return true;
}

static bool take_frames(struct ask_admin *a, struct waiting *w,
			struct err *err)
{
	while (!w->ended) {
		struct frame f;
		bool got;
		if (!channel_next(&a->channel, &got, &f, err))
			return false;
		if (!got)
			break;
		if (!take(a, &f, w, err))
			return false;
	}
	channel_taken(&a->channel);
	return true;
}

static bool wait_end(struct ask_admin *a, struct waiting *w, struct err *err)
{
	int silence = w->call->silence_ms > 0 ? w->call->silence_ms :
						SILENCE_MS;
	int64_t heard = os_monotonic_ns();
	while (!w->ended) {
		bool moved;
		if (!turn(a, silence, &moved, err) ||
		    !take_frames(a, w, err))
			return false;
		int64_t now = os_monotonic_ns();
		if (moved)
			heard = now;
		else if ((now - heard) / MS >= silence)
			return lost(a, err);
	}
	return true;
}

static bool one_call(struct ask_admin *a, slice name, slice args,
		     struct waiting *w, struct err *err)
{
	frame_write_call(&a->channel.out, ++a->sequence, name, args);
	if (a->channel.out.failed)
		return err_set(err, ERR_LIMIT, SCOPE_SELF, "ask_admin",
			       "the call is too long");
	return wait_end(a, w, err);
}

bool ask_admin_call(struct ask_admin *a, const struct ask_admin_call *call,
		    int *code, struct buf *text, struct err *err)
{
	slice rest = call->text;
	*code = 0;
	if (a->channel.fd < 0)
		return lost(a, err);
	while (rest.n > 0) {
		struct waiting w = { .call = call, .code = code, .text = text };
		slice piece = slice_sub(rest, 0, PIECE_BYTES);
		if (!one_call(a, SLICE("text.append"), piece, &w, err))
			return false;
		if (*code != 0)
			return true;
		rest = slice_skip(rest, piece.n);
	}
	struct waiting w = { .call = call, .code = code, .text = text };
	return one_call(a, slice_of(call->name),
			call->args.n > 0 ? call->args : SLICE("{}"), &w, err);
}
