/* Log lines by client; see log_sources.h. A row holds one second of one
 * client: the next one begins it anew, once what was left out is told. */
#include "receive/log_sources.h"

#include <stdlib.h>

#include "os/thread.h"

struct source {
	struct ip_addr address;		/* IPv6: its /64 */
	int64_t second;
	uint64_t lines, left_out;	/* in it */
};

struct log_sources {
	struct os_mutex *mutex;
	size_t count;
	struct source rows[LOG_SOURCES_MAX];
};

bool log_sources_new(struct log_sources **out, struct err *err)
{
	struct log_sources *t = calloc(1, sizeof(*t));
	*out = NULL;
	if (t == NULL)
		return err_set_memory(err, "log_sources");
	if (!os_mutex_new(&t->mutex, err)) {
		free(t);
		return false;
	}
	*out = t;
	return true;
}

void log_sources_free(struct log_sources **tp)
{
	struct log_sources *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	os_mutex_free(&t->mutex);
	free(t);
}

static struct ip_addr source_of(const struct ip_addr *client)
{
	struct ip_range net = { .first = *client, .bits = 64 };
	if (ip_is_v4(client))
		return *client;
	return ip_range_network(&net).first;
}

static void tell(struct source *row, struct log *log)
{
	char address[IP_TEXT_MAX];
	struct log_event e;
	if (row->left_out == 0)
		return;
	log_begin(&e, log, LOG_WARNING, "log.left_out");
	json_member_cstr(&e.json, "client",
			 ip_addr_text(&row->address, address));
	json_member_u64(&e.json, "lines", row->left_out);
	log_end(&e);
	row->left_out = 0;
}

/* Its row, the next free one, or the one whose second is the oldest. */
static struct source *row_of(struct log_sources *t, struct log *log,
			     const struct ip_addr *address)
{
	struct source *oldest = &t->rows[0];
	invariant(t->count <= LOG_SOURCES_MAX);
	for (size_t i = 0; i < t->count; i++) {
		if (ip_addr_eq(&t->rows[i].address, address))
			return &t->rows[i];
		if (t->rows[i].second < oldest->second)
			oldest = &t->rows[i];
	}
	if (t->count < LOG_SOURCES_MAX)
		oldest = &t->rows[t->count++];
	else
		tell(oldest, log);
	*oldest = (struct source){ .address = *address };
	return oldest;
}

bool log_sources_take(struct log_sources *t, struct log *log,
		      const struct ip_addr *client, uint64_t a_second,
		      int64_t now_ms)
{
	struct ip_addr address = source_of(client);
	int64_t second = now_ms / 1000;
	if (a_second == 0)
		return true;
	os_mutex_lock(t->mutex);
	struct source *row = row_of(t, log, &address);
	/* Shards' clocks may differ by a turn: no second comes again. */
	if (row->second < second) {
		tell(row, log);
		row->second = second;
		row->lines = 0;
	}
	bool ok = row->lines < a_second;
	row->lines += ok;
	row->left_out += !ok;
	os_mutex_unlock(t->mutex);
	return ok;
}

void log_sources_tell(struct log_sources *t, struct log *log, int64_t now_ms,
		      bool at_end)
{
	int64_t second = now_ms / 1000;
	os_mutex_lock(t->mutex);
	for (size_t i = 0; i < t->count; i++)
		if (at_end || t->rows[i].second < second)
			tell(&t->rows[i], log);
	os_mutex_unlock(t->mutex);
}
