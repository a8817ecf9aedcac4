/*
 * The report of who still comes with old TLS (SPEC 1.9): relay asks for it
 * once a week, and when it ends. For people it stands in the journal, an event
 * "legacy_tls_report" for each address; the operator's mail is made of the
 * same rows.
 */
#pragma once

#include "journal/journal.h"
#include "receive/legacy_clients.h"

/* Takes the table's rows out; the number of addresses. No line when there are
 * none. *rows: theirs, the caller frees them; NULL when there are none. */
size_t legacy_report(struct legacy_clients *t, struct journal *journal,
		     struct log *log, int64_t now_ms,
		     struct legacy_client **rows);
