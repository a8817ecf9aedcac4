/*
 * changes: what is worth another look, told in one row that the console's
 * streams pass on (console/events.h). The same for everybody: times and a
 * number, nothing of anybody's.
 */
#include "admin/calls.h"
#include "admin/search.h"

/* Null: nothing has been indexed yet. */
static void member_time(struct json *j, const char *key, int64_t wall_ms)
{
	json_key(j, key);
	if (wall_ms > 0)
		json_time_ms(j, wall_ms);
	else
		json_null(j);
}

void call_changes(struct admin_call *call)
{
	const struct admin *a = call->admin;
	int64_t seen_ms = a->search != NULL ? search_indexed_ms(a->search) : 0;
	struct buf row;
	struct json j;
	buf_init(&row, 4096);
	json_init(&j, &row);
	json_object(&j);
	json_member_u64(&j, "revision",
			a->relay_known ? a->relay_live : view_revision(a->view));
	/* Each delivery and refusal is a line of the journal, and so is each
	 * change of the queue. */
	member_time(&j, "overview_at", seen_ms);
	member_time(&j, "queue_at", seen_ms);
	json_object_end(&j);
	if (row.failed) {
		call_no_memory(call);
	} else {
		call_row(call, buf_slice(&row));
		call_end(call, CALL_OK, (slice){ 0 });
	}
	buf_fini(&row);
}
