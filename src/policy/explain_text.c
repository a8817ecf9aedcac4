/* Sentences for people, filled in; see explain_text.h. Values come from
 * strangers: nothing in them may steer a terminal or break a reply. */
#include "policy/explain_text.h"

static const struct explain_words rows[] = {
#define TEXT(id, en, ja) { #id, { en, ja } },
#include "policy/explain_text.def"
#undef TEXT
};

const struct explain_words *explain_words(enum explain_row row)
{
	invariant(row < SAY_COUNT);
	return &rows[row];
}

bool explain_row_named(const char *name, enum explain_row *out)
{
	if (name == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		*out = (enum explain_row)i;
		return true;
	}
	return false;
}

/* --- values --------------------------------------------------------------- */

/* In a reply a value takes at most so many bytes. */
enum { VALUE_MAX = 48 };

static void value_for_reply(struct buf *out, slice value)
{
	size_t n = value.n > VALUE_MAX ? VALUE_MAX - 3 : value.n;
	for (size_t i = 0; i < n; i++) {
		char c = value.p[i];
		buf_append_char(out, c > ' ' && c < 0x7f ? c :
				     c == ' ' ? ' ' : '?');
	}
	if (n < value.n)
		buf_append(out, SLICE("..."));
}

/* The code of a well-formed character of n bytes. */
static uint32_t utf8_code(slice s, size_t n)
{
	uint8_t first = (uint8_t)s.p[0];
	uint32_t v = n == 1 ? first : first & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++)
		v = v << 6 | ((uint8_t)s.p[i] & 0x3f);
	return v;
}

/* Characters that steer: controls, line and paragraph separators, those
 * that turn the direction of writing. */
static bool steers(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	       code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static void value_for_people(struct buf *out, slice value)
{
	while (value.n > 0) {
		size_t n = utf8_length(value);
		if (n > 0 && !steers(utf8_code(value, n))) {
			buf_append(out, slice_sub(value, 0, n));
		} else {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				buf_printf(out, "\\x%02x",
					   (unsigned)(uint8_t)value.p[i]);
		}
		value = slice_skip(value, n);
	}
}

void explain_value(struct buf *out, slice value, bool reply)
{
	if (reply)
		value_for_reply(out, value);
	else
		value_for_people(out, value);
}

/* --- sentences ------------------------------------------------------------ */
static void say_sender(struct buf *out, const struct explain_values *v,
		       bool domain_only)
{
	const struct address *a = &v->facts->sender;
	if (address_is_null(a)) {
		buf_append(out, SLICE("<>"));
		return;
	}
	if (!domain_only) {
		explain_value(out, a->local, v->reply);
		if (a->domain.n > 0)
			buf_append_char(out, '@');
	}
	explain_value(out, a->domain, v->reply);
	if (domain_only && a->domain.n == 0)
		buf_append_char(out, '-');
}

static void say_setting(struct buf *out, const struct explain_values *v)
{
	const struct setting *s = v->setting;
	if (s == NULL)
		return;
	bool key = v->reply || s->description.n == 0;
	explain_value(out, key ? s->key : s->description, v->reply);
}

static void say_value(struct buf *out, slice name,
		      const struct explain_values *v)
{
	if (slice_eq(name, SLICE("address"))) {
		char text[IP_TEXT_MAX];
		buf_append(out, slice_of(ip_addr_text(&v->facts->client,
						      text)));
	} else if (slice_eq(name, SLICE("helo"))) {
		explain_value(out, v->facts->helo, v->reply);
	} else if (slice_eq(name, SLICE("sender"))) {
		say_sender(out, v, false);
	} else if (slice_eq(name, SLICE("sender_domain"))) {
		say_sender(out, v, true);
	} else if (slice_eq(name, SLICE("detail"))) {
		explain_value(out, v->detail, v->reply);
	} else if (slice_eq(name, SLICE("setting"))) {
		say_setting(out, v);
	} else if (slice_eq(name, SLICE("host"))) {
		explain_value(out, v->hostname.n ? v->hostname :
						   SLICE("this server"),
			      v->reply);
	} else {
		unreachable_state("explain_text.def names an unknown value");
	}
}

void explain_say(struct buf *out, enum language language,
		 enum explain_row row, const struct explain_values *values)
{
	invariant(!values->reply || language == LANGUAGE_EN);
	slice rest = slice_of(text_in(&explain_words(row)->text, language));
	while (rest.n > 0) {
		size_t open = slice_find(rest, '{');
		buf_append(out, slice_sub(rest, 0, open));
		if (open == rest.n)
			return;
		rest = slice_skip(rest, open + 1);
		say_value(out, slice_cut(&rest, '}'), values);
	}
}
