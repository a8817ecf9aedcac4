/*
 * Looks at a header section as it streams past; see header.h.
 *
 *	field      = name ":" value CRLF *(WSP value CRLF)
 *
 *	LINE_START → NAME [a field begins], VALUE [WSP: it goes on],
 *	             CR [perhaps the empty line], ended
 *	NAME       → VALUE [":"], ended [what can't stand in a name]
 *	VALUE      → LINE_START [LF]
 *	CR         → ended
 *
 * A lone LF ends a line too: such a message is refused or normalised later,
 * here nothing may hide behind it. The values of most fields are skipped
 * with memchr; of a few a word or the first 512 bytes are looked at, at each
 * line end, so that a header without an end is judged as well.
 */
#include "mail/header.h"

enum state { LINE_START, NAME, VALUE, CR };

enum field {
	FIELD_OTHER,
	FIELD_FROM,
	FIELD_RECEIVED,
	FIELD_MESSAGE_ID,
	FIELD_AUTO_SUBMITTED,
	FIELD_CONTENT_TYPE,
};

void header_scan_init(struct header_scan *h, slice hostname,
		      uint64_t max_bytes, uint32_t max_fields)
{
	*h = (struct header_scan){ .hostname = hostname,
				   .max_bytes = max_bytes,
				   .max_fields = max_fields,
				   .state = LINE_START };
}

static uint64_t word_at(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

static bool any_8bit(slice s)
{
	const uint64_t high = 0x8080808080808080;
	size_t i = 0;
	for (; s.n - i >= 64; i += 64) {
		uint64_t seen = 0;
		for (size_t k = 0; k < 64; k += 8)
			seen |= word_at(s.p + i + k);
		if ((seen & high) != 0)
			return true;
	}
	for (; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return true;
	return false;
}

static enum field field_of(slice name)
{
	static const struct {
		const char *name;
		enum field field;
	} known[] = {
		{ "from", FIELD_FROM },
		{ "received", FIELD_RECEIVED },
		{ "message-id", FIELD_MESSAGE_ID },
		{ "auto-submitted", FIELD_AUTO_SUBMITTED },
		{ "content-type", FIELD_CONTENT_TYPE },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (slice_eq_fold(name, slice_of(known[i].name)))
			return known[i].field;
	return FIELD_OTHER;
}

static void begin_value(struct header_scan *h)
{
	slice name = slice_trim((slice){ h->name, h->name_n });
	h->field = (uint8_t)(h->name_n < sizeof(h->name) ? field_of(name) :
							   FIELD_OTHER);
	h->value_n = 0;
	h->after_by = false;
	h->by_done = false;
	h->comment_depth = 0;
	h->state = VALUE;
	if (++h->fields > h->max_fields)
		h->too_big = true;
	h->from += h->field == FIELD_FROM;
	h->received += h->field == FIELD_RECEIVED;
	/* Only the first one counts. */
	if (h->field == FIELD_MESSAGE_ID && h->message_id_n > 0)
		h->field = FIELD_OTHER;
}

/* What doesn't fit is dropped. */
static void add_value(struct header_scan *h, slice s)
{
	size_t room = sizeof(h->value) - h->value_n;
	size_t n = s.n < room ? s.n : room;
	if (n > 0)
		memcpy(h->value + h->value_n, s.p, n);
	h->value_n += (uint16_t)n;
}

/* --- what the values say -------------------------------------------------- */

/* "by HOSTNAME": value holds the word that just ended. */
static void received_word(struct header_scan *h)
{
	slice word = { h->value, h->value_n };
	if (word.n == 0)
		return;
	if (h->after_by) {
		h->by_done = true;
		h->own_received += h->hostname.n > 0 &&
				   slice_eq_fold(word, h->hostname);
	}
	h->after_by = slice_eq_fold(word, SLICE("by"));
	h->value_n = 0;
}

/* How many bytes of s go on with a word (or with a comment). */
static size_t word_span(slice s)
{
	static const bool ends[256] = {
		[' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true,
		[';'] = true, ['('] = true, [')'] = true,
	};
	size_t n = 0;
	while (n < s.n && !ends[(uint8_t)s.p[n]])
		n++;
	return n;
}

/* A part of the value of Received:, cut into words outside comments. */
static void take_received(struct header_scan *h, slice part)
{
	while (part.n > 0 && !h->by_done) {
		size_t n = word_span(part);
		if (h->comment_depth == 0)
			add_value(h, slice_sub(part, 0, n));
		part = slice_skip(part, n);
		if (part.n == 0)
			return;
		received_word(h);
		if (part.p[0] == '(' && h->comment_depth < UINT8_MAX)
			h->comment_depth++;
		else if (part.p[0] == ')' && h->comment_depth > 0)
			h->comment_depth--;
		part = slice_skip(part, 1);
	}
}

/* The first word, behind comments: "no", "auto-replied". */
static slice first_word(slice value)
{
	value = slice_trim(value);
	for (int i = 0; i < 10 && value.n > 0 && value.p[0] == '('; i++)
		value = slice_trim(slice_skip(value,
					      slice_find(value, ')') + 1));
	size_t n = 0;
	while (n < value.n && strchr(" \t;(", value.p[n]) == NULL)
		n++;
	return slice_sub(value, 0, n);
}

static void keep_message_id(struct header_scan *h, slice value)
{
	value = slice_trim(value);
	size_t n = value.n < sizeof(h->message_id) ? value.n :
						     sizeof(h->message_id);
	for (size_t i = 0; i < n; i++) {
		char c = value.p[i];
		h->message_id[i] = (uint8_t)c < 0x20 || c == 0x7f ? '?' : c;
	}
	h->message_id_n = (uint16_t)n;
}

/* At each line end of the field: what is known of it by now. */
static void conclude_line(struct header_scan *h)
{
	slice value = { h->value, h->value_n };
	slice word;
	switch ((enum field)h->field) {
	case FIELD_MESSAGE_ID:
		keep_message_id(h, value);
		break;
	case FIELD_AUTO_SUBMITTED:
		word = first_word(value);
		if (word.n > 0 && !slice_eq_fold(word, SLICE("no")))
			h->auto_submitted = true;
		break;
	case FIELD_CONTENT_TYPE:
		if (slice_eq_fold(first_word(value),
				  SLICE("multipart/report")))
			h->multipart_report = true;
		break;
	case FIELD_RECEIVED:
	case FIELD_FROM:
	case FIELD_OTHER:
		break;
	}
}

/* --- the bytes ------------------------------------------------------------ */

/* CR and LF are not part of a value. */
static void take_value(struct header_scan *h, slice part)
{
	if (h->field == FIELD_RECEIVED) {
		take_received(h, part);
		return;
	}
	while (part.n > 0) {
		size_t n = 0;
		while (n < part.n && part.p[n] != '\r' && part.p[n] != '\n')
			n++;
		add_value(h, slice_sub(part, 0, n));
		part = slice_skip(part, n + 1);
	}
}

/* Nothing more is wanted of this value. */
static bool is_skipped(const struct header_scan *h)
{
	return h->field == FIELD_OTHER || h->field == FIELD_FROM ||
	       (h->field == FIELD_RECEIVED && h->by_done);
}

/* The value up to and with the line end; returns how much was taken. */
static size_t scan_value(struct header_scan *h, slice s)
{
	size_t lf = slice_find(s, '\n');
	size_t n = lf < s.n ? lf + 1 : s.n;
	if (!is_skipped(h))
		take_value(h, slice_sub(s, 0, n));
	if (lf < s.n) {
		conclude_line(h);
		h->state = LINE_START;
	}
	return n;
}

static bool is_name_char(char c)
{
	return c > 0x20 && c < 0x7f && c != ':';	/* RFC 5322 3.6.8 */
}

static void add_name(struct header_scan *h, slice s)
{
	size_t room = sizeof(h->name) - h->name_n;
	size_t n = s.n < room ? s.n : room;
	if (n > 0)
		memcpy(h->name + h->name_n, s.p, n);
	h->name_n += (uint8_t)n;
}

/* A part of a name; returns how much was taken. Spaces may stand in front of
 * the colon (RFC 5322 4.5), nowhere else. */
static size_t scan_name(struct header_scan *h, slice s)
{
	bool spaced = h->name_n > 0 && h->name[h->name_n - 1] == ' ';
	size_t n = 0;
	while (!spaced && n < s.n && is_name_char(s.p[n]))
		n++;
	add_name(h, slice_sub(s, 0, n));
	if (n == s.n)
		return n;
	char c = s.p[n];
	if (c == ':' && h->name_n > 0)
		begin_value(h);
	else if ((c == ' ' || c == '\t') && h->name_n > 0)
		add_name(h, SLICE(" "));
	else
		h->ended = true;
	return n + 1;
}

static void scan_line_start(struct header_scan *h, char c)
{
	if (c == '\n') {
		h->ended = true;
	} else if (c == '\r') {
		h->state = CR;
	} else if (c == ' ' || c == '\t') {
		/* Of the field before; of none at the very top. */
		h->state = VALUE;
		if (!is_skipped(h))
			take_value(h, (slice){ &c, 1 });
	} else {
		h->state = NAME;
		h->name_n = 0;
		scan_name(h, (slice){ &c, 1 });
	}
}

/* One step; returns how many bytes it took. */
static size_t step(struct header_scan *h, slice s)
{
	switch ((enum state)h->state) {
	case LINE_START:
		scan_line_start(h, s.p[0]);
		return 1;
	case NAME:
		return scan_name(h, s);
	case CR:
		h->ended = true;
		return 1;
	case VALUE:
		return scan_value(h, s);
	}
	unreachable_state("no such state");
}

void header_scan_feed(struct header_scan *h, slice piece)
{
	if (!h->eight_bit)
		h->eight_bit = any_8bit(piece);
	while (piece.n > 0 && !h->ended) {
		size_t n = step(h, piece);
		invariant(n > 0 && n <= piece.n);
		h->bytes += n;
		piece = slice_skip(piece, n);
	}
	if (h->bytes > h->max_bytes)
		h->too_big = true;
}

static bool refuse(struct err *err, int code, uint8_t subject, uint8_t detail,
		   const char *text)
{
	err_set(err, ERR_PERMANENT, SCOPE_MESSAGE, "header_scan", "%s", text);
	if (err != NULL) {
		err->code = code;
		err->enhanced[0] = 5;
		err->enhanced[1] = subject;
		err->enhanced[2] = detail;
	}
	return false;
}

bool header_scan_verdict(const struct header_scan *h, uint32_t hops_max,
			 uint32_t own_hops_max, struct err *err)
{
	if (h->too_big)
		return refuse(err, 552, 3, 4, "message header is too big");
	if (h->received > hops_max)
		return refuse(err, 554, 4, 6, "too many hops");
	if (h->own_received >= own_hops_max)
		return refuse(err, 554, 4, 6, "mail loop");
	if (h->from > 1)
		return refuse(err, 550, 6, 0, "more than one From: field");
	return true;
}
