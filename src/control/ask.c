/* Admin's end of the channel to relay; see ask.h. */
#include "control/ask.h"

#include <stdlib.h>

#include "control/channel.h"
#include "policy/change.h"

enum { EXIT_TEMPORARY = 75 };

struct ask {
	struct ask_handlers handlers;
	struct channel channel;
	struct ask_call *calls;		/* under way */
	uint32_t call_count;
	uint32_t sequence;
};

struct ask *ask_new(const struct ask_handlers *handlers)
{
	struct ask *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->handlers = *handlers;
	channel_init(&a->channel, -1,
		     FRAME_BIT(FRAME_LIVE) | FRAME_BIT(FRAME_ROW) |
			     FRAME_BIT(FRAME_END), ASK_OUT_MAX);
	return a;
}

/* Ends what is under way: relay's answer will never come. */
static void end_calls(struct ask *a)
{
	while (a->calls != NULL) {
		struct ask_call *call = a->calls;
		a->calls = call->next;
		a->call_count--;
		call->end(call, EXIT_TEMPORARY, (slice){ 0 }, true);
	}
	invariant(a->call_count == 0);
}

static void drop(struct ask *a)
{
	if (a->channel.fd < 0)
		return;
	channel_close(&a->channel);
	end_calls(a);
	a->handlers.gone(a->handlers.ctx);
}

void ask_free(struct ask **ask)
{
	struct ask *a = *ask;
	if (a == NULL)
		return;
	a->calls = NULL;
	channel_fini(&a->channel);
	free(a);
	*ask = NULL;
}

void ask_attach(struct ask *a, int fd)
{
	drop(a);
	if (fd >= 0)
		channel_open(&a->channel, fd);
}

bool ask_up(const struct ask *a)
{
	return a->channel.fd >= 0;
}

int ask_fd(const struct ask *a)
{
	return a->channel.fd;
}

unsigned ask_interest(const struct ask *a)
{
	return OS_READABLE |
	       (channel_pending(&a->channel) > 0 ? OS_WRITABLE : 0u);
}

/* --- what relay says ------------------------------------------------------ */

static struct ask_call **call_of(struct ask *a, uint32_t sequence)
{
	struct ask_call **at = &a->calls;
	while (*at != NULL && (*at)->sequence != sequence)
		at = &(*at)->next;
	return at;
}

static void take_row(struct ask *a, const struct frame *f)
{
	struct ask_call *call = *call_of(a, f->sequence);
	if (call != NULL)		/* else: forgotten meanwhile */
		call->row(call, f->payload);
}

static bool take_end(struct ask *a, const struct frame *f)
{
	struct ask_call **at = call_of(a, f->sequence);
	struct ask_call *call = *at;
	uint8_t code;
	slice text;
	if (!frame_read_end(f->payload, &code, &text))
		return false;
	if (call == NULL)
		return true;
	*at = call->next;
	a->call_count--;
	call->end(call, code, text, false);
	return true;
}

static bool take(struct ask *a, const struct frame *f)
{
	uint64_t revision;
	switch ((int)f->type) {
	case FRAME_LIVE:
		if (!frame_read_live(f->payload, &revision))
			return false;
		a->handlers.live(a->handlers.ctx, revision,
				 f->sequence == LIVE_REFUSED);
		return true;
	case FRAME_ROW:
		take_row(a, f);
		return true;
	case FRAME_END:
		return take_end(a, f);
	default:
		return false;
	}
}

/* False: the channel must end. */
static bool read_frames(struct ask *a)
{
	struct err err;
	if (channel_receive(&a->channel, &err) != CHANNEL_OPEN)
		return false;
	for (;;) {
		struct frame f;
		bool got;
		if (!channel_next(&a->channel, &got, &f, &err))
			return false;
		if (!got)
			break;
		if (!take(a, &f))
			return false;
	}
	channel_taken(&a->channel);
	return true;
}

void ask_ready(struct ask *a, unsigned events)
{
	struct err err;
	if (a->channel.fd < 0 || events == 0)
		return;
	if (((events & OS_READABLE) && !read_frames(a)) ||
	    channel_flush(&a->channel, &err) != CHANNEL_OPEN)
		drop(a);
}

/* --- what we say ---------------------------------------------------------- */

bool ask_change(struct ask *a, slice changes)
{
	/* Each part has a header of its own; 1/64 is room enough for them. */
	if (a->channel.fd < 0 ||
	    changes.n + changes.n / 64 + FRAME_MAX >
		    ASK_OUT_MAX - a->channel.out.n)
		return false;
	while (changes.n > 0) {
		size_t n;
		bool good = change_length(changes, &n);
		invariant(good && n > 0);
		frame_write(&a->channel.out, FRAME_CHANGE, 0,
			    slice_sub(changes, 0, n));
		changes = slice_skip(changes, n);
	}
	return !a->channel.out.failed;
}

bool ask_view(struct ask *a)
{
	if (a->channel.fd < 0)
		return false;
	frame_write(&a->channel.out, FRAME_VIEW, 0, (slice){ 0 });
	return !a->channel.out.failed;
}

bool ask_call(struct ask *a, struct ask_call *call, slice name, slice args)
{
	struct buf *out = &a->channel.out;
	if (a->channel.fd < 0 || a->call_count == ASK_CALLS_MAX ||
	    out->n + args.n + FRAME_MAX > ASK_OUT_MAX)
		return false;
	call->sequence = ++a->sequence;
	frame_write_call(out, call->sequence, name, args);
	if (out->failed)
		return false;
	call->next = a->calls;
	a->calls = call;
	a->call_count++;
	return true;
}

void ask_forget(struct ask *a, struct ask_call *call)
{
	struct ask_call **at = &a->calls;
	while (*at != NULL && *at != call)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = call->next;
	a->call_count--;
}
