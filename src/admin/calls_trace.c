/* trace: what the journal says about a message, a refusal or a session. */
#include <stdio.h>

#include "admin/calls.h"
#include "admin/search.h"
#include "os/clock.h"

enum { STEP_LINES = 2000, CATCH_UP_MS = 1000 };

static bool read_query(struct admin_call *call, struct search_query *q)
{
	uint64_t customer = 0, limit = SEARCH_LIMIT_DEFAULT;
	if (!arg_text(call, "id", false, &q->id) ||
	    !arg_text(call, "reference", false, &q->reference) ||
	    !arg_text(call, "from", false, &q->from) ||
	    !arg_text(call, "to", false, &q->to) ||
	    !arg_text(call, "message_id", false, &q->message_id) ||
	    !arg_text(call, "client_ip", false, &q->client_ip) ||
	    !arg_u64(call, "customer", UINT32_MAX, &customer) ||
	    !arg_u64(call, "limit", SEARCH_LIMIT_MAX, &limit))
		return false;
	uint32_t own = call_own_customer(call);
	if (own != 0)
		customer = customer == 0 || customer == own ? own : UINT32_MAX;
	q->customer = (uint32_t)customer;
	q->limit = (uint32_t)limit;
	if (q->id.n + q->reference.n + q->from.n + q->to.n + q->message_id.n +
		    q->client_ip.n > 0)
		return true;
	return arg_bad(call, "id");
}

/* An address is looked for in the one form that the journal writes. */
static bool fold_ip(struct admin_call *call, struct search_query *q,
		    char text[IP_TEXT_MAX])
{
	struct ip_addr addr;
	if (q->client_ip.n == 0)
		return true;
	if (!ip_addr_parse(q->client_ip, &addr))
		return arg_bad(call, "client_ip");
	q->client_ip = slice_of(ip_addr_text(&addr, text));
	return true;
}

/* Up to now, for a second at most. */
static bool catch_up(struct search *s, bool *whole, struct err *err)
{
	int64_t until = os_monotonic_ns() / MS + CATCH_UP_MS;
	bool more = true;
	while (more && os_monotonic_ns() / MS < until)
		if (!search_step(s, STEP_LINES, &more, err))
			return false;
	*whole = !more;
	return true;
}

static bool give_row(void *ctx, slice json_object)
{
	if (call_sees_mail(ctx, json_object))
		call_row(ctx, json_object);
	return true;
}

void call_trace(struct admin_call *call)
{
	struct search *s = call->admin->search;
	struct search_query q = { 0 };
	struct err err = { 0 };
	char ip[IP_TEXT_MAX], when[TIME_TEXT_MAX];
	bool whole = false;
	if (!read_query(call, &q) || !fold_ip(call, &q, ip))
		return;
	if (s == NULL) {
		call_say(call, CALL_UNAVAILABLE, SAY_NO_INDEX, (slice){ 0 });
	} else if (!catch_up(s, &whole, &err) ||
		   !search_find(s, &q, give_row, call, &err)) {
		call_fail(call, &err, SAY_INDEX_FAILED);
	} else if (whole) {
		call_end(call, CALL_OK, (slice){ 0 });
	} else {
		time_text_ms(search_indexed_ms(s), when);
		call_say(call, CALL_OK, SAY_INDEXED_TO, slice_of(when));
	}
}

void admin_index(struct admin *a, bool *more)
{
	struct err err = { 0 };
	*more = false;
	if (a->search == NULL)
		return;
	if (search_step(a->search, STEP_LINES, more, &err)) {
		a->index_failing = false;
	} else if (!a->index_failing) {
		a->index_failing = true;
		log_failure(a->log, LOG_ERROR, "search.failing", &err);
	}
}
