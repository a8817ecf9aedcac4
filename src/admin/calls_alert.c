/* alert.list: alerts of limits and the operator's, from the index. */
#include "admin/calls_index.h"
#include "admin/mail_row.h"
#include "admin/search.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 65536 };

struct alerts_given {
	struct admin_call *call;
	uint32_t limit, count;
	struct search_cursor last;
	bool more;
};

static void give_alert(void *ctx, struct search_cursor at, slice line)
{
	struct alerts_given *g = ctx;
	struct buf row;
	g->more = g->count == g->limit;
	if (g->more)
		return;
	buf_init(&row, ROW_MAX);
	mail_row_alert(&row, g->call->admin->view, at, line,
		       admin_wall_ms(g->call->admin));
	if (!row.failed)
		call_row(g->call, buf_slice(&row));
	buf_fini(&row);
	g->count++;
	g->last = at;
}

static void give_next(struct alerts_given *g)
{
	char text[SEARCH_CURSOR_MAX];
	search_cursor_text(g->last, text);
	call_next(g->call, g->more ? slice_of(text) : NONE);
}

/* Of whole customers, and of users: not a unit's. */
void call_alert_list(struct admin_call *call)
{
	struct alerts_given g = { .call = call };
	struct search_cursor after = { 0 };
	struct err err = { 0 };
	uint64_t limit = 50;
	uint32_t customer;
	bool behind;
	slice cursor = NONE;
	if (!call_customer_asked(call, &customer) ||
	    !arg_text(call, "cursor", false, &cursor) ||
	    !arg_u64(call, "limit", 200, &limit) || !call_has_index(call))
		return;
	if (cursor.n > 0 && !search_cursor_parse(cursor, &after)) {
		arg_bad(call, "cursor");
		return;
	}
	g.limit = limit > 0 ? (uint32_t)limit : 50;
	if (call->caller.role == CALLER_UNIT_ADMIN) {
		call_say(call, CALL_NOT_ALLOWED, SAY_NOT_ALLOWED, NONE);
	} else if (!call_index_step(call, &behind, &err) ||
		   !search_alerts(call->admin->search, customer, after,
				  g.limit + 1, give_alert, &g, &err)) {
		call_fail(call, &err, SAY_INDEX_FAILED);
	} else {
		give_next(&g);
		call_end(call, CALL_OK, NONE);
	}
}
