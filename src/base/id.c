/* Ids and references; see id.h. */
#include "base/id.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

enum { TIME_LEN = 9, RANDOM_LEN = ID_TEXT_LEN - TIME_LEN };
#define TIME_END 101559956668416ull	/* 36^9: the year 5188 */
#define RANDOM_END 131621703842267136ull	/* 36^11 */

struct id id_make(int64_t wall_ms, uint64_t random)
{
	uint64_t ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms;
	return (struct id){ ms % TIME_END, random % RANDOM_END };
}

bool id_eq(struct id a, struct id b)
{
	return a.time_ms == b.time_ms && a.random == b.random;
}

int id_cmp(struct id a, struct id b)
{
	if (a.time_ms != b.time_ms)
		return a.time_ms < b.time_ms ? -1 : 1;
	return a.random < b.random ? -1 : a.random > b.random;
}

bool id_is_zero(struct id id)
{
	return id.time_ms == 0 && id.random == 0;
}

/* n digits, the last one at to[n - 1]. */
static void write_number(unsigned __int128 v, char *to, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		to[i - 1] = digits[(size_t)(v % 36)];
		v /= 36;
	}
	invariant(v == 0);
}

static int digit_of(char c)
{
	if (ascii_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : -1;
}

/* False for a foreign character or an overflow of 128 bits. */
static bool read_number(slice s, unsigned __int128 *out)
{
	unsigned __int128 v = 0;
	for (size_t i = 0; i < s.n; i++) {
		int d = digit_of(s.p[i]);
		if (d < 0 || __builtin_mul_overflow(v, 36, &v) ||
		    __builtin_add_overflow(v, (unsigned)d, &v))
			return false;
	}
	*out = v;
	return true;
}

bool id_is_possible(struct id id)
{
	return id.time_ms < TIME_END && id.random < RANDOM_END;
}

const char *id_text(struct id id, char to[ID_TEXT_MAX])
{
	invariant(id_is_possible(id));
	write_number(id.time_ms, to, TIME_LEN);
	write_number(id.random, to + TIME_LEN, RANDOM_LEN);
	to[ID_TEXT_LEN] = '\0';
	return to;
}

bool id_parse(slice s, struct id *out)
{
	unsigned __int128 time_ms, random;
	if (s.n != ID_TEXT_LEN ||
	    !read_number(slice_sub(s, 0, TIME_LEN), &time_ms) ||
	    !read_number(slice_skip(s, TIME_LEN), &random))
		return false;
	*out = (struct id){ (uint64_t)time_ms, (uint64_t)random };
	return true;
}

const char *reference_text(struct reference r, char to[REFERENCE_TEXT_MAX])
{
	write_number((unsigned __int128)r.high << 64 | r.low, to,
		     REFERENCE_TEXT_LEN);
	to[REFERENCE_TEXT_LEN] = '\0';
	return to;
}

bool reference_parse(slice s, struct reference *out)
{
	unsigned __int128 v;
	if (s.n != REFERENCE_TEXT_LEN || !read_number(s, &v))
		return false;
	*out = (struct reference){ (uint64_t)(v >> 64), (uint64_t)v };
	return true;
}
