/* The three pages; see pages.h. Pure. */
#include "console/pages.h"

#include <inttypes.h>

static const char text_type[] = "text/plain; charset=utf-8";

static void metrics(const struct counters_page *counters, struct page *out)
{
	struct buf *b = &out->body;
	out->type = "text/plain; version=0.0.4; charset=utf-8";
	buf_printf(b, "# HELP postrider_build_info Version of the program\n"
		      "# TYPE postrider_build_info gauge\n"
		      "postrider_build_info{version=\"%s\"} 1\n",
		   POSTRIDER_VERSION);
	for (unsigned c = 0; c < COUNTER_COUNT; c++) {
		const struct counter_row *row = counter_row(c);
		buf_printf(b, "# HELP postrider_%s %s\n"
			      "# TYPE postrider_%s %s\n"
			      "postrider_%s %" PRIu64 "\n",
			   row->name, row->help, row->name,
			   row->type == COUNTER_GROWS ? "counter" : "gauge",
			   row->name, counters_sum(counters, c));
	}
}

/* Accepting mail: relay serves and its shards' hearts beat (master looks at
 * them), it isn't drained, and its spool is open. */
static const char *not_ready(const struct counters_page *counters)
{
	if (counters_sum(counters, COUNTER_relay_ready) == 0)
		return "relay does not serve\n";
	if (counters_sum(counters, COUNTER_relay_draining) != 0)
		return "relay drains\n";
	if (counters_sum(counters, COUNTER_spool_closed) != 0)
		return "the spool is closed\n";
	return NULL;
}

void page_answer(const struct counters_page *counters, slice method,
		 slice path, struct page *out)
{
	bool known = true;
	*out = (struct page){ .status = 200, .type = text_type };
	buf_init(&out->body, PAGE_MAX);
	if (slice_eq(path, SLICE("/metrics"))) {
		metrics(counters, out);
	} else if (slice_eq(path, SLICE("/healthz"))) {
		buf_append(&out->body, SLICE("ok\n"));
	} else if (slice_eq(path, SLICE("/readyz"))) {
		const char *why = not_ready(counters);
		out->status = why != NULL ? 503 : 200;
		buf_append(&out->body, slice_of(why ? why : "ready\n"));
	} else {
		known = false;
		out->status = 404;
		buf_append(&out->body, SLICE("not found\n"));
	}
	if (known && !slice_eq(method, SLICE("GET")) &&
	    !slice_eq(method, SLICE("HEAD"))) {
		buf_clear(&out->body);
		out->type = text_type;
		out->status = 405;
		buf_append(&out->body, SLICE("GET or HEAD\n"));
	}
	if (out->body.failed)
		out->status = 503;
}
