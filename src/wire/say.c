/* Filling the places of a text; see say.h. */
#include "wire/say.h"

const struct text *say_no_memory(void)
{
	static const struct text t = { "out of memory", "メモリが足りません" };
	return &t;
}

void say_plain(struct buf *out, slice s)
{
	slice shown = utf8_cut(s, SAY_ARGUMENT_MAX);
	bool cut = shown.n < s.n;
	while (shown.n > 0) {
		size_t n = utf8_length(shown);
		uint8_t c = (uint8_t)shown.p[0];
		if (n == 0 || c < 0x20 || c == 0x7f ||
		    (n == 2 && c == 0xc2 && (uint8_t)shown.p[1] < 0xa0))
			buf_append_char(out, '?');
		else
			buf_append_bytes(out, shown.p, n);
		shown = slice_skip(shown, n > 0 ? n : 1);
	}
	if (cut)
		buf_append(out, SLICE("\xe2\x80\xa6"));
}

void say(struct buf *out, const struct text *t, enum language language,
	 const slice *args, size_t count)
{
	invariant(count <= SAY_ARGUMENTS_MAX);
	text_fill(out, t, language, args, count, say_plain);
}
