/* directory.export, customer.list. */
#include <stdlib.h>

#include "admin/calls.h"
#include "admin/directory_export.h"

static const slice NONE = { 0 };

enum { EXPORT_MAX = 67108864, PLANS_TEXT_MAX = 1048576 };

/* --- export --------------------------------------------------------------- */

struct exporting {
	uint32_t at;			/* id of the customer told last */
	uint64_t revision;
};

static void send_text(struct admin_call *call, slice text)
{
	/* Escaped, a byte is at most 6: a row holds so many. */
	enum { PIECE = CALL_ROW_MAX / 6 - 100 };
	while (text.n > 0) {
		struct buf row;
		struct json j;
		slice piece = utf8_cut(text, PIECE);
		buf_init(&row, CALL_ROW_MAX);
		json_init(&j, &row);
		json_object(&j);
		json_member_string(&j, "text", piece);
		json_object_end(&j);
		if (!row.failed)
			call_row(call, buf_slice(&row));
		buf_fini(&row);
		text = slice_skip(text, piece.n);
	}
}

/* Unit admins see the users of their unit. */
static void leave_out_users(const struct admin_call *call,
			    struct customer_row *c)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->users.count; i++) {
		const struct user_row *u = row_user(c->users.items[i]);
		if (authorise_sees_user(&call->caller, c->c.id, u->org_unit))
			c->users.items[n++] = c->users.items[i];
	}
	c->users.count = n;
}

static bool export_customer(struct admin_call *call, struct customer_row *c)
{
	struct buf text;
	leave_out_users(call, c);
	buf_init(&text, EXPORT_MAX);
	directory_export_customer(&text, c);
	bool ok = !text.failed;
	if (ok)
		send_text(call, buf_slice(&text));
	buf_fini(&text);
	return ok;
}

static void export_fini(struct admin_call *call)
{
	free(call->state);
	call->state = NULL;
}

static void export_end(struct admin_call *call, int code, enum admin_text id)
{
	struct err err;
	export_fini(call);
	call->cancel = NULL;
	if (!store_good(call->admin->store, &err))
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (code == CALL_OK)
		call_end(call, code, NONE);
	else
		call_say(call, code, id, NONE);
}

/* One customer at a time, as fast as the reader takes them. */
static void export_more(struct admin_call *call)
{
	struct exporting *e = call->state;
	struct admin *a = call->admin;
	struct arena arena;
	if (e->revision != view_revision(a->view)) {
		export_end(call, CALL_TEMPORARY, SAY_CHANGED_MEANWHILE);
		return;
	}
	arena_init(&arena, (size_t)1 << 30);
	struct customer_row *c =
		tables_customer_after(&a->tables, e->at, PARTS_ALL,
				      &arena);
	bool ok = c != NULL;
	if (ok) {
		e->at = c->c.id;
		if (!c->c.closing)
			ok = export_customer(call, c);
		if (!ok)
			store_fail(a->store, "out of memory");
	}
	arena_fini(&arena);
	if (!ok)
		export_end(call, CALL_OK, SAY_COUNT);
}

static void export_one(struct admin_call *call, slice name)
{
	struct arena arena;
	struct err err;
	arena_init(&arena, (size_t)1 << 30);
	struct customer_row *c = tables_customer_named(&call->admin->tables,
						       name, PARTS_ALL, &arena);
	bool good = store_good(call->admin->store, &err);
	if (!good)
		call_fail(call, &err, SAY_STORE_READ_FAILED);
	else if (c == NULL || !authorise_sees(&call->caller, c->c.id))
		call_say(call, CALL_DATA, SAY_NO_SUCH_CUSTOMER, name);
	else if (export_customer(call, c))
		call_end(call, CALL_OK, NONE);
	else
		call_no_memory(call);
	arena_fini(&arena);
}

/* Not those of one customer: plans are the operator's. */
static bool export_plans(struct admin_call *call, struct buf *out)
{
	struct row_list plans = { 0 };
	struct err err;
	tables_plans(&call->admin->tables, &plans, &call->arena);
	if (!store_good(call->admin->store, &err)) {
		call_fail(call, &err, SAY_STORE_READ_FAILED);
		return false;
	}
	directory_export_plans(out, &plans);
	return true;
}

void call_directory_export(struct admin_call *call)
{
	struct buf head;
	slice name = NONE;
	if (!arg_text(call, "customer", false, &name) ||
	    (name.n == 0 && !call_is_operator(call) &&
	     !call_own_name(call, &name)))
		return;
	buf_init(&head, PLANS_TEXT_MAX);
	if (name.n == 0 && !export_plans(call, &head)) {
		buf_fini(&head);
		return;
	}
	directory_export_begin(&head);
	send_text(call, buf_slice(&head));
	buf_fini(&head);
	if (name.n > 0) {
		export_one(call, name);
		return;
	}
	struct exporting *e = calloc(1, sizeof(*e));
	if (e == NULL) {
		call_no_memory(call);
		return;
	}
	e->revision = view_revision(call->admin->view);
	call->state = e;
	call->cancel = export_fini;
	call->more = export_more;
}
