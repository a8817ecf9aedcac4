/*
 * The queue counted: destinations by how long ago their messages were
 * accepted; and what an act would reach, by sender. Each shard fills its own,
 * the control thread adds them up; see relay_queue.h.
 */
#include "app/relay_queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"

static const struct {
	const char *name;
	int64_t until_ms;
} ages[QUEUE_AGES] = {
	{ "5m", 300000 },   { "15m", 900000 },	 { "1h", 3600000 },
	{ "4h", 14400000 }, { "1d", 86400000 }, { "5d", INT64_MAX },
};

unsigned queue_age(int64_t age_ms)
{
	unsigned i = 0;
	while (age_ms >= ages[i].until_ms)
		i++;
	return i;
}

bool queue_age_named(slice name, unsigned *out)
{
	for (unsigned i = 0; i < QUEUE_AGES; i++) {
		if (!slice_eq(name, slice_of(ages[i].name)))
			continue;
		*out = i;
		return true;
	}
	return false;
}

/* --- counting -------------------------------------------------------------- */

struct queue_matrix *queue_matrix_new(const struct destinations *all)
{
	uint32_t n = atomic_load(&all->count);
	struct queue_matrix *m = calloc(1, sizeof(*m) +
						   n * sizeof(m->rows[0]));
	if (m != NULL)
		m->count = n;
	return m;
}

/* One of each destination is enough: the first that is met. */
static void note_reply(struct queue_matrix_row *row,
		       const struct queue_recipient *r)
{
	if (row->reply[0] != '\0' || r->reply == NULL || r->reply[0] == '\0')
		return;
	if (r->code == 0)
		snprintf(row->reply, sizeof(row->reply), "%s", r->reply);
	else
		snprintf(row->reply, sizeof(row->reply), "%u %u.%u.%u %s",
			 (unsigned)r->code, (unsigned)r->enhanced[0],
			 (unsigned)r->enhanced[1], (unsigned)r->enhanced[2],
			 r->reply);
}

static void add_part(struct queue_matrix *m, const struct queue_part *p,
		     unsigned age)
{
	uint32_t open = 0, held = 0;
	/* One that is newer than the matrix. */
	if (p->destination->index >= m->count)
		return;
	struct queue_matrix_row *row = &m->rows[p->destination->index];
	for (uint16_t i = 0; i < p->count; i++) {
		const struct queue_recipient *r =
			&p->entry->recipients[p->first + i];
		if (r->state != RECIPIENT_WAITING && r->state != RECIPIENT_HELD)
			continue;
		open++;
		held += r->state == RECIPIENT_HELD;
		note_reply(row, r);
	}
	row->counts[age] += open > 0;
	row->messages += open > 0;
	row->held += held > 0;
	m->recipients += open;
	m->held += held;
}

void queue_matrix_add(struct queue_matrix *m, const struct queue_entry *e,
		      int64_t now_ms)
{
	int64_t accepted = (int64_t)e->id.time_ms;
	unsigned age = queue_age(now_ms - accepted);
	uint64_t before = m->recipients;
	for (uint16_t i = 0; i < e->part_count; i++)
		add_part(m, &e->parts[i], age);
	if (m->recipients == before)
		return;
	m->messages++;
	if (m->oldest_ms == 0 || accepted < m->oldest_ms)
		m->oldest_ms = accepted;
}

void queue_matrix_merge(struct queue_matrix *to,
			const struct queue_matrix *from)
{
	uint32_t n = to->count < from->count ? to->count : from->count;
	to->messages += from->messages;
	to->recipients += from->recipients;
	to->held += from->held;
	if (from->oldest_ms != 0 &&
	    (to->oldest_ms == 0 || from->oldest_ms < to->oldest_ms))
		to->oldest_ms = from->oldest_ms;
	for (uint32_t i = 0; i < n; i++) {
		struct queue_matrix_row *a = &to->rows[i];
		const struct queue_matrix_row *b = &from->rows[i];
		for (unsigned k = 0; k < QUEUE_AGES; k++)
			a->counts[k] += b->counts[k];
		a->messages += b->messages;
		a->held += b->held;
		if (a->reply[0] == '\0')
			memcpy(a->reply, b->reply, sizeof(a->reply));
	}
}

/* --- the answer ------------------------------------------------------------ */

static void put_counts(struct json *j, const uint64_t counts[QUEUE_AGES])
{
	json_key(j, "counts");
	json_array_begin(j);
	for (unsigned i = 0; i < QUEUE_AGES; i++)
		json_u64(j, counts[i]);
	json_array_end(j);
}

static const char *state_of(const struct destination *d,
			    const struct queue_matrix_row *row,
			    int64_t now_ms)
{
	if (atomic_load(&d->paused))
		return "paused";
	if (row->held == row->messages)
		return "held";
	if (atomic_load(&d->failures) > 0 &&
	    atomic_load(&d->not_before_ms) > now_ms)
		return "no_connection";
	return atomic_load(&d->active) > 0 ? "sending" : "waiting";
}

static void put_row(struct json *j, const struct destination *d,
		    const struct queue_matrix_row *row, int64_t now_ms)
{
	json_object_begin(j);
	json_member_cstr(j, "destination", d->name);
	json_member_cstr(j, "state", state_of(d, row, now_ms));
	json_member_u64(j, "connections", atomic_load(&d->active));
	json_member_u64(j, "held", row->held);
	json_key(j, "reply");
	if (row->reply[0] != '\0')
		json_put_string(j, slice_of(row->reply));
	else
		json_put_null(j);
	put_counts(j, row->counts);
	json_object_end(j);
}

/* The one with the most messages that was not given yet. */
static uint32_t worst(const struct queue_matrix *m)
{
	uint32_t best = UINT32_MAX;
	for (uint32_t i = 0; i < m->count; i++)
		if (!m->rows[i].given && m->rows[i].messages > 0 &&
		    (best == UINT32_MAX ||
		     m->rows[i].messages > m->rows[best].messages))
			best = i;
	return best;
}

static void put_others(struct json *j, const struct queue_matrix *m)
{
	uint64_t counts[QUEUE_AGES] = { 0 }, destinations = 0;
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->rows[i].given || m->rows[i].messages == 0)
			continue;
		destinations++;
		for (unsigned k = 0; k < QUEUE_AGES; k++)
			counts[k] += m->rows[i].counts[k];
	}
	json_key(j, "others");
	json_object_begin(j);
	json_member_u64(j, "destinations", destinations);
	put_counts(j, counts);
	json_object_end(j);
}

static void put_totals(struct json *j, const struct queue_matrix *m)
{
	uint64_t counts[QUEUE_AGES] = { 0 };
	for (uint32_t i = 0; i < m->count; i++)
		for (unsigned k = 0; k < QUEUE_AGES; k++)
			counts[k] += m->rows[i].counts[k];
	json_key(j, "totals");
	json_object_begin(j);
	put_counts(j, counts);
	json_member_u64(j, "messages", m->messages);
	json_member_u64(j, "recipients", m->recipients);
	json_member_u64(j, "held", m->held);
	json_object_end(j);
	json_member_u64(j, "total", m->messages);
	json_key(j, "oldest_at");
	if (m->oldest_ms != 0)
		json_time_ms(j, m->oldest_ms);
	else
		json_put_null(j);
}

void queue_matrix_write(struct buf *out, struct queue_matrix *m,
			const struct destinations *all, int64_t now_ms)
{
	struct json j;
	json_init(&j, out);
	json_object_begin(&j);
	json_key(&j, "as_of");
	json_time_ms(&j, now_ms);
	json_key(&j, "ages");
	json_array_begin(&j);
	for (unsigned i = 0; i < QUEUE_AGES; i++)
		json_put_string(&j, slice_of(ages[i].name));
	json_array_end(&j);
	json_key(&j, "rows");
	json_array_begin(&j);
	for (unsigned n = 0; n < QUEUE_ROWS; n++) {
		uint32_t i = worst(m);
		if (i == UINT32_MAX)
			break;
		m->rows[i].given = true;
		put_row(&j, destinations_at(all, i), &m->rows[i], now_ms);
	}
	json_array_end(&j);
	put_others(&j, m);
	put_totals(&j, m);
	json_object_end(&j);
}
