/*
 * Rows that the console and `postrider message`, `refusal` show: written from
 * the journal's lines and what the index knows besides. Shapes: the tables in
 * docs/formats/mail_rows.md. Null stands for what is not known.
 */
#pragma once

#include "admin/search.h"
#include "base/buf.h"
#include "policy/view.h"

/* A row of a list. Settings and customers get their names from the view;
 * what is no longer there keeps its number. */
void mail_row(struct buf *out, const struct view *v,
	      const struct search_row *row);
/* A message alone, from its row of trace (event.h): with names, what each
 * reply means, and how the whole stands. */
void mail_row_message(struct buf *out, const struct view *v,
		      slice trace_row);

/* An alert of a limit. now_ms: within the limit's window it is open. */
void mail_row_alert(struct buf *out, const struct view *v,
		    struct search_cursor at, slice line, int64_t now_ms);

/* A refusal alone: the row of the list, why, and what helps. */
enum mail_reader {
	READER_OWN,			/* its customer's people, the operator */
	READER_STRANGER,		/* whoever has the reference (SPEC 4.3):
					 * no customer, setting, recipients or
					 * local part */
};
void mail_row_refusal(struct buf *out, const struct view *v,
		      const struct search_row *row, enum mail_reader reader,
		      slice hostname);
