/*
 * What is held over limits, of all shards; see held.h. A customer has a list
 * a shard, each oldest first: a shard adds in the order in which it accepted,
 * so a place is found from the end. A look goes over these lists together.
 */
#include "queue/held.h"

#include <stdlib.h>

#include "base/map.h"
#include "os/thread.h"

enum { CUSTOMERS_MAX = 1 << 24, SHARDS_MAX = 256,
       USERS_KEPT = 64,			/* answers of a look, kept */
       LOOK_STEPS = 20000 };		/* messages of a call: a millisecond */

struct held_customer {
	struct list all;		/* in its keeper's customers */
	uint32_t id;
	/* with what sessions have taken */
	uint64_t recipients, bytes;
	struct held_figures kept;
	struct list messages[];		/* a shard each */
};

struct held_shard {
	struct list granted;		/* messages of its own */
	struct list customers;		/* that it keeps; looked at longest ago
					 * first */
	uint32_t customer_count;
};

struct held {
	struct os_mutex *lock;
	struct map by_id;
	uint32_t shards;
	struct held_shard of[];
};

static struct held_shard *keeper_of(struct held *h, uint32_t customer)
{
	return &h->of[customer % h->shards];
}

struct held *held_new(uint32_t shards, struct err *err)
{
	invariant(shards > 0 && shards <= SHARDS_MAX);
	struct held *h = calloc(1, sizeof(*h) + shards * sizeof(h->of[0]));
	if (h == NULL) {
		err_set_memory(err, "held");
		return NULL;
	}
	h->shards = shards;
	map_init(&h->by_id, CUSTOMERS_MAX);
	for (uint32_t i = 0; i < shards; i++) {
		list_init(&h->of[i].granted);
		list_init(&h->of[i].customers);
	}
	if (!os_mutex_new(&h->lock, err)) {
		free(h);
		return NULL;
	}
	return h;
}

void held_free(struct held **held)
{
	struct held *h = *held;
	if (h == NULL)
		return;
	for (uint32_t i = 0; i < h->shards; i++)
		invariant(list_empty(&h->of[i].customers));
	map_fini(&h->by_id);
	os_mutex_free(&h->lock);
	free(h);
	*held = NULL;
}

/* --- customers (with the lock held) --------------------------------------- */

static uint64_t hash_of(uint32_t id)
{
	uint64_t v = (uint64_t)id * 0x9e3779b97f4a7c15u;
	v ^= v >> 32;
	return v < 2 ? v + 2 : v;
}

static bool same(const void *object, const void *key)
{
	const struct held_customer *c = object;
	return c->id == *(const uint32_t *)key;
}

static struct held_customer *find(const struct held *h, uint32_t id)
{
	return map_get(&h->by_id, hash_of(id), same, &id);
}

static struct held_customer *get(struct held *h, uint32_t id)
{
	struct held_customer *c = find(h, id);
	if (c != NULL)
		return c;
	c = calloc(1, sizeof(*c) + h->shards * sizeof(struct list));
	if (c == NULL || !map_add(&h->by_id, hash_of(id), c)) {
		free(c);
		return NULL;
	}
	c->id = id;
	list_init(&c->all);
	list_append(&keeper_of(h, id)->customers, &c->all);
	keeper_of(h, id)->customer_count++;
	for (uint32_t i = 0; i < h->shards; i++)
		list_init(&c->messages[i]);
	return c;
}

static void drop_if_empty(struct held *h, struct held_customer *c)
{
	if (c->recipients > 0 || c->bytes > 0 || c->kept.messages > 0)
		return;
	for (uint32_t i = 0; i < h->shards; i++)
		invariant(list_empty(&c->messages[i]));
	map_remove(&h->by_id, hash_of(c->id), c);
	list_remove(&c->all);
	keeper_of(h, c->id)->customer_count--;
	free(c);
}

/* --- what may be kept ----------------------------------------------------- */

static bool fits(uint64_t taken, uint64_t more, uint64_t most)
{
	return taken <= most && more <= most - taken;
}

bool held_take(struct held *h, uint32_t customer, uint64_t most,
	       uint32_t recipients, uint64_t bytes)
{
	os_mutex_lock(h->lock);
	struct held_customer *c = get(h, customer);
	bool ok = c != NULL && fits(c->recipients, recipients, most) &&
		  fits(c->bytes, bytes, HELD_BYTES_MAX);
	if (ok) {
		c->recipients += recipients;
		c->bytes += bytes;
	}
	if (c != NULL)
		drop_if_empty(h, c);
	os_mutex_unlock(h->lock);
	return ok;
}

void held_give(struct held *h, uint32_t customer, uint32_t recipients,
	       uint64_t bytes)
{
	if (recipients == 0 && bytes == 0)
		return;
	os_mutex_lock(h->lock);
	struct held_customer *c = find(h, customer);
	invariant(c != NULL && c->recipients >= recipients &&
		  c->bytes >= bytes);
	c->recipients -= recipients;
	c->bytes -= bytes;
	drop_if_empty(h, c);
	os_mutex_unlock(h->lock);
}

/* Nearly always at the end. */
static void put_in_order(struct list *head, struct held_message *m)
{
	struct list *at = head;
	while (at->prev != head &&
	       id_cmp(m->id, CONTAINER_OF(at->prev, struct held_message,
					  node)->id) < 0)
		at = at->prev;
	list_insert_before(at, &m->node);
}

/* m is to count so over each limit. */
static void count_over(struct held_over sum[], const uint16_t before[],
		       const uint16_t now[])
{
	for (int i = 0; i <= LEDGER_LIMITS; i++) {
		sum[i].recipients += now[i];
		sum[i].recipients -= before[i];
		sum[i].messages += now[i] > 0;
		sum[i].messages -= before[i] > 0;
	}
}

static const uint16_t none_over[LEDGER_LIMITS + 1];

bool held_add(struct held *h, struct held_message *m, uint32_t customer)
{
	invariant(m->recipients > 0 && m->shard < h->shards);
	list_init(&m->node);
	list_init(&m->granted_node);
	os_mutex_lock(h->lock);
	struct held_customer *c = get(h, customer);
	if (c != NULL) {
		m->customer = c;
		c->recipients += m->recipients;
		c->bytes += m->bytes;
		c->kept.messages++;
		c->kept.recipients += m->recipients;
		c->kept.bytes += m->bytes;
		count_over(c->kept.over, none_over, m->over);
		put_in_order(&c->messages[m->shard], m);
	}
	os_mutex_unlock(h->lock);
	return c != NULL;
}

void held_less(struct held *h, struct held_message *m, uint32_t recipients)
{
	struct held_customer *c = m->customer;
	if (recipients == 0)
		return;
	os_mutex_lock(h->lock);
	invariant(m->recipients >= recipients &&
		  c->kept.recipients >= recipients);
	m->recipients -= recipients;
	if (m->by_hand > m->recipients)
		m->by_hand = m->recipients;
	c->recipients -= recipients;
	c->kept.recipients -= recipients;
	if (m->recipients == 0) {
		list_remove(&m->node);
		list_remove(&m->granted_node);
		c->bytes -= m->bytes;
		c->kept.bytes -= m->bytes;
		c->kept.messages--;
		count_over(c->kept.over, m->over, none_over);
		m->customer = NULL;
	}
	drop_if_empty(h, c);
	os_mutex_unlock(h->lock);
}

void held_recount(struct held *h, struct held_message *m, uint32_t by_hand,
		  const uint16_t over[LEDGER_LIMITS + 1])
{
	os_mutex_lock(h->lock);
	invariant(by_hand <= m->recipients);
	m->by_hand = by_hand;
	count_over(m->customer->kept.over, m->over, over);
	memcpy(m->over, over, sizeof(m->over));
	os_mutex_unlock(h->lock);
}

void held_figures(struct held *h, uint32_t customer, struct held_figures *out)
{
	os_mutex_lock(h->lock);
	const struct held_customer *c = find(h, customer);
	*out = c ? c->kept : (struct held_figures){ 0 };
	os_mutex_unlock(h->lock);
}

static bool add_user(const struct held_message *m, uint32_t user,
		     struct held_over out[])
{
	if (m->user_known && m->user == user)
		count_over(out, none_over, m->over);
	return m->user_known;
}

bool held_over_of_user(struct held *h, uint32_t customer, uint32_t user,
		       struct held_over out[LEDGER_LIMITS + 1])
{
	memset(out, 0, (LEDGER_LIMITS + 1) * sizeof(*out));
	os_mutex_lock(h->lock);
	const struct held_customer *c = find(h, customer);
	bool all = c == NULL || c->kept.messages <= HELD_COUNT_MAX;
	for (uint32_t i = 0; all && c != NULL && i < h->shards; i++)
		list_each(&c->messages[i], node, after)
			all &= add_user(CONTAINER_OF(node, struct held_message,
						     node), user, out);
	os_mutex_unlock(h->lock);
	return all;
}

/* --- a look --------------------------------------------------------------- */

struct look {
	struct held *h;
	struct held_customer *customer;
	const struct held_keeper *keeper;
	uint64_t room;
	bool asking;			/* whose they are; none of the rest is
					 * granted before it is known */
	uint32_t granted, passed;
	uint32_t steps;			/* messages looked at */
	struct user_asked {
		uint32_t user;		/* 0: none */
		struct held_user_room room;
	} users[USERS_KEPT];		/* by their number */
	struct list *at[SHARDS_MAX];	/* the next of each shard's list */
};

static struct held_message *message_at(struct list *node)
{
	return CONTAINER_OF(node, struct held_message, node);
}

/* The oldest that was not looked at; NULL: none. */
static struct held_message *next(struct look *l)
{
	struct held_message *oldest = NULL;
	uint32_t from = 0;
	for (uint32_t i = 0; i < l->h->shards; i++) {
		if (l->at[i] == &l->customer->messages[i])
			continue;
		struct held_message *m = message_at(l->at[i]);
		if (oldest != NULL && id_cmp(m->id, oldest->id) >= 0)
			continue;
		oldest = m;
		from = i;
	}
	if (oldest != NULL)
		l->at[from] = l->at[from]->next;
	return oldest;
}

/* Who it goes to isn't known here, so a user who is out of new recipients
 * finds out by a try: perhaps it is one of the old ones. */
static bool user_has_room(struct look *l, const struct held_message *m)
{
	if (m->user == 0 ||
	    (m->message_booked && !m->user_refused))
		return true;
	struct user_asked *u = &l->users[m->user % USERS_KEPT];
	if (u->user != m->user)
		*u = (struct user_asked){
			m->user, l->keeper->user_room(
				l->keeper->ctx, l->customer->id, m->user) };
	return (u->room.message || m->message_booked) &&
	       (u->room.recipient || !m->user_refused);
}

static void grant(struct look *l, struct held_message *m, uint64_t n,
		  bool expired)
{
	if (n > HELD_GRANT_MAX)
		n = HELD_GRANT_MAX;
	m->granted = (uint32_t)n;
	m->expired = expired;
	if (list_empty(&m->granted_node))
		list_append(&l->h->of[m->shard].granted, &m->granted_node);
	l->granted++;
}

/* After a start: granted room before its user is known, a message would take
 * it from others, also when that user has none. */
static void ask_whose(struct look *l, struct held_message *m)
{
	l->asking = true;
	grant(l, m, 0, false);
}

/* False: this look is over. */
static bool look_at(struct look *l, struct held_message *m)
{
	bool expired = (int64_t)m->id.time_ms < l->keeper->expired_ms;
	/* Room that it was given before and has not used yet. */
	uint64_t before = m->granted < l->room ? m->granted : l->room;
	uint64_t most = m->recipients - m->by_hand;
	if (expired)
		grant(l, m, m->recipients, true);
	else if (l->room > 0 && !m->user_known)
		ask_whose(l, m);
	else if (l->asking || most == 0)
		l->passed++;
	else if (m->granted > 0)
		l->room -= before;
	else if (l->room == 0)
		return false;
	else if (!user_has_room(l, m))
		l->passed++;
	else {
		grant(l, m, most < l->room ? most : l->room, false);
		l->room -= m->granted;
	}
	return l->granted < HELD_GRANT_MAX && l->passed < HELD_PASS_MAX;
}

/* *steps: how many messages were looked at. False: it asked whose some are. */
static bool look_at_customer(struct held *h, struct held_customer *c,
			     const struct held_keeper *k, uint32_t *steps)
{
	struct look l = { .h = h, .customer = c, .keeper = k };
	struct held_message *m;
	l.room = k->room(k->ctx, c->id);
	for (uint32_t i = 0; i < h->shards; i++)
		l.at[i] = c->messages[i].next;
	do {
		m = next(&l);
		l.steps++;
	} while (m != NULL && look_at(&l, m));
	*steps += l.steps;
	return !l.asking;
}

bool held_look(struct held *h, uint32_t shard, const struct held_keeper *k)
{
	struct held_shard *s = &h->of[shard];
	uint32_t steps = 0;
	bool known = true;
	os_mutex_lock(h->lock);
	uint32_t left = s->customer_count;
	while (left > 0 && steps < LOOK_STEPS && !list_empty(&s->customers)) {
		struct held_customer *c = list_first(
			&s->customers, struct held_customer, all);
		list_remove(&c->all);
		list_append(&s->customers, &c->all);
		known &= look_at_customer(h, c, k, &steps);
		left--;
		/* Sessions of others may wait for it. */
		os_mutex_unlock(h->lock);
		os_mutex_lock(h->lock);
	}
	bool all = left == 0 || list_empty(&s->customers);
	os_mutex_unlock(h->lock);
	return all && known;
}

bool held_granted(struct held *h, uint32_t shard, struct held_grant *out)
{
	os_mutex_lock(h->lock);
	struct held_message *m = list_first(&h->of[shard].granted,
					    struct held_message, granted_node);
	if (m != NULL) {
		*out = (struct held_grant){ m->id, m->granted, m->expired };
		list_remove(&m->granted_node);
		m->granted = 0;
	}
	os_mutex_unlock(h->lock);
	return m != NULL;
}

void held_know_user(struct held *h, struct held_message *m, uint32_t user,
		    bool message_booked)
{
	os_mutex_lock(h->lock);
	m->user = user;
	m->user_known = true;
	m->message_booked = message_booked;
	os_mutex_unlock(h->lock);
}

void held_tried(struct held *h, struct held_message *m, bool user_refused)
{
	os_mutex_lock(h->lock);
	m->user_refused = user_refused;
	os_mutex_unlock(h->lock);
}
