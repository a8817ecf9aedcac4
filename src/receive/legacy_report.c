/* Old TLS clients, told; see legacy_report.h. */
#include "receive/legacy_report.h"

#include <stdlib.h>

static void tell_row(struct journal *journal, const struct legacy_client *row,
		     int64_t now_ms)
{
	char address[IP_TEXT_MAX];
	struct journal_event e;
	journal_begin(&e, journal, "legacy_tls_report", now_ms);
	struct json *j = &e.json;
	json_member_cstr(j, "client", ip_addr_text(&row->address, address));
	if (row->customer != 0)
		json_member_u64(j, "customer", row->customer);
	json_member_cstr(j, "tls", row->version);
	json_member_cstr(j, "cipher", row->cipher);
	json_member_u64(j, "handshakes", row->handshakes);
	json_key(j, "first");
	json_time_ms(j, row->first_ms);
	json_key(j, "last");
	json_time_ms(j, row->last_ms);
	journal_end(&e, JOURNAL_KEEP, 0);
}

size_t legacy_report(struct legacy_clients *t, struct journal *journal,
		     struct log *log, int64_t now_ms,
		     struct legacy_client **out)
{
	struct legacy_client *rows = calloc(LEGACY_CLIENTS_MAX, sizeof(*rows));
	uint64_t lost, handshakes = 0;
	struct log_event e;
	*out = NULL;
	if (rows == NULL)
		return 0;		/* they stay for the next time */
	size_t count = legacy_clients_take(t, rows, &lost);
	for (size_t i = 0; i < count; i++) {
		tell_row(journal, &rows[i], now_ms);
		handshakes += rows[i].handshakes;
	}
	if (count == 0) {
		free(rows);
		return 0;
	}
	*out = rows;
	log_begin(&e, log, LOG_WARNING, "tls.legacy_report");
	json_member_u64(&e.json, "addresses", count);
	json_member_u64(&e.json, "handshakes", handshakes + lost);
	log_end(&e);
	return count;
}
