/* The independent reader (tests/spool/read_spool.py, written from
 * docs/formats/spool.md) sees the same live messages and bodies as the
 * program: with and without checkpoint, with big bodies, after a crash. Run
 * from the top of the tree. */
#include "unit/spool/world.h"

#include <openssl/sha.h>

static void accept_some(struct world *w)
{
	for (unsigned i = 0; i < 30; i++)
		ask_accept(w, i * 101);
}

static void change_some(struct world *w)
{
	for (unsigned i = 0; i < w->count; i += 3)
		ask_state(w, &w->messages[i], SPOOL_DONE, "");
	for (unsigned i = 1; i < w->count; i += 3)
		ask_state(w, &w->messages[i], SPOOL_STATE, "second");
}

struct big_asked {
	struct spool_big *big;
	struct world *w;
	struct message *m;
	char text[64];
};

static void big_finished(void *ctx, bool ok, const struct err *err)
{
	struct big_asked *b = ctx;
	(void)err;
	assert_true(ok);
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

static void accept_big(struct world *w)
{
	static char bytes[70000];
	struct big_asked *b = calloc(1, sizeof(*b));
	struct err err;
	b->w = w;
	b->m = new_message(w, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = body_byte(b->m, i);
	b->big = spool_big_new(w->spool, b->m->id, 0, NULL, NULL);
	w->outstanding++;
	assert_true(spool_big_append(b->big, (slice){ bytes + 500, 69500 },
				     &err));
	spool_big_finish(b->big, (slice){ bytes, 500 }, big_finished, b);
}

/* "id size sha256" as the reader prints it. */
static void line_of(const struct message *m, char *to, size_t cap)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	unsigned char *bytes = malloc(m->body_bytes + 1);
	char id[ID_TEXT_MAX];
	for (size_t i = 0; i < m->body_bytes; i++)
		bytes[i] = (unsigned char)body_byte(m, i);
	SHA256(bytes, m->body_bytes, digest);
	free(bytes);
	int n = snprintf(to, cap, "%s %zu ", id_text(m->id, id),
			 m->body_bytes);
	for (size_t i = 0; i < sizeof(digest); i++)
		n += snprintf(to + n, cap - (size_t)n, "%02x", digest[i]);
	snprintf(to + n, cap - (size_t)n, "\n");
}

static void assert_reader_agrees(struct world *w)
{
	char command[200], line[200], want[200];
	unsigned lines = 0, live = 0;
	snprintf(command, sizeof(command),
		 "python3 tests/spool/read_spool.py '%s'", w->path);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct id id;
		assert_true(id_parse((slice){ line, ID_TEXT_LEN }, &id));
		struct message *m = find_message(w, id);
		assert_non_null(m);
		line_of(m, want, sizeof(want));
		assert_string_equal(line, want);
		assert_false(m->done);
		lines++;
	}
	assert_int_equal(pclose(f), 0);
	for (unsigned i = 0; i < w->count; i++)
		live += !w->messages[i].done;
	assert_int_equal(lines, live);
}

static void the_python_reader_agrees(void **state)
{
	(void)state;
	struct world *w = calloc(1, sizeof(*w));
	world_init(w);
	w->config.segment_bytes = 64 << 10;
	for (unsigned life = 0; life < 4; life++) {
		open_spool(w);
		assert_oracle(w);
		start_spool(w);
		phase(w, accept_some);
		phase(w, accept_big);
		assert_reader_agrees(w);	/* while it runs */
		phase(w, change_some);
		assert_reader_agrees(w);
		close_spool(w, life % 2 == 0);
		assert_reader_agrees(w);
	}
	world_fini(w);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_python_reader_agrees),
	};
	return cmocka_run_group_tests_name("spool/reader", tests, NULL, NULL);
}
