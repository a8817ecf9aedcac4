/*
 * Names to addresses; see resolver.h. Each worker is a loop with a libunbound
 * context of its own (which has a thread of its own for the queries): it
 * takes questions as posts, asks for AAAA and A at once, and posts the
 * answer home. Nothing waits for anything else, so a name whose servers are
 * silent costs the others nothing; a deadline ends what takes too long.
 *
 * A name always goes to the same worker: caches don't overlap. How a context
 * is set up: resolver_ub.c. RFC 1034, 1035, 3596.
 */
#include "net/resolver.h"

#include <stdlib.h>

#include <unbound.h>

#include "base/timerwheel.h"
#include "net/net_private.h"
#include "net/resolver_private.h"

enum {
	DEADLINE_MS = 15000,
	WORKERS_MAX = 64,
	TYPE_A = RESOLVER_TYPE_A,
	TYPE_AAAA = 28,
	CLASS_IN = RESOLVER_CLASS_IN,
	RCODE_NOERROR = 0,
	RCODE_NXDOMAIN = 3,
};

enum outcome {
	ASKED,
	FOUND,
	NO_DATA,
	NO_NAME,
	FAILED,		/* servers, network, bogus: later */
	TOO_LATE,
};

struct worker {
	struct loop *loop;
	struct os_thread *thread;
	struct ub_ctx *ub;
	struct os_watch watch;
	struct list lookups;
	bool started;
};

struct resolver {
	int64_t deadline_ms;
	unsigned count;
	struct worker workers[];
};

/* One type of one query. */
struct question {
	struct lookup *lookup;
	enum outcome outcome;
	int async_id;
	unsigned count;
	struct ip_addr found[RESOLVER_ADDRESSES_MAX];
};

/* A query under way, on its worker. */
struct lookup {
	struct list node;
	struct worker *worker;
	struct resolver_query *query;
	struct timer deadline;
	struct question v6, v4;
};

/* --- answers -------------------------------------------------------------- */

static void tell(struct os_post *post)
{
	struct resolver_query *q =
		CONTAINER_OF(post, struct resolver_query, job.done);
	q->done(q);
}

static void post_home(struct resolver_query *q)
{
	os_post_init(&q->job.done, tell);
	os_thread_post(q->job.home, &q->job.done);
}

static bool fail(struct resolver_query *q, enum err_kind kind,
		 const char *why)
{
	q->ok = false;
	q->count = 0;
	err_set(&q->err, kind, SCOPE_HOST, "resolver", "%s", why);
	return err_detail(&q->err, "%s: %s", q->name, why);
}

/* What two answers without an address mean together. */
static void explain(struct resolver_query *q, enum outcome a, enum outcome b)
{
	if (a == TOO_LATE || b == TOO_LATE)
		fail(q, ERR_TEMPORARY, "name servers did not answer in time");
	else if (a == FAILED || b == FAILED)
		fail(q, ERR_TEMPORARY, "name servers failed");
	else if (a == NO_NAME && b == NO_NAME)
		fail(q, ERR_PERMANENT, "no such host name");
	else
		fail(q, ERR_PERMANENT, "host name has no address");
}

/* IPv6 first, but never so many that no IPv4 address is left to try. */
static void merge(struct resolver_query *q, const struct lookup *k)
{
	unsigned v4 = k->v4.count, v6 = k->v6.count;
	if (v6 > RESOLVER_ADDRESSES_MAX / 2 &&
	    v6 + v4 > RESOLVER_ADDRESSES_MAX)
		v6 = v4 < RESOLVER_ADDRESSES_MAX / 2
			     ? RESOLVER_ADDRESSES_MAX - v4
			     : RESOLVER_ADDRESSES_MAX / 2;
	if (v4 > RESOLVER_ADDRESSES_MAX - v6)
		v4 = RESOLVER_ADDRESSES_MAX - v6;
	memcpy(q->addresses, k->v6.found, v6 * sizeof(q->addresses[0]));
	memcpy(q->addresses + v6, k->v4.found, v4 * sizeof(q->addresses[0]));
	q->count = v6 + v4;
}

static void finish(struct lookup *k)
{
	struct resolver_query *q = k->query;
	if (k->v4.count + k->v6.count > 0) {
		/* Of one type is enough: broken servers fail for AAAA. */
		merge(q, k);
		q->ok = true;
	} else {
		explain(q, k->v4.outcome, k->v6.outcome);
	}
	loop_timer_cancel(k->worker->loop, &k->deadline);
	list_remove(&k->node);
	free(k);
	post_home(q);
}

/* --- one question --------------------------------------------------------- */

static bool to_address(const char *data, int len, struct ip_addr *out)
{
	if (len == 16) {
		memcpy(out->bytes, data, 16);
		return true;
	}
	if (len != 4)
		return false;
	*out = (struct ip_addr){ .bytes = { [10] = 0xff, [11] = 0xff } };
	memcpy(out->bytes + 12, data, 4);
	return true;
}

static enum outcome read_result(struct question *k,
				const struct ub_result *r)
{
	if (r->bogus)
		return FAILED;
	if (r->nxdomain || r->rcode == RCODE_NXDOMAIN)
		return NO_NAME;
	if (r->rcode != RCODE_NOERROR)
		return FAILED;
	for (int i = 0; r->havedata && r->data[i] != NULL &&
			k->count < RESOLVER_ADDRESSES_MAX; i++)
		if (to_address(r->data[i], r->len[i], &k->found[k->count]))
			k->count++;
	return k->count > 0 ? FOUND : NO_DATA;
}

/* libunbound's callback, from ub_process. */
static void answered(void *ctx, int failed, struct ub_result *result)
{
	struct question *k = ctx;
	struct lookup *lookup = k->lookup;
	invariant(k->outcome == ASKED);
	k->outcome = FAILED;
	if (failed == 0 && result != NULL)
		k->outcome = read_result(k, result);
	ub_resolve_free(result);
	if (lookup->v4.outcome != ASKED && lookup->v6.outcome != ASKED)
		finish(lookup);
}

static void ask(struct lookup *lookup, struct question *k, int type)
{
	k->lookup = lookup;
	k->outcome = ASKED;
	/* No callback comes from inside this call. */
	if (ub_resolve_async(lookup->worker->ub, lookup->query->name, type,
			     CLASS_IN, k, answered, &k->async_id) != 0)
		k->outcome = FAILED;
}

static void give_up(struct worker *w, struct question *k)
{
	if (k->outcome != ASKED)
		return;
	/* Fails only for what was answered, and then answered() was called. */
	(void)ub_cancel(w->ub, k->async_id);
	k->outcome = TOO_LATE;
}

static void on_deadline(struct timer *timer)
{
	struct lookup *k = CONTAINER_OF(timer, struct lookup, deadline);
	give_up(k->worker, &k->v6);
	give_up(k->worker, &k->v4);
	finish(k);
}

/* --- the worker ----------------------------------------------------------- */

/* The same name, the same worker: FNV-1a of its lower-case form. */
static struct worker *worker_for(struct resolver *r, const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)ascii_lower(*name)) * 16777619u;
	return &r->workers[h % r->count];
}

/* A query has come. */
static void begin(struct os_post *post)
{
	struct resolver_query *q =
		CONTAINER_OF(post, struct resolver_query, job.done);
	struct lookup *k = calloc(1, sizeof(*k));
	if (k == NULL) {
		fail(q, ERR_TEMPORARY, "out of memory");
		post_home(q);
		return;
	}
	list_init(&k->node);
	k->worker = worker_for(q->resolver, q->name);
	k->query = q;
	list_append(&k->worker->lookups, &k->node);
	timer_init(&k->deadline, on_deadline);
	loop_timer_set(k->worker->loop, &k->deadline,
		       q->resolver->deadline_ms);
	ask(k, &k->v6, TYPE_AAAA);
	ask(k, &k->v4, TYPE_A);
	if (k->v6.outcome != ASKED && k->v4.outcome != ASKED)
		finish(k);
}

static void answers_wait(struct os_watch *watch, unsigned events)
{
	struct worker *w = CONTAINER_OF(watch, struct worker, watch);
	int failed = ub_process(w->ub);
	(void)events;
	/* Without memory for one answer: its deadline ends it. Else the
	 * library's thread is gone: deadlines end all, at least without a
	 * spin. */
	if (failed != 0 && failed != UB_NOMEM)
		os_watch_change(w->thread, &w->watch, 0);
}

/* --- opening -------------------------------------------------------------- */

static bool open_ub(struct worker *w, const struct resolver_config *config,
		    struct err *err)
{
	w->ub = resolver_new_ub(config, true, err);
	/* A missing hosts file, or a line in it that libunbound doesn't
	 * understand, must not keep mail from flowing. */
	if (w->ub == NULL)
		w->ub = resolver_new_ub(config, false, err);
	return w->ub != NULL;
}

static bool open_worker(struct worker *w, const struct resolver_config *config,
			struct err *err)
{
	list_init(&w->lookups);
	if (!loop_new(&w->loop, "resolver", err))
		return false;
	w->thread = loop_thread(w->loop);
	return open_ub(w, config, err) &&
	       os_watch_add(w->thread, &w->watch, ub_fd(w->ub), OS_READABLE,
			    answers_wait, err);
}

static bool start_ub(void *ctx, struct err *err)
{
	return resolver_start_ub(ctx, err);
}

bool resolver_start(struct resolver *r, struct err *err)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct worker *w = &r->workers[i];
		if (!os_masked(start_ub, w->ub, err))
			return false;
		w->started = os_thread_start(w->thread, err);
		if (!w->started)
			return false;
	}
	return true;
}

static void close_worker(struct worker *w)
{
	if (w->started)
		os_thread_stop(w->thread);
	os_thread_join(&w->thread);
	while (w->ub != NULL && !list_empty(&w->lookups)) {
		struct lookup *k =
			list_first(&w->lookups, struct lookup, node);
		list_remove(&k->node);
		give_up(w, &k->v6);
		give_up(w, &k->v4);
		free(k);
	}
	if (w->ub != NULL)
		ub_ctx_delete(w->ub);
	loop_free(&w->loop);
}

bool resolver_open(const struct resolver_config *config,
		   struct resolver **out, struct err *err)
{
	invariant(config->threads > 0 && config->threads <= WORKERS_MAX);
	struct resolver *r = calloc(1, sizeof(*r) + config->threads *
						    sizeof(r->workers[0]));
	*out = NULL;
	if (r == NULL)
		return err_set_memory(err, "resolver_open");
	r->deadline_ms = config->deadline_ms > 0 ? config->deadline_ms
						 : DEADLINE_MS;
	for (; r->count < config->threads; r->count++)
		if (!open_worker(&r->workers[r->count], config, err)) {
			r->count++;	/* half open */
			resolver_close(&r);
			return false;
		}
	*out = r;
	return true;
}

void resolver_close(struct resolver **rp)
{
	struct resolver *r = *rp;
	*rp = NULL;
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->count; i++)
		close_worker(&r->workers[i]);
	free(r);
}

/* --- asking --------------------------------------------------------------- */

/* "192.0.2.1", "2001:db8::1", in brackets, also "[IPv6:…]" (RFC 5321 4.1.3). */
static bool is_literal(slice name, struct ip_addr *out)
{
	if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']') {
		name = slice_sub(name, 1, name.n - 2);
		if (slice_starts_fold(name, SLICE("IPv6:")))
			name = slice_skip(name, 5);
	}
	return ip_addr_parse(name, out);
}

/* Letters, digits, hyphens and (seen in the wild) underscores, in labels of
 * 63 at most: nothing that libunbound could take for an escape. */
static bool is_host_name(slice name)
{
	size_t label = 0;
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c == '.' ? label == 0
			     : !ascii_alnum(c) && c != '-' && c != '_')
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && name.n <= 253;
}

void resolver_addresses(struct resolver *r, struct resolver_query *q,
			slice name, void (*done)(struct resolver_query *))
{
	q->resolver = r;
	q->done = done;
	q->ok = false;
	q->count = 0;
	q->err = (struct err){ 0 };
	q->name[0] = '\0';
	q->job.home = os_thread_self();
	invariant(q->job.home != NULL);
	if (is_literal(name, &q->addresses[0])) {
		q->count = 1;
		q->ok = true;
		post_home(q);
	} else if (!is_host_name(name) ||
		   !slice_to_cstr(name, q->name, sizeof(q->name))) {
		fail(q, ERR_PERMANENT, "not a host name");
		post_home(q);
	} else {
		os_post_init(&q->job.done, begin);
		os_thread_post(worker_for(r, q->name)->thread, &q->job.done);
	}
}
