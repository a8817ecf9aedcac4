/*
 * The spool under power cuts, kills, failing syncs and a full disk, many
 * seeds, several lives each. After each life the oracle (RELIABILITY 3.2):
 *
 *   acknowledged and not done is live · done and acknowledged is not live ·
 *   what was told failed is never seen · bodies and envelopes are equal ·
 *   the last state told is not older than the last acknowledged one ·
 *   bookings: of acknowledged frames once, of failed ones never ·
 *   nothing is in quarantine
 *
 *   test_crash [SEEDS [FIRST]]	prints the seed of a failure
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "mail/body.h"
#include "os/clock.h"
#include "os/file.h"
#include "sim/disk.h"
#include "sim/heap.h"
#include "sim/sim.h"
#include "spool/spool.h"

enum {
	MESSAGES_MAX = 2000,
	BODY_MAX = 12000,
	BODY_LOG_MAX = 9000,		/* larger ones are `big` here */
	OUTSTANDING_MAX = 24,
	STEPS_MAX = 200000,
};

enum fate { FATE_NONE, FATE_ASKED, FATE_UNKNOWN, FATE_ACKED, FATE_FAILED };

struct message {
	struct id id;
	uint32_t body_bytes;
	bool big;
	enum fate accept, done;
	unsigned state_asked, state_acked;	/* numbers of states */
	unsigned releases_asked, releases_acked;
	bool change_out;			/* one at a time */
	bool lost_to_cache;			/* see run_life */
	/* told by recovery */
	bool live;
	unsigned state_told;
	unsigned booked, booked_release;
};

struct test {
	uint64_t seed;
	struct sim_random draw;
	struct os_pool *pool;
	struct os_thread *home;
	struct spool *spool;
	struct log log;
	struct body_budget budget;
	struct message messages[MESSAGES_MAX];
	unsigned count;
	unsigned outstanding;
	unsigned wanted;		/* operations of this life */
	bool stopping, stopped;
	bool verbose;
	bool gated;			/* a failed sync, then a kill: what was
					 * only in the cache may go any time */
	bool space_short, memory_short;
	uint64_t accepts, failures, unknowns, cuts;
	uint64_t room_refused;
	struct os_post stop_post;
	int dir;
};

static void die(struct test *t, const char *what, const struct message *m)
{
	char id[ID_TEXT_MAX] = "-";
	if (m != NULL)
		id_text(m->id, id);
	fprintf(stderr, "seed %llu: %s (message %u %s)\n",
		(unsigned long long)t->seed, what,
		m ? (unsigned)(m - t->messages) : 0, id);
	exit(1);
}

static struct message *message_of(struct test *t, struct id id);

static bool log_write(void *ctx, slice line)
{
	struct test *t = ctx;
	/* A checkpoint without the state of a message that had one. */
	size_t at = slice_find_slice(line, SLICE("\"message "));
	struct id id;
	if (slice_find_slice(line, SLICE("state_lost")) < line.n &&
	    id_parse(slice_sub(line, at + 9, ID_TEXT_LEN), &id))
		die(t, "a state was lost", message_of(t, id));
	if (t->verbose)
		fprintf(stderr, "%.*s", SLICE_ARG(line));
	return true;
}

static int64_t log_wall(void *ctx)
{
	(void)ctx;
	return os_wall_ms();
}

/* --- what messages look like ------------------------------------------------- */

static uint32_t number_of(struct test *t, const struct message *m)
{
	return (uint32_t)(m - t->messages);
}

static void fill_body(const struct message *m, char *to)
{
	struct sim_random r = { m->id.random };
	for (uint32_t i = 0; i < m->body_bytes; i += 8) {
		uint64_t v = sim_next(&r);
		uint32_t n = m->body_bytes - i < 8 ? m->body_bytes - i : 8;
		memcpy(to + i, &v, n);
	}
}

static bool body_equal(const struct message *m, slice body)
{
	char want[BODY_MAX];
	fill_body(m, want);
	return slice_eq(body, (slice){ want, m->body_bytes });
}

static struct message *message_of(struct test *t, struct id id)
{
	for (unsigned i = 0; i < t->count; i++)
		if (id_eq(t->messages[i].id, id))
			return &t->messages[i];
	return NULL;
}

/* --- recovery ------------------------------------------------------------------- */

static unsigned parse_state(slice state)
{
	uint64_t v;
	if (state.n == 0)
		return 0;
	return slice_u64(state, UINT32_MAX, &v) ? (unsigned)v : UINT32_MAX;
}

static bool told_message(void *ctx, struct id id, slice envelope, slice state,
			 struct err *err)
{
	struct test *t = ctx;
	struct message *m = message_of(t, id);
	(void)err;
	if (m == NULL)
		die(t, "a message nobody sent", NULL);
	if (envelope.n > 0 && envelope.n != ID_TEXT_LEN)
		die(t, "wrong envelope", m);
	m->live = true;
	m->state_told = parse_state(state);
	return true;
}

static bool told_state(void *ctx, struct id id, slice state, struct err *err)
{
	struct test *t = ctx;
	struct message *m = message_of(t, id);
	(void)err;
	if (m == NULL || !m->live)
		die(t, "a state of no live message", m);
	m->state_told = parse_state(state);
	return true;
}

static bool told_done(void *ctx, struct id id, struct err *err)
{
	struct test *t = ctx;
	struct message *m = message_of(t, id);
	(void)err;
	if (m == NULL || !m->live)
		die(t, "done of no live message", m);
	m->live = false;
	return true;
}

/* "a7" books the accept frame of message 7, "r7" a release of it. */
static bool told_booking(void *ctx, int64_t wall_ms, slice booking,
			 struct err *err)
{
	struct test *t = ctx;
	uint64_t v;
	(void)err;
	(void)wall_ms;
	if (!slice_u64(slice_skip(booking, 1), t->count, &v))
		die(t, "a strange booking", NULL);
	struct message *m = &t->messages[v];
	if (booking.p[0] == 'a')
		m->booked++;
	else
		m->booked_release++;
	return true;
}

/* --- commits ---------------------------------------------------------------------- */

struct asked {
	struct spool_commit commit;
	struct test *test;
	struct message *m;
	char envelope[ID_TEXT_MAX], state[16], booking[16];
	uint64_t room;
	unsigned number;
	struct spool_big *big;
};

static void asked_done(struct spool_commit *c)
{
	struct asked *a = CONTAINER_OF(c, struct asked, commit);
	struct test *t = a->test;
	struct message *m = a->m;
	bool heard = !disk_is_dead(sim->disk);	/* else it stays unknown */
	enum fate fate = c->ok ? FATE_ACKED : c->unknown ? FATE_UNKNOWN :
			 FATE_FAILED;
	if (!heard)
		fate = FATE_UNKNOWN;
	t->failures += fate == FATE_FAILED;
	t->unknowns += fate == FATE_UNKNOWN;
	switch (c->kind) {
	case SPOOL_ACCEPT:
		m->accept = fate;
		t->accepts += fate == FATE_ACKED;
		spool_room_give(t->spool, a->room);
		break;
	case SPOOL_RELEASE:
		if (fate == FATE_ACKED)
			m->releases_acked++;
		if (fate == FATE_FAILED)
			m->releases_asked--;
		if (fate == FATE_ACKED)
			m->state_acked = a->number;
		break;
	case SPOOL_STATE:
		if (fate == FATE_ACKED)
			m->state_acked = a->number;
		break;
	case SPOOL_DONE:
		m->done = fate == FATE_FAILED ? FATE_NONE : fate;
		break;
	}
	m->change_out = false;
	t->outstanding--;
	if (c->big != NULL)
		spool_big_drop(&c->big);
	if (c->body != NULL)
		body_unref(&c->body);
	free(a);
}

static struct asked *ask_new(struct test *t, struct message *m,
			     enum spool_commit_kind kind)
{
	struct asked *a = calloc(1, sizeof(*a));
	a->test = t;
	a->m = m;
	a->commit.kind = kind;
	a->commit.id = m->id;
	a->commit.wall_ms = os_wall_ms();
	a->commit.done = asked_done;
	m->change_out = true;
	t->outstanding++;
	return a;
}

static void big_finished(void *ctx, bool ok, const struct err *err)
{
	struct asked *a = ctx;
	struct test *t = a->test;
	(void)err;
	if (ok && !sim_chance(&t->draw, 10)) {
		a->commit.big = a->big;
		spool_commit(t->spool, &a->commit);
		return;
	}
	spool_big_drop(&a->big);
	a->m->accept = FATE_FAILED;
	a->m->change_out = false;
	spool_room_give(t->spool, a->room);
	t->outstanding--;
	free(a);
}

/* No memory before anything was asked. */
static void nothing_asked(struct asked *a)
{
	struct test *t = a->test;
	if (!heap_failed())
		die(t, "no memory", a->m);
	a->m->accept = FATE_FAILED;
	a->m->change_out = false;
	spool_room_give(t->spool, a->room);
	t->outstanding--;
	body_unref(&a->commit.body);
	free(a);
}

static void ask_big(struct asked *a, const char *bytes)
{
	struct test *t = a->test;
	struct message *m = a->m;
	struct err err;
	uint32_t prefix = (uint32_t)sim_below(&t->draw, 300);
	bool ok = true;
	a->big = spool_big_new(t->spool, m->id,
			       sim_chance(&t->draw, 50) ? m->body_bytes : 0,
			       NULL, NULL);
	if (a->big == NULL) {
		nothing_asked(a);
		return;
	}
	for (uint32_t at = prefix; ok && at < m->body_bytes; at += 1000) {
		uint32_t n = m->body_bytes - at < 1000 ? m->body_bytes - at :
			     1000;
		ok = spool_big_append(a->big, (slice){ bytes + at, n }, &err);
	}
	spool_big_finish(a->big, (slice){ bytes, prefix }, big_finished, a);
}

static void ask_accept(struct test *t)
{
	char bytes[BODY_MAX];
	struct err err;
	if (t->count == MESSAGES_MAX)
		return;
	uint64_t room = sim_chance(&t->draw, 50) ? BODY_MAX : 0;
	if (!spool_room_take(t->spool, room)) {
		t->room_refused++;
		return;
	}
	struct message *m = &t->messages[t->count++];
	*m = (struct message){ .accept = FATE_ASKED };
	m->id = id_make(os_wall_ms(), sim_next(&t->draw));
	m->body_bytes = (uint32_t)sim_below(&t->draw,
					    sim_chance(&t->draw, 80) ? 2000 :
					    BODY_MAX);
	m->big = m->body_bytes > BODY_LOG_MAX;
	struct asked *a = ask_new(t, m, SPOOL_ACCEPT);
	a->room = room;
	id_text(m->id, a->envelope);
	snprintf(a->booking, sizeof(a->booking), "a%u", number_of(t, m));
	a->commit.envelope = slice_of(a->envelope);
	a->commit.booking = slice_of(a->booking);
	fill_body(m, bytes);
	if (m->big) {
		ask_big(a, bytes);
		return;
	}
	a->commit.body = body_new(&t->budget);
	if (a->commit.body == NULL ||
	    !body_append(a->commit.body, (slice){ bytes, m->body_bytes },
			 &err)) {
		nothing_asked(a);
		return;
	}
	body_seal(a->commit.body);
	spool_commit(t->spool, &a->commit);
}

static void ask_change(struct test *t, struct message *m,
		       enum spool_commit_kind kind)
{
	struct asked *a = ask_new(t, m, kind);
	if (kind == SPOOL_DONE) {
		m->done = FATE_ASKED;
	} else {
		a->number = ++m->state_asked;
		snprintf(a->state, sizeof(a->state), "%u", a->number);
		a->commit.state = slice_of(a->state);
	}
	if (kind == SPOOL_RELEASE) {
		m->releases_asked++;
		snprintf(a->booking, sizeof(a->booking), "r%u",
			 number_of(t, m));
		a->commit.booking = slice_of(a->booking);
	}
	spool_commit(t->spool, &a->commit);
}

/* --- reads ----------------------------------------------------------------------------- */

struct reading {
	struct spool_read read;
	struct test *test;
	struct message *m;
};

static void reading_done(struct spool_read *r)
{
	struct reading *rd = CONTAINER_OF(r, struct reading, read);
	struct test *t = rd->test;
	t->outstanding--;
	if (r->ok && r->body != NULL) {
		struct body_at at = body_start(r->body);
		slice piece = { 0 };
		if (!body_next(&at, &piece))
			piece = SLICE("");
		if (!body_equal(rd->m, piece))
			die(t, "read another body", rd->m);
		body_unref(&r->body);
	}
	bool gone = rd->m->done != FATE_NONE || rd->m->lost_to_cache;
	if (!r->ok && !gone && !disk_is_dead(sim->disk) && !heap_failed())
		die(t, r->err.detail[0] ? r->err.detail : r->err.where, rd->m);
	buf_fini(&r->envelope);
	free(rd);
}

static void ask_read(struct test *t, struct message *m)
{
	struct reading *rd = calloc(1, sizeof(*rd));
	rd->test = t;
	rd->m = m;
	rd->read.id = m->id;
	rd->read.want_body = true;
	rd->read.done = reading_done;
	t->outstanding++;
	spool_read(t->spool, &rd->read);
}

/* --- the client thread -------------------------------------------------------------------- */

static struct message *draw_message(struct test *t)
{
	if (t->count == 0)
		return NULL;
	struct message *m = &t->messages[sim_below(&t->draw, t->count)];
	return m->accept == FATE_ACKED && m->done == FATE_NONE &&
	       !m->change_out ? m : NULL;
}

static void act(struct test *t)
{
	uint64_t what = sim_below(&t->draw, 100);
	struct message *m = draw_message(t);
	if (what < 40 || m == NULL)
		ask_accept(t);
	else if (what < 65)
		ask_change(t, m, SPOOL_DONE);
	else if (what < 80)
		ask_change(t, m, SPOOL_STATE);
	else if (what < 88)
		ask_change(t, m, SPOOL_RELEASE);
	else
		ask_read(t, m);
}

static void spool_stopped(struct os_post *post)
{
	struct test *t = CONTAINER_OF(post, struct test, stop_post);
	t->stopped = true;
}

static int64_t client_turn(void *ctx)
{
	struct test *t = ctx;
	while (t->wanted > 0 && t->outstanding < OUTSTANDING_MAX &&
	       !disk_is_dead(sim->disk)) {
		t->wanted--;
		act(t);
		if (sim_chance(&t->draw, 30))
			return os_monotonic_ns() +
			       (int64_t)sim_below(&t->draw, 4 * MS);
	}
	if (t->stopping && t->outstanding == 0) {
		t->stopping = false;
		os_post_init(&t->stop_post, spool_stopped);
		spool_stop(t->spool, sim_chance(&t->draw, 50), &t->stop_post);
	}
	return OS_NEVER;
}

/* The queue's states, from two parts, as two shards would. */
static void checkpoint(void *ctx, struct spool_checkpoint *ck)
{
	struct test *t = ctx;
	spool_checkpoint_parts(ck, 2);
	for (unsigned part = 0; part < 2; part++) {
		for (unsigned i = part; i < t->count; i += 2) {
			const struct message *m = &t->messages[i];
			char state[16];
			if (m->accept != FATE_ACKED || m->done != FATE_NONE)
				continue;
			snprintf(state, sizeof(state), "%u", m->state_asked);
			spool_checkpoint_add(ck, m->id, slice_of(state));
		}
		spool_checkpoint_part_done(ck);
	}
}

/* --- the oracle ------------------------------------------------------------------------------ */

static bool read_piece(void *ctx, slice piece)
{
	struct buf *b = ctx;
	buf_append(b, piece);
	return !b->failed;
}

static void check_readable(struct test *t, const struct message *m)
{
	struct buf envelope, body;
	struct err err;
	char id[ID_TEXT_MAX];
	buf_init(&envelope, 100);
	buf_init(&body, BODY_MAX);
	bool ok = spool_read_now(t->spool, m->id, &envelope, read_piece, &body,
				 &err);
	if (!ok && !disk_is_dead(sim->disk))
		die(t, err.detail[0] ? err.detail : err.text, m);
	if (ok && !slice_eq(buf_slice(&envelope), slice_of(id_text(m->id, id))))
		die(t, "another envelope", m);
	if (ok && !body_equal(m, buf_slice(&body)))
		die(t, "another body", m);
	buf_fini(&envelope);
	buf_fini(&body);
}

static void check_bookings(struct test *t, const struct message *m)
{
	if (m->booked > 1 || (m->accept == FATE_ACKED && m->booked != 1) ||
	    (m->accept == FATE_FAILED && m->booked != 0))
		die(t, "wrong number of bookings", m);
	if (m->booked_release < m->releases_acked ||
	    m->booked_release > m->releases_asked)
		die(t, "wrong number of release bookings", m);
}

static void check_message(struct test *t, struct message *m)
{
	if (m->lost_to_cache)
		return;
	if (m->accept == FATE_ACKED && m->done == FATE_NONE && !m->live)
		die(t, "lost", m);
	if (m->accept == FATE_FAILED && m->live)
		die(t, "ghost", m);
	if (m->done == FATE_ACKED && m->live)
		die(t, "done, and lives again", m);
	if (m->live && (m->state_told < m->state_acked ||
			m->state_told > m->state_asked))
		die(t, "wrong state", m);
	check_bookings(t, m);
	if (m->live)
		check_readable(t, m);
}

/* What recovery has shown is so from now on. */
static void settle(struct test *t, struct message *m)
{
	bool unknown = m->accept == FATE_UNKNOWN || m->accept == FATE_ASKED;
	if (t->gated && (unknown || m->done == FATE_UNKNOWN))
		m->lost_to_cache = true;
	if (m->live) {
		m->accept = FATE_ACKED;
		m->done = FATE_NONE;
		m->state_acked = m->state_asked = m->state_told;
	} else if (unknown) {
		m->accept = FATE_FAILED;
		m->done = FATE_NONE;
		/* It may have lived and died: then it was booked. */
		if (m->booked > 0)
			m->accept = m->done = FATE_ACKED;
	} else if (m->done != FATE_NONE) {
		m->done = FATE_ACKED;
	}
	m->releases_acked = m->releases_asked = m->booked_release;
	m->change_out = false;
}

/* may_fail: faults are on already; then the next life tries again. */
static void reopen(struct test *t, const struct spool_config *config,
		   bool may_fail)
{
	struct spool_visitor v = {
		.ctx = t, .message = told_message, .state = told_state,
		.done = told_done, .booking = told_booking,
	};
	struct err err;
	for (unsigned i = 0; i < t->count; i++) {
		t->messages[i].live = false;
		t->messages[i].booked = t->messages[i].booked_release = 0;
	}
	sim->inside = true;
	bool ok = spool_open(config, &v, &t->spool, &err);
	sim->inside = false;
	if (!ok) {
		if (may_fail && (err.kind == ERR_IO || heap_failed()))
			return;
		die(t, err.detail[0] ? err.detail : err.text, NULL);
	}
	if (disk_is_dead(sim->disk))
		return;
	struct spool_figures f;
	spool_figures(t->spool, &f);
	if (f.quarantined > 0 && !t->gated)
		die(t, "something is in quarantine", NULL);
	for (unsigned i = 0; i < t->count; i++)
		check_message(t, &t->messages[i]);
	for (unsigned i = 0; i < t->count; i++)
		settle(t, &t->messages[i]);
}

/* --- one life ---------------------------------------------------------------------------------- */

static void draw_faults(struct test *t, struct disk_faults *f)
{
	uint64_t kind = sim_below(&t->draw, 10);
	*f = (struct disk_faults){ 0 };
	if (kind < 6)
		f->die_at = 1 + sim_below(&t->draw, 400);
	if (kind >= 4 && kind < 8) {
		f->fail_sync_at = 5 + sim_below(&t->draw, 30);
		f->fail_syncs = 1 + (unsigned)sim_below(&t->draw, 3);
	}
	if (kind == 8)
		f->fail_write_at = 5 + sim_below(&t->draw, 60);
	if (t->space_short)
		f->capacity = (1 << 20) + sim_below(&t->draw, 1 << 20);
}

static void run_until_idle(struct test *t)
{
	for (uint64_t i = 0; !t->stopped; i++) {
		int64_t far = sim->now_ns + 3600 * (int64_t)1000 * MS;
		if (i > STEPS_MAX || !sim_step(far))
			die(t, "the spool hangs", NULL);
	}
}

static void run_life(struct test *t, const struct spool_config *config)
{
	struct disk_faults faults;
	struct err err;
	draw_faults(t, &faults);
	bool early = sim_chance(&t->draw, 20);	/* also while it recovers */
	uint64_t fail_at = t->memory_short && sim_chance(&t->draw, 60) ?
			   1 + sim_below(&t->draw, 700) : 0;
	bool for_ever = sim_chance(&t->draw, 20);
	if (early) {
		disk_set_faults(sim->disk, &faults);
		heap_fail_at(fail_at, for_ever);
	}
	t->outstanding = 0;
	t->stopping = true;
	t->stopped = false;
	t->wanted = (unsigned)sim_below(&t->draw, 150);
	reopen(t, config, early);
	if (!early) {
		disk_set_faults(sim->disk, &faults);
		heap_fail_at(fail_at, for_ever);
	}
	if (t->spool != NULL) {
		if (!os_thread_new(&t->home, "client", client_turn, t, &err) ||
		    !spool_start(t->spool, checkpoint, t, &err) ||
		    !os_thread_start(t->home, &err))
			die(t, err.detail[0] ? err.detail : err.text, NULL);
		run_until_idle(t);
		struct spool_figures f;
		spool_figures(t->spool, &f);
		t->cuts += f.cuts;
		/* Removals of big files may still be with the pool. */
		int64_t soon = sim->now_ns + 100 * (int64_t)MS;
		while (sim_step(soon))
			;
		os_thread_stop(t->home);
		os_thread_join(&t->home);
		spool_close(&t->spool);
	}
	heap_fail_at(0, false);
}

static void end_life(struct test *t)
{
	bool kill = sim_chance(&t->draw, 30);
	if (kill && disk_sync_failed(sim->disk))
		t->gated = true;
	if (kill)
		disk_process_killed(sim->disk);
	else
		disk_power_cut(sim->disk);
}

static void run_seed(struct test *t, uint64_t seed)
{
	struct err err;
	bool verbose = t->verbose;
	memset(t, 0, sizeof(*t));
	t->verbose = verbose;
	t->seed = seed;
	t->draw.state = seed * 7919 + 17;
	sim_begin(seed);
	t->log = (struct log){ .level = LOG_DEBUG, .write = log_write,
			       .wall_ms = log_wall, .ctx = t, .role = "sim" };
	t->budget.max_bytes = 1 << 30;
	t->space_short = seed % 5 == 0;
	t->memory_short = seed % 3 == 0;
	if (!os_pool_open(&t->pool, "disk", 4, &err))
		die(t, err.detail[0] ? err.detail : err.text, NULL);
	unsigned lives = 2 + (unsigned)sim_below(&t->draw, 4);
	for (unsigned i = 0; i < lives; i++) {
		int dir;
		struct disk_faults none = { 0 };
		disk_set_faults(sim->disk, &none);
		if (!os_dir_open("/spool", &dir, &err))
			die(t, err.detail[0] ? err.detail : err.text, NULL);
		struct spool_config config = {
			.dir = dir,
			.log = &t->log,
			.disk = t->pool,
			.budget = &t->budget,
			.segment_bytes = 128 << 10,
			.body_log_max_bytes = BODY_LOG_MAX,
			.summary_keep_ms = 87000000,
			.checkpoint_min_bytes = 64 << 10,
		};
		run_life(t, &config);
		os_file_close(&dir);
		end_life(t);
		if (heap_pieces() != 0)
			die(t, "memory was not given back", NULL);
	}
	os_pool_close(&t->pool);
	sim_end();
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t accepts = 0, failures = 0, unknowns = 0, cuts = 0;
	static const uint8_t key[16] = { 1, 2, 3 };
	hash_key_set(key);
	struct test *t = calloc(1, sizeof(*t));
	t->verbose = getenv("SPOOL_LOG") != NULL;
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		run_seed(t, seed);
		accepts += t->accepts;
		failures += t->failures;
		unknowns += t->unknowns;
		cuts += t->cuts;
	}
	printf("%llu seeds: %llu accepted, %llu failed, %llu unknown, %llu "
	       "cuts\n", (unsigned long long)seeds,
	       (unsigned long long)accepts, (unsigned long long)failures,
	       (unsigned long long)unknowns, (unsigned long long)cuts);
	free(t);
	return 0;
}
