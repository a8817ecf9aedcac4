/* One shard put together; see shard.h. */
#include "app/shard.h"

#include "os/clock.h"

enum { SECOND_MS = 1000, WARM_MS = 10000, SLICE_EVERY_MS = 1 };

/* --- the queue's clock ---------------------------------------------------- */

static int64_t wall_ms(void *clock)
{
	const struct shard *s = clock;
	return loop_wall_ms(s->loop);
}

static void wake_at(void *clock, int64_t at_ms)
{
	struct shard *s = clock;
	if (at_ms == INT64_MAX ||
	    (s->tick_at_ms != 0 && s->tick_at_ms <= at_ms))
		return;
	int64_t now = loop_wall_ms(s->loop);
	s->tick_at_ms = at_ms;
	loop_timer_set(s->loop, &s->tick, at_ms > now ? at_ms - now : 0);
}

static void tick(struct timer *timer)
{
	enum { EARLY_MS = 2, SLOWLY_MS = 250 };
	struct shard *s = CONTAINER_OF(timer, struct shard, tick);
	int64_t early_ms = s->tick_at_ms - loop_wall_ms(s->loop);
	if (early_ms > EARLY_MS) {
		/* The wall clock goes slowly (base/clock_watch.h). */
		loop_timer_set(s->loop, timer, early_ms > SLOWLY_MS
						       ? early_ms : SLOWLY_MS);
		return;
	}
	s->tick_at_ms = 0;
	queue_tick(s->queue);
}

/* The wall clock went on by more than time went by: what is due by it is due
 * now. */
static void look_at_clock(struct shard *s)
{
	int64_t offset_ms = loop_wall_ms(s->loop) - loop_now_ms(s->loop);
	int64_t forward_ms = offset_ms - s->wall_offset_ms;
	s->wall_offset_ms = offset_ms;
	if (forward_ms < SECOND_MS)
		return;
	s->tick_at_ms = 0;
	queue_tick(s->queue);
}

static void second(struct timer *timer)
{
	struct shard *s = CONTAINER_OF(timer, struct shard, second);
	look_at_clock(s);
	queue_cool(s->queue, s->config.budget);
	queue_look_at_held(s->queue);
	uint64_t held, waiting = queue_waiting(s->queue, &held);
	counter_set(s->config.counters, COUNTER_queue_messages,
		    queue_count(s->queue));
	counter_set(s->config.counters, COUNTER_queue_recipients, waiting);
	counter_set(s->config.counters, COUNTER_queue_held_recipients, held);
	note_beat(s->config.note);
	if (s->config.number == 0)
		ledger_tidy(s->config.ledger, wall_ms(s));
	loop_timer_set(s->loop, &s->second, SECOND_MS);
}

/* --- hooks ---------------------------------------------------------------- */

static void part_ready(void *ctx, struct destination *d)
{
	struct shard *s = ctx;
	deliver_ready(s->deliver, d);
}

static void report_due(void *ctx, struct queue_entry *e)
{
	struct shard *s = ctx;
	deliver_report(s->deliver, e);
}

/* What is held over a limit has no room while its customer may not relay. */
static bool allowed_now(void *ctx, uint32_t customer, struct allowance *out)
{
	const struct shard *s = ctx;
	const struct customer *c = view_customer(s->view, customer);
	if (c == NULL || c->suspended)
		return false;
	*out = view_allowance(s->view, c);
	return true;
}

static void limit_reached(void *ctx, const struct ledger_alert *alert,
			  slice sender_domain)
{
	const struct shard *s = ctx;
	alert_tell(s->alerts, alert, sender_domain);
}

static enum language language_of_customer(void *ctx, uint32_t customer)
{
	const struct shard *s = ctx;
	const struct customer *c = view_customer(s->view, customer);
	return c ? c->language : LANGUAGE_EN;
}

/* --- checkpoints ---------------------------------------------------------- */

/* A slice, then mail for a moment. */
static void hand_over(struct timer *timer)
{
	struct shard *s = CONTAINER_OF(timer, struct shard, checkpoint_timer);
	bool begin = !s->checkpoint_begun;
	s->checkpoint_begun = true;
	if (!queue_checkpoint(s->queue, s->checkpoint, begin)) {
		loop_timer_set(s->loop, &s->checkpoint_timer, SLICE_EVERY_MS);
		return;
	}
	struct spool_checkpoint *ck = s->checkpoint;
	s->checkpoint = NULL;
	spool_checkpoint_part_done(ck);
}

static void checkpoint_asked(struct os_post *post)
{
	struct shard *s = CONTAINER_OF(post, struct shard, checkpoint_post);
	s->checkpoint_begun = false;
	hand_over(&s->checkpoint_timer);
}

void shard_checkpoint(struct shard *s, struct spool_checkpoint *ck)
{
	invariant(s->checkpoint == NULL);
	s->checkpoint = ck;
	os_thread_post(loop_thread(s->loop), &s->checkpoint_post);
}

/* --- open ----------------------------------------------------------------- */

static bool open_queue(struct shard *s, struct err *err)
{
	const struct shard_config *c = &s->config;
	struct queue_config config = {
		.journal = c->journal,
		.log = c->log,
		.counters = c->counters,
		.router = &c->routes->router,
		.destinations = c->destinations,
		.retry = c->retry,
		.warm_ms = WARM_MS,
		.held = c->held,
		.shard = c->number,
		.held_look_ms = (int64_t)c->limits->held_look_ms,
		.ledger = c->ledger,
		.booking_key = c->booking_key,
		.wall_ms = wall_ms,
		.wake_at = wake_at,
		.clock = s,
	};
	struct queue_hooks hooks = {
		.ctx = s, .ready = part_ready, .report = report_due,
		.allowed = allowed_now, .alert = limit_reached,
	};
	return queue_new(&config, &hooks, &s->queue, err);
}

bool shard_open(struct shard *s, const struct shard_config *config,
		struct err *err)
{
	*s = (struct shard){ .config = *config };
	s->view = view_ref(config->view);
	timer_init(&s->tick, tick);
	timer_init(&s->second, second);
	os_post_init(&s->checkpoint_post, checkpoint_asked);
	timer_init(&s->checkpoint_timer, hand_over);
	return loop_new(&s->loop, "shard", err) && open_queue(s, err);
}

static bool open_door(struct shard *s, struct err *err)
{
	const struct shard_config *c = &s->config;
	struct door_config config = {
		.spool = c->spool,
		.queue = s->queue,
		.journal = c->journal,
		.log = c->log,
		.counters = c->counters,
		.hostname = c->hostname,
		.wall_ms = wall_ms,
		.clock = s,
	};
	return door_new(&config, &s->door, err);
}

static bool open_alerts(struct shard *s, struct err *err)
{
	const struct shard_config *c = &s->config;
	struct alerts_config config = {
		.door = s->door,
		.budget = c->budget,
		.ledger = c->ledger,
		.journal = c->journal,
		.log = c->log,
		.counters = c->counters,
	};
	s->alerts = alerts_new(&config, s->view, err);
	return s->alerts != NULL;
}

static bool open_receive(struct shard *s, struct err *err)
{
	const struct shard_config *c = &s->config;
	struct receive_config config = {
		.loop = s->loop,
		.door = s->door,
		.queue = s->queue,
		.spool = c->spool,
		.journal = c->journal,
		.log = c->log,
		.counters = c->counters,
		.note = c->note,
		.budget = c->budget,
		.budgets = c->budgets,
		.log_sources = c->log_sources,
		.ledger = c->ledger,
		.held = c->held,
		.alerts = s->alerts,
		.limits = c->limits,
		.hostname = c->hostname,
		.help_url = c->help_url,
		.pepper = c->pepper,
		.booking_key = c->booking_key,
		.body_log_max_bytes = c->body_log_max_bytes,
		.refused = c->refused,
		.refused_count = c->refused_count,
	};
	return receive_new(&config, s->view, c->tls_server, &s->receive, err);
}

static bool open_deliver(struct shard *s, struct err *err)
{
	const struct shard_config *c = &s->config;
	struct deliver_config config = {
		.loop = s->loop,
		.queue = s->queue,
		.door = s->door,
		.spool = c->spool,
		.journal = c->journal,
		.log = c->log,
		.counters = c->counters,
		.note = c->note,
		.budget = c->budget,
		.limits = c->limits,
		.resolver = c->resolver,
		.disk = c->disk,
		.tls = c->tls_client,
		.hostname = c->hostname,
		.routes = c->routes,
		.language = language_of_customer,
		.language_ctx = s,
	};
	return deliver_new(&config, &s->deliver, err);
}

bool shard_open_rest(struct shard *s, struct spool *spool, struct err *err)
{
	s->config.spool = spool;
	queue_set_spool(s->queue, spool);
	return open_door(s, err) && open_alerts(s, err) &&
	       open_receive(s, err) && open_deliver(s, err);
}

void shard_begin(struct shard *s)
{
	s->wall_offset_ms = loop_wall_ms(s->loop) - loop_now_ms(s->loop);
	queue_recover_end(s->queue);
	queue_tick(s->queue);
	second(&s->second);
}

void shard_set_view(struct shard *s, const struct view *view)
{
	const struct view *old = s->view;
	s->view = view_ref(view);
	view_unref(&old);
	alerts_set_view(s->alerts, view);
	receive_set_view(s->receive, view);
}

void shard_set_routes(struct shard *s, const struct routes *routes,
		      const struct retry_plan *retry)
{
	queue_set_router(s->queue, &routes->router);
	queue_set_retry(s->queue, retry);
	deliver_set_routes(s->deliver, routes);
	queue_tick(s->queue);
}

/* --- the end -------------------------------------------------------------- */

static void alerts_drained(void *ctx)
{
	struct shard *s = ctx;
	s->drained(s);
}

static void releases_stopped(void *ctx)
{
	struct shard *s = ctx;
	alerts_drain(s->alerts, alerts_drained, s);
}

static void deliver_drained(void *ctx)
{
	struct shard *s = ctx;
	queue_stop_releases(s->queue, releases_stopped, s);
}

static void receive_drained(void *ctx)
{
	struct shard *s = ctx;
	deliver_drain(s->deliver, deliver_drained, s);
}

void shard_drain(struct shard *s, void (*drained)(struct shard *s))
{
	s->drained = drained;
	receive_drain(s->receive, receive_drained, s);
}

void shard_close(struct shard *s)
{
	deliver_free(&s->deliver);
	receive_free(&s->receive);
	queue_free(&s->queue);
	alerts_free(&s->alerts);
	door_free(&s->door);
	view_unref(&s->view);
	if (s->loop != NULL) {
		loop_timer_cancel(s->loop, &s->tick);
		loop_timer_cancel(s->loop, &s->second);
		loop_timer_cancel(s->loop, &s->checkpoint_timer);
		loop_free(&s->loop);
	}
}
