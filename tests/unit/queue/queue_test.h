/* Entries for the tests of src/queue: a router that sends each domain to the
 * destination of that name. */
#pragma once

#include "queue/entry.h"
#include "queue/ready.h"
#include "queue/schedule.h"
#include "unit/unit.h"

struct test_router {
	struct router router;
	struct destinations all;
};

static inline struct destination *test_route(const struct router *r,
					     slice domain)
{
	struct test_router *t = CONTAINER_OF(
		(struct router *)(uintptr_t)r, struct test_router, router);
	if (slice_eq(domain, SLICE("no-route.example")))
		return NULL;
	return destinations_named(&t->all, domain, 10);
}

static inline void test_router_init(struct test_router *t)
{
	t->router.route = test_route;
	assert_true(destinations_init(&t->all));
}

/* One entry to recipients "local@domain", NULL-terminated. */
static inline struct queue_entry *test_entry(struct test_router *t,
					     uint32_t customer, uint64_t n,
					     const char *const *to)
{
	struct recipient recipients[16];
	struct envelope e = { .id = { 1000 + n, n + 1 }, .customer = customer,
			      .recipients = recipients, .body_bytes = 5 };
	e.sender = (struct address){ SLICE("a"), SLICE("example.com"), false };
	for (; to[e.recipient_count] != NULL; e.recipient_count++) {
		slice domain = slice_of(to[e.recipient_count]);
		slice local = slice_cut(&domain, '@');
		recipients[e.recipient_count] = (struct recipient){
			.address = { local, domain, false },
		};
	}
	return entry_new(NULL, &t->router, &e);
}

/* Hooks that nothing comes of. */
static inline void nobody_wakes(void *clock, int64_t wall_ms)
{
	(void)clock, (void)wall_ms;
}

static inline void nobody_sends(void *ctx, struct destination *d)
{
	(void)ctx, (void)d;
}
