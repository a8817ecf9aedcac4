/* The relay without its process; see relay_core.h. */
#include "app/relay_core_private.h"

#include "limits/booking.h"

#include <stdlib.h>

enum { SUMMARY_KEEP_MS = 24 * 3600000 + 600000,
       JOURNAL_QUEUE = 16777216, DISK_THREADS = 4,
       BUDGET_PLACES = 65536 };
enum { CHECKPOINT_MIN = 268435456 };

/* --- recovery ------------------------------------------------------------- */

static struct shard *home_of(struct relay_core *c, struct id id)
{
	return &c->shards[(id.random ^ id.time_ms) % c->shard_count];
}

static bool found_message(void *ctx, struct id id, slice envelope, slice state,
			  struct err *err)
{
	enum { SCRATCH_MAX = 67108864 };
	struct relay_core *c = ctx;
	struct arena scratch;
	struct envelope e;
	arena_init(&scratch, SCRATCH_MAX);
	bool ok = true;
	if (state.n == 0)
		ok = envelope_read(envelope, &scratch, &e, err);
	if (ok)
		ok = queue_recover(home_of(c, id)->queue, id,
				   state.n == 0 ? &e : NULL, state, err);
	arena_fini(&scratch);
	return ok;
}

static bool found_state(void *ctx, struct id id, slice state, struct err *err)
{
	struct relay_core *c = ctx;
	return queue_recover(home_of(c, id)->queue, id, NULL, state, err);
}

static bool found_done(void *ctx, struct id id, struct err *err)
{
	struct relay_core *c = ctx;
	(void)err;
	queue_recover_done(home_of(c, id)->queue, id);
	return true;
}

static bool found_booking(void *ctx, int64_t booked_ms, slice booking,
			  struct err *err)
{
	struct relay_core *c = ctx;
	const struct log *log = c->config.log;
	uint8_t number;
	if (booking_operator_mark_read(booking, &number)) {
		if (c->config.operator_mark != NULL)
			c->config.operator_mark(c->config.operator_ctx, number,
						booked_ms);
		return true;
	}
	return relay_ledger_restore(&c->ledger, booking, booked_ms,
				    log->wall_ms(log->ctx), err);
}

/* What the journal had not synced when the process ended is told again. */
static bool found_journal(void *ctx, uint64_t position, struct id id,
			  slice line, struct err *err)
{
	struct relay_core *c = ctx;
	(void)id;
	(void)err;
	if (line.n > 0)
		journal_again(c->journal, line, position);
	return true;
}

/* --- open ----------------------------------------------------------------- */

static bool open_shards(struct relay_core *c, struct err *err)
{
	const struct relay_core_config *g = &c->config;
	struct shard_config config = {
		.journal = c->journal,
		.log = g->log,
		.budget = &c->budget,
		.limits = g->limits,
		.resolver = g->resolver,
		.disk = c->disk,
		.hostname = g->hostname,
		.help_url = g->help_url,
		.pepper = g->pepper,
		.booking_key = g->booking_key,
		.body_log_max_bytes = g->limits->body_log_max,
		.budgets = c->budgets,
		.log_sources = c->log_sources,
		.ledger = c->ledger.ledger,
		.held = c->held,
		.refused = g->refused,
		.refused_count = g->refused_count,
		.destinations = &c->destinations,
		.routes = c->routes,
		.retry = g->retry,
		.view = g->view,
		.tls_server = g->tls_server,
		.tls_client = g->tls_client,
	};
	for (uint32_t i = 0; i < g->shards; i++) {
		struct shard *s = &c->shards[i];
		config.number = i;
		if (g->counters != NULL)
			config.counters =
				&g->counters->slot[COUNTERS_SHARD + i];
		if (g->notes != NULL)
			config.note = &g->notes->shard[i];
		c->shard_count++;
		if (!shard_open(s, &config, err))
			return false;
		s->owner = c;
	}
	return true;
}

static bool open_journal(struct relay_core *c, struct err *err)
{
	struct journal_config config = {
		.dir = c->config.journal_dir,
		.log = c->config.log,
		.keep_ms = c->config.journal_keep_ms,
		.max_bytes = c->config.journal_bytes,
		.queue_max_bytes = JOURNAL_QUEUE,
	};
	return journal_open(&config, &c->journal, err);
}

static bool open_spool(struct relay_core *c, struct err *err)
{
	struct spool_config config = {
		.dir = c->config.spool_dir,
		.log = c->config.log,
		.disk = c->disk,
		.budget = &c->budget,
		.segment_bytes = c->config.segment_bytes,
		.keep_free_bytes = c->config.keep_free_bytes,
		.body_log_max_bytes = c->config.limits->body_log_max,
		.summary_keep_ms = SUMMARY_KEEP_MS,
		.checkpoint_min_bytes = c->config.checkpoint_min_bytes
						? c->config.checkpoint_min_bytes
						: CHECKPOINT_MIN,
	};
	struct spool_visitor visitor = {
		.ctx = c,
		.message = found_message,
		.state = found_state,
		.done = found_done,
		.booking = found_booking,
		.journal = found_journal,
	};
	return spool_open(&config, &visitor, &c->spool, err);
}

static void spool_is_stopped(struct os_post *post);

static bool open_maildirs(const struct relay_core_config *g, struct err *err)
{
	for (size_t i = 0; i < g->route_count; i++)
		if (g->routes[i].kind == DELIVER_MAILDIR &&
		    !maildir_prepare(g->routes[i].maildir, err))
			return false;
	return true;
}

static bool open_all(struct relay_core *c, struct err *err)
{
	const struct relay_core_config *g = &c->config;
	if (c->budgets == NULL || !destinations_init(&c->destinations))
		return err_set_memory(err, "relay_core");
	if (!log_sources_new(&c->log_sources, err) ||
	    !os_pool_open(&c->disk, "disk", DISK_THREADS, err) ||
	    !relay_ledger_open(&c->ledger, g->limits->ledger_memory, err) ||
	    (c->held = held_new(g->shards, err)) == NULL ||
	    !open_journal(c, err) ||
	    !routes_new(&c->destinations, g->routes, g->route_count,
			(uint32_t)g->limits->destination_concurrency,
			&c->routes, err) ||
	    !open_maildirs(g, err) || !open_shards(c, err) || !open_spool(c, err))
		return false;
	for (uint32_t i = 0; i < c->shard_count; i++)
		if (!shard_open_rest(&c->shards[i], c->spool, err))
			return false;
	return true;
}

bool relay_core_open(const struct relay_core_config *config,
		     struct relay_core **out, struct err *err)
{
	invariant(config->shards > 0 && config->shards <= RELAY_SHARDS_MAX);
	struct relay_core *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set_memory(err, "relay_core");
	c->config = *config;
	c->budget.max_bytes = config->limits->bodies_memory;
	c->view = view_ref(config->view);
	c->budgets = budgets_new(BUDGET_PLACES);
	list_init(&c->old_routes);
	os_post_init(&c->spool_stopped, spool_is_stopped);
	bool ok = open_all(c, err);
	if (!ok)
		relay_core_close(&c);
	*out = c;
	return ok;
}

bool relay_core_listen_by(struct relay_core *c, uint32_t shard, int fd,
			  enum receive_tls tls, slice name,
			  const struct receive_rules *rules, struct err *err)
{
	invariant(!c->started && shard < c->shard_count);
	return receive_listen(c->shards[shard].receive, fd, tls, name, rules,
			      err);
}

bool relay_core_listen(struct relay_core *c, uint32_t shard, int fd,
		       enum receive_tls tls, slice name, struct err *err)
{
	return relay_core_listen_by(c, shard, fd, tls, name, NULL, err);
}

/* --- jobs on shards ------------------------------------------------------- */

static void job_there(struct os_post *post)
{
	struct relay_job *job = CONTAINER_OF(post, struct relay_job, there);
	/* When it ends later it may have ended, and be gone, by then. */
	bool later = job->later;
	job->work(job, job->shard);
	if (!later)
		os_thread_post(job->home, &job->back);
}

static void job_back(struct os_post *post)
{
	struct relay_job *job = CONTAINER_OF(post, struct relay_job, back);
	if (job->done != NULL)
		job->done(job);
}

void relay_core_run(struct relay_core *c, uint32_t shard,
		    struct relay_job *job)
{
	invariant(shard < c->shard_count && job->work != NULL);
	job->home = c->config.home;
	job->shard = &c->shards[shard];
	os_post_init(&job->there, job_there);
	os_post_init(&job->back, job_back);
	os_thread_post(loop_thread(job->shard->loop), &job->there);
}

void relay_job_over(struct relay_job *job)
{
	invariant(job->later);
	os_thread_post(job->home, &job->back);
}

/* Messages on which relay crashed are held before anything is tried. */
static void hold_poison(struct relay_core *c, struct shard *s)
{
	for (size_t i = 0; i < c->config.poison_count; i++) {
		struct queue_entry *e =
			queue_find(s->queue, c->config.poison[i]);
		if (e != NULL && queue_hold(e, HELD_CRASH) > 0)
			counter_add(s->config.counters,
				    COUNTER_poison_held_total, 1);
	}
}

static void begin_shard(struct relay_job *job, struct shard *s)
{
	(void)job;
	shard_begin(s);
	hold_poison(s->owner, s);
}

static void ask_checkpoint(void *ctx, struct spool_checkpoint *ck)
{
	struct relay_core *c = ctx;
	spool_checkpoint_parts(ck, c->shard_count);
	for (uint32_t i = 0; i < c->shard_count; i++)
		shard_checkpoint(&c->shards[i], ck);
}

bool relay_core_start(struct relay_core *c, struct err *err)
{
	/* Before the spool runs, which may ask for a checkpoint at once: that
	 * finds the queue begun. */
	for (uint32_t i = 0; i < c->shard_count; i++) {
		struct relay_job *job = &c->begin_jobs[i];
		job->work = begin_shard;
		relay_core_run(c, i, job);
	}
	if (!journal_start(c->journal, err) ||
	    !spool_start(c->spool, ask_checkpoint, c, err))
		return false;
	for (uint32_t i = 0; i < c->shard_count; i++)
		if (!os_thread_start(loop_thread(c->shards[i].loop), err))
			return false;
	c->started = true;
	return true;
}

/* --- views ---------------------------------------------------------------- */

static void take_view(struct relay_job *job, struct shard *s)
{
	const struct relay_core *c = s->owner;
	(void)job;
	shard_set_view(s, c->view);
}

static void send_view(struct relay_core *c);

static void view_taken(struct relay_job *job)
{
	struct relay_core *c = job->shard->owner;
	invariant(c->view_waits > 0);
	if (--c->view_waits > 0)
		return;
	c->live(c->live_ctx, view_revision(c->view));
	if (c->view_next != NULL)
		send_view(c);
}

static void send_view(struct relay_core *c)
{
	view_unref(&c->view);
	c->view = c->view_next;
	c->view_next = NULL;
	c->view_waits = c->shard_count;
	for (uint32_t i = 0; i < c->shard_count; i++) {
		c->view_jobs[i].work = take_view;
		c->view_jobs[i].done = view_taken;
		relay_core_run(c, i, &c->view_jobs[i]);
	}
}

void relay_core_set_view(struct relay_core *c, const struct view *view,
			 void (*live)(void *ctx, uint64_t revision), void *ctx)
{
	c->live = live;
	c->live_ctx = ctx;
	if (c->view_next != NULL)
		view_unref(&c->view_next);
	c->view_next = view_ref(view);
	if (c->view_waits == 0)
		send_view(c);
}

/* --- limits --------------------------------------------------------------- */

void relay_core_set_limits(struct relay_core *c, const struct limits *limits)
{
	c->config.limits = limits;
	c->budget.max_bytes = limits->bodies_memory;
}

/* --- the end -------------------------------------------------------------- */

static void spool_is_stopped(struct os_post *post)
{
	struct relay_core *c =
		CONTAINER_OF(post, struct relay_core, spool_stopped);
	c->stopped(c->stopped_ctx);
}

static void shard_is_drained(struct shard *s)
{
	struct relay_core *c = s->owner;
	relay_job_over(&c->drain_jobs[s->config.number]);
}

static void drain_shard(struct relay_job *job, struct shard *s)
{
	(void)job;
	shard_drain(s, shard_is_drained);
}

static void drained(struct relay_job *job)
{
	struct relay_core *c = job->shard->owner;
	invariant(c->drain_waits > 0);
	if (--c->drain_waits == 0)
		spool_stop(c->spool, true, &c->spool_stopped);
}

void relay_core_drain(struct relay_core *c, void (*stopped)(void *ctx),
		      void *ctx)
{
	/* Once is enough: the second signal of an impatient operator comes
	 * while the spool stops. */
	if (c->stopped != NULL)
		return;
	c->stopped = stopped;
	c->stopped_ctx = ctx;
	c->drain_waits = c->shard_count;
	for (uint32_t i = 0; i < c->shard_count; i++) {
		c->drain_jobs[i] = (struct relay_job){
			.work = drain_shard, .done = drained, .later = true,
		};
		relay_core_run(c, i, &c->drain_jobs[i]);
	}
}

static struct os_thread *thread_of(struct shard *s)
{
	return s->loop ? loop_thread(s->loop) : NULL;
}

void relay_core_close(struct relay_core **core)
{
	struct relay_core *c = *core;
	struct os_thread *threads[RELAY_SHARDS_MAX];
	if (c == NULL)
		return;
	/* The threads end first, what lives on them goes next; the threads
	 * themselves go last: the spool and the pools may still post to them. */
	for (uint32_t i = 0; i < c->shard_count; i++)
		if ((threads[i] = thread_of(&c->shards[i])) != NULL)
			os_thread_stop(threads[i]);
	for (uint32_t i = 0; i < c->shard_count; i++)
		if (threads[i] != NULL)
			os_thread_wait(threads[i]);
	for (uint32_t i = 0; i < c->shard_count; i++)
		shard_close(&c->shards[i]);
	spool_close(&c->spool);
	journal_close(&c->journal);
	os_pool_close(&c->disk);
	for (uint32_t i = 0; i < c->shard_count; i++)
		os_thread_join(&threads[i]);
	budgets_free(&c->budgets);
	if (c->log_sources != NULL)
		log_sources_tell(c->log_sources, c->config.log, 0, true);
	log_sources_free(&c->log_sources);
	held_free(&c->held);
	relay_ledger_close(&c->ledger);
	relay_core_free_routes(c);
	destinations_fini(&c->destinations);
	if (c->view_next != NULL)
		view_unref(&c->view_next);
	view_unref(&c->view);
	free(c);
	*core = NULL;
}

/* --- looking in ----------------------------------------------------------- */

uint32_t relay_core_shards(const struct relay_core *c)
{
	return c->shard_count;
}

void relay_core_tell_log(struct relay_core *c, int64_t now_ms)
{
	log_sources_tell(c->log_sources, c->config.log, now_ms, false);
}

struct journal *relay_core_journal(struct relay_core *c)
{
	return c->journal;
}

struct spool *relay_core_spool(struct relay_core *c)
{
	return c->spool;
}

const struct view *relay_core_view(const struct relay_core *c)
{
	return c->view;
}

struct ledger *relay_core_ledger(struct relay_core *c)
{
	return c->ledger.ledger;
}

struct held *relay_core_held(struct relay_core *c)
{
	return c->held;
}

struct destinations *relay_core_destinations(struct relay_core *c)
{
	return &c->destinations;
}

const struct body_budget *relay_core_bodies(const struct relay_core *c)
{
	return &c->budget;
}
