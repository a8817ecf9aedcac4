/*
 * queue.preview: what an act on the queue would reach, counted by sender, from
 * the rows of queue.list; nothing is changed.
 */
#include <stdlib.h>

#include "admin/calls.h"
#include "base/json.h"

static const slice NONE = { 0 };

enum { SENDERS_MAX = 1000, SENDERS_SHOWN = 10, ROWS_MAX = 10000,
       SENDER_TEXT_MAX = 320, ROW_MAX = 65536 };

struct sender {
	char address[SENDER_TEXT_MAX];
	char oldest[TIME_TEXT_MAX];
	uint64_t count;
};
struct preview {
	uint64_t count, empty_senders;
	size_t sender_count;
	struct sender senders[SENDERS_MAX];
};

static void preview_free(struct admin_call *call)
{
	if (call->admin->ask != NULL)
		ask_forget(call->admin->ask, &call->relay);
	free(call->state);
	call->state = NULL;
	call->cancel = NULL;
}

static struct sender *sender_of(struct preview *p, const char *address)
{
	for (size_t i = 0; i < p->sender_count; i++)
		if (strcmp(p->senders[i].address, address) == 0)
			return &p->senders[i];
	if (p->sender_count == SENDERS_MAX)
		return NULL;
	struct sender *s = &p->senders[p->sender_count++];
	memcpy(s->address, address, sizeof(s->address));
	return s;
}

static void count(struct preview *p, slice from, slice accepted_at)
{
	char address[SENDER_TEXT_MAX] = "", when[TIME_TEXT_MAX];
	p->count++;
	p->empty_senders += from.n == 0;
	if (!slice_to_cstr(from, address, sizeof(address)) ||
	    !slice_to_cstr(accepted_at, when, sizeof(when)))
		return;
	struct sender *s = sender_of(p, address);
	if (s == NULL)
		return;
	/* Times of one form: the earlier sorts first. */
	if (s->count++ == 0 || strcmp(when, s->oldest) < 0)
		memcpy(s->oldest, when, sizeof(s->oldest));
}

static void take_row(struct ask_call *relay, slice json_object)
{
	struct admin_call *call = CONTAINER_OF(relay, struct admin_call,
					       relay);
	slice from = NONE, at = NONE;
	struct args *row = args_parse(json_object);
	if (row == NULL)
		return;
	if (args_text(row, "from", &from) == ARGS_FOUND &&
	    args_text(row, "accepted_at", &at) == ARGS_FOUND &&
	    call_sees_sender(call, from))
		count(call->state, from, at);
	args_free(&row);
}

static int by_count(const void *a, const void *b)
{
	const struct sender *x = a, *y = b;
	return x->count > y->count ? -1 : x->count < y->count;
}

static void give(struct admin_call *call)
{
	struct preview *p = call->state;
	struct call_object out;
	struct json *j = call_row_begin(&out, ROW_MAX);
	qsort(p->senders, p->sender_count, sizeof(p->senders[0]), by_count);
	json_member_u64(j, "count", p->count);
	json_member_bool(j, "more", p->count >= ROWS_MAX);
	json_member_u64(j, "empty_senders", p->empty_senders);
	json_key(j, "doubts");
	json_array(j);
	json_array_end(j);
	json_key(j, "by_sender");
	json_array(j);
	for (size_t i = 0; i < p->sender_count && i < SENDERS_SHOWN; i++) {
		json_object(j);
		json_member_cstr(j, "from", p->senders[i].address);
		json_member_u64(j, "count", p->senders[i].count);
		json_member_cstr(j, "oldest_at", p->senders[i].oldest);
		json_object_end(j);
	}
	json_array_end(j);
	call_row_end(call, &out);
}

static void take_end(struct ask_call *relay, int code, slice text, bool gone)
{
	struct admin_call *call = CONTAINER_OF(relay, struct admin_call,
					       relay);
	if (code == CALL_OK)
		give(call);
	free(call->state);
	call->state = NULL;
	call->cancel = NULL;
	if (gone)
		call_say(call, CALL_TEMPORARY, SAY_RELAY_DOWN, NONE);
	else
		call_end(call, code, text);
}

static bool ask(struct admin_call *call)
{
	struct admin *a = call->admin;
	slice args;
	if (!args_set_u64(call->args, "limit", ROWS_MAX) ||
	    !args_write(call->args, &call->arena, &args))
		return false;
	call->relay = (struct ask_call){ .row = take_row, .end = take_end };
	return a->ask != NULL &&
	       ask_call(a->ask, &call->relay, SLICE("queue.list"), args);
}

void call_queue_preview(struct admin_call *call)
{
	const struct args *selection = args_child(call->args, "selection");
	if (selection == NULL || args_has(selection, "customer") ||
	    !args_lift(call->args, "selection")) {
		arg_bad(call, "selection");
		return;
	}
	args_remove(call->args, "act");
	if (!call_bind_customer(call))
		return;
	call->state = calloc(1, sizeof(struct preview));
	if (call->state == NULL) {
		call_no_memory(call);
	} else if (ask(call)) {
		call->cancel = preview_free;
	} else {
		free(call->state);
		call->state = NULL;
		call_say(call, CALL_TEMPORARY, SAY_RELAY_DOWN, NONE);
	}
}
