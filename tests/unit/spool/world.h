/*
 * A spool on a real directory, and messages that can be told apart: what
 * the unit tests of the spool share. A `phase` runs on one of our threads
 * until everything it asked for has been answered.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/unit.h"

#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "spool/spool.h"
#include "spool/spool_private.h"

enum { MESSAGES_MAX = 4096, BOOKINGS_MAX = 8192 };

enum fate { FATE_UNKNOWN, FATE_ACKED, FATE_FAILED };

struct message {
	struct id id;
	size_t body_bytes;
	enum fate accept;
	bool done;
	/* what recovery said */
	unsigned told;
	bool told_done;
	unsigned states;
	char last_state[64];
	char envelope[64];
};

struct world {
	char path[64];
	int dir;
	struct log log;
	struct os_pool *disk;
	struct body_budget budget;
	struct spool_config config;
	struct spool *spool;
	struct os_thread *home;
	unsigned outstanding;
	bool (*more)(struct world *w);
	struct message messages[MESSAGES_MAX];
	unsigned count;
	unsigned bookings, archives, journals;
	char log_text[65536];
	size_t log_n;
	bool touched;			/* has files of an open in earnest */
};

static inline bool world_log(void *ctx, slice line)
{
	struct world *w = ctx;
	if (w->log_n + line.n < sizeof(w->log_text)) {
		memcpy(w->log_text + w->log_n, line.p, line.n);
		w->log_n += line.n;
	}
	if (getenv("SPOOL_LOG"))
		fprintf(stderr, "%.*s", SLICE_ARG(line));
	return true;
}

static inline int64_t world_wall(void *ctx)
{
	(void)ctx;
	return os_wall_ms();
}

static inline void world_init(struct world *w)
{
	struct err err;
	memset(w, 0, sizeof(*w));
	const char *tmp = getenv("TMPDIR");
	snprintf(w->path, sizeof(w->path), "%s/spool-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->path));
	assert_true(os_dir_open(w->path, &w->dir, &err));
	w->log = (struct log){ .level = LOG_DEBUG, .write = world_log,
			       .wall_ms = world_wall, .ctx = w,
			       .role = "test" };
	w->budget.max_bytes = 1 << 30;
	assert_true(os_pool_open(&w->disk, "disk", 4, &err));
	w->touched = true;
	w->config = (struct spool_config){
		.dir = w->dir,
		.log = &w->log,
		.disk = w->disk,
		.budget = &w->budget,
		.segment_bytes = 1 << 20,
		.body_log_max_bytes = 64 << 10,
		.summary_keep_ms = 87000000,
		.checkpoint_min_bytes = 256 << 20,
	};
}

static inline void remove_tree(const char *path)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static inline void world_fini(struct world *w)
{
	os_pool_close(&w->disk);
	os_file_close(&w->dir);
	remove_tree(w->path);
}

static inline struct message *find_message(struct world *w, struct id id)
{
	for (unsigned i = 0; i < w->count; i++)
		if (id_eq(w->messages[i].id, id))
			return &w->messages[i];
	return NULL;
}

/* Byte i of the body of that message. */
static inline char body_byte(const struct message *m, size_t i)
{
	uint64_t v = (m->id.random + i) * 0x9e3779b97f4a7c15u;
	return (char)('a' + (v >> 56) % 26);
}

static inline struct body *make_test_body(struct world *w,
					  const struct message *m)
{
	struct err err;
	struct body *b = body_new(&w->budget);
	char *bytes = malloc(m->body_bytes + 1);
	assert_non_null(b);
	for (size_t i = 0; i < m->body_bytes; i++)
		bytes[i] = body_byte(m, i);
	assert_true(body_append(b, (slice){ bytes, m->body_bytes }, &err));
	body_seal(b);
	free(bytes);
	return b;
}

/* --- recovery ------------------------------------------------------------------ */

static inline bool visit_message(void *ctx, struct id id, slice envelope,
				 slice state, struct err *err)
{
	(void)err;
	struct message *m = find_message(ctx, id);
	assert_non_null(m);
	m->told++;
	m->told_done = false;
	snprintf(m->envelope, sizeof(m->envelope), "%.*s",
		 SLICE_ARG(envelope));
	snprintf(m->last_state, sizeof(m->last_state), "%.*s",
		 SLICE_ARG(state));
	return true;
}

static inline bool visit_state(void *ctx, struct id id, slice state,
			       struct err *err)
{
	(void)err;
	struct message *m = find_message(ctx, id);
	assert_non_null(m);
	m->states++;
	snprintf(m->last_state, sizeof(m->last_state), "%.*s",
		 SLICE_ARG(state));
	return true;
}

static inline bool visit_done(void *ctx, struct id id, struct err *err)
{
	(void)err;
	struct message *m = find_message(ctx, id);
	assert_non_null(m);
	m->told_done = true;
	return true;
}

static inline bool visit_booking(void *ctx, int64_t wall_ms, slice booking,
				 struct err *err)
{
	struct world *w = ctx;
	(void)err;
	assert_true(wall_ms > 0 && booking.n > 0);
	w->bookings++;
	return true;
}

static inline bool visit_journal(void *ctx, uint64_t position, struct id id,
				 slice journal, struct err *err)
{
	struct world *w = ctx;
	(void)err;
	(void)id;
	assert_true(position > 0 && journal.n > 0);
	w->journals++;
	return true;
}

static inline bool visit_archive(void *ctx, struct id id, slice archive,
				 struct err *err)
{
	struct world *w = ctx;
	(void)err;
	(void)id;
	assert_true(archive.n > 0);
	w->archives++;
	return true;
}

static inline void open_spool(struct world *w)
{
	struct err err = { 0 };
	struct spool_visitor v = {
		.ctx = w, .message = visit_message, .state = visit_state,
		.done = visit_done, .booking = visit_booking,
		.journal = visit_journal, .archive = visit_archive,
	};
	for (unsigned i = 0; i < w->count; i++) {
		struct message *m = &w->messages[i];
		m->told = m->states = 0;
		m->told_done = false;
		m->last_state[0] = m->envelope[0] = '\0';
	}
	w->bookings = w->archives = w->journals = 0;
	if (!spool_open(&w->config, &v, &w->spool, &err))
		fail_msg("spool_open: %s %s", err.text, err.detail);
}

/* --- phases ------------------------------------------------------------------------ */

struct starter {
	struct os_post post;
	void (*start)(struct world *w);
	struct world *w;
};

static inline void starter_run(struct os_post *post)
{
	struct starter *st = CONTAINER_OF(post, struct starter, post);
	st->start(st->w);
}

static inline int64_t home_turn(void *ctx)
{
	struct world *w = ctx;
	if (w->outstanding == 0)
		os_thread_stop(w->home);
	return OS_NEVER;
}

static inline void phase(struct world *w, void (*start)(struct world *w))
{
	struct err err;
	struct starter st = { .start = start, .w = w };
	assert_true(os_thread_new(&w->home, "home", home_turn, w, &err));
	os_post_init(&st.post, starter_run);
	os_thread_post(w->home, &st.post);
	os_thread_run(w->home);
	assert_int_equal(w->outstanding, 0);
	os_thread_join(&w->home);
}

/* The queue's part of a checkpoint, in one go. */
static inline void checkpoint_all(void *ctx, struct spool_checkpoint *ck)
{
	struct world *w = ctx;
	for (unsigned i = 0; i < w->count; i++) {
		const struct message *m = &w->messages[i];
		if (m->accept == FATE_ACKED && !m->done)
			spool_checkpoint_add(ck, m->id, SLICE("checkpointed"));
	}
	spool_checkpoint_parts(ck, 1);
	spool_checkpoint_part_done(ck);
}

static inline void start_spool(struct world *w)
{
	struct err err;
	assert_true(spool_start(w->spool, checkpoint_all, w, &err));
}

struct stopper {
	struct os_post post;
	struct world *w;
};

static inline void stopper_run(struct os_post *post)
{
	struct stopper *st = CONTAINER_OF(post, struct stopper, post);
	st->w->outstanding--;
	free(st);
}

static inline void ask_stop(struct world *w, bool checkpoint)
{
	struct stopper *st = calloc(1, sizeof(*st));
	st->w = w;
	os_post_init(&st->post, stopper_run);
	w->outstanding++;
	spool_stop(w->spool, checkpoint, &st->post);
}

static inline void stop_plain(struct world *w)
{
	ask_stop(w, false);
}

static inline void stop_with_checkpoint(struct world *w)
{
	ask_stop(w, true);
}

static inline void close_spool(struct world *w, bool checkpoint)
{
	phase(w, checkpoint ? stop_with_checkpoint : stop_plain);
	spool_close(&w->spool);
}

/* --- commits ---------------------------------------------------------------------------- */

struct asked {
	struct spool_commit commit;
	struct world *w;
	struct message *m;
	char text[64];
	bool expect_failure;
};

static inline void asked_done(struct spool_commit *c)
{
	struct asked *a = CONTAINER_OF(c, struct asked, commit);
	if (c->kind == SPOOL_ACCEPT)
		a->m->accept = c->ok ? FATE_ACKED :
			       c->unknown ? FATE_UNKNOWN : FATE_FAILED;
	if (c->kind == SPOOL_DONE && c->ok)
		a->m->done = true;
	assert_true(!c->ok || c->position > 0);
	a->w->outstanding--;
	assert_true(c->big == NULL || !c->ok);
	if (c->big != NULL)
		spool_big_drop(&c->big);
	if (c->body != NULL)
		body_unref(&c->body);
	free(a);
}

static inline struct asked *ask_new(struct world *w, struct message *m,
				    enum spool_commit_kind kind)
{
	struct asked *a = calloc(1, sizeof(*a));
	a->w = w;
	a->m = m;
	a->commit.kind = kind;
	a->commit.id = m->id;
	a->commit.wall_ms = os_wall_ms();
	a->commit.done = asked_done;
	w->outstanding++;
	return a;
}

static inline struct message *new_message(struct world *w, size_t body_bytes)
{
	assert_true(w->count < MESSAGES_MAX);
	struct message *m = &w->messages[w->count++];
	*m = (struct message){ .body_bytes = body_bytes };
	m->id = id_make(os_wall_ms(), os_random_u64());
	return m;
}

static inline struct message *ask_accept(struct world *w, size_t body_bytes)
{
	struct message *m = new_message(w, body_bytes);
	struct asked *a = ask_new(w, m, SPOOL_ACCEPT);
	char id[ID_TEXT_MAX];
	snprintf(a->text, sizeof(a->text), "envelope of %s",
		 id_text(m->id, id));
	a->commit.envelope = slice_of(a->text);
	a->commit.body = make_test_body(w, m);
	a->commit.state = SLICE("first");
	a->commit.booking = SLICE("booking");
	a->commit.journal = SLICE("accepted");
	spool_commit(w->spool, &a->commit);
	return m;
}

static inline void ask_state(struct world *w, struct message *m,
			     enum spool_commit_kind kind, const char *state)
{
	struct asked *a = ask_new(w, m, kind);
	snprintf(a->text, sizeof(a->text), "%s", state);
	a->commit.state = slice_of(a->text);
	if (kind == SPOOL_RELEASE)
		a->commit.booking = SLICE("released");
	spool_commit(w->spool, &a->commit);
}

/* --- reading ------------------------------------------------------------------------------ */

static inline bool piece_is_right(void *ctx, slice piece)
{
	void **p = ctx;
	const struct message *m = p[0];
	size_t *at = p[1];
	for (size_t i = 0; i < piece.n; i++)
		if (piece.p[i] != body_byte(m, *at + i))
			return false;
	*at += piece.n;
	return true;
}

/* Reads a message without threads; false with *err. */
static inline bool message_reads(struct world *w, struct message *m,
				 struct err *err)
{
	struct buf envelope;
	size_t at = 0;
	void *ctx[2] = { m, &at };
	char want[64], id[ID_TEXT_MAX];
	buf_init(&envelope, 1 << 20);
	bool ok = spool_read_now(w->spool, m->id, &envelope, piece_is_right,
				 ctx, err);
	if (ok) {
		snprintf(want, sizeof(want), "envelope of %s",
			 id_text(m->id, id));
		assert_slice_eq(buf_slice(&envelope), want);
		assert_int_equal(at, m->body_bytes);
	}
	buf_fini(&envelope);
	return ok;
}

static inline void assert_reads(struct world *w, struct message *m)
{
	struct err err;
	if (!message_reads(w, m, &err))
		fail_msg("read: %s %s", err.text, err.detail);
}

/* Acknowledged and not done is live, and reads; nothing else is. */
static inline void assert_oracle(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct message *m = &w->messages[i];
		bool live = m->told > 0 && !m->told_done;
		if (m->accept == FATE_ACKED && !m->done)
			assert_true(live);
		if (m->accept == FATE_FAILED)
			assert_int_equal(m->told, 0);
		if (m->done)
			assert_false(live);
		if (live)
			assert_reads(w, m);
	}
}
