/* Round trips: what was accepted is there again after a stop, with its
 * states, bookings, journal; group commit; reading; evacuation. */
#include "unit/spool/world.h"

static struct world *setup_world(void)
{
	struct world *w = calloc(1, sizeof(*w));
	world_init(w);
	return w;
}

static void teardown_world(struct world *w)
{
	world_fini(w);
	free(w);
}

static void accept_60(struct world *w)
{
	for (unsigned i = 0; i < 60; i++)
		ask_accept(w, i * 37 % 5000);
}

static void s11_1_accepted_messages_live_after_a_stop(void **state)
{
	(void)state;
	for (unsigned with_checkpoint = 0; with_checkpoint < 2;
	     with_checkpoint++) {
		struct world *w = setup_world();
		open_spool(w);
		start_spool(w);
		phase(w, accept_60);
		close_spool(w, with_checkpoint);
		open_spool(w);
		assert_oracle(w);
		for (unsigned i = 0; i < w->count; i++) {
			assert_int_equal(w->messages[i].accept, FATE_ACKED);
			assert_string_equal(w->messages[i].last_state,
					    with_checkpoint ? "checkpointed" :
							      "first");
		}
		assert_int_equal(w->bookings, 60);
		assert_int_equal(w->journals, 60);
		struct spool_figures f;
		spool_figures(w->spool, &f);
		assert_int_equal(f.messages, 60);
		assert_int_equal(f.quarantined, 0);
		spool_close(&w->spool);
		teardown_world(w);
	}
}

static void change_some(struct world *w)
{
	for (unsigned i = 0; i < 60; i++) {
		if (i % 3 == 0)
			ask_state(w, &w->messages[i], SPOOL_DONE, "");
		if (i % 3 == 1)
			ask_state(w, &w->messages[i], SPOOL_STATE, "second");
		if (i % 3 == 2)
			ask_state(w, &w->messages[i], SPOOL_RELEASE, "free");
	}
}

static void states_and_dones_are_told_again(void **state)
{
	(void)state;
	struct world *w = setup_world();
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	phase(w, change_some);
	close_spool(w, false);
	for (unsigned round = 0; round < 3; round++) {
		open_spool(w);
		assert_oracle(w);
		for (unsigned i = 0; i < 60; i++) {
			const char *want = i % 3 == 1 ? "second" : "free";
			if (i % 3 != 0)
				assert_string_equal(w->messages[i].last_state,
						    want);
		}
		assert_int_equal(w->bookings, 80);
		spool_close(&w->spool);
	}
	teardown_world(w);
}

static void group_commit_shares_syncs(void **state)
{
	(void)state;
	struct world *w = setup_world();
	struct spool_figures f;
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	spool_figures(w->spool, &f);
	assert_int_equal(f.commits, 60);
	assert_true(f.syncs < 30);
	close_spool(w, false);
	teardown_world(w);
}

/* --- reports end what they are about ------------------------------------------- */

static void accept_report(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		struct message *m = new_message(w, 100);
		struct asked *a = ask_new(w, m, SPOOL_ACCEPT);
		char id[ID_TEXT_MAX];
		snprintf(a->text, sizeof(a->text), "envelope of %s",
			 id_text(m->id, id));
		a->commit.envelope = slice_of(a->text);
		a->commit.body = make_test_body(w, m);
		a->commit.ends_id = w->messages[i].id;
		a->commit.ends_done = i == 0;
		a->commit.ends_state = SLICE("reported");
		a->commit.archive = SLICE("mark");
		spool_commit(w->spool, &a->commit);
	}
	w->messages[0].done = true;
}

static void a_report_ends_its_message_in_the_same_frame(void **state)
{
	(void)state;
	struct world *w = setup_world();
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	phase(w, accept_report);
	close_spool(w, false);
	open_spool(w);
	assert_oracle(w);
	assert_string_equal(w->messages[1].last_state, "reported");
	assert_int_equal(w->archives, 2);
	spool_close(&w->spool);
	teardown_world(w);
}

/* --- reading through the pool -------------------------------------------------------- */

struct reading {
	struct spool_read read;
	struct world *w;
	struct message *m;
};

static void reading_done(struct spool_read *r)
{
	struct reading *rd = CONTAINER_OF(r, struct reading, read);
	rd->w->outstanding--;
	if (rd->m == NULL) {
		assert_false(r->ok);
		assert_int_equal(r->err.kind, ERR_PERMANENT);
		free(rd);
		return;
	}
	assert_true(r->ok);
	assert_int_equal(r->body_bytes, rd->m->body_bytes);
	assert_true(r->envelope.n > 0);
	if (r->want_body) {
		size_t at = 0;
		void *ctx[2] = { rd->m, &at };
		struct body_at b = body_start(r->body);
		for (slice piece; body_next(&b, &piece);)
			assert_true(piece_is_right(ctx, piece));
		assert_int_equal(at, rd->m->body_bytes);
		body_unref(&r->body);
	} else {
		assert_null(r->body);
	}
	buf_fini(&r->envelope);
	free(rd);
}

static void read_one(struct world *w, struct message *m, bool want_body)
{
	struct reading *rd = calloc(1, sizeof(*rd));
	rd->w = w;
	rd->m = m;
	rd->read.id = m ? m->id : (struct id){ 1, 2 };
	rd->read.want_body = want_body;
	rd->read.done = reading_done;
	w->outstanding++;
	spool_read(w->spool, &rd->read);
}

static void read_all(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!w->messages[i].done)
			read_one(w, &w->messages[i], i % 2);
	read_one(w, NULL, true);
}

static void messages_read_back_while_they_are_written(void **state)
{
	(void)state;
	struct world *w = setup_world();
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	phase(w, read_all);
	close_spool(w, false);
	teardown_world(w);
}

/* --- big ones ---------------------------------------------------------------------------- */

struct big_asked {
	struct spool_big *big;
	struct world *w;
	struct message *m;
	size_t at;
	bool drop;
	char text[64];
};

static void big_pump(void *ctx);

static void big_finished(void *ctx, bool ok, const struct err *err)
{
	struct big_asked *b = ctx;
	(void)err;
	assert_true(ok);
	if (b->drop) {
		spool_big_drop(&b->big);
		b->w->outstanding--;
		free(b);
		return;
	}
	struct asked *a = ask_new(b->w, b->m, SPOOL_ACCEPT);
	char id[ID_TEXT_MAX];
	snprintf(a->text, sizeof(a->text), "envelope of %s",
		 id_text(b->m->id, id));
	a->commit.envelope = slice_of(a->text);
	a->commit.big = b->big;
	spool_commit(b->w->spool, &a->commit);
	b->w->outstanding--;
	free(b);
}

/* The first 1000 bytes are the prefix, added last. */
static void big_pump(void *ctx)
{
	struct big_asked *b = ctx;
	struct err err;
	char piece[10000];
	while (b->at < b->m->body_bytes) {
		size_t n = b->m->body_bytes - b->at;
		if (n > sizeof(piece))
			n = sizeof(piece);
		for (size_t i = 0; i < n; i++)
			piece[i] = body_byte(b->m, b->at + i);
		assert_true(spool_big_append(b->big, (slice){ piece, n },
					     &err));
		b->at += n;
		if (spool_big_outstanding(b->big) >= 256 << 10)
			return;
	}
	for (size_t i = 0; i < 1000; i++)
		piece[i] = body_byte(b->m, i);
	spool_big_finish(b->big, (slice){ piece, 1000 }, big_finished, b);
}

static void ask_big(struct world *w, size_t bytes, size_t hint, bool drop)
{
	struct big_asked *b = calloc(1, sizeof(*b));
	b->w = w;
	b->m = new_message(w, bytes);
	b->at = 1000;
	b->drop = drop;
	b->big = spool_big_new(w->spool, b->m->id, hint, big_pump, b);
	assert_non_null(b->big);
	w->outstanding++;
	big_pump(b);
}

static void ask_three_big(struct world *w)
{
	ask_big(w, 5000000, 0, false);
	ask_big(w, 1200000, 1200000, false);
	ask_big(w, 3000000, 0, true);
	ask_accept(w, 10);
}

static unsigned count_files(struct world *w, const char *dir)
{
	char command[160];
	unsigned n = 0;
	snprintf(command, sizeof(command), "ls -A '%s/%s' | wc -l", w->path,
		 dir);
	FILE *f = popen(command, "r");
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void done_first(struct world *w)
{
	ask_state(w, &w->messages[0], SPOOL_DONE, "");
}

static void big_messages_live_in_files_of_their_own(void **state)
{
	(void)state;
	struct world *w = setup_world();
	open_spool(w);
	start_spool(w);
	phase(w, ask_three_big);
	close_spool(w, true);
	assert_int_equal(count_files(w, "big"), 2);
	/* One that was never committed is an orphan. */
	char path[128];
	snprintf(path, sizeof(path), "%s/big/%s", w->path,
		 "000000001abcdefghijk");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	open_spool(w);
	assert_int_equal(count_files(w, "big"), 2);
	assert_oracle(w);
	start_spool(w);
	phase(w, done_first);
	close_spool(w, false);
	open_spool(w);
	assert_int_equal(count_files(w, "big"), 1);
	assert_oracle(w);
	spool_close(&w->spool);
	teardown_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s11_1_accepted_messages_live_after_a_stop),
		cmocka_unit_test(states_and_dones_are_told_again),
		cmocka_unit_test(group_commit_shares_syncs),
		cmocka_unit_test(a_report_ends_its_message_in_the_same_frame),
		cmocka_unit_test(messages_read_back_while_they_are_written),
		cmocka_unit_test(big_messages_live_in_files_of_their_own),
	};
	return cmocka_run_group_tests_name("spool/spool", tests, NULL, NULL);
}
