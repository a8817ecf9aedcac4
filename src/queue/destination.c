/* The list of all destinations; see destination.h. The key of a name must be
 * the same in every run: FNV-1a, no secret. */
#include "queue/destination.h"

#include <stdlib.h>

static uint64_t name_key(slice name)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (uint8_t)name.p[i]) * 0x100000001b3u;
	return h;
}

bool destinations_init(struct destinations *all)
{
	atomic_init(&all->count, 0);
	return destinations_named(all, SLICE("unrouted"), 1) != NULL;
}

void destinations_fini(struct destinations *all)
{
	uint32_t n = atomic_exchange(&all->count, 0);
	for (uint32_t i = 0; i < n; i++)
		free(atomic_load(&all->all[i]));
}

struct destination *destinations_by_key(const struct destinations *all,
					uint64_t key)
{
	uint32_t n = atomic_load(&all->count);
	for (uint32_t i = 0; i < n; i++) {
		struct destination *d = destinations_at(all, i);
		if (d->key == key)
			return d;
	}
	return NULL;
}

struct destination *destinations_named(struct destinations *all, slice name,
				       uint32_t concurrency_max)
{
	struct destination *d = destinations_by_key(all, name_key(name));
	if (d != NULL)
		return d;
	uint32_t n = atomic_load(&all->count);
	if (n == DESTINATIONS_MAX)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d == NULL || !slice_to_cstr(name, d->name, sizeof(d->name))) {
		free(d);
		return NULL;
	}
	d->index = n;
	d->key = name_key(name);
	d->concurrency_max = concurrency_max;
	atomic_store(&all->all[n], d);
	atomic_store(&all->count, n + 1);
	return d;
}
