/* See tries.h. A table of small sets: a name has its place in one of them, by
 * a keyed hash, so that nobody can choose whom to push out. */
#include "admin/tries.h"

#include <stdlib.h>

#include "crypto/keyed.h"
#include "os/random.h"

enum { SETS = 512, WAYS = 8, HASH_LEN = 16, SECOND_MS = 1000 };

struct try_of {
	uint8_t hash[HASH_LEN];
	uint32_t count;			/* 0: free */
	int64_t at;			/* of the last one */
};

struct tries {
	uint8_t key[KEYED_LEN];
	struct try_of sets[SETS][WAYS];
	int64_t turns_at;		/* when the turns were counted */
	int64_t turns_ms;		/* of them that are left, in time */
};

struct tries *tries_new(void)
{
	struct tries *t = calloc(1, sizeof(*t));
	if (t != NULL)
		os_random(t->key, sizeof(t->key));
	return t;
}

void tries_free(struct tries **t)
{
	free(*t);
	*t = NULL;
}

/* False: no memory; then nothing is known of the name. */
static bool place_of(const struct tries *t, enum tries_kind kind, slice name,
		     uint8_t hash[KEYED_LEN], size_t *set)
{
	if (!keyed_hash(t->key, kind == TRIES_PERSON ? SLICE("person") :
						       SLICE("client"),
			name, hash))
		return false;
	*set = ((size_t)hash[30] << 8 | hash[31]) % SETS;
	return true;
}

static const struct try_of *find(const struct tries *t, enum tries_kind kind,
				 slice name, int64_t now)
{
	uint8_t hash[KEYED_LEN];
	size_t set;
	if (!place_of(t, kind, name, hash, &set))
		return NULL;
	for (size_t i = 0; i < WAYS; i++) {
		const struct try_of *e = &t->sets[set][i];
		if (e->count > 0 && now - e->at < TRIES_QUIET_MS &&
		    memcmp(e->hash, hash, HASH_LEN) == 0)
			return e;
	}
	return NULL;
}

static int64_t wait_after(enum tries_kind kind, uint32_t count)
{
	int64_t most = kind == TRIES_PERSON ? TRIES_PERSON_MS : TRIES_CLIENT_MS;
	int64_t wait = SECOND_MS;
	if (count < TRIES_FREE)
		return 0;
	for (uint32_t i = TRIES_FREE; i < count && wait < most; i++)
		wait *= 2;
	return wait < most ? wait : most;
}

int64_t tries_wait_ms(const struct tries *t, enum tries_kind kind, slice name,
		      int64_t now)
{
	const struct try_of *e = find(t, kind, name, now);
	if (e == NULL)
		return 0;
	int64_t left = e->at + wait_after(kind, e->count) - now;
	return left > 0 ? left : 0;
}

int64_t tries_take_turn(struct tries *t, int64_t now)
{
	enum { TURN_MS = SECOND_MS / TRIES_A_SECOND,
	       FULL_MS = TRIES_BURST * TURN_MS };
	int64_t passed = t->turns_at == 0 ? FULL_MS : now - t->turns_at;
	t->turns_at = now;
	t->turns_ms += passed;
	if (t->turns_ms > FULL_MS)
		t->turns_ms = FULL_MS;
	if (t->turns_ms < TURN_MS)
		return TURN_MS - t->turns_ms;
	t->turns_ms -= TURN_MS;
	return 0;
}

/* His place, or the one that is free or was quiet longest. */
static struct try_of *take_place(struct try_of set[WAYS],
				 const uint8_t hash[KEYED_LEN], int64_t now)
{
	struct try_of *best = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		struct try_of *e = &set[i];
		if (e->count > 0 && memcmp(e->hash, hash, HASH_LEN) == 0) {
			if (now - e->at >= TRIES_QUIET_MS)
				e->count = 0;
			return e;
		}
		if (best->count > 0 && (e->count == 0 || e->at < best->at))
			best = e;
	}
	*best = (struct try_of){ 0 };
	memcpy(best->hash, hash, HASH_LEN);
	return best;
}

uint32_t tries_failed(struct tries *t, enum tries_kind kind, slice name,
		      int64_t now)
{
	uint8_t hash[KEYED_LEN];
	size_t set;
	if (!place_of(t, kind, name, hash, &set))
		return 1;
	struct try_of *e = take_place(t->sets[set], hash, now);
	if (e->count < UINT32_MAX)
		e->count++;
	e->at = now;
	return e->count;
}

void tries_succeeded(struct tries *t, enum tries_kind kind, slice name)
{
	uint8_t hash[KEYED_LEN];
	size_t set;
	if (!place_of(t, kind, name, hash, &set))
		return;
	for (size_t i = 0; i < WAYS; i++)
		if (memcmp(t->sets[set][i].hash, hash, HASH_LEN) == 0)
			t->sets[set][i].count = 0;
}
