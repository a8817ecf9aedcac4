/*
 * Replays what real clients were recorded to say (a text file that is not
 * part of this tree: $POSTRIDER_SHARED/spec/wire-captures.txt; without it the
 * test is skipped). Each session is fed as it was read, and in small pieces;
 * every command gets exactly one reply and every body arrives intact. What
 * is due is found by a small reading of its own, not by the engine.
 *
 * "[n] C> bytes with \r \n \t \xNN" is one read; a "#" line or a smaller n
 * begins anew. The recorder cut very long reads: what is missing there is
 * filled in.
 */
#include "unit/smtp/server_harness.h"

enum { READS_MAX = 64, SESSIONS_MIN = 20 };

struct session {
	struct buf bytes;
	size_t ends[READS_MAX];	/* where each read ends */
	size_t reads;
	bool data_refused;	/* the recorder said 550 to DATA */
};

struct due {
	size_t commands;
	struct buf bodies;
	size_t messages;
};

/* --- reading the file ----------------------------------------------------- */

static int hex(char c)
{
	return ascii_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static void unescape(struct buf *to, slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c != '\\' || i + 1 == s.n) {
			if (c != '\\')
				buf_append_char(to, c);
			continue;
		}
		c = s.p[++i];
		if (c == 'x' && i + 2 < s.n) {
			buf_append_char(to, (char)(hex(s.p[i + 1]) * 16 +
						   hex(s.p[i + 2])));
			i += 2;
		} else {
			buf_append_char(to, c == 'r' ? '\r' : c == 'n' ? '\n' :
					    c == 't' ? '\t' : c);
		}
	}
}

static bool is_read(slice line, slice *bytes, slice *session)
{
	if (!slice_starts(line, SLICE("[")))
		return false;
	*session = slice_cut(&line, ' ');
	if (!slice_starts(line, SLICE("C> ")))
		return false;
	*bytes = slice_skip(line, 3);
	return true;
}

/* --- what is due ---------------------------------------------------------- */

/* Copies one DATA body up to its end, dots taken away; index behind it. */
static size_t data_body(slice s, struct buf *to)
{
	size_t at = 0;
	while (at < s.n) {
		slice rest = slice_skip(s, at);
		size_t n = slice_find_slice(rest, SLICE("\r\n"));
		slice line = slice_sub(rest, 0, n);
		at += n + 2;
		if (slice_eq(line, SLICE(".")))
			return at;
		if (slice_starts(line, SLICE(".")))
			line = slice_skip(line, 1);
		buf_append(to, line);
		buf_append(to, SLICE("\r\n"));
	}
	return 0;
}

static uint64_t bdat_size(slice line)
{
	uint64_t n = 0;
	slice_cut(&line, ' ');
	assert_true(slice_u64(slice_cut(&line, ' '), 1 << 20, &n));
	return n;
}

/* Fills in what the recorder cut from a body, so that it has its end. */
static void complete(struct session *s)
{
	slice all = buf_slice(&s->bytes);
	size_t at = slice_find_slice(all, SLICE("BDAT "));
	slice rest = slice_skip(all, at);
	if (at < all.n) {
		size_t head = slice_find_slice(rest, SLICE("\r\n")) + 2;
		size_t need = at + head + bdat_size(slice_sub(rest, 0,
							      head - 2));
		if (need <= all.n)
			return;
		while (s->bytes.n < need)
			buf_append_char(&s->bytes, 'x');
	} else {
		at = slice_find_slice(all, SLICE("DATA\r\n"));
		if (at == all.n || slice_find_slice(all, SLICE("\r\n.\r\n")) <
					   all.n ||
		    s->ends[s->reads - 1] - s->ends[s->reads - 2] < 900)
			return;
		buf_append(&s->bytes, SLICE("\r\n.\r\n"));
	}
	buf_append(&s->bytes, SLICE("QUIT\r\n"));
	s->ends[s->reads - 1] = s->bytes.n;
}

static void find_due(slice s, bool data_refused, struct due *due)
{
	while (s.n > 0) {
		size_t n = slice_find_slice(s, SLICE("\r\n"));
		slice line = slice_sub(s, 0, n);
		s = slice_skip(s, n + 2);
		due->commands++;
		if (slice_eq_fold(line, SLICE("DATA")) && !data_refused) {
			size_t from = due->bodies.n;
			size_t used = data_body(s, &due->bodies);
			if (used == 0)
				return;		/* the client left */
			s = slice_skip(s, used);
			due->commands++;
			due->messages++;
			if (due->bodies.n > from)
				buf_append_char(&due->bodies, '|');
		} else if (slice_starts_fold(line, SLICE("BDAT "))) {
			size_t size = bdat_size(line);
			buf_append(&due->bodies, slice_sub(s, 0, size));
			buf_append_char(&due->bodies, '|');
			s = slice_skip(s, size);
			due->messages++;
		}
	}
}

/* --- replaying ------------------------------------------------------------ */

static void replay(const struct session *s, const struct due *due,
		   size_t piece)
{
	struct talk t;
	struct buf codes, bodies;
	size_t from = 0, replies = 1;
	buf_init(&codes, 1 << 20);
	buf_init(&bodies, 1 << 20);
	talk_begin(&t, TALK_KNOWN | (s->data_refused ? TALK_REFUSE_DATA : 0u));
	for (size_t i = 0; i < s->reads; i++) {
		slice bytes = { s->bytes.p + from, s->ends[i] - from };
		talk_feed_pieces(&t, bytes, piece ? piece : bytes.n);
		from = s->ends[i];
	}
	talk_codes(&t, &codes);
	for (size_t i = 0; i < codes.n; i++)
		replies += codes.p[i] == ' ';
	assert_int_equal(replies, 1 + due->commands);
	assert_int_equal(t.messages, due->messages);
	talk_bodies(&t, &bodies);
	if (!slice_eq(buf_slice(&bodies), buf_slice(&due->bodies)))
		fail_msg("got\n%.*s\nwant\n%.*s", SLICE_ARG(buf_slice(&bodies)),
			 SLICE_ARG(buf_slice(&due->bodies)));
	buf_fini(&codes);
	buf_fini(&bodies);
	talk_end(&t);
}

static void finish(struct session *s, size_t *sessions)
{
	struct due due = { 0 };
	if (s->reads > 1) {
		(*sessions)++;
		complete(s);
		buf_init(&due.bodies, 1 << 20);
		find_due(buf_slice(&s->bytes), s->data_refused, &due);
		replay(s, &due, 0);
		replay(s, &due, 1);
		replay(s, &due, 7);
		buf_fini(&due.bodies);
	}
	buf_clear(&s->bytes);
	s->reads = 0;
	s->data_refused = false;
}

static void replay_all(slice file, size_t *sessions)
{
	struct session s = { 0 };
	slice last = SLICE(""), now, bytes;
	buf_init(&s.bytes, 1 << 20);
	while (file.n > 0) {
		slice line = slice_cut(&file, '\n');
		if (slice_starts(line, SLICE("#"))) {
			finish(&s, sessions);
			last = SLICE("");
		}
		if (slice_find_slice(line, SLICE("S< 550 5.7.1 Daily")) < line.n)
			s.data_refused = true;
		if (!is_read(line, &bytes, &now))
			continue;
		if (!slice_eq(now, last))
			finish(&s, sessions);
		last = now;
		assert_true(s.reads < READS_MAX);
		unescape(&s.bytes, bytes);
		s.ends[s.reads++] = s.bytes.n;
	}
	finish(&s, sessions);
	buf_fini(&s.bytes);
}

static void captured_sessions(void **state)
{
	(void)state;
	char path[1024];
	const char *shared = getenv("POSTRIDER_SHARED");
	struct buf file;
	size_t sessions = 0, n;
	if (shared == NULL)
		skip();
	snprintf(path, sizeof(path), "%s/spec/wire-captures.txt", shared);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		skip();
	buf_init(&file, 16 << 20);
	do {
		char part[4096];
		n = fread(part, 1, sizeof(part), f);
		buf_append_bytes(&file, part, n);
	} while (n > 0);
	fclose(f);
	replay_all(buf_slice(&file), &sessions);
	print_message("%zu sessions\n", sessions);
	assert_true(sessions >= SESSIONS_MIN);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_sessions),
	};
	return cmocka_run_group_tests_name("smtp/server_captures", tests, NULL,
					   NULL);
}
