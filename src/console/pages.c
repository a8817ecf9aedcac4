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

static void healthz(const struct counters_page *counters, struct page *out)
{
	(void)counters;
	buf_append(&out->body, SLICE("ok\n"));
}

static void readyz(const struct counters_page *counters, struct page *out)
{
	const char *why = not_ready(counters);
	out->status = why != NULL ? 503 : 200;
	buf_append(&out->body, slice_of(why ? why : "ready\n"));
}

typedef void page_writer(const struct counters_page *counters,
			 struct page *out);

/* NULL: there is no such page. */
static page_writer *writer_of(slice path)
{
	static const struct {
		const char *path;
		page_writer *write;
	} pages[] = {
		{ "/metrics", metrics },
		{ "/healthz", healthz },
		{ "/readyz", readyz },
	};
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (slice_eq(path, slice_of(pages[i].path)))
			return pages[i].write;
	return NULL;
}

bool page_exists(slice path)
{
	return writer_of(path) != NULL;
}

void page_answer(const struct counters_page *counters, slice method,
		 slice path, struct page *out)
{
	page_writer *write = writer_of(path);
	*out = (struct page){ .status = 200, .type = text_type };
	buf_init(&out->body, PAGE_MAX);
	if (write == NULL) {
		out->status = 404;
		buf_append(&out->body, SLICE("not found\n"));
	} else if (!slice_eq(method, SLICE("GET")) &&
		   !slice_eq(method, SLICE("HEAD"))) {
		out->status = 405;
		buf_append(&out->body, SLICE("GET or HEAD\n"));
	} else {
		write(counters, out);
	}
	if (out->body.failed)
		out->status = 503;
}
