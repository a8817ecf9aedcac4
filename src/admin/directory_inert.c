/*
 * Which IP entries identify nobody (SPEC 2.2): an entry is inert when it
 * overlaps one that another customer held before (a lower id) and the
 * operator has not said `shared: true`. Whether the earlier one is enabled or
 * inert itself does not matter: so only entries that overlap a touched one
 * can change, and ticking an entry off does not lose its place
 * (docs/why/shared_addresses.md).
 *
 * Ranges are CIDR of at most 65,536 addresses, so two overlap when one
 * contains the other: those within by a range of the index, those around by
 * at most 17 exact look-ups.
 */
#include "admin/directory.h"

enum { WIDTHS = 128 - VIEW_ENTRY_BITS_MIN + 1 };

struct inert {
	struct directory *d;
	struct tables *t;
};

static struct ip_addr last_of(const struct ip_range *r)
{
	struct ip_addr a = r->first;
	for (unsigned bit = r->bits; bit < 128; bit++)
		a.bytes[bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
	return a;
}

static struct row *entry_of(const struct sql *q, struct arena *arena)
{
	struct row *r = row_new(ROW_ENTRY, arena);
	if (r == NULL) {
		store_fail(q->store, "out of memory");
		return NULL;
	}
	struct entry_row *e = row_entry(r);
	e->e.id = (uint32_t)sql_get_u64(q, 0);
	e->e.customer = (uint32_t)sql_get_u64(q, 1);
	e->e.setting = (uint32_t)sql_get_u64(q, 2);
	slice first = sql_peek(q, 3);
	invariant(first.n == 16);
	memcpy(e->e.range.first.bytes, first.p, 16);
	e->e.range.bits = (uint8_t)sql_get_u64(q, 4);
	e->e.description = sql_copy(q, 5, arena);
	e->e.enabled = sql_get_u64(q, 6) != 0;
	e->shared = sql_get_u64(q, 7) != 0;
	e->e.inert = sql_get_u64(q, 8) != 0;
	e->e.legacy_tls_until = (uint32_t)sql_get_u64(q, 9);
	ip_range_text(&e->e.range, e->key);
	return r;
}

#define ENTRY_COLUMNS                                                      \
	"SELECT id, customer, setting, first, bits, description, enabled, " \
	"shared, inert, legacy_tls_until FROM ip_entries "

static void bind_addr(struct sql *q, const struct ip_addr *a)
{
	sql_blob(q, (slice){ (const char *)a->bytes, 16 });
}

/* Of another customer, earlier than e, overlapping it. */
static bool held_before(struct inert *in, const struct entry_row *e)
{
	struct ip_addr last = last_of(&e->e.range);
	struct sql q = sql_of(in->t->store,
			      "SELECT 1 FROM ip_entries WHERE first >= ? AND "
			      "first <= ? AND bits >= ? AND id < ? AND "
			      "customer <> ? LIMIT 1");
	bind_addr(&q, &e->e.range.first);
	bind_addr(&q, &last);
	sql_u64(&q, e->e.range.bits);
	sql_u64(&q, e->e.id);
	sql_u64(&q, e->e.customer);
	if (sql_number(&q, 0) != 0)
		return true;
	for (unsigned i = 1; i < WIDTHS; i++) {
		struct ip_range around = e->e.range;
		if (e->e.range.bits - i < VIEW_ENTRY_BITS_MIN)
			break;
		around.bits = (uint8_t)(e->e.range.bits - i);
		around = ip_range_network(&around);
		q = sql_of(in->t->store,
			   "SELECT 1 FROM ip_entries WHERE first = ? AND "
			   "bits = ? AND id < ? AND customer <> ? LIMIT 1");
		bind_addr(&q, &around.first);
		sql_u64(&q, around.bits);
		sql_u64(&q, e->e.id);
		sql_u64(&q, e->e.customer);
		if (sql_number(&q, 0) != 0)
			return true;
	}
	return false;
}

static slice customer_name(struct inert *in, uint32_t id)
{
	slice name = { 0 };
	struct sql q = sql_of(in->t->store,
			      "SELECT name FROM customers WHERE id = ?");
	sql_u64(&q, id);
	if (sql_row(&q)) {
		name = sql_copy(&q, 0, &in->d->arena);
		sql_end(&q);
	}
	return name;
}

static void judge(struct inert *in, struct entry_row *e)
{
	bool inert = !e->shared && held_before(in, e);
	if (inert == e->e.inert || in->t->store->failed)
		return;
	e->e.inert = inert;
	struct sql q = sql_of(in->t->store,
			      "UPDATE ip_entries SET inert = ? WHERE id = ?");
	sql_u64(&q, inert);
	sql_u64(&q, e->e.id);
	sql_run(&q);
	if (!row_list_add(&in->d->reinert, &in->d->arena, &e->row))
		store_fail(in->t->store, "out of memory");
	if (in->d->own != 0 && in->d->own != e->e.customer)
		return;			/* who else lists it is not told */
	directory_note(in->d, inert ? SAY_ENTRY_INERT : SAY_ENTRY_ACTIVE,
		       slice_of(e->key), customer_name(in, e->e.customer));
}

static void gather(struct inert *in, struct sql *q, struct row_list *to)
{
	while (sql_row(q)) {
		struct row *r = entry_of(q, &in->d->arena);
		if (r == NULL || !row_list_add(to, &in->d->arena, r)) {
			store_fail(in->t->store, "out of memory");
			sql_end(q);
		}
	}
}

/* All entries that overlap this range, the touched one too. */
static void overlapping(struct inert *in, const struct ip_range *r,
			struct row_list *to)
{
	struct ip_addr last = last_of(r);
	struct sql q = sql_of(in->t->store,
			      ENTRY_COLUMNS "WHERE first >= ? AND first <= ? "
					    "AND bits >= ? ORDER BY id");
	bind_addr(&q, &r->first);
	bind_addr(&q, &last);
	sql_u64(&q, r->bits);
	gather(in, &q, to);
	for (unsigned bits = VIEW_ENTRY_BITS_MIN; bits < r->bits; bits++) {
		struct ip_range around = { r->first, (uint8_t)bits };
		around = ip_range_network(&around);
		q = sql_of(in->t->store, ENTRY_COLUMNS
			   "WHERE first = ? AND bits = ? ORDER BY id");
		bind_addr(&q, &around.first);
		sql_u64(&q, bits);
		gather(in, &q, to);
	}
}

void directory_inert(struct directory *d, struct tables *t,
		     const struct row_list *touched)
{
	struct inert in = { d, t };
	for (uint32_t i = 0; i < touched->count && !t->store->failed; i++) {
		struct row_list near = { 0 };
		overlapping(&in, &row_entry(touched->items[i])->e.range,
			    &near);
		for (uint32_t k = 0; k < near.count; k++)
			judge(&in, row_entry(near.items[k]));
	}
}
