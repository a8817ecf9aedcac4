/* What must hold of IP entries (SPEC 3.4). */
#include "admin/directory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/day.h"
#include "os/clock.h"

static const slice NONE = { 0 };

enum { WIDE_BITS = 8 };		/* more addresses than a /24 has are many */

/* --- what kind of addresses ----------------------------------------------- */

static struct ip_addr nth(const struct ip_range *r, uint32_t n)
{
	struct ip_addr a = r->first;
	for (size_t i = 16; i > 0 && n > 0; i--) {
		n += a.bytes[i - 1];
		a.bytes[i - 1] = (uint8_t)n;
		n >>= 8;
	}
	return a;
}

static bool is_refused(enum ip_class c)
{
	return c == IP_MULTICAST || c == IP_DOCUMENTATION || c == IP_RESERVED;
}

/* The worst class in the range: refused, then not public. The registries
 * (RFC 6890) have no block of IPv4 that begins inside a /24 but those at the
 * front of one; of IPv6 none that begins inside a /112 but ::1. */
static enum ip_class worst_class(const struct ip_range *r)
{
	enum ip_class worst = IP_PUBLIC;
	uint32_t count = UINT32_C(1) << (128 - r->bits);
	uint32_t step = count > 256 ? 256 : count;
	for (uint32_t n = 0; n < count; n += step) {
		struct ip_addr both[2] = { nth(r, n), nth(r, n + step - 1) };
		for (size_t i = 0; i < 2; i++) {
			enum ip_class c = ip_addr_class(&both[i]);
			if (is_refused(c))
				return c;
			if (c != IP_PUBLIC)
				worst = c;
		}
	}
	return worst;
}

static enum admin_text class_text(enum ip_class c)
{
	switch (c) {
	case IP_PRIVATE:
		return SAY_CLASS_PRIVATE;
	case IP_LOOPBACK:
		return SAY_CLASS_LOOPBACK;
	case IP_LINK_LOCAL:
		return SAY_CLASS_LINK_LOCAL;
	case IP_SHARED:
		return SAY_CLASS_SHARED;
	case IP_MULTICAST:
		return SAY_CLASS_MULTICAST;
	case IP_DOCUMENTATION:
		return SAY_CLASS_DOCUMENTATION;
	case IP_RESERVED:
		return SAY_CLASS_RESERVED;
	case IP_PUBLIC:
		break;
	}
	unreachable_state("public addresses are never refused");
}

static void check_class(struct directory *d, const struct entry_row *e,
			const struct customer_row *c,
			const struct yaml_node *at)
{
	enum ip_class class = worst_class(&e->e.range);
	if (class == IP_PUBLIC)
		return;
	bool refused = is_refused(class);
	if (!refused && c->c.allow_private_addresses)
		return;
	directory_error(d, at, refused ? SAY_NEVER_SENDS : SAY_NOT_PUBLIC,
			slice_of(e->key),
			slice_of(text_in(admin_text(class_text(class)),
					 d->language)),
			NONE);
}

/* --- duplicates and overlaps ---------------------------------------------- */

struct held {
	struct entry_row *entry;
	struct setting_row *setting;
};

static int by_range(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	int c = memcmp(x->entry->e.range.first.bytes,
		       y->entry->e.range.first.bytes, 16);
	if (c == 0)
		c = (int)x->entry->e.range.bits - (int)y->entry->e.range.bits;
	if (c == 0)
		c = x->setting->s.position > y->setting->s.position ? 1 : -1;
	return c;
}

/* In one setting: sorted, ranges that overlap lie inside one another, and
 * the outer one comes first. */
static void check_overlaps(struct directory *d, const struct held *all,
			   uint32_t count, const struct setting_row *s,
			   const struct customer_row *c)
{
	const struct entry_row *outer = NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct entry_row *e = all[i].entry;
		if (outer != NULL && ip_range_holds(&outer->e.range,
						    &e->e.range.first)) {
			bool mine = e->row.node != NULL;
			const struct row *at = mine ? &e->row : &outer->row;
			directory_error(d, at->node ? at->node :
					directory_node(&s->row, &c->row),
					SAY_RANGE_OVERLAPS,
					slice_of(mine ? e->key : outer->key),
					slice_of(mine ? outer->key : e->key),
					NONE);
		} else {
			outer = e;
		}
	}
}

static void note_elsewhere(struct directory *d, const struct held *all,
			   uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		const struct held *a = &all[i - 1], *b = &all[i];
		bool same = strcmp(a->entry->key, b->entry->key) == 0;
		bool fresh = a->entry->row.old == NULL ||
			     b->entry->row.old == NULL;
		if (same && fresh && a->setting != b->setting)
			directory_note(d, SAY_RANGE_ELSEWHERE,
				       slice_of(b->entry->key),
				       a->setting->s.key);
	}
}

static uint32_t gather(struct setting_row *s, struct held *to)
{
	for (uint32_t i = 0; i < s->entries.count; i++)
		to[i] = (struct held){ row_entry(s->entries.items[i]), s };
	return s->entries.count;
}

/* SPEC 3.4: the smallest range that serves; said once, when it comes. */
static void recommend(struct directory *d, const struct entry_row *e)
{
	char count[16], single[IP_RANGE_TEXT_MAX];
	struct ip_range one = { e->e.range.first, 128 };
	unsigned free_bits = 128u - e->e.range.bits;
	if (!row_is_new(&e->row) || free_bits <= WIDE_BITS)
		return;
	snprintf(count, sizeof(count), "%u", 1u << free_bits);
	ip_range_text(&one, single);
	directory_note3(d, SAY_RANGE_WIDE, slice_of(e->key), slice_of(count),
			slice_of(single));
}

/* A day that has passed is no error: the file may be as old as that. */
static void note_legacy_tls(struct directory *d, const struct entry_row *e)
{
	char day[DAY_TEXT_MAX];
	uint32_t until = e->e.legacy_tls_until;
	bool is_new = e->row.old == NULL ||
		      row_entry(e->row.old)->e.legacy_tls_until != until;
	if (until != 0 && is_new && day_end_ms(until) <= os_system_wall_ms())
		directory_note(d, SAY_LEGACY_TLS_OVER, slice_of(e->key),
			       slice_of(day_text(until, day)));
}

static void check_one(struct directory *d, const struct entry_row *e,
		      const struct setting_row *s,
		      const struct customer_row *c)
{
	const struct yaml_node *at = e->row.node ? e->row.node :
					directory_node(&s->row, &c->row);
	if (e->e.description.n == 0)
		directory_error(d, at, SAY_KEY_MISSING, SLICE("description"),
				NONE, NONE);
	/* A range that was refused already says enough. */
	if (e->e.range.bits >= VIEW_ENTRY_BITS_MIN) {
		check_class(d, e, c, at);
		recommend(d, e);
		note_legacy_tls(d, e);
	}
}

void directory_check_entries(struct directory *d, struct customer_row *c)
{
	uint32_t total = 0, n = 0;
	for (uint32_t i = 0; i < c->settings.count; i++)
		total += row_setting(c->settings.items[i])->entries.count;
	if (total == 0)
		return;
	struct held *all = arena_alloc(&d->arena, total * sizeof(*all));
	if (all == NULL) {
		directory_no_memory(d);
		return;
	}
	for (uint32_t i = 0; i < c->settings.count; i++) {
		struct setting_row *s = row_setting(c->settings.items[i]);
		uint32_t count = gather(s, all + n);
		for (uint32_t k = 0; k < count; k++)
			check_one(d, all[n + k].entry, s, c);
		if (count > 0)
			qsort(all + n, count, sizeof(*all), by_range);
		check_overlaps(d, all + n, count, s, c);
		n += count;
	}
	qsort(all, total, sizeof(*all), by_range);
	note_elsewhere(d, all, total);
}
