/* The tables of words of probe; see probe.h. Pure. */
#include "app/probe.h"

#include <stdio.h>

#include "base/id.h"

static const struct text texts[PROBE_TEXT_COUNT] = {
#define TEXT(id, en, ja) [PROBE_##id] = { en, ja },
#include "app/probe_text.def"
#undef TEXT
};

static const struct {
	unsigned code;			/* below 10: a class */
	const char *enhanced, *words;
	struct text text;
} refusals[] = {
#define EXPLAIN(code, enhanced, words, en, ja) \
	{ code, enhanced, words, { en, ja } },
#include "app/probe_replies.def"
#undef EXPLAIN
};

static const struct {
	const char *keyword;
	struct text text;
} extensions[] = {
#define EXTENSION(keyword, en, ja) { keyword, { en, ja } },
#include "app/probe_extensions.def"
#undef EXTENSION
};

const struct text *probe_text(enum probe_text id)
{
	invariant(id < PROBE_TEXT_COUNT);
	return &texts[id];
}

const struct text *probe_explain(unsigned code, slice enhanced, slice words)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		unsigned wanted = refusals[i].code;
		slice part = slice_of(refusals[i].words);
		bool fits = (wanted < 10 ? code / 100 : code) == wanted;
		if (fits && (refusals[i].enhanced[0] == '\0' ||
			     slice_eq(enhanced, slice_of(refusals[i].enhanced))) &&
		    (part.n == 0 || slice_find_slice(words, part) < words.n))
			return &refusals[i].text;
	}
	return NULL;
}

const struct text *probe_extension(slice keyword)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (slice_eq_fold(keyword, slice_of(extensions[i].keyword)))
			return &extensions[i].text;
	return NULL;
}

/* "internationalization" has the length of an id, too, but no digit. */
static bool is_name_of_ours(slice word)
{
	struct id id;
	struct reference reference;
	bool digit = false;
	for (size_t i = 0; i < word.n; i++)
		digit = digit || ascii_digit(word.p[i]);
	return digit && ((word.n == ID_TEXT_LEN && id_parse(word, &id)) ||
			 (word.n == REFERENCE_TEXT_LEN &&
			  reference_parse(word, &reference)));
}

slice probe_reference(slice words)
{
	slice found = { 0 };
	for (size_t i = 0, begin = 0; i <= words.n; i++) {
		if (i < words.n && ascii_alnum(words.p[i]))
			continue;
		slice word = slice_sub(words, begin, i - begin);
		if (is_name_of_ours(word))
			found = word;
		begin = i + 1;
	}
	return found;
}
