/* Budgets by key; see budget.h. */
#include "limits/budget.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"

enum { WAYS = 8, PLACES_MAX = 1 << 26, US = 1000, HELO_KEYED = 255 };

/* The moment at which the budget is full again, as GCRA keeps it; and what
 * is open. key 0: free. */
struct place {
	uint64_t key;
	int64_t full_us;
	uint32_t open;
};

struct set {
	atomic_flag busy;
	struct place places[WAYS];
};

struct budgets {
	uint64_t mask;
	struct set sets[];
};

struct budgets *budgets_new(uint32_t places)
{
	invariant(places > 0 && places <= PLACES_MAX);
	uint64_t sets = 1;
	while (sets * WAYS < places)
		sets *= 2;
	struct budgets *b = calloc(1, sizeof(*b) + sets * sizeof(b->sets[0]));
	if (b == NULL)
		return NULL;
	b->mask = sets - 1;
	for (uint64_t i = 0; i < sets; i++)
		atomic_flag_clear(&b->sets[i].busy);
	return b;
}

void budgets_free(struct budgets **b)
{
	free(*b);
	*b = NULL;
}

/* --- keys ----------------------------------------------------------------- */

static uint64_t key_of(enum budget_kind kind, const struct ip_addr *a,
		       size_t address_bytes, slice more)
{
	uint8_t bytes[2 + sizeof(a->bytes) + HELO_KEYED];
	size_t n = 0;
	bytes[n++] = (uint8_t)kind;
	bytes[n++] = (uint8_t)address_bytes;
	memcpy(bytes + n, a->bytes, address_bytes);
	n += address_bytes;
	more = slice_sub(more, 0, HELO_KEYED);
	if (more.n > 0)
		memcpy(bytes + n, more.p, more.n);
	n += more.n;
	return hash_bytes((slice){ (const char *)bytes, n });
}

uint64_t budget_key_address(enum budget_kind kind, const struct ip_addr *a)
{
	return key_of(kind, a, ip_is_v4(a) ? 16 : 8, (slice){ 0 });
}

uint64_t budget_key_network(enum budget_kind kind, const struct ip_addr *a,
			    slice account)
{
	return key_of(kind, a, ip_is_v4(a) ? 15 : 8, account);
}

uint64_t budget_key_helo(uint32_t class_customer, slice helo)
{
	struct ip_addr class = { 0 };
	char folded[HELO_KEYED];
	size_t n = helo.n < sizeof(folded) ? helo.n : sizeof(folded);
	memcpy(class.bytes, &class_customer, sizeof(class_customer));
	for (size_t i = 0; i < n; i++)
		folded[i] = ascii_lower(helo.p[i]);
	return key_of(BUDGET_HELO, &class, sizeof(class_customer),
		      (slice){ folded, n });
}

/* --- places --------------------------------------------------------------- */

static struct set *lock_set(struct budgets *b, uint64_t key)
{
	struct set *s = &b->sets[(key >> 8) & b->mask];
	while (atomic_flag_test_and_set_explicit(&s->busy,
						 memory_order_acquire))
		;	/* held for one look-up */
	return s;
}

static void unlock_set(struct set *s)
{
	atomic_flag_clear_explicit(&s->busy, memory_order_release);
}

static struct place *find(struct set *s, uint64_t key)
{
	for (int i = 0; i < WAYS; i++)
		if (s->places[i].key == key)
			return &s->places[i];
	return NULL;
}

/* The key's place, or one that can be given to it. NULL: all have something
 * open. */
static struct place *find_or_make(struct set *s, uint64_t key)
{
	struct place *p = find(s, key), *fullest = NULL;
	if (p != NULL)
		return p;
	for (int i = 0; i < WAYS; i++) {
		p = &s->places[i];
		if (p->open == 0 &&
		    (fullest == NULL || p->full_us < fullest->full_us))
			fullest = p;
	}
	if (fullest != NULL)
		*fullest = (struct place){ .key = key };
	return fullest;
}

/* --- rates ---------------------------------------------------------------- */

/* How long until one may be taken, in us; the moment the budget is full
 * again after it. */
static int64_t wait_us(const struct place *p, const struct budget_rate *r,
		       int64_t now_us, int64_t *full_after_us)
{
	int64_t each_us = (int64_t)r->every_ms * US / r->count;
	int64_t full_us = p->full_us > now_us ? p->full_us : now_us;
	*full_after_us = full_us + each_us;
	return *full_after_us - now_us - each_us * (int64_t)r->burst;
}

static int64_t ms_up(int64_t us)
{
	return us <= 0 ? 0 : (us + US - 1) / US;
}

static bool look(struct budgets *b, uint64_t key,
		 const struct budget_rate *rate, bool take,
		 int64_t wait_max_ms, int64_t now_ms, int64_t *wait_ms)
{
	invariant(rate->count == 0 || (rate->every_ms > 0 && rate->burst > 0));
	*wait_ms = 0;
	if (rate->count == 0)
		return true;
	struct set *s = lock_set(b, key);
	struct place fresh = { .key = key };
	struct place *p = take ? find_or_make(s, key) : find(s, key);
	if (p == NULL)
		p = &fresh;
	int64_t full_us;
	*wait_ms = ms_up(wait_us(p, rate, now_ms * US, &full_us));
	bool has_room = *wait_ms <= wait_max_ms;
	if (take && has_room)
		p->full_us = full_us;
	unlock_set(s);
	return has_room;
}

bool budget_take(struct budgets *b, uint64_t key,
		 const struct budget_rate *rate, int64_t wait_max_ms,
		 int64_t now_ms, int64_t *wait_ms)
{
	return look(b, key, rate, true, wait_max_ms, now_ms, wait_ms);
}

bool budget_has_room(struct budgets *b, uint64_t key,
		     const struct budget_rate *rate, int64_t now_ms,
		     int64_t *wait_ms)
{
	return look(b, key, rate, false, 0, now_ms, wait_ms);
}

/* --- open at once --------------------------------------------------------- */

bool budget_enter(struct budgets *b, uint64_t key, uint32_t max,
		  int64_t now_ms)
{
	struct set *s = lock_set(b, key);
	struct place *p = find_or_make(s, key);
	bool has_room = p != NULL && p->open < max;
	if (has_room) {
		p->open++;
		if (p->full_us < now_ms * US)
			p->full_us = now_ms * US;
	}
	unlock_set(s);
	return has_room;
}

void budget_leave(struct budgets *b, uint64_t key)
{
	struct set *s = lock_set(b, key);
	struct place *p = find(s, key);
	invariant(p != NULL && p->open > 0);
	p->open--;
	unlock_set(s);
}

/* --- remembered ----------------------------------------------------------- */

void budget_remember(struct budgets *b, uint64_t key, int64_t ms,
		     int64_t now_ms)
{
	struct set *s = lock_set(b, key);
	struct place *p = find_or_make(s, key);
	if (p != NULL)
		p->full_us = (now_ms + ms) * US;
	unlock_set(s);
}

bool budget_remembers(struct budgets *b, uint64_t key, int64_t now_ms)
{
	struct set *s = lock_set(b, key);
	const struct place *p = find(s, key);
	bool kept = p != NULL && p->full_us > now_ms * US;
	unlock_set(s);
	return kept;
}
