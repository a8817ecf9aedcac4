/*
 * Sets of unique recipients; see unique.h.
 *
 * A table lies in one piece: header, hashes, buckets, pins. Open addressing
 * with linear probing; hash 0 marks a free place. Nothing is ever removed
 * one by one: what is stale goes when the table is rebuilt, so probing needs
 * no marks for removed places.
 */
#include "limits/unique.h"

enum {
	TABLE_PLACES_MIN = 6,
	DEPTH_SMALL = 4,	/* up to 16 tables are freed at once */
	SPLIT_LIVE = 2800,	/* more than that become two tables */
	DEPTH_MAX = 24,		/* 2^24 tables: beyond any limit */
	PINS_MAX = UINT16_MAX,
	NEVER_BOOKED = 1,	/* a bucket that is never live */
	PLACE_BYTES = sizeof(uint64_t) + sizeof(uint32_t) + sizeof(uint16_t),
};
_Static_assert((int)NEVER_BOOKED < (int)WINDOW_FIRST, "must not be live");

struct unique_table {
	uint32_t cap;
	uint32_t filled;	/* < cap: probing ends at a free place */
	uint32_t depth;		/* first bits that all its hashes share */
	uint32_t unused;
	uint64_t hash[];	/* then buckets, then pins */
};

/* One of a table's places. */
struct place {
	uint64_t *hash;
	uint32_t *bucket;
	uint16_t *pins;
};

static size_t table_bytes(uint32_t cap)
{
	return sizeof(struct unique_table) + (size_t)cap * PLACE_BYTES;
}

static struct place place_at(struct unique_table *t, uint32_t i)
{
	uint32_t *buckets = (uint32_t *)(void *)(t->hash + t->cap);
	uint16_t *pins = (uint16_t *)(void *)(buckets + t->cap);
	return (struct place){ &t->hash[i], &buckets[i], &pins[i] };
}

static uint32_t tables_count(const struct unique *u)
{
	if (u->depth == 0)
		return u->table != NULL;
	return 1u << u->depth;
}

static uint32_t table_index(const struct unique *u, uint64_t hash)
{
	return u->depth == 0 ? 0 : (uint32_t)(hash >> (64 - u->depth));
}

static struct unique_table *table_of(const struct unique *u, uint32_t index)
{
	return u->depth == 0 ? u->table : u->tables[index];
}

/* Points all places of the table that has `index` to t. */
static void set_table(struct unique *u, uint32_t index, uint32_t depth,
		      struct unique_table *t)
{
	if (u->depth == 0) {
		u->table = t;
		return;
	}
	uint32_t n = 1u << (u->depth - depth), from = index & ~(n - 1);
	for (uint32_t i = 0; i < n; i++)
		u->tables[from + i] = t;
}

/* 0 marks a free place. */
static uint64_t usable(uint64_t hash)
{
	return hash == 0 ? 1 : hash;
}

/* The place of the hash, or the free one where it would go. The first bits
 * chose the table, those after them the place. */
static struct place find(struct unique_table *t, uint64_t hash)
{
	invariant(t->filled < t->cap);
	uint64_t bits = (hash << t->depth) >> 32;
	uint32_t i = (uint32_t)(bits * t->cap >> 32);
	while (t->hash[i] != hash && t->hash[i] != 0)
		i = i + 1 == t->cap ? 0 : i + 1;
	return place_at(t, i);
}

static bool counts(const struct unique *u, struct place p)
{
	return *p.pins > 0 || window_live(&u->window, *p.bucket);
}

void unique_init(struct unique *u)
{
	*u = (struct unique){ 0 };
	window_init(&u->window, WINDOW_DAY);
}

/* All tables, each once though several places point to it. */
static void free_tables(struct unique *u, struct room *room)
{
	for (uint32_t i = 0; i < tables_count(u);) {
		struct unique_table *t = table_of(u, i);
		i += u->depth == 0 ? 1 : 1u << (u->depth - t->depth);
		room_give(room, t, table_bytes(t->cap));
	}
	if (u->depth > 0)
		room_give(room, u->tables, sizeof(*u->tables) << u->depth);
	u->table = NULL;
	u->depth = 0;
	u->hand = 0;
	u->filled = 0;
}

void unique_fini(struct unique *u, struct room *room)
{
	free_tables(u, room);
	window_fini(&u->window, room);
	unique_init(u);
}

void unique_advance(struct unique *u, int64_t now_ms)
{
	window_advance(&u->window, now_ms);
}

/* --- rebuilding --- */

static struct unique_table *table_new(struct room *room, uint32_t live,
				      uint32_t depth)
{
	uint32_t cap = TABLE_PLACES_MIN + live + live / 2;
	struct unique_table *t = room_take(room, table_bytes(cap));
	if (t != NULL) {
		t->cap = cap;
		t->depth = depth;
	}
	return t;
}

static void copy_place(struct unique_table *t, struct place from)
{
	struct place to = find(t, *from.hash);
	invariant(*to.hash == 0);
	*to.hash = *from.hash;
	*to.bucket = *from.bucket;
	*to.pins = *from.pins;
	t->filled++;
}

/* How many of its hashes count; of them, those with the next bit set. */
static uint32_t count_live(const struct unique *u, struct unique_table *t,
			   uint32_t *with_bit)
{
	uint32_t live = 0, ones = 0;
	for (uint32_t i = 0; i < t->cap; i++) {
		struct place p = place_at(t, i);
		if (*p.hash == 0 || !counts(u, p))
			continue;
		live++;
		if (*p.hash >> (63 - t->depth) & 1)
			ones++;
	}
	*with_bit = ones;
	return live;
}

static void move_live(struct unique *u, struct room *room,
		      struct unique_table *t, struct unique_table *zero,
		      struct unique_table *one)
{
	uint32_t moved = zero->filled + (one != zero ? one->filled : 0);
	invariant(moved == 0);
	for (uint32_t i = 0; i < t->cap; i++) {
		struct place p = place_at(t, i);
		if (*p.hash == 0 || !counts(u, p))
			continue;
		bool bit = *p.hash >> (63 - t->depth) & 1;
		copy_place(bit ? one : zero, p);
		moved++;
	}
	invariant(moved <= t->filled && u->filled >= t->filled);
	u->filled -= t->filled - moved;
	room_give(room, t, table_bytes(t->cap));
}

/* The same places twice as many: each table has two now. */
static bool double_places(struct unique *u, struct room *room)
{
	uint32_t n = 1u << u->depth;
	struct unique_table **tables =
		room_take(room, sizeof(struct unique_table *) * 2 * n);
	if (tables == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		tables[2 * i] = tables[2 * i + 1] = table_of(u, i);
	if (u->depth > 0)
		room_give(room, u->tables, sizeof(struct unique_table *) * n);
	u->tables = tables;
	u->depth++;
	return true;
}

static bool split(struct unique *u, struct room *room, uint64_t hash,
		  uint32_t live, uint32_t ones)
{
	struct unique_table *t = table_of(u, table_index(u, hash));
	if (t->depth == u->depth && !double_places(u, room))
		return false;
	uint32_t depth = t->depth + 1;
	uint32_t step = 1u << (u->depth - depth);
	uint32_t from = table_index(u, hash) & ~(2 * step - 1);
	struct unique_table *zero = table_new(room, live - ones, depth);
	struct unique_table *one = table_new(room, ones, depth);
	if (zero == NULL || one == NULL) {
		if (zero != NULL)
			room_give(room, zero, table_bytes(zero->cap));
		if (one != NULL)
			room_give(room, one, table_bytes(one->cap));
		return false;
	}
	move_live(u, room, t, zero, one);
	set_table(u, from, depth, zero);
	set_table(u, from + step, depth, one);
	return true;
}

/* Without what is stale, with room for half as much again; too many are
 * split. The old tables stay when there is no memory. */
static bool rebuild(struct unique *u, struct room *room, uint64_t hash)
{
	uint32_t ones, index = table_index(u, hash);
	struct unique_table *t = table_of(u, index);
	uint32_t live = count_live(u, t, &ones);
	if (live > SPLIT_LIVE && t->depth < DEPTH_MAX)
		return split(u, room, hash, live, ones);
	struct unique_table *next = table_new(room, live, t->depth);
	if (next == NULL)
		return false;
	set_table(u, index, t->depth, next);
	move_live(u, room, t, next, next);
	return true;
}

/* A table with a free place more than it needs, for the hash. */
static struct unique_table *table_with_room(struct unique *u,
					    struct room *room, uint64_t hash)
{
	if (u->filled / 2 > unique_count(u) + TABLE_PLACES_MIN)
		unique_tidy(u, room);
	if (u->depth == 0 && u->table == NULL)
		u->table = table_new(room, 0, 0);
	struct unique_table *t = table_of(u, table_index(u, hash));
	/* Full from four fifths on: small tables may fill up, all but one. */
	if (t == NULL || t->filled < t->cap / 5 * 4)
		return t;
	(void)rebuild(u, room, hash);
	t = table_of(u, table_index(u, hash));
	return t->filled + 1 < t->cap ? t : NULL;
}

static struct place insert(struct unique *u, struct unique_table *t,
			   uint64_t hash)
{
	struct place p = find(t, hash);
	if (*p.hash == 0) {
		*p.hash = hash;
		t->filled++;
		u->filled++;
	}
	*p.bucket = NEVER_BOOKED;
	return p;
}

/* Its place, when it is there and counts. */
static bool find_counting(const struct unique *u, uint64_t hash,
			  struct place *out)
{
	struct unique_table *t = table_of(u, table_index(u, hash));
	if (t == NULL)
		return false;
	*out = find(t, hash);
	return *out->hash != 0 && counts(u, *out);
}

/* --- pins and bookings --- */

enum unique_pin unique_pin(struct unique *u, struct room *room, uint64_t hash,
			   uint64_t limit)
{
	struct place p;
	hash = usable(hash);
	if (find_counting(u, hash, &p)) {
		if (*p.pins == PINS_MAX)
			return UNIQUE_NO_ROOM;
		if (*p.pins == 0) {
			window_take(&u->window, *p.bucket);
			u->pinned++;
		}
		++*p.pins;
		return UNIQUE_PINNED;
	}
	if (unique_count(u) >= limit)
		return UNIQUE_OVER;
	struct unique_table *t = table_with_room(u, room, hash);
	if (t == NULL || u->pinned == UINT32_MAX)
		return UNIQUE_NO_ROOM;
	p = insert(u, t, hash);
	invariant(*p.pins == 0);
	*p.pins = 1;
	u->pinned++;
	return UNIQUE_PINNED;
}

/* One pin less; with the last one it counts in its bucket, or is stale. */
static void drop_pin(struct unique *u, struct room *room, struct place p)
{
	invariant(*p.pins > 0 && u->pinned > 0);
	if (--*p.pins > 0)
		return;
	u->pinned--;
	if (window_live(&u->window, *p.bucket))
		window_put(&u->window, room, *p.bucket, 1);
}

static struct place find_pinned(const struct unique *u, uint64_t hash)
{
	struct place p;
	bool there = find_counting(u, usable(hash), &p);
	invariant(there && *p.pins > 0);
	return p;
}

void unique_unpin(struct unique *u, struct room *room, uint64_t hash)
{
	drop_pin(u, room, find_pinned(u, hash));
}

static void note_fresh(struct unique *u)
{
	uint32_t now = u->window.now;
	if (u->fresh_bucket != now) {
		u->fresh[1] = now - u->fresh_bucket == 1 ? u->fresh[0] : 0;
		u->fresh[0] = 0;
		u->fresh_bucket = now;
	}
	u->fresh[0]++;
}

/* The bucket of a booking at at_ms: never later than now. */
static uint32_t number_at(const struct unique *u, int64_t at_ms)
{
	uint32_t number = window_number(&u->window, at_ms);
	return number < u->window.now ? number : u->window.now;
}

void unique_book(struct unique *u, struct room *room, uint64_t hash,
		 int64_t at_ms)
{
	struct place p = find_pinned(u, hash);
	uint32_t number = number_at(u, at_ms);
	if (!window_live(&u->window, *p.bucket))
		note_fresh(u);
	if (number > *p.bucket)
		*p.bucket = number;
	drop_pin(u, room, p);
}

bool unique_restore(struct unique *u, struct room *room, uint64_t hash,
		    int64_t at_ms)
{
	struct place p;
	uint32_t number = number_at(u, at_ms);
	if (!window_live(&u->window, number))
		return true;
	hash = usable(hash);
	if (find_counting(u, hash, &p)) {
		if (*p.bucket >= number)
			return true;
		if (*p.pins == 0)
			window_take(&u->window, *p.bucket);
	} else {
		struct unique_table *t = table_with_room(u, room, hash);
		if (t == NULL)
			return false;
		p = insert(u, t, hash);
	}
	*p.bucket = number;
	if (*p.pins == 0)
		window_put(&u->window, room, number, 1);
	return true;
}

/* A small table is asked for whole; of a large one the place, which needs its
 * head. */
void unique_prefetch(const struct unique *u, uint64_t hash)
{
	enum { SMALL_BYTES = 256, LINE = 64 };
	const char *head = (const void *)table_of(u, table_index(u, hash));
	if (head == NULL)
		return;
	for (size_t i = 0; i < SMALL_BYTES; i += LINE)
		__builtin_prefetch(head + i, 1);
	if (u->depth == 0 && u->filled < SMALL_BYTES / PLACE_BYTES)
		return;
	struct unique_table *t = table_of(u, table_index(u, hash));
	uint64_t bits = (usable(hash) << t->depth) >> 32;
	struct place p = place_at(t, (uint32_t)(bits * t->cap >> 32));
	__builtin_prefetch(p.hash, 1);
	__builtin_prefetch(p.bucket, 1);
	__builtin_prefetch(p.pins, 1);
}

uint64_t unique_recent(const struct unique *u, int64_t now_ms)
{
	uint32_t age = u->window.now - u->fresh_bucket;
	uint64_t day_ms = 600000, into = (uint64_t)now_ms % day_ms;
	uint64_t left = day_ms - (into < day_ms ? into : day_ms);
	if (age > 1)
		return 0;
	if (age == 1)
		return u->fresh[0] * left / day_ms;
	return u->fresh[0] + u->fresh[1] * left / day_ms;
}

bool unique_is_empty(const struct unique *u)
{
	return unique_count(u) == 0 &&
	       (u->filled == 0 || u->depth <= DEPTH_SMALL);
}

void unique_tidy(struct unique *u, struct room *room)
{
	if (unique_is_empty(u)) {
		free_tables(u, room);
		return;
	}
	if (u->hand >= tables_count(u))
		u->hand = 0;
	struct unique_table *t = table_of(u, u->hand);
	uint32_t ones, live = count_live(u, t, &ones);
	uint32_t width = u->depth == 0 ? 1 : 1u << (u->depth - t->depth);
	if (t->filled - live > t->filled / 4) {
		/* Any hash of the table names it. */
		uint64_t hash = u->depth == 0 ? 0 :
			(uint64_t)u->hand << (64 - u->depth);
		(void)rebuild(u, room, hash);
	}
	u->hand += width;
}

uint64_t unique_bytes(const struct unique *u)
{
	uint64_t bytes = u->depth == 0 ? 0 : sizeof(*u->tables) << u->depth;
	for (uint32_t i = 0; i < tables_count(u);) {
		const struct unique_table *t = table_of(u, i);
		bytes += table_bytes(t->cap) + 16;
		i += u->depth == 0 ? 1 : 1u << (u->depth - t->depth);
	}
	return bytes;
}
