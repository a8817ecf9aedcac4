/*
 * Scenes of the spool that need a disk to misbehave just so: it fills and
 * drains, syncs fail until the spool closes, a cut can't be written,
 * segments are emptied. On the simulated disk and clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/body.h"
#include "os/clock.h"
#include "os/file.h"
#include "sim/disk.h"
#include "sim/sim.h"
#include "spool/spool.h"

enum { MESSAGES_MAX = 4000, BODY = 3000 };

struct message {
	struct id id;
	bool acked, failed, unknown, done, live;
};

struct scene {
	const char *name;
	int dir;
	struct os_pool *pool;
	struct os_thread *home;
	struct spool *spool;
	struct log log;
	struct body_budget budget;
	struct spool_config config;
	struct message messages[MESSAGES_MAX];
	unsigned count, outstanding;
	unsigned live_told;
	bool stopped;
	struct os_post post, stop_post;
	void (*act)(struct scene *sc);
};

#define expect(x)                                                        \
	do {                                                             \
		if (!(x)) {                                              \
			fprintf(stderr, "%s:%d: %s: not so: %s\n",       \
				__FILE__, __LINE__, sc->name, #x);       \
			exit(1);                                         \
		}                                                        \
	} while (0)

/* --- the world ----------------------------------------------------------------- */

static bool log_write(void *ctx, slice line)
{
	(void)ctx;
	if (getenv("SPOOL_LOG") != NULL)
		fprintf(stderr, "%.*s", SLICE_ARG(line));
	return true;
}

static int64_t log_wall(void *ctx)
{
	(void)ctx;
	return os_wall_ms();
}

static struct message *message_of(struct scene *sc, struct id id)
{
	for (unsigned i = 0; i < sc->count; i++)
		if (id_eq(sc->messages[i].id, id))
			return &sc->messages[i];
	return NULL;
}

static bool told_message(void *ctx, struct id id, slice envelope, slice state,
			 struct err *err)
{
	struct scene *sc = ctx;
	(void)envelope;
	(void)state;
	(void)err;
	message_of(sc, id)->live = true;
	return true;
}

static bool told_state(void *ctx, struct id id, slice state, struct err *err)
{
	(void)ctx;
	(void)id;
	(void)state;
	(void)err;
	return true;
}

static bool told_done(void *ctx, struct id id, struct err *err)
{
	struct scene *sc = ctx;
	(void)err;
	message_of(sc, id)->live = false;
	return true;
}

static void checkpoint(void *ctx, struct spool_checkpoint *ck)
{
	struct scene *sc = ctx;
	spool_checkpoint_parts(ck, 1);
	for (unsigned i = 0; i < sc->count; i++)
		if (sc->messages[i].acked && !sc->messages[i].done)
			spool_checkpoint_add(ck, sc->messages[i].id,
					     SLICE("state"));
	spool_checkpoint_part_done(ck);
}

static int64_t home_turn(void *ctx)
{
	(void)ctx;
	return OS_NEVER;
}

static void scene_begin(struct scene *sc, const char *name)
{
	struct err err;
	*sc = (struct scene){ .name = name };
	sim_begin(1);
	sc->log = (struct log){ .level = LOG_DEBUG, .write = log_write,
				.wall_ms = log_wall, .role = "sim" };
	sc->budget.max_bytes = 1 << 30;
	expect(os_pool_open(&sc->pool, "disk", 4, &err));
	expect(os_dir_open("/spool", &sc->dir, &err));
	sc->config = (struct spool_config){
		.dir = sc->dir, .log = &sc->log, .disk = sc->pool,
		.budget = &sc->budget, .segment_bytes = 128 << 10,
		.body_log_max_bytes = 64 << 10, .summary_keep_ms = 1000,
		.checkpoint_min_bytes = 256 << 20,
	};
}

static void open_spool(struct scene *sc)
{
	struct err err;
	struct spool_visitor v = { .ctx = sc, .message = told_message,
				   .state = told_state, .done = told_done };
	for (unsigned i = 0; i < sc->count; i++)
		sc->messages[i].live = false;
	expect(spool_open(&sc->config, &v, &sc->spool, &err));
	expect(os_thread_new(&sc->home, "home", home_turn, sc, &err));
	expect(os_thread_start(sc->home, &err));
	expect(spool_start(sc->spool, checkpoint, sc, &err));
}

static void act_run(struct os_post *post)
{
	struct scene *sc = CONTAINER_OF(post, struct scene, post);
	sc->act(sc);
}

/* Lets time pass. */
static void pass(int64_t ms)
{
	int64_t until = os_monotonic_ns() + ms * MS;
	while (sim_step(until))
		;
}

/* Does it on a thread of ours and waits for all answers, at most a minute. */
static void act(struct scene *sc, void (*what)(struct scene *sc))
{
	int64_t until = os_monotonic_ns() + 60000 * (int64_t)MS;
	sc->act = what;
	os_post_init(&sc->post, act_run);
	os_thread_post(sc->home, &sc->post);
	do
		expect(sim_step(until));
	while (sc->post.posted || sc->outstanding > 0);
}

static void was_stopped(struct os_post *post)
{
	struct scene *sc = CONTAINER_OF(post, struct scene, stop_post);
	sc->stopped = true;
	sc->outstanding--;
}

static void ask_stop(struct scene *sc)
{
	os_post_init(&sc->stop_post, was_stopped);
	sc->outstanding++;
	spool_stop(sc->spool, false, &sc->stop_post);
}

static void close_spool(struct scene *sc)
{
	act(sc, ask_stop);
	expect(sc->stopped);
	sc->stopped = false;
	spool_close(&sc->spool);
	os_thread_stop(sc->home);
	os_thread_join(&sc->home);
}

static void scene_end(struct scene *sc)
{
	os_file_close(&sc->dir);
	os_pool_close(&sc->pool);
	sim_end();
	printf("%s\n", sc->name);
}

/* --- commits ----------------------------------------------------------------------- */

struct asked {
	struct spool_commit commit;
	struct scene *sc;
	struct message *m;
};

static void asked_done(struct spool_commit *c)
{
	struct asked *a = CONTAINER_OF(c, struct asked, commit);
	struct message *m = a->m;
	if (c->kind == SPOOL_ACCEPT) {
		m->acked = c->ok;
		m->failed = !c->ok && !c->unknown;
		m->unknown = c->unknown;
	} else if (c->kind == SPOOL_DONE && c->ok) {
		m->done = true;
	}
	a->sc->outstanding--;
	if (c->body != NULL)
		body_unref(&c->body);
	free(a);
}

static struct asked *ask(struct scene *sc, struct message *m,
			 enum spool_commit_kind kind)
{
	struct asked *a = calloc(1, sizeof(*a));
	a->sc = sc;
	a->m = m;
	a->commit.kind = kind;
	a->commit.id = m->id;
	a->commit.wall_ms = os_wall_ms();
	a->commit.done = asked_done;
	a->commit.state = SLICE("state");
	sc->outstanding++;
	return a;
}

static void accept_one(struct scene *sc)
{
	static char bytes[BODY];
	struct err err;
	expect(sc->count < MESSAGES_MAX);
	struct message *m = &sc->messages[sc->count++];
	*m = (struct message){ .id = id_make(os_wall_ms(),
					     sim_next(&sim->faults)) };
	struct asked *a = ask(sc, m, SPOOL_ACCEPT);
	a->commit.envelope = SLICE("envelope");
	a->commit.booking = SLICE("booking");
	a->commit.body = body_new(&sc->budget);
	memset(bytes, 'x', sizeof(bytes));
	expect(body_append(a->commit.body, (slice){ bytes, BODY }, &err));
	body_seal(a->commit.body);
	spool_commit(sc->spool, &a->commit);
}

static void accept_10(struct scene *sc)
{
	for (unsigned i = 0; i < 10; i++)
		accept_one(sc);
}

static void accept_20(struct scene *sc)
{
	for (unsigned i = 0; i < 20; i++)
		accept_one(sc);
}

static void state_all(struct scene *sc)
{
	for (unsigned i = 0; i < sc->count; i++)
		if (sc->messages[i].acked && !sc->messages[i].done)
			spool_commit(sc->spool,
				     &ask(sc, &sc->messages[i],
					  SPOOL_STATE)->commit);
}

static void done_all(struct scene *sc)
{
	for (unsigned i = 0; i < sc->count; i++)
		if (sc->messages[i].acked && !sc->messages[i].done)
			spool_commit(sc->spool,
				     &ask(sc, &sc->messages[i],
					  SPOOL_DONE)->commit);
}

static void done_most(struct scene *sc)
{
	for (unsigned i = 0; i < sc->count; i++)
		if (sc->messages[i].acked && !sc->messages[i].done &&
		    i % 12 != 0)
			spool_commit(sc->spool,
				     &ask(sc, &sc->messages[i],
					  SPOOL_DONE)->commit);
}

static struct spool_figures figures(struct scene *sc)
{
	struct spool_figures f;
	spool_figures(sc->spool, &f);
	return f;
}

static void expect_oracle(struct scene *sc)
{
	for (unsigned i = 0; i < sc->count; i++) {
		const struct message *m = &sc->messages[i];
		struct buf envelope;
		struct err err;
		expect(!m->acked || m->done || m->live);
		expect(!m->done || !m->live);
		expect(!m->failed || !m->live);
		if (!m->live)
			continue;
		buf_init(&envelope, 100);
		expect(spool_read_now(sc->spool, m->id, &envelope, NULL, NULL,
				      &err));
		buf_fini(&envelope);
	}
	expect(figures(sc).quarantined == 0);
}

/* --- the scenes ----------------------------------------------------------------------- */

/* 452 when it is full; states and dones still work; drained, it comes back
 * without a restart. Twice, so that nothing is used up by it. */
static void a_full_disk_refuses_mail_and_recovers(struct scene *sc)
{
	scene_begin(sc, __func__);
	struct disk_faults f = { .capacity = 3 << 20 };
	disk_set_faults(sim->disk, &f);
	open_spool(sc);
	for (unsigned round = 0; round < 3; round++) {
		unsigned before = sc->count;
		pass(3000);
		while (!figures(sc).low_space) {
			expect(sc->count < before + 1200);
			pass(1);
			if (!spool_room_take(sc->spool, 31000))
				continue;
			act(sc, accept_10);
			spool_room_give(sc->spool, 31000);
		}
		expect(sc->count > before + 500);
		expect(!spool_room_take(sc->spool, 0));
		expect(!spool_is_closed(sc->spool));
		/* Nobody was told anything but ok so far. */
		for (unsigned i = before; i < sc->count; i++)
			expect(sc->messages[i].acked);
		act(sc, state_all);
		act(sc, done_all);
		for (unsigned i = before; i < sc->count; i++)
			expect(sc->messages[i].done);
		pass(60000);
		expect(!figures(sc).low_space);
		expect(figures(sc).segments < 6);
	}
	close_spool(sc);
	open_spool(sc);
	expect_oracle(sc);
	close_spool(sc);
	scene_end(sc);
}

/* Mail beyond the last room fails with ENOSPC, is never found again, and
 * what it needs to die is still there. */
static void mail_pushed_into_a_full_disk_fails_cleanly(struct scene *sc)
{
	scene_begin(sc, __func__);
	struct disk_faults f = { .capacity = 2 << 20 };
	disk_set_faults(sim->disk, &f);
	open_spool(sc);
	for (unsigned i = 0; i < 60; i++)
		act(sc, accept_20);
	unsigned failed = 0, acked = 0;
	for (unsigned i = 0; i < sc->count; i++) {
		failed += sc->messages[i].failed;
		acked += sc->messages[i].acked;
	}
	expect(failed > 500 && acked > 200);
	expect(!spool_is_closed(sc->spool));
	act(sc, done_all);
	for (unsigned i = 0; i < sc->count; i++)
		expect(sc->messages[i].failed || sc->messages[i].done);
	pass(60000);
	expect(!figures(sc).low_space);
	close_spool(sc);
	open_spool(sc);
	expect_oracle(sc);
	close_spool(sc);
	scene_end(sc);
}

/* A full disk at the start: what is there is still delivered. */
static void a_full_disk_still_opens(struct scene *sc)
{
	scene_begin(sc, __func__);
	struct disk_faults f = { .capacity = 2 << 20 };
	disk_set_faults(sim->disk, &f);
	open_spool(sc);
	while (!figures(sc).low_space)
		act(sc, accept_10);
	close_spool(sc);
	for (unsigned i = 0; i < 3; i++) {
		open_spool(sc);
		expect_oracle(sc);
		act(sc, state_all);
		pass(5000);
		close_spool(sc);
	}
	open_spool(sc);
	act(sc, done_all);
	for (unsigned i = 0; i < sc->count; i++)
		expect(!sc->messages[i].acked || sc->messages[i].done);
	pass(120000);
	expect(!figures(sc).low_space);
	close_spool(sc);
	scene_end(sc);
}

static void one_failed_sync_is_cut_away(struct scene *sc)
{
	struct err err;
	scene_begin(sc, __func__);
	open_spool(sc);
	act(sc, accept_20);
	pass(3000);
	struct disk_faults f = { .fail_sync_at = 1, .fail_syncs = 1 };
	disk_set_faults(sim->disk, &f);
	act(sc, done_most);
	act(sc, accept_20);
	expect(figures(sc).cuts == 1 && !spool_is_closed(sc->spool));
	for (unsigned i = 0; i < 20; i++)
		expect(sc->messages[i].done == (i % 12 != 0));
	close_spool(sc);
	os_file_close(&sc->dir);
	disk_power_cut(sim->disk);
	expect(os_dir_open("/spool", &sc->dir, &err));
	sc->config.dir = sc->dir;
	open_spool(sc);
	expect_oracle(sc);
	close_spool(sc);
	scene_end(sc);
}

static void three_failures_in_a_minute_close_the_spool(struct scene *sc)
{
	scene_begin(sc, __func__);
	open_spool(sc);
	act(sc, accept_20);
	for (unsigned i = 0; i < 3; i++) {
		pass(3000);
		expect(!spool_is_closed(sc->spool));
		struct disk_faults f = { .fail_sync_at = 1, .fail_syncs = 1 };
		disk_set_faults(sim->disk, &f);
		act(sc, accept_20);
	}
	expect(spool_is_closed(sc->spool));
	expect(!spool_room_take(sc->spool, 0));
	unsigned before = sc->count;
	act(sc, accept_20);
	for (unsigned i = before; i < sc->count; i++)
		expect(sc->messages[i].failed && !sc->messages[i].unknown);
	close_spool(sc);
	open_spool(sc);
	expect_oracle(sc);
	close_spool(sc);
	scene_end(sc);
}

static void three_failures_in_three_minutes_do_not(struct scene *sc)
{
	scene_begin(sc, __func__);
	open_spool(sc);
	for (unsigned i = 0; i < 6; i++) {
		pass(31000);
		struct disk_faults f = { .fail_sync_at = 1, .fail_syncs = 1 };
		disk_set_faults(sim->disk, &f);
		act(sc, accept_20);
		expect(!spool_is_closed(sc->spool));
	}
	expect(figures(sc).cuts == 6);
	close_spool(sc);
	scene_end(sc);
}

static void without_a_cut_the_outcome_is_unknown(struct scene *sc)
{
	scene_begin(sc, __func__);
	open_spool(sc);
	act(sc, accept_20);
	pass(3000);
	struct disk_faults f = { .fail_sync_at = 1, .fail_syncs = 2 };
	disk_set_faults(sim->disk, &f);
	act(sc, accept_20);
	expect(spool_is_closed(sc->spool));
	unsigned unknown = 0;
	for (unsigned i = 20; i < sc->count; i++)
		unknown += sc->messages[i].unknown;
	expect(unknown > 0);
	close_spool(sc);
	scene_end(sc);
}

static void sparse_segments_are_emptied(struct scene *sc)
{
	scene_begin(sc, __func__);
	sc->config.checkpoint_min_bytes = 300 << 10;
	open_spool(sc);
	for (unsigned i = 0; i < 60; i++)
		act(sc, accept_20);
	act(sc, done_most);
	uint64_t segments = figures(sc).segments;
	expect(segments > 25);
	/* Checkpoints come with more log. */
	for (unsigned i = 0; i < 30; i++) {
		pass(10000);
		act(sc, accept_20);
		act(sc, done_most);
	}
	expect(figures(sc).evacuated > 80);
	expect(figures(sc).segments < segments / 2);
	close_spool(sc);
	open_spool(sc);
	expect_oracle(sc);
	close_spool(sc);
	scene_end(sc);
}

int main(void)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	a_full_disk_refuses_mail_and_recovers(sc);
	mail_pushed_into_a_full_disk_fails_cleanly(sc);
	a_full_disk_still_opens(sc);
	one_failed_sync_is_cut_away(sc);
	three_failures_in_a_minute_close_the_spool(sc);
	three_failures_in_three_minutes_do_not(sc);
	without_a_cut_the_outcome_is_unknown(sc);
	sparse_segments_are_emptied(sc);
	free(sc);
	return 0;
}
