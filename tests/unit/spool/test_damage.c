/*
 * F8: every record of a spool damaged in every way, and the torn tail: a
 * copy of the directory is cut, zeroed or garbled at every byte of the last
 * batch.
 */
#include "unit/spool/world.h"

#include <sys/stat.h>

enum { RECORDS = 60, FRAMES_MAX = 400 };

struct found_frame {
	enum frame_type type;
	struct id id;
	uint32_t offset, bytes;		/* with its head */
};

struct spool_file {
	char name[NAME_MAX_BYTES];
	char *bytes;
	size_t n;
	uint64_t salt;
	uint32_t number;
	struct found_frame frames[FRAMES_MAX];
	unsigned frame_count;
};

static void read_file(const char *dir, const char *name, char **bytes,
		      size_t *n)
{
	char path[200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	*n = (size_t)st.st_size;
	*bytes = malloc(*n + 1);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(*bytes, 1, *n, f), *n);
	fclose(f);
}

static void write_file(const char *dir, const char *name, const char *bytes,
		       size_t n)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void load_segment(struct world *w, uint32_t number,
			 struct spool_file *out)
{
	memset(out, 0, sizeof(*out));
	out->number = number;
	segment_name(number, out->name);
	read_file(w->path, out->name, &out->bytes, &out->n);
	memcpy(&out->salt, out->bytes + 16, 8);
	for (uint32_t at = SEGMENT_HEAD; at + FRAME_BYTES <= out->n;) {
		struct frame f;
		slice s = { out->bytes + at, out->n - at };
		if (!frame_get(s, position_of(number, at), out->salt, &f))
			break;
		assert_true(out->frame_count < FRAMES_MAX);
		out->frames[out->frame_count++] = (struct found_frame){
			f.type, f.id, at, FRAME_BYTES + f.bytes
		};
		at += FRAME_BYTES + f.bytes;
	}
}

static void accept_60(struct world *w)
{
	for (unsigned i = 0; i < RECORDS; i++)
		ask_accept(w, 20 + i * 7);
}

static void change_some(struct world *w)
{
	for (unsigned i = 0; i < RECORDS; i += 10)
		ask_state(w, &w->messages[i], SPOOL_DONE, "");
	for (unsigned i = 1; i < RECORDS; i += 10)
		ask_state(w, &w->messages[i], SPOOL_STATE, "second");
}

static struct world *make_spool_of_60(struct spool_file *seg)
{
	struct world *w = calloc(1, sizeof(*w));
	world_init(w);
	w->config.segment_bytes = 64 << 10;
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	phase(w, change_some);
	close_spool(w, false);
	load_segment(w, 1, seg);
	assert_true(seg->frame_count >= 2 * RECORDS + 12 + 3);
	return w;
}

/* The spool as it was: what this run's opens added goes. */
static void restore(struct world *w, const struct spool_file *seg)
{
	char command[200];
	if (w->config.read_only && !w->touched) {
		write_file(w->path, seg->name, seg->bytes, seg->n);
		return;
	}
	w->touched = !w->config.read_only;
	snprintf(command, sizeof(command),
		 "cd '%s' && rm -rf seg-* quarantine lost+found ckpt-*",
		 w->path);
	assert_int_equal(system(command), 0);
	write_file(w->path, seg->name, seg->bytes, seg->n);
}

enum damage { FLIP, FLIP_HEAD, ZERO, TRUNCATE_PAYLOAD, DUPLICATE, SWAP,
	      DAMAGES };
static const char *const damage_names[] = { "flip", "flip head", "zero",
					    "truncate", "duplicate", "swap" };

/* False: this damage can't be done to this frame. */
static bool damage(struct spool_file *seg, unsigned i, enum damage how)
{
	struct found_frame *f = &seg->frames[i];
	char *at = seg->bytes + f->offset;
	switch (how) {
	case FLIP:
		at[f->bytes - 1] ^= 0x10;
		return true;
	case FLIP_HEAD:
		at[20] ^= 1;
		return true;
	case ZERO:
		memset(at, 0, f->bytes);
		return true;
	case TRUNCATE_PAYLOAD:
		memset(at + f->bytes / 2, 0, f->bytes - f->bytes / 2);
		return at[f->bytes / 2 - 1] != 0 || f->bytes > FRAME_BYTES;
	case DUPLICATE:	/* the frame before stands here once more */
	case SWAP:
		for (unsigned k = 0; k < i; k++) {
			struct found_frame *g = &seg->frames[k];
			char copy[8192];
			if (g->bytes != f->bytes || g->type != f->type)
				continue;
			memcpy(copy, at, f->bytes);
			memcpy(at, seg->bytes + g->offset, f->bytes);
			if (how == SWAP)
				memcpy(seg->bytes + g->offset, copy, f->bytes);
			return true;
		}
		return false;
	case DAMAGES:
		break;
	}
	return false;
}

/* Everything but the messages of damaged frames is as it was. */
static void check_others(struct world *w, const struct id *hurt,
			 unsigned hurt_count, const char *what, unsigned i)
{
	struct spool_figures figures;
	unsigned bad_reads = 0;
	const char *name = what ? what : "second open";
	for (unsigned k = 0; k < RECORDS; k++) {
		struct message *m = &w->messages[k];
		bool is_hurt = false;
		for (unsigned h = 0; h < hurt_count; h++)
			is_hurt = is_hurt || id_eq(hurt[h], m->id);
		bool live = m->told > 0 && !m->told_done;
		struct err err;
		if (is_hurt) {
			bad_reads += live && !message_reads(w, m, &err) &&
				     err.kind == ERR_PROTOCOL;
			continue;
		}
		if (live != (k % 10 != 0))
			fail_msg("%s of frame %u: message %u", name, i, k);
		if (live && !message_reads(w, m, &err))
			fail_msg("%s of frame %u: message %u: %s", name, i, k,
				 err.text);
		if (k % 10 == 1)
			assert_string_equal(m->last_state, "second");
	}
	spool_figures(w->spool, &figures);
	/* Below a known end bodies are checked when they are read. */
	if (what != NULL && figures.quarantined == 0)
		fail_msg("%s of frame %u: not counted (%u)", name, i,
			 bad_reads);
}

static void f8_damaged_records_are_quarantined_and_all_others_live(void **state)
{
	(void)state;
	struct spool_file seg;
	struct world *w = make_spool_of_60(&seg);
	char *good = malloc(seg.n);
	memcpy(good, seg.bytes, seg.n);
	unsigned tried = 0;
	/* The last frame says that all before it was synced: behind that
	 * nothing was acknowledged. */
	for (unsigned i = 0; i + 1 < seg.frame_count; i++) {
		for (enum damage how = FLIP; how < DAMAGES; how++) {
			struct id hurt[2] = { seg.frames[i].id };
			unsigned hurt_count = 1;
			memcpy(seg.bytes, good, seg.n);
			if (!damage(&seg, i, how))
				continue;
			for (unsigned k = 0; k < i && how == SWAP; k++)
				if (memcmp(good + seg.frames[k].offset,
					   seg.bytes + seg.frames[k].offset,
					   seg.frames[k].bytes) != 0)
					hurt[hurt_count++] = seg.frames[k].id;
			tried++;
			/* Mostly as `spool check` opens it, which is quick;
			 * now and then in earnest, and once more, when a cut
			 * says where its end is. */
			w->config.read_only = tried % 16 != 0;
			restore(w, &seg);
			open_spool(w);
			check_others(w, hurt, hurt_count, damage_names[how],
				     i);
			spool_close(&w->spool);
			if (w->config.read_only)
				continue;
			open_spool(w);
			check_others(w, hurt, hurt_count, NULL, i);
			spool_close(&w->spool);
		}
	}
	assert_true(tried > 500);
	free(good);
	free(seg.bytes);
	world_fini(w);
	free(w);
}

static void damaged_bytes_are_kept_with_a_report(void **state)
{
	(void)state;
	struct spool_file seg;
	struct world *w = make_spool_of_60(&seg);
	unsigned i = 0;
	while (seg.frames[i].type != FRAME_ACCEPT)
		i++;
	damage(&seg, i, FLIP);
	restore(w, &seg);
	open_spool(w);
	spool_close(&w->spool);
	char *bytes, name[64], dir[100];
	size_t n;
	snprintf(dir, sizeof(dir), "%s/quarantine", w->path);
	read_file(dir, "report", &bytes, &n);
	bytes[n] = '\0';
	char id[ID_TEXT_MAX];
	assert_non_null(strstr(bytes, id_text(seg.frames[i].id, id)));
	free(bytes);
	/* The body in front of it is kept with it. */
	assert_int_equal(seg.frames[i - 1].type, FRAME_BODY);
	snprintf(name, sizeof(name), "seg-00000001-%08x.bin",
		 seg.frames[i - 1].offset);
	read_file(dir, name, &bytes, &n);
	assert_int_equal(n, seg.frames[i - 1].bytes + seg.frames[i].bytes);
	assert_memory_equal(bytes, seg.bytes + seg.frames[i - 1].offset, n);
	free(bytes);
	free(seg.bytes);
	world_fini(w);
	free(w);
}

/* --- bodies that look like frames --------------------------------------------------- */

static struct spool_file *forged;

static void accept_forgery(struct world *w)
{
	struct message *m = new_message(w, 0);
	struct asked *a = ask_new(w, m, SPOOL_ACCEPT);
	struct err err;
	a->commit.envelope = SLICE("real");
	a->commit.body = body_new(&w->budget);
	slice bytes = { forged->bytes + SEGMENT_HEAD, 40000 };
	assert_true(body_append(a->commit.body, bytes, &err));
	body_seal(a->commit.body);
	spool_commit(w->spool, &a->commit);
	ask_accept(w, 10);
}

/* A whole spool in a body, whose head then is damaged: none of its frames
 * counts, because none has this segment's salt. */
static void frames_in_a_body_are_never_taken_for_frames(void **state)
{
	(void)state;
	struct spool_file seg, mine;
	struct world *other = make_spool_of_60(&seg);
	struct world *w = calloc(1, sizeof(*w));
	world_init(w);
	w->config.segment_bytes = 128 << 10;
	forged = &seg;
	open_spool(w);
	start_spool(w);
	phase(w, accept_forgery);
	close_spool(w, false);
	load_segment(w, 1, &mine);
	unsigned i = 0;
	while (mine.frames[i].type != FRAME_BODY)
		i++;
	damage(&mine, i, FLIP_HEAD);
	restore(w, &mine);
	open_spool(w);
	struct spool_figures f;
	spool_figures(w->spool, &f);
	assert_int_equal(f.messages, 2);
	assert_int_equal(f.quarantined, 1);
	spool_close(&w->spool);
	free(seg.bytes);
	free(mine.bytes);
	world_fini(other);
	world_fini(w);
	free(other);
	free(w);
}

/* --- the torn tail ------------------------------------------------------------------------ */

static void last_batch(struct world *w)
{
	for (unsigned i = 0; i < 3; i++)
		ask_accept(w, 60);
	ask_state(w, &w->messages[5], SPOOL_DONE, "");
}

/* Before the last batch was synced nothing of it was acknowledged; what of
 * it survives is luck, but never half a message, and all before it lives. */
static void torn_tail_at_every_byte_of_the_last_batch(void **state)
{
	(void)state;
	struct spool_file seg;
	struct world *w = calloc(1, sizeof(*w));
	world_init(w);
	w->config.segment_bytes = 64 << 10;
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	uint32_t from = 0, to = 0;
	/* Until two of them came into one batch. */
	for (unsigned try = 0; to - from < 400 && try < 20; try++) {
		if (try > 0)
			free(seg.bytes);
		phase(w, last_batch);
		load_segment(w, 1, &seg);
		struct found_frame *last = &seg.frames[seg.frame_count - 1];
		to = last->offset + last->bytes;
		/* The mark that an idle log leaves is not part of it. */
		if (last->type == FRAME_BATCH) {
			memset(seg.bytes + last->offset, 0, last->bytes);
			to = last->offset;
			seg.frame_count--;
		}
		for (unsigned i = 0; i < seg.frame_count; i++)
			if (seg.frames[i].type == FRAME_BATCH)
				from = seg.frames[i].offset;
	}
	spool_close(&w->spool);
	assert_true(to - from >= 400);
	/* Nobody had heard of what is in it. */
	for (unsigned i = 0; i < seg.frame_count; i++)
		if (seg.frames[i].offset >= from &&
		    seg.frames[i].type == FRAME_ACCEPT)
			find_message(w, seg.frames[i].id)->accept =
				FATE_UNKNOWN;
	w->messages[5].accept = FATE_UNKNOWN;
	w->messages[5].done = false;
	char *good = malloc(seg.n);
	memcpy(good, seg.bytes, seg.n);
	for (uint32_t at = from; at < to; at++) {
		for (unsigned how = 0; how < 3; how++) {
			size_t n = seg.n;
			memcpy(seg.bytes, good, seg.n);
			if (how == 0)
				seg.n = at;
			else if (how == 1)
				memset(seg.bytes + at, 0, to - at);
			else
				seg.bytes[at] ^= 0x5a;
			w->config.read_only = (at + how) % 32 != 0;
			restore(w, &seg);
			seg.n = n;
			open_spool(w);
			struct spool_figures f;
			spool_figures(w->spool, &f);
			assert_int_equal(f.quarantined, 0);
			assert_oracle(w);
			spool_close(&w->spool);
		}
	}
	free(good);
	free(seg.bytes);
	world_fini(w);
	free(w);
}

/* --- checkpoints and summaries -------------------------------------------------------------- */

static void nothing(struct world *w)
{
	(void)w;
}

static void flip_file(struct world *w, const char *name, size_t at)
{
	char *bytes;
	size_t n;
	read_file(w->path, name, &bytes, &n);
	bytes[at < n ? at : n - 1] ^= 1;
	write_file(w->path, name, bytes, n);
	free(bytes);
}

static void a_damaged_checkpoint_costs_no_message(void **state)
{
	(void)state;
	for (size_t at = 0; at < 3000; at += 17) {
		struct world *w = calloc(1, sizeof(*w));
		world_init(w);
		w->config.segment_bytes = 64 << 10;
		open_spool(w);
		start_spool(w);
		phase(w, accept_60);
		close_spool(w, true);
		open_spool(w);
		start_spool(w);
		phase(w, change_some);
		close_spool(w, true);
		flip_file(w, "ckpt-00000002", at);
		open_spool(w);
		assert_oracle(w);
		struct spool_figures f;
		spool_figures(w->spool, &f);
		assert_true(f.quarantined > 0);
		assert_string_equal(w->messages[1].last_state, "second");
		spool_close(&w->spool);
		world_fini(w);
		free(w);
		if (at > 200)
			at += 300;
	}
}

static void a_damaged_summary_is_made_again_from_its_segment(void **state)
{
	(void)state;
	struct world *w = calloc(1, sizeof(*w));
	world_init(w);
	w->config.segment_bytes = 64 << 10;
	open_spool(w);
	start_spool(w);
	phase(w, accept_60);
	close_spool(w, true);
	open_spool(w);
	start_spool(w);
	for (unsigned i = 0; i < 50; i++)
		usleep(2000);		/* the summary of segment 1 */
	phase(w, nothing);
	close_spool(w, false);
	flip_file(w, "seg-00000001.sum", 70);
	open_spool(w);
	assert_int_equal(w->bookings, 60);
	spool_close(&w->spool);
	world_fini(w);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			f8_damaged_records_are_quarantined_and_all_others_live),
		cmocka_unit_test(damaged_bytes_are_kept_with_a_report),
		cmocka_unit_test(frames_in_a_body_are_never_taken_for_frames),
		cmocka_unit_test(torn_tail_at_every_byte_of_the_last_batch),
		cmocka_unit_test(a_damaged_checkpoint_costs_no_message),
		cmocka_unit_test(
			a_damaged_summary_is_made_again_from_its_segment),
	};
	return cmocka_run_group_tests_name("spool/damage", tests, NULL, NULL);
}
