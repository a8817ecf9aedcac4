/* One call without a running service; see serve.h. */
#include <stdio.h>
#include <stdlib.h>

#include "admin/calls.h"
#include "os/clock.h"
#include "os/ipc.h"

struct offline {
	const struct admin_once *once;
	struct admin admin;
	struct admin_call call;
	char who[32];
	int *code;
	struct buf *text;
	bool ended;
};

static void take_row(struct admin_call *call, slice json_object)
{
	struct offline *o = CONTAINER_OF(call, struct offline, call);
	if (o->once->on_row != NULL)
		(void)o->once->on_row(o->once->ctx, json_object);
}

static void take_end(struct admin_call *call, int code, slice text)
{
	struct offline *o = CONTAINER_OF(call, struct offline, call);
	*o->code = code;
	if (o->text != NULL)
		buf_append(o->text, text);
	o->ended = true;
}

static void run(struct offline *o)
{
	o->call = (struct admin_call){
		.admin = &o->admin,
		.text = o->once->text,
		.who = slice_of(o->who),
		.row = take_row,
		.end = take_end,
		.front = o->once->front,
		.offline = true,
	};
	call_start(&o->call, slice_of(o->once->call), o->once->args);
	/* Nothing else to wait for: there is no relay. */
	while (!o->ended) {
		invariant(o->call.more != NULL);
		o->call.more(&o->call);
	}
	call_fini(&o->call);
}

bool admin_call_offline(const struct admin_once *once, int *code,
			struct buf *text, struct err *err)
{
	struct offline *o = calloc(1, sizeof(*o));
	if (o == NULL)
		return err_set_memory(err, "admin_call_offline");
	o->once = once;
	o->code = code;
	o->text = text;
	o->admin.log = once->log;
	o->admin.hostname = once->hostname;
	o->admin.pepper = once->pepper;
	o->admin.console_url = once->console_url;
	o->admin.at_ms = once->at_ms;
	snprintf(o->who, sizeof(o->who), "uid %u", os_ipc_uid());
	bool ok = admin_open(&o->admin, once->data_dir, err);
	if (ok) {
		run(o);
		admin_close(&o->admin);
	}
	free(o);
	return ok;
}
