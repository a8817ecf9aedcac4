/* Words in two languages, and UTF-8; see text.h. */
#include "base/text.h"

enum { WORD_MAX = 64 };		/* longer words are near to nothing */

enum language language_of(slice name)
{
	slice tag = slice_sub(name, 0, 2);
	bool ends = name.n == 2 || (name.n > 2 && !ascii_alnum(name.p[2]));
	return slice_eq_fold(tag, SLICE("ja")) && ends ? LANGUAGE_JA :
							 LANGUAGE_EN;
}

const char *text_in(const struct text *t, enum language language)
{
	invariant(t->en != NULL && t->ja != NULL);
	return language == LANGUAGE_JA ? t->ja : t->en;
}

void text_fill(struct buf *out, const struct text *t, enum language language,
	       const slice *args, size_t count,
	       void (*write)(struct buf *out, slice argument))
{
	slice rest = slice_of(text_in(t, language));
	while (rest.n > 0) {
		size_t at = slice_find(rest, '{');
		buf_append(out, slice_sub(rest, 0, at));
		rest = slice_skip(rest, at);
		if (rest.n < 3)
			break;
		size_t i = (size_t)(rest.p[1] - '0');
		invariant(rest.p[2] == '}' && i < count);
		write(out, args[i]);
		rest = slice_skip(rest, 3);
	}
	buf_append(out, rest);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits between two words: insert, delete, change, swap of neighbours. Three
 * rows of the usual table: rows[i % 3] is row i. */
static size_t edits(slice a, slice b)
{
	size_t rows[3][WORD_MAX + 1] = { 0 };
	invariant(a.n <= WORD_MAX && b.n <= WORD_MAX);
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *row = rows[i % 3];
		const size_t *up = rows[(i + 2) % 3];
		const size_t *up2 = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			char x = ascii_lower(a.p[i - 1]);
			char y = ascii_lower(b.p[j - 1]);
			row[j] = least(least(up[j], row[j - 1]) + 1,
				       up[j - 1] + (x != y));
			if (i > 1 && j > 1 && x != y &&
			    x == ascii_lower(b.p[j - 2]) &&
			    y == ascii_lower(a.p[i - 2]))
				row[j] = least(row[j], up2[j - 2] + 1);
		}
	}
	return rows[a.n % 3][b.n];
}

const char *text_nearest(slice s, const char *const *candidates)
{
	const char *best = NULL;
	size_t best_edits = WORD_MAX;
	if (s.n == 0 || s.n > WORD_MAX)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		slice word = slice_of(*candidates);
		if (word.n > WORD_MAX)
			continue;
		size_t n = edits(s, word);
		size_t longer = s.n > word.n ? s.n : word.n;
		if (n * 3 <= longer && n < best_edits) {
			best = *candidates;
			best_edits = n;
		}
	}
	return best;
}

static bool continues(slice s, size_t at)
{
	return at < s.n && ((uint8_t)s.p[at] & 0xc0) == 0x80;
}

size_t utf8_length(slice s)
{
	if (s.n == 0)
		return 0;
	uint8_t c = (uint8_t)s.p[0];
	uint8_t next = s.n > 1 ? (uint8_t)s.p[1] : 0;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4 || !continues(s, 1))
		return 0;
	if (c < 0xe0)
		return 2;
	/* Over-long, surrogates, beyond U+10FFFF: RFC 3629 section 4. */
	if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
	    (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f) ||
	    !continues(s, 2))
		return 0;
	if (c < 0xf0)
		return 3;
	return continues(s, 3) ? 4 : 0;
}

bool utf8_valid(slice s)
{
	while (s.n > 0) {
		size_t n = utf8_length(s);
		if (n == 0)
			return false;
		s = slice_skip(s, n);
	}
	return true;
}

slice utf8_cut(slice s, size_t max)
{
	if (s.n <= max)
		return s;
	size_t n = max;
	/* At most three steps back in valid text; in other bytes anywhere. */
	for (int back = 0; back < 3 && n > 0 && continues(s, n); back++)
		n--;
	return slice_sub(s, 0, continues(s, n) ? max : n);
}
