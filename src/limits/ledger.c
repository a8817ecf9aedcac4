/*
 * Stripes of the ledger: who is found where, and how they are dropped again;
 * see ledger.h. Idle ones are found by looking at them in turn: a look costs
 * less than keeping them in the order of their last use would.
 */
#include "limits/ledger_private.h"

#include <stdlib.h>

enum { EACH_MAX = 1 << 28 };	/* customers or users of a map */

static const char *const names[LEDGER_VERDICTS] = {
	"ok", "customer_day", "customer_peak", "user_messages",
	"user_unique", "session", "busy",
};

const char *ledger_verdict_name(enum ledger_verdict v)
{
	invariant(v < LEDGER_VERDICTS);
	return names[v];
}

uint64_t ledger_limit(const struct allowance *a, enum ledger_verdict limit)
{
	switch (limit) {
	case LEDGER_CUSTOMER_DAY:
		return a->customer_day;
	case LEDGER_CUSTOMER_PEAK:
		return a->customer_peak;
	case LEDGER_USER_MESSAGES:
		return a->user_messages;
	case LEDGER_USER_UNIQUE:
		return a->user_unique;
	case LEDGER_OK:
	case LEDGER_SESSION:
	case LEDGER_BUSY:
	case LEDGER_VERDICTS:
		break;
	}
	unreachable_state("not a limit");
}

/* Ids are ours and rise by one: spread them. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 33) * 0xff51afd7ed558ccdu;
	v = (v ^ v >> 33) * 0xc4ceb9fe1a85ec53u;
	v ^= v >> 33;
	return v < 2 ? v + 2 : v;
}

static uint64_t customer_hash(uint32_t id)
{
	return mix(id);
}

static uint64_t user_hash(uint32_t customer, uint32_t id)
{
	return mix((uint64_t)customer << 32 | id);
}

static struct map *shelf_of(struct stripe *s, uint64_t hash)
{
	return &s->shelves[hash >> 58];
}

static bool same_customer(const void *object, const void *key)
{
	const struct customer_counts *c = object;
	return c->id == *(const uint32_t *)key;
}

struct user_key {
	uint32_t customer, id;
};

static bool same_user(const void *object, const void *key)
{
	const struct user_counts *u = object;
	const struct user_key *k = key;
	return u->id == k->id && u->customer->id == k->customer;
}

/* --- the whole --- */

static void stripe_init(struct stripe *s, struct room *room)
{
	s->room = room;
	map_init(&s->by_id, EACH_MAX);
	list_init(&s->customers);
	list_init(&s->users);
	for (unsigned i = 0; i < SHELVES; i++)
		map_init(&s->shelves[i], EACH_MAX);
}

struct ledger *ledger_new(struct ledger_locks locks, uint64_t max_bytes)
{
	invariant((locks.lock == NULL) == (locks.unlock == NULL));
	struct ledger *l = aligned_alloc(64, sizeof(*l));
	if (l == NULL)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->locks = locks;
	l->room.max_bytes = max_bytes;
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		stripe_init(&l->stripes[i], &l->room);
	return l;
}

static void user_free(struct stripe *s, struct user_counts *u)
{
	invariant(u->holders == 0 && u->reserved == 0);
	uint64_t hash = user_hash(u->customer->id, u->id);
	map_remove(shelf_of(s, hash), hash, u);
	list_remove(&u->turn);
	list_remove(&u->of_customer);
	window_fini(&u->messages, s->room);
	unique_fini(&u->unique, s->room);
	room_give(s->room, u, sizeof(*u) + MAP_BYTES);
	s->user_count--;
}

static void customer_free(struct stripe *s, struct customer_counts *c)
{
	invariant(c->holders == 0 && c->reserved == 0);
	invariant(list_empty(&c->users) && list_empty(&c->waiting));
	map_remove(&s->by_id, customer_hash(c->id), c);
	list_remove(&c->turn);
	for (unsigned i = 0; i < CUSTOMER_WINDOWS; i++) {
		window_fini(&c->used[i], s->room);
		window_fini(&c->null_used[i], s->room);
	}
	room_give(s->room, c, sizeof(*c) + MAP_BYTES);
	s->customer_count--;
}

static void stripe_fini(struct stripe *s)
{
	list_each(&s->users, u, next_user)
		user_free(s, CONTAINER_OF(u, struct user_counts, turn));
	list_each(&s->customers, c, next_customer)
		customer_free(s, CONTAINER_OF(c, struct customer_counts, turn));
	invariant(s->user_count == 0 && s->customer_count == 0);
	map_fini(&s->by_id);
	for (unsigned i = 0; i < SHELVES; i++)
		map_fini(&s->shelves[i]);
}

void ledger_free(struct ledger **l)
{
	if (*l == NULL)
		return;
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		stripe_fini(&(*l)->stripes[i]);
	invariant((*l)->room.used_bytes == 0);
	free(*l);
	*l = NULL;
}

/* --- a stripe --- */

static struct stripe *enter(struct ledger *l, unsigned i, int64_t now_ms)
{
	struct stripe *s = &l->stripes[i];
	if (l->locks.lock != NULL)
		l->locks.lock(l->locks.ctx, i);
	if (now_ms >= 0)
		s->now_ms = steady_now(&s->clock, now_ms);
	return s;
}

struct stripe *stripe_enter(struct ledger *l, uint32_t customer,
			    int64_t now_ms)
{
	/* Other bits than the maps inside use. */
	return enter(l, (unsigned)(mix(~customer) >> 58), now_ms);
}

void stripe_leave(struct ledger *l, struct stripe *s)
{
	if (l->locks.unlock != NULL)
		l->locks.unlock(l->locks.ctx, (unsigned)(s - l->stripes));
}

void customer_advance(struct stripe *s, struct customer_counts *c)
{
	for (unsigned i = 0; i < CUSTOMER_WINDOWS; i++) {
		window_advance(&c->used[i], s->now_ms);
		window_advance(&c->null_used[i], s->now_ms);
	}
}

void user_advance(struct stripe *s, struct user_counts *u)
{
	window_advance(&u->messages, s->now_ms);
	unique_advance(&u->unique, s->now_ms);
}

struct customer_counts *customer_find(struct stripe *s, uint32_t id)
{
	struct customer_counts *c = map_get(&s->by_id, customer_hash(id),
					    same_customer, &id);
	if (c != NULL)
		customer_advance(s, c);
	return c;
}

struct user_counts *user_find(struct stripe *s, uint32_t customer,
			      uint32_t id)
{
	struct user_key key = { customer, id };
	uint64_t hash = user_hash(customer, id);
	struct user_counts *u = map_get(shelf_of(s, hash), hash, same_user,
					&key);
	if (u != NULL)
		user_advance(s, u);
	return u;
}

/* All lines of an object. */
static void prefetch(const void *object, size_t bytes)
{
	for (size_t i = 0; object != NULL && i < bytes; i += 64)
		__builtin_prefetch((const char *)object + i, 1);
}

void stripe_prefetch(const struct stripe *s, uint32_t customer, uint32_t user,
		     uint64_t recipient)
{
	uint64_t c_hash = customer_hash(customer);
	uint64_t u_hash = user_hash(customer, user);
	const struct map *shelf = &s->shelves[u_hash >> 58];
	map_prefetch(&s->by_id, c_hash);
	if (user != 0)
		map_prefetch(shelf, u_hash);
	prefetch(map_guess(&s->by_id, c_hash), sizeof(struct customer_counts));
	const struct user_counts *u =
		user != 0 ? map_guess(shelf, u_hash) : NULL;
	prefetch(u, sizeof(*u));
	if (u != NULL)
		unique_prefetch(&u->unique, recipient);
}

/* Each new one looks at two old ones, so what is idle doesn't pile up. At
 * the bound one look goes further. */
enum { TIDY_NEW = 2, TIDY_FULL = 32 };

static void *take_object(struct stripe *s, size_t bytes)
{
	stripe_tidy(s, TIDY_NEW);
	void *p = room_take(s->room, bytes + MAP_BYTES);
	if (p == NULL) {
		stripe_tidy(s, TIDY_FULL);
		p = room_take(s->room, bytes + MAP_BYTES);
	}
	return p;
}

struct customer_counts *customer_get(struct stripe *s, uint32_t id)
{
	struct customer_counts *c = customer_find(s, id);
	if (c != NULL)
		return c;
	c = take_object(s, sizeof(*c));
	if (c == NULL)
		return NULL;
	if (!map_add(&s->by_id, customer_hash(id), c)) {
		room_give(s->room, c, sizeof(*c) + MAP_BYTES);
		return NULL;
	}
	c->id = id;
	list_init(&c->turn);
	list_append(&s->customers, &c->turn);
	list_init(&c->waiting);
	list_init(&c->users);
	for (unsigned i = 0; i < CUSTOMER_WINDOWS; i++) {
		window_init(&c->used[i], i == DAY ? WINDOW_DAY : WINDOW_PEAK);
		window_init(&c->null_used[i],
			    i == DAY ? WINDOW_DAY : WINDOW_PEAK);
	}
	customer_advance(s, c);
	s->customer_count++;
	return c;
}

struct user_counts *user_get(struct stripe *s, struct customer_counts *c,
			     uint32_t id)
{
	struct user_counts *u = user_find(s, c->id, id);
	uint64_t hash = user_hash(c->id, id);
	if (u != NULL)
		return u;
	/* Looking at others must not drop this one's customer. */
	c->holders++;
	u = take_object(s, sizeof(*u));
	c->holders--;
	if (u == NULL)
		return NULL;
	if (!map_add(shelf_of(s, hash), hash, u)) {
		room_give(s->room, u, sizeof(*u) + MAP_BYTES);
		return NULL;
	}
	u->id = id;
	u->customer = c;
	list_init(&u->turn);
	list_append(&s->users, &u->turn);
	list_init(&u->of_customer);
	list_append(&c->users, &u->of_customer);
	window_init(&u->messages, WINDOW_DAY);
	unique_init(&u->unique);
	user_advance(s, u);
	s->user_count++;
	return u;
}

/* --- dropping --- */

static void look_at_customer(struct stripe *s)
{
	struct customer_counts *c =
		list_first(&s->customers, struct customer_counts, turn);
	if (c == NULL)
		return;
	list_remove(&c->turn);
	list_append(&s->customers, &c->turn);
	customer_advance(s, c);
	(void)lapse_due(s, c);
	if (c->holders == 0 && list_empty(&c->users) &&
	    c->used[DAY].used == 0 && c->used[PEAK].used == 0)
		customer_free(s, c);
}

static void look_at_user(struct stripe *s)
{
	struct user_counts *u =
		list_first(&s->users, struct user_counts, turn);
	if (u == NULL)
		return;
	list_remove(&u->turn);
	list_append(&s->users, &u->turn);
	user_advance(s, u);
	if (u->holders == 0 && u->messages.used == 0 &&
	    unique_is_empty(&u->unique))
		user_free(s, u);
	else
		unique_tidy(&u->unique, s->room);
}

void stripe_tidy(struct stripe *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		look_at_user(s);
		look_at_customer(s);
	}
}

void ledger_tidy(struct ledger *l, int64_t now_ms)
{
	uint32_t i = atomic_fetch_add_explicit(&l->tidy_next, 1,
					       memory_order_relaxed);
	struct stripe *s = enter(l, i % LEDGER_STRIPES, now_ms);
	stripe_tidy(s, TIDY_FULL);
	stripe_leave(l, s);
}

void ledger_measure(struct ledger *l, struct ledger_size *out)
{
	*out = (struct ledger_size){
		.bytes = atomic_load_explicit(&l->room.used_bytes,
					      memory_order_relaxed),
	};
	for (unsigned i = 0; i < LEDGER_STRIPES; i++) {
		struct stripe *s = enter(l, i, -1);
		out->customers += s->customer_count;
		out->users += s->user_count;
		stripe_leave(l, s);
	}
}

uint32_t ledger_users(struct ledger *l, uint32_t customer, uint32_t *users,
		      uint32_t cap)
{
	struct stripe *s = stripe_enter(l, customer, -1);
	struct customer_counts *c = customer_find(s, customer);
	uint32_t n = 0;
	if (cap > LEDGER_USERS_MAX)
		cap = LEDGER_USERS_MAX;
	if (c != NULL)
		list_each(&c->users, node, after) {
			if (n == cap)
				break;
			users[n++] = CONTAINER_OF(node, struct user_counts,
						  of_customer)->id;
		}
	stripe_leave(l, s);
	return n;
}
