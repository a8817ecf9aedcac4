/* Names without libunbound: a scripted zone behind src/net/resolver.h. */
#include <stdlib.h>

#include "base/list.h"
#include "os/clock.h"
#include "sim/heap.h"
#include "sim/sim.h"
#include "sim/zone.h"

enum { QUICK_MS = 40, SLOW_MS = 8000 };

struct resolver {
	bool started;
};

struct question {
	struct sim_event event;
	struct list node;
	struct resolver_query *query;	/* the program's */
};

static struct {
	const struct zone_name *names;
	unsigned count;
	struct list *questions;
	struct list head;
} zone;

static struct list *questions(void)
{
	if (zone.questions == NULL) {
		list_init(&zone.head);
		zone.questions = &zone.head;
	}
	return zone.questions;
}

void zone_set(const struct zone_name *names, unsigned count)
{
	zone.names = names;
	zone.count = count;
}

static void free_question(struct question *qu)
{
	sim_cancel(&qu->event);
	list_remove(&qu->node);
	free(qu);
}

void zone_process_died(void)
{
	list_each(questions(), node, after)
		free_question(CONTAINER_OF(node, struct question, node));
}

bool resolver_open(const struct resolver_config *config,
		   struct resolver **out, struct err *err)
{
	(void)config;
	*out = heap_calloc(1, sizeof(**out));
	return *out != NULL || err_set_memory(err, "resolver");
}

bool resolver_start(struct resolver *r, struct err *err)
{
	(void)err;
	r->started = true;
	return true;
}

void resolver_close(struct resolver **r)
{
	zone_process_died();
	heap_free(*r);
	*r = NULL;
}

static const struct zone_name *find(const char *name)
{
	for (unsigned i = 0; i < zone.count; i++)
		if (strcmp(zone.names[i].name, name) == 0)
			return &zone.names[i];
	return NULL;
}

static void answer(struct resolver_query *q)
{
	const struct zone_name *n = find(q->name);
	struct ip_addr literal;
	q->ok = false;
	q->count = 0;
	if (ip_addr_parse(slice_of(q->name), &literal)) {
		q->addresses[q->count++] = literal;
		q->ok = true;
	} else if (n == NULL || n->answer == ZONE_NO_NAME) {
		err_set(&q->err, ERR_PERMANENT, SCOPE_DESTINATION, "resolver",
			"no such name");
	} else if (n->answer == ZONE_FAILS) {
		err_set(&q->err, ERR_TEMPORARY, SCOPE_DESTINATION, "resolver",
			"no answer");
	} else {
		q->count = n->count;
		memcpy(q->addresses, n->addresses, sizeof(q->addresses));
		q->ok = true;
	}
}

static void done(struct os_post *post)
{
	struct os_job *job = CONTAINER_OF(post, struct os_job, done);
	struct resolver_query *q =
		CONTAINER_OF(job, struct resolver_query, job);
	q->done(q);
}

static void tell(struct sim_event *e)
{
	struct question *qu = CONTAINER_OF(e, struct question, event);
	struct resolver_query *q = qu->query;
	free_question(qu);
	answer(q);
	os_thread_post(q->job.home, &q->job.done);
}

void resolver_addresses(struct resolver *r, struct resolver_query *q,
			slice name, void (*callback)(struct resolver_query *))
{
	struct question *qu = calloc(1, sizeof(*qu));
	invariant(qu != NULL && r->started);
	invariant(slice_to_cstr(name, q->name, sizeof(q->name)));
	q->resolver = r;
	q->done = callback;
	q->job.home = os_thread_self();
	os_post_init(&q->job.done, done);
	qu->query = q;
	list_init(&qu->node);
	list_append(questions(), &qu->node);
	sim_event_init(&qu->event, tell);
	const struct zone_name *n = find(q->name);
	int64_t ms = n != NULL && n->answer == ZONE_SLOW ? SLOW_MS : QUICK_MS;
	sim_after(&qu->event, (int64_t)sim_below(&sim->order,
						 (uint64_t)ms * MS));
}
