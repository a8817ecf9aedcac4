/* See world.h. */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "sim/disk.h"
#include "sim/heap.h"
#include "sim/world_private.h"

/* One at a time, as `sim`. */
struct world *the_world;

static uint64_t draw(uint64_t n)
{
	return sim_below(&the_world->draw, n);
}

static bool chance(unsigned percent)
{
	return sim_chance(&the_world->draw, percent);
}

struct ip_port world_place(const char *text)
{
	struct ip_port p;
	invariant(ip_port_parse(slice_of(text), &p));
	return p;
}

static bool log_write(void *ctx, slice line)
{
	(void)ctx;
	fprintf(stderr, "%.*s", SLICE_ARG(line));
	return true;
}

static int64_t log_wall(void *ctx)
{
	(void)ctx;
	return os_wall_ms();
}

static void make_hops(struct world *w)
{
	static const char *const at[HOP_COUNT] = {
		"10.1.0.1:25", "10.1.0.2:25", "10.1.0.3:25",
		"10.1.0.4:25", "10.1.0.5:25", "10.1.0.6:25",
	};
	for (unsigned i = 0; i < HOP_COUNT; i++) {
		struct ip_port p = world_place(at[i]);
		hop_begin(&w->hops[i], &w->oracle, &p, draw(UINT32_MAX));
	}
	w->hops[3].lmtp = true;
	w->hops[3].starttls = false;
	w->hops[4].starttls = true;
	w->names[0] = (struct zone_name){ .name = "mx.sim", .count = 2 };
	w->names[0].addresses[0] = world_place("10.1.0.2:25").addr;
	w->names[0].addresses[1] = world_place("10.1.0.3:25").addr;
	w->names[1] = (struct zone_name){ .name = "tls.sim", .count = 1 };
	w->names[1].addresses[0] = world_place("10.1.0.5:25").addr;
	zone_set(w->names, 2);
}

/* --- what a world is like ------------------------------------------------- */

static void draw_limits(struct limits *l)
{
	limits_defaults(l);
	l->body_log_max = 2000 + draw(6000);
	l->bodies_memory = 1 << 20;
	if (chance(20))
		l->bodies_memory = 30000;	/* bodies leave memory */
	l->report_body_bytes = 8000;		/* and a report fits all the same */
	l->output_pending = 4096;
	l->connect_ms = 8000;
	l->greeting_ms = 20000;
	l->command_ms = 30000;
	l->data_block_ms = 20000;
	l->tls_handshake_ms = 10000;
	l->remote_greeting_ms = l->remote_mail_ms = l->remote_rcpt_ms = 9000;
	l->remote_data_ms = l->remote_block_ms = l->remote_quit_ms = 9000;
	l->remote_dot_ms = 15000;
	l->remote_idle_ms = 1000 + draw(5000);
	l->destination_concurrency = 1 + draw(6);
}

static void draw_world(struct world *w)
{
	static const int64_t retry_ms[] = { 1000, 2000, 5000, 10000, 20000 };
	draw_limits(&w->limits);
	for (size_t i = 0; i < ARRAY_LEN(retry_ms); i++)
		w->retry.after_ms[w->retry.steps++] = retry_ms[i];
	w->retry.expire_ms = chance(25) ? 5000 + (int64_t)draw(30000)
				       : 86400000;
	w->retry.expire_own_ms = 86400000;
	w->oracle.expire_ms = w->retry.expire_ms;
	w->oracle.expire_own_ms = w->retry.expire_own_ms;
	w->segment_bytes = (uint64_t)(64 << 10) << draw(3);
	w->checkpoint_min_bytes = (uint64_t)(16 << 10) << draw(4);
	w->has_tls = chance(60);
	w->has_logins = w->has_tls && chance(60);
	w->has_maildir = chance(40);
	w->domains = 1 + (unsigned)draw(DOMAINS - 1);
	w->faulty_disk = !w->options.quiet && chance(40);
	w->faulty_net = !w->options.quiet && chance(50);
	w->moody = !w->options.quiet && chance(80);
	w->crashes = !w->options.quiet && chance(85);
	w->busy_people = !w->options.quiet && chance(30);
	w->wall_jumps = !w->options.quiet && chance(25);
	w->wall_smears = !w->options.quiet && !w->wall_jumps && chance(15);
	sim->job_delay_max_ns = (int64_t)(1 + draw(20)) * MS;
	sim->disk_delay_max_ns = (int64_t)(1 + draw(chance(20) ? 100 : 5)) *
				 MS;
}

static struct net_faults draw_net(const struct world *w)
{
	struct net_faults f = {
		.delay_max_ns = (int64_t)(1 + draw(chance(10) ? 400 : 30)) * MS,
		.cut_sends = chance(50) ? 20 : 0,
		.split = chance(50) ? 30 : 0,
	};
	if (w->faulty_net) {
		f.resets = chance(50) ? (unsigned)draw(800) : 0;
		f.refuse_local = chance(20) ? 10 : 0;
	}
	return f;
}

static unsigned some(unsigned percent, unsigned max)
{
	return chance(percent) ? (unsigned)draw(max) + 1 : 0;
}

static void draw_mood(struct hop_mood *m)
{
	*m = hop_good;
	if (chance(40))
		return;
	m->refuse = some(30, 100);
	m->silent = some(10, 100);
	m->greeting = some(15, 50);
	m->ehlo = some(10, 50);
	m->mail_4 = some(20, 50);
	m->mail_5 = some(10, 40);
	m->rcpt_4 = some(30, 60);
	m->rcpt_5 = some(30, 60);
	m->data_4 = some(20, 50);
	m->data_5 = some(10, 40);
	m->dot_4 = some(20, 60);
	m->dot_5 = some(20, 40);
	m->drop = some(20, 15);
	m->drop_in_body = some(10, 5);
	m->drop_unsaid = some(15, 30);
	m->drop_said = some(15, 60);
	m->stall = some(10, 10);
	m->bad_tls = some(10, 100);
	m->slow_max_ns = chance(30) ? (int64_t)draw(3000) * MS : 0;
}

/* Every few seconds somebody changes their mind. */
static void moods_change(struct sim_event *e)
{
	struct world *w = the_world;
	struct hop_mood mood;
	unsigned i = (unsigned)draw(HOP_COUNT);
	draw_mood(&mood);
	hop_set_mood(&w->hops[i], &mood);
	unsigned n = (unsigned)draw(2);
	w->names[n].answer = chance(70) ? ZONE_FOUND :
			     (enum zone_answer)draw(4);
	sim_after(e, (int64_t)(500 + draw(8000)) * MS);
}

static void moods_begin(struct world *w)
{
	struct hop_mood mood;
	if (!w->moody)
		return;
	for (unsigned i = 0; i < HOP_COUNT; i++) {
		draw_mood(&mood);
		hop_set_mood(&w->hops[i], &mood);
	}
	moods_change(&w->mood_event);
}

static void moods_end(struct world *w)
{
	sim_cancel(&w->mood_event);
	for (unsigned i = 0; i < HOP_COUNT; i++)
		hop_set_mood(&w->hops[i], &hop_good);
	for (unsigned i = 0; i < ARRAY_LEN(w->names); i++)
		w->names[i].answer = ZONE_FOUND;
}

/* Somebody does something to the queue, or changes the routes. */
static void people_act(struct sim_event *e)
{
	struct world *w = the_world;
	struct new_routes n;
	struct err err;
	sim_after(e, (int64_t)(200 + draw(5000)) * MS);
	if (w->core == NULL || !w->running)
		return;
	w->act_draw = draw(UINT64_MAX / 2);
	sim->inside = true;
	if (chance(30)) {
		process_routes(w, !w->other_routes);
		if (relay_core_make_routes(
			    w->core, w->routes, ROUTES_COUNT, &w->retry,
			    (uint32_t)w->limits.destination_concurrency, &n,
			    &err)) {
			relay_core_take_routes(w->core, &n);
			w->other_routes = !w->other_routes;
		}
	} else {
		process_act(w, false);
	}
	sim->inside = false;
}

/* Passwords come and go. One change at a time: then it is known when it is
 * live. */
static void directory_changes(struct sim_event *e)
{
	struct world *w = the_world;
	sim_after(e, (int64_t)(500 + draw(8000)) * MS);
	if (w->core == NULL || !w->running || w->oracle.directory.changing)
		return;
	sim->inside = true;
	process_change(w, (unsigned)draw(LOGINS));
	sim->inside = false;
}

/* Somebody reads their mail, seldom enough that some of it lies there over
 * the end of a process. */
static void reader_comes(struct sim_event *e)
{
	process_read_maildir(the_world);
	sim_after(e, (int64_t)(500 + draw(20000)) * MS);
}

/* --- the wall clock ------------------------------------------------------- */

/* By seconds to days, to both sides. In sum it stays within three days: a
 * clock that can't be believed is another matter (clock_world.c). */
static void wall_jump(struct world *w)
{
	static const int64_t most_s[] = { 2, 120, 7200, 3 * 86400 };
	int64_t ms = (int64_t)draw((uint64_t)most_s[draw(4)] * 1000) + 1000;
	int64_t most_ms = most_s[3] * 1000;
	int64_t to = sim->machine_wall_ms + (chance(50) ? ms : -ms);
	/* Somebody may say that it is right. */
	w->accept_clock = w->accept_clock || chance(20);
	sim->machine_wall_ms = to > most_ms ? most_ms :
			       to < -most_ms ? -most_ms : to;
	sim_note("wall", (uint64_t)sim->machine_wall_ms, 0);
}

static void wall_moves(struct sim_event *e)
{
	struct world *w = the_world;
	if (w->wall_jumps)
		wall_jump(w);
	else
		sim->machine_wall_ms += (int64_t)draw(21) - 10;
	sim_after(e, (int64_t)(w->wall_jumps ? 500 + draw(15000) : 1000) * MS);
}

/* --- faults of the disk --------------------------------------------------- */

/* The disk that was full has room again. */
static void space_comes_back(struct sim_event *e)
{
	(void)e;
	struct disk_faults none = { 0 };
	sim_note("space", 0, 0);
	disk_set_faults(sim->disk, &none);
}

static void draw_disk_faults(struct world *w)
{
	struct disk_faults f = { 0 };
	if (w->faulty_disk) {
		uint64_t kind = draw(5);
		if (kind < 2) {
			f.fail_sync_at = 3 + draw(80);
			f.fail_syncs = 1 + (unsigned)draw(4);
		} else if (kind == 2) {
			f.fail_write_at = 3 + draw(120);
		} else if (kind == 3) {
			f.capacity = w->segment_bytes * (2 + draw(6));
			sim_after(&w->space_event,
				  (int64_t)(1000 + draw(20000)) * MS);
		} else {
			sim_fail_at(&sim->files, 1 + draw(300), false,
				    chance(50));
		}
		w->trouble = true;
		w->result->disk_faults += w->trouble;
	}
	disk_set_faults(sim->disk, &f);
}

/* --- a process begins and ends -------------------------------------------- */

/* Each call to the outside is a place to die. */
static void on_call(void)
{
	struct world *w = the_world;
	if (++w->calls != w->die_at)
		return;
	sim_note("death", w->calls, w->power_cut);
	siglongjmp(w->death, 1);
}

/* All that the kernel and the machine do when a process is no more. */
void life_end(struct world *w, enum life_end end)
{
	bool power_cut = end == LIFE_POWER_CUT;
	sim->inside = false;
	sim->on_call = NULL;
	net_process_died(power_cut);
	heap_process_died();
	heap_fail_at(0, false);
	sim_fail_at(&sim->files, 0, false, false);
	sim_fail_at(&sim->sockets, 0, false, false);
	sim_process_died();
	zone_process_died();
	sim_cancel(&w->space_event);
	disk_drop_handles(sim->disk);
	if (power_cut)
		disk_power_cut(sim->disk);
	else
		disk_process_killed(sim->disk);
	struct disk_faults none = { 0 };
	disk_set_faults(sim->disk, &none);
	if (power_cut)
		w->listening_count = 0;
	w->core = NULL;
	w->running = false;
	w->acts_waiting = 0;
	w->view = NULL;
	w->tls_server = w->tls_client = NULL;
	oracle_life_over(&w->oracle, end, w->trouble);
	w->result->kills += end == LIFE_KILLED;
	w->result->cuts += power_cut;
	w->result->stops += end == LIFE_STOPPED;
	sim_note("buried", end, 0);
}

/* --- living --------------------------------------------------------------- */

bool life_until(struct world *w, int64_t until_ns)
{
	while (!w->oracle.failed && sim_step(until_ns))
		if (sim->steps > STEPS_MAX) {
			oracle_fail(&w->oracle, "HANG: too many steps");
			return false;
		}
	if (disk_trusted_failed_sync(sim->disk))
		oracle_fail(&w->oracle, "TRUST: a sync behind one that failed");
	if (sim->now_ns < until_ns)
		sim->now_ns = until_ns;
	return !w->oracle.failed;
}

static void stopped(void *ctx)
{
	struct world *w = ctx;
	w->is_stopped = true;
}

/* What the spool has been through in this life. */
static void count_figures(struct world *w)
{
	struct spool_figures f;
	spool_figures(relay_core_spool(w->core), &f);
	w->result->checkpoints += f.checkpoints;
	w->result->log_cuts += f.cuts;
	w->result->evacuated += f.evacuated;
	w->result->quarantined += f.quarantined;
	/* After a failed sync readers see what the medium has not: only then
	 * may something be damaged. */
	if (f.quarantined > 0 && w->result->disk_faults == 0)
		oracle_fail(&w->oracle, "DAMAGED: %llu in quarantine",
			    (unsigned long long)f.quarantined);
}

/* As SIGTERM does it. False: it didn't come to an end. */
bool life_stop(struct world *w)
{
	int64_t until = sim->now_ns + STOP_MAX_MS * (int64_t)MS;
	w->is_stopped = w->running = false;
	sim->inside = true;
	relay_core_drain(w->core, stopped, w);
	sim->inside = false;
	while (!w->is_stopped && sim->now_ns < until && !w->oracle.failed)
		if (!sim_step(until) || sim->steps > STEPS_MAX)
			break;
	if (!w->is_stopped) {
		oracle_fail(&w->oracle, "HANG: does not stop");
		return false;
	}
	count_figures(w);
	/* Closing steps the world: threads are joined. */
	sim->inside = true;
	process_end(w);
	sim->inside = false;
	if (heap_pieces() != 0)
		oracle_fail(&w->oracle, "LEAK: %llu pieces of memory",
			    (unsigned long long)heap_pieces());
	if (disk_handles(sim->disk) != 0 || net_sockets() != 0)
		oracle_fail(&w->oracle, "LEAK: %u files, %u connections open",
			    disk_handles(sim->disk), net_sockets());
	if (disk_trusted_failed_sync(sim->disk))
		oracle_fail(&w->oracle, "TRUST: a sync behind one that failed");
	return true;
}

void life_clients(struct world *w, unsigned count, int64_t span_ms)
{
	struct client_plan plan = {
		.to = world_place("10.0.0.1:25"),
		.bytes_max = (uint32_t)w->limits.body_log_max * 3,
		.may_misbehave = !w->options.quiet,
		.only_temporary = w->options.failing.at > 0,
		.domains = w->domains,
		.maildir = w->has_maildir,
		.logins = w->has_logins ? 40 : 0,
	};
	for (unsigned i = 0; i < count; i++)
		client_new(&w->oracle, &w->clients, &plan,
			   sim->now_ns + (int64_t)draw((uint64_t)span_ms) * MS,
			   draw(UINT64_MAX / 2));
}

void life_begin(struct world *w)
{
	struct life *l = &w->oracle.lives[w->oracle.life_count++];
	sim_wall_process_begins();
	*l = (struct life){ .begun_ns = sim->now_ns, .end_ns = INT64_MAX,
			    .wall_ms = sim->process_wall_ms };
	w->shards = w->listening_count > 0 && chance(70)
			    ? w->listening_count
			    : 1 + (uint32_t)draw(SHARDS_MAX);
	w->calls = 0;
	w->trouble = false;
	w->core = NULL;
	w->result->lives++;
	process_listen(w);
	sim->on_call = on_call;
}

/* Recovery itself may fail for want of a disk: the process ends with an
 * error and is started again. */
bool life_start(struct world *w)
{
	struct err err;
	sim->inside = true;
	bool ok = process_begin(w, &err);
	sim->inside = false;
	w->running = ok;
	if (!ok && w->log.write != NULL)
		log_failure(&w->log, LOG_ALARM, "world.start", &err);
	if (!ok && !w->trouble)
		oracle_fail(&w->oracle, "START: %s %s", err.text, err.detail);
	return ok;
}

/* How this life ends: after how many calls, or at what time. */
static enum life_end draw_death(struct world *w)
{
	static const uint64_t calls[] = { 40, 300, 1500, 4000 };
	w->die_at = 0;
	w->power_cut = chance(50);
	if (!w->crashes)
		return LIFE_STOPPED;
	if (chance(65))
		w->die_at = 1 + draw(calls[draw(ARRAY_LEN(calls))]);
	if (chance(40))
		return LIFE_STOPPED;
	return w->power_cut ? LIFE_POWER_CUT : LIFE_KILLED;
}

static void run_life(struct world *w)
{
	volatile enum life_end end = draw_death(w);
	int64_t span_ms = 2000 + (int64_t)draw(chance(20) ? 60000 : 12000);
	life_clients(w, 1 + (unsigned)draw(chance(30) ? 12 : 5), span_ms);
	life_begin(w);
	draw_disk_faults(w);
	struct net_faults faults = draw_net(w);
	net_set_faults(&faults);
	if (sigsetjmp(w->death, 0) != 0) {
		life_end(w, w->power_cut ? LIFE_POWER_CUT : LIFE_KILLED);
		return;
	}
	if (!life_start(w)) {
		life_end(w, LIFE_FAILED);
		return;
	}
	if (!life_until(w, sim->now_ns + span_ms * MS))
		return;
	if (end == LIFE_STOPPED && !life_stop(w))
		return;
	life_end(w, end);
}

/* --- after the faults ----------------------------------------------------- */

static uint64_t queued(struct world *w)
{
	struct spool_figures f;
	spool_figures(relay_core_spool(w->core), &f);
	return f.messages;
}

/* Liveness: the queue empties within twice the longest wait there is. */
void life_drain(struct world *w)
{
	int64_t until = sim->now_ns + 2 * DOWN_MAX_MS * (int64_t)MS;
	while (queued(w) > 0 && sim->now_ns < until) {
		/* What is being delivered can't be released: once more. */
		sim->inside = true;
		process_act(w, true);
		sim->inside = false;
		if (!life_until(w, sim->now_ns + 1000 * (int64_t)MS))
			return;
	}
	if (queued(w) > 0)
		oracle_fail(&w->oracle, "STUCK: %llu messages do not leave",
			    (unsigned long long)queued(w));
}

static void last_life(struct world *w)
{
	struct net_faults calm = { .delay_max_ns = 10 * MS };
	clients_stop(&w->clients);
	moods_end(w);
	sim_cancel(&w->operator_event);
	sim_cancel(&w->directory_event);
	net_set_faults(&calm);
	life_begin(w);
	w->die_at = 0;
	if (!life_start(w))
		return;
	life_drain(w);
	if (!w->oracle.failed && life_stop(w))
		life_end(w, LIFE_STOPPED);
}

/* And it has forgotten nothing that would come back. */
void life_look_again(struct world *w)
{
	life_begin(w);
	if (!life_start(w))
		return;
	if (queued(w) > 0)
		oracle_fail(&w->oracle, "BACK: %llu messages live again",
			    (unsigned long long)queued(w));
	if (!w->oracle.failed && life_stop(w))
		life_end(w, LIFE_STOPPED);
}

static void run_world(struct world *w)
{
	unsigned lives = 1 + (unsigned)draw(4);
	moods_begin(w);
	if (w->busy_people)
		people_act(&w->operator_event);
	if (w->wall_jumps || w->wall_smears)
		wall_moves(&w->wall_event);
	if (w->has_maildir)
		reader_comes(&w->reader_event);
	if (w->has_logins && !w->options.quiet)
		directory_changes(&w->directory_event);
	for (unsigned i = 0; i < lives && !w->oracle.failed; i++) {
		run_life(w);
		/* Down for a while; the world goes on. */
		if (w->oracle.failed ||
		    !life_until(w, sim->now_ns + (int64_t)draw(4000) * MS))
			return;
	}
	if (!w->oracle.failed)
		last_life(w);
	if (!w->oracle.failed)
		life_look_again(w);
	process_read_maildir(w);
	if (!w->oracle.failed)
		oracle_final(&w->oracle);
}

/* --- the world itself ----------------------------------------------------- */

static void read_mail(void)
{
	process_read_maildir(the_world);
}

static void begin_world(struct world *w)
{
	struct net_faults calm = { .delay_max_ns = 10 * MS };
	sim_begin(w->options.seed);
	heap_begin();
	sim->trace = w->options.trace;
	w->draw.state = w->options.seed * 0x9e3779b97f4a7c15u + 1;
	list_init(&w->clients);
	sim_event_init(&w->mood_event, moods_change);
	sim_event_init(&w->space_event, space_comes_back);
	sim_event_init(&w->operator_event, people_act);
	sim_event_init(&w->wall_event, wall_moves);
	sim_event_init(&w->reader_event, reader_comes);
	sim_event_init(&w->directory_event, directory_changes);
	login_directory_begin(&w->oracle.directory);
	w->oracle.read_mail = read_mail;
	w->log = (struct log){ .level = LOG_DEBUG, .wall_ms = log_wall,
			       .role = "sim" };
	w->log.write = log_write;
	if (!w->options.trace)
		w->log.level = LOG_ALARM + 1;
	net_begin(&calm);
	draw_world(w);
	process_routes(w, false);
	make_hops(w);
}

static void end_world(struct world *w)
{
	/* After a failure the process may still be there. */
	if (w->oracle.failed && sim->on_call != NULL)
		life_end(w, LIFE_KILLED);
	clients_free(&w->clients);
	for (unsigned i = 0; i < HOP_COUNT; i++)
		hop_fini(&w->hops[i]);
	sim_cancel(&w->mood_event);
	sim_cancel(&w->operator_event);
	sim_cancel(&w->wall_event);
	sim_cancel(&w->directory_event);
	sim_cancel(&w->reader_event);
	net_end_world();
	sim_end();
}

static void tell(const struct world *w, struct world_result *r)
{
	const struct oracle *o = &w->oracle;
	r->failed = o->failed;
	memcpy(r->verdict, o->verdict, sizeof(r->verdict));
	r->hash = sim->hash;
	r->steps = sim->steps;
	r->messages = o->count;
	r->acked = o->acked;
	r->refused = o->refused;
	r->unknown = o->unknown;
	r->delivered = o->delivered;
	r->reported = o->reported;
	r->told = o->told;
	r->filed = o->filed;
	r->logins = o->logins;
	r->logins_refused = o->logins_refused;
	r->explained = o->explained;
}

void world_run(const struct world_options *options,
	       struct world_result *result)
{
	struct world *w = calloc(1, sizeof(*w));
	invariant(w != NULL && the_world == NULL);
	the_world = w;
	*result = (struct world_result){ 0 };
	w->options = *options;
	w->result = result;
	w->options.quiet = options->quiet || options->clock ||
			   options->failing.at > 0;
	begin_world(w);
	if (options->failing.at > 0)
		failing_run(w);
	else if (options->clock)
		clock_run(w);
	else
		run_world(w);
	tell(w, result);
	end_world(w);
	the_world = NULL;
	free(w);
}
