/* Changes on their way into the shards; see live.h. */
#include "app/live.h"

#include <stdlib.h>

enum { LIVE_ARENA_MAX = 16777216 };

/* Limits are pointed to by sessions of any age, so they stay to the end; few,
 * since what was there before is used again. */
struct kept_limits {
	struct list node;
	struct limits limits;
};

/* What changes of TLS alone have in common; counted, on the control thread. */
struct listening {
	uint32_t refs;
	struct arena arena;
	const struct limits *limits;
	/* by shard, one after the other */
	struct receive_listening *rows;
	size_t first[RELAY_SHARDS_MAX + 1];
};

struct live_change {
	struct tls_context *tls, *tls_legacy;
	struct listening *listening;
};

struct live {
	struct relay_core *core;
	live_done *done;
	void *ctx;
	struct legacy_clients *legacy_clients;
	struct list limits;
	struct listening *last;		/* of the last live_set */
	struct live_change *now, *next;	/* on its way, waiting */
	uint32_t waits;
	struct live_job {
		struct relay_job job;
		struct live *live;
		bool failed;
		struct err err;
	} jobs[RELAY_SHARDS_MAX];
};

/* --- making one ----------------------------------------------------------- */

static const struct limits *keep_limits(struct live *l,
					const struct limits *limits)
{
	list_each(&l->limits, node, after) {
		struct kept_limits *k =
			CONTAINER_OF(node, struct kept_limits, node);
		if (memcmp(&k->limits, limits, sizeof(*limits)) == 0)
			return &k->limits;
	}
	struct kept_limits *k = calloc(1, sizeof(*k));
	if (k == NULL)
		return NULL;
	k->limits = *limits;
	list_init(&k->node);
	list_append(&l->limits, &k->node);
	return &k->limits;
}

static void listening_unref(struct listening **lp)
{
	struct listening *l = *lp;
	*lp = NULL;
	if (l == NULL || --l->refs > 0)
		return;
	arena_fini(&l->arena);
	free(l);
}

void live_drop(struct live_change **cp)
{
	struct live_change *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	tls_context_unref(&c->tls);
	tls_context_unref(&c->tls_legacy);
	listening_unref(&c->listening);
	free(c);
}

static bool copy_ranges(struct arena *arena, struct receive_ranges *r)
{
	slice kept, given = { (const char *)r->p, r->n * sizeof(*r->p) };
	if (r->n == 0)
		return true;
	if (!arena_copy(arena, given, &kept))
		return false;
	r->p = (const struct ip_range *)(const void *)kept.p;
	return true;
}

static bool copy_row(struct listening *l, const struct receive_listening *from,
		     struct receive_listening *to)
{
	*to = *from;
	return arena_copy(&l->arena, from->name, &to->name) &&
	       copy_ranges(&l->arena, &to->rules.proxies) &&
	       copy_ranges(&l->arena, &to->rules.xclients);
}

static bool copy_rows(struct listening *l, const struct live_config *config,
		      uint32_t shards)
{
	size_t n = 0;
	l->rows = arena_alloc(&l->arena, (config->listener_count + 1) *
						 sizeof(*l->rows));
	for (uint32_t shard = 0; l->rows != NULL && shard < shards; shard++) {
		l->first[shard] = n;
		for (size_t i = 0; i < config->listener_count; i++)
			if (config->listeners[i].shard == shard &&
			    !copy_row(l, &config->listeners[i].of,
				      &l->rows[n++]))
				return false;
		if (n - l->first[shard] > RECEIVE_LISTENERS_MAX)
			return false;
	}
	l->first[shards] = n;
	return l->rows != NULL;
}

static struct listening *listening_new(struct live *live,
				       const struct live_config *config)
{
	struct listening *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->refs = 1;
	arena_init(&l->arena, LIVE_ARENA_MAX);
	l->limits = keep_limits(live, config->limits);
	if (l->limits == NULL ||
	    !copy_rows(l, config, relay_core_shards(live->core)))
		listening_unref(&l);
	return l;
}

/* Holds what it is given. */
static struct live_change *change_new(struct tls_context *tls,
				 struct tls_context *tls_legacy,
				 struct listening *listening)
{
	struct live_change *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->tls = tls ? tls_context_ref(tls) : NULL;
	c->tls_legacy = tls_legacy ? tls_context_ref(tls_legacy) : NULL;
	c->listening = listening;
	listening->refs++;
	return c;
}

/* --- on a shard ----------------------------------------------------------- */

static void take(struct relay_job *job, struct shard *s)
{
	struct live_job *j = CONTAINER_OF(job, struct live_job, job);
	const struct live_change *c = j->live->now;
	const struct listening *l = c->listening;
	size_t first = l->first[s->config.number];
	receive_set_limits(s->receive, l->limits);
	deliver_set_limits(s->deliver, l->limits);
	receive_set_legacy_clients(s->receive, j->live->legacy_clients);
	receive_set_tls(s->receive, c->tls, c->tls_legacy);
	j->failed = !receive_set_listeners(
		s->receive, l->rows + first,
		l->first[s->config.number + 1] - first, &j->err);
}

static void begin(struct live *l);

static void taken(struct relay_job *job)
{
	struct live *l = CONTAINER_OF(job, struct live_job, job)->live;
	const struct err *err = NULL;
	invariant(l->waits > 0 && l->now != NULL);
	if (--l->waits > 0)
		return;
	for (uint32_t i = 0; i < relay_core_shards(l->core); i++)
		if (l->jobs[i].failed)
			err = &l->jobs[i].err;
	live_drop(&l->now);
	l->done(l->ctx, err);
	if (l->next != NULL && l->now == NULL)
		begin(l);
}

static void begin(struct live *l)
{
	uint32_t shards = relay_core_shards(l->core);
	l->now = l->next;
	l->next = NULL;
	l->waits = shards;
	relay_core_set_limits(l->core, l->now->listening->limits);
	for (uint32_t i = 0; i < shards; i++) {
		struct live_job *j = &l->jobs[i];
		*j = (struct live_job){ .live = l, .job = { .work = take,
							    .done = taken } };
		relay_core_run(l->core, i, &j->job);
	}
}

static void submit(struct live *l, struct live_change *c)
{
	live_drop(&l->next);
	l->next = c;
	if (l->now == NULL)
		begin(l);
}

bool live_make(struct live *l, const struct live_config *config,
	       struct live_change **out, struct err *err)
{
	struct listening *listening = listening_new(l, config);
	*out = listening == NULL ? NULL :
	       change_new(config->tls, config->tls_legacy, listening);
	listening_unref(&listening);	/* the change holds it */
	return *out != NULL || err_set_memory(err, "live");
}

void live_take(struct live *l, struct live_change **change)
{
	struct live_change *c = *change;
	*change = NULL;
	listening_unref(&l->last);
	l->last = c->listening;
	l->last->refs++;
	submit(l, c);
}

bool live_set_tls(struct live *l, struct tls_context *tls,
		  struct tls_context *tls_legacy, struct err *err)
{
	invariant(l->last != NULL);
	struct live_change *c = change_new(tls, tls_legacy, l->last);
	if (c == NULL)
		return err_set_memory(err, "live");
	submit(l, c);
	return true;
}

/* --- life ----------------------------------------------------------------- */

bool live_new(struct relay_core *core, live_done *done, void *ctx,
	      struct live **out, struct err *err)
{
	struct live *l = calloc(1, sizeof(*l));
	*out = NULL;
	if (l == NULL)
		return err_set_memory(err, "live");
	l->core = core;
	l->done = done;
	l->ctx = ctx;
	list_init(&l->limits);
	if (!legacy_clients_new(&l->legacy_clients, err)) {
		free(l);
		return false;
	}
	*out = l;
	return true;
}

void live_free(struct live **lp)
{
	struct live *l = *lp;
	*lp = NULL;
	if (l == NULL)
		return;
	live_drop(&l->now);
	live_drop(&l->next);
	listening_unref(&l->last);
	list_each(&l->limits, node, after)
		free(CONTAINER_OF(node, struct kept_limits, node));
	legacy_clients_free(&l->legacy_clients);
	free(l);
}

bool live_busy(const struct live *l)
{
	return l->now != NULL || l->next != NULL;
}

struct legacy_clients *live_legacy_clients(struct live *l)
{
	return l->legacy_clients;
}
