/* Reading lines of the journal; see event.h. */
#include "admin/event.h"

#include <stdlib.h>
#include <time.h>

#include "wire/json_text.h"

/* --- one line ------------------------------------------------------------- */

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(object, key));
	return v > 0 ? (uint64_t)v : 0;
}

bool event_time(slice s, int64_t *out)
{
	static const struct {
		uint8_t at, digits;
		uint16_t max;
		char behind;
	} parts[] = { { 0, 4, 9999, '-' }, { 5, 2, 12, '-' },
		      { 8, 2, 31, 'T' },   { 11, 2, 23, ':' },
		      { 14, 2, 59, ':' },  { 17, 2, 60, '.' },
		      { 20, 3, 999, 'Z' } };
	uint64_t v[ARRAY_LEN(parts)] = { 0 };
	/* With milliseconds, without, or a day alone. */
	size_t count = s.n == 24 ? 7 : s.n == 20 ? 6 : s.n == 10 ? 3 : 0;
	for (size_t i = 0; i < count; i++) {
		size_t end = parts[i].at + parts[i].digits;
		char behind = i + 1 < count ? parts[i].behind : 'Z';
		if (!slice_u64(slice_sub(s, parts[i].at, parts[i].digits),
			       parts[i].max, &v[i]) ||
		    (end < s.n && s.p[end] != behind))
			return false;
	}
	struct tm tm = { .tm_year = (int)v[0] - 1900, .tm_mon = (int)v[1] - 1,
			 .tm_mday = (int)v[2], .tm_hour = (int)v[3],
			 .tm_min = (int)v[4], .tm_sec = (int)v[5] };
	*out = (int64_t)timegm(&tm) * 1000 + (int64_t)v[6];
	return count > 0;
}

static void add_party(struct event *e, bool is_sender, slice address)
{
	if (address.n == 0 || e->party_count >= EVENT_PARTIES_MAX)
		return;
	e->parties[e->party_count++] =
		(struct event_party){ is_sender, address };
}

/* Recipients of "accepted" are strings; those of "delivery" stand in the
 * index already. */
static bool take_parties(struct event *e, const json_t *object)
{
	const json_t *recipients = json_object_get(object, "recipients");
	size_t n = json_array_size(recipients);
	if (n > EVENT_PARTIES_MAX)
		n = EVENT_PARTIES_MAX;
	e->parties = calloc(n + 4, sizeof(*e->parties));
	if (e->parties == NULL)
		return false;
	add_party(e, true, json_text(object, "from"));
	add_party(e, true, json_text(object, "original_from"));
	add_party(e, false, json_text(object, "to"));
	for (size_t i = 0; i < n; i++) {
		const json_t *r = json_array_get(recipients, i);
		if (json_is_string(r))
			add_party(e, false, (slice){ json_string_value(r),
						     json_string_length(r) });
	}
	return true;
}

bool event_parse(slice line, struct event *out)
{
	json_t *object = json_loadb(line.p, line.n, 0, NULL);
	*out = (struct event){ .json = object };
	out->name = json_text(object, "event");
	if (out->name.n > 0 && event_time(json_text(object, "at"), &out->at_ms) &&
	    take_parties(out, object)) {
		out->id = json_text(object, "id");
		out->session = json_text(object, "session");
		out->reference = json_text(object, "reference");
		out->message_id = json_text(object, "message_id");
		out->client = json_text(object, "client");
		out->customer = number_of(object, "customer");
		out->owner = out->customer != 0 ? out->customer :
				number_of(object, "owner");
		out->position = number_of(object, "position");
		return true;
	}
	event_free(out);
	return false;
}

void event_free(struct event *e)
{
	free(e->parties);
	json_decref(e->json);
	*e = (struct event){ 0 };
}

/* --- a row of trace ------------------------------------------------------- */

struct trace_row {
	json_t *row, *recipients, *events;
};

static bool set(json_t *object, const char *key, json_t *value)
{
	/* A value that isn't there is null; json_null() never fails. */
	return json_object_set(object, key, value ? value : json_null()) == 0;
}

struct trace_row *trace_row_new(void)
{
	static const char *const keys[] = { "id", "session", "reference",
					    "customer", "from", "size",
					    "accepted_at" };
	struct trace_row *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->row = json_object();
	r->recipients = json_array();
	r->events = json_array();
	bool ok = r->row != NULL && r->recipients != NULL && r->events != NULL;
	for (size_t i = 0; ok && i < ARRAY_LEN(keys); i++)
		ok = set(r->row, keys[i], NULL);
	ok = ok && set(r->row, "recipients", r->recipients) &&
	     set(r->row, "events", r->events);
	if (!ok)
		trace_row_free(&r);
	return r;
}

void trace_row_free(struct trace_row **r)
{
	if (*r == NULL)
		return;
	json_decref((*r)->row);
	json_decref((*r)->recipients);
	json_decref((*r)->events);
	free(*r);
	*r = NULL;
}

/* Copies the members that the line has. */
static bool copy(json_t *to, const json_t *from, const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		json_t *value = json_object_get(from, *keys);
		if (value != NULL && !set(to, *keys, value))
			return false;
	}
	return true;
}

/* next_at: when it is tried next; NULL: nobody knows. */
static bool add_recipient(struct trace_row *r, json_t *to, json_t *next_at)
{
	json_t *row = json_pack("{s:O, s:s, s:n, s:i, s:O?, s:n}", "to", to,
				"state", "waiting", "destination", "tries", 0,
				"next_at", next_at, "reply");
	return row != NULL && json_array_append_new(r->recipients, row) == 0;
}

static json_t *recipient_of(struct trace_row *r, const json_t *to)
{
	size_t i;
	json_t *row;
	json_array_foreach(r->recipients, i, row)
		if (json_equal(json_object_get(row, "to"), to))
			return row;
	return NULL;
}

/* "250 OK", or null. */
static json_t *reply_of(const json_t *result)
{
	slice text = json_text(result, "reply");
	uint64_t code = number_of(result, "code");
	if (code == 0)
		return text.n > 0 ? json_stringn(text.p, text.n) : json_null();
	if (text.n == 0)
		return json_sprintf("%llu", (unsigned long long)code);
	return json_sprintf("%llu %.*s", (unsigned long long)code,
			    SLICE_ARG(text));
}

static bool take_result(struct trace_row *r, const json_t *line,
			const json_t *result)
{
	json_t *to = json_object_get(result, "to");
	json_t *row = recipient_of(r, to);
	json_t *reply = reply_of(result);
	json_t *next_at = slice_eq(json_text(result, "state"), SLICE("deferred"))
				  ? json_object_get(line, "next_at") : NULL;
	bool ok = reply != NULL;
	if (ok && row == NULL && to != NULL) {
		ok = add_recipient(r, to, NULL);
		row = recipient_of(r, to);
	}
	if (ok && row != NULL)
		ok = set(row, "state", json_object_get(result, "state")) &&
		     set(row, "destination",
			 json_object_get(line, "destination")) &&
		     set(row, "tries", json_object_get(line, "try")) &&
		     set(row, "next_at", next_at) &&
		     set(row, "reply", reply);
	json_decref(reply);
	return ok;
}

/* Over a limit from the beginning: by their places in `recipients`. */
static bool take_held(struct trace_row *r, const json_t *line)
{
	const json_t *recipients = json_object_get(line, "recipients");
	const json_t *held = json_object_get(line, "held_recipients");
	size_t i;
	json_t *place;
	json_array_foreach(held, i, place) {
		json_int_t n = json_integer_value(place);
		json_t *row = n < 0 ? NULL : recipient_of(
			r, json_array_get(recipients, (size_t)n));
		if (row != NULL &&
		    (!set(row, "next_at", NULL) ||
		     json_object_set_new(row, "state",
					 json_string("held")) != 0 ||
		     !set(row, "held", json_object_get(line, "held"))))
			return false;
	}
	return true;
}

static bool take_accepted(struct trace_row *r, const json_t *line)
{
	static const char *const keys[] = { "id", "session", "customer",
					    "from", "original_from", "size",
					    "message_id", "client", "helo",
					    "report_about", "listener",
					    "login", "tls", "cipher", "entry",
					    "entry_name", "setting", NULL };
	const json_t *recipients = json_object_get(line, "recipients");
	size_t i;
	json_t *to;
	if (!copy(r->row, line, keys) ||
	    !set(r->row, "accepted_at", json_object_get(line, "at")))
		return false;
	/* It is due at once. */
	json_array_foreach(recipients, i, to)
		if (recipient_of(r, to) == NULL &&
		    !add_recipient(r, to, json_object_get(line, "at")))
			return false;
	return take_held(r, line);
}

static bool take_results(struct trace_row *r, const json_t *line)
{
	const json_t *results = json_object_get(line, "recipients");
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result)
		if (json_is_object(result) && !take_result(r, line, result))
			return false;
	return true;
}

/* Holding and releasing tell a number of recipients, not which. to NULL: the
 * state stays. */
static bool change_state(struct trace_row *r, const char *from, const char *to,
			 json_t *next_at)
{
	size_t i;
	json_t *row;
	json_array_foreach(r->recipients, i, row) {
		const char *is = json_string_value(json_object_get(row,
								   "state"));
		bool open = is != NULL && (strcmp(is, "deferred") == 0 ||
					   strcmp(is, "waiting") == 0);
		bool hit = from == NULL ? open || (is != NULL &&
						   strcmp(is, "held") == 0)
			 : strcmp(from, "waiting") == 0 ? open
			 : is != NULL && strcmp(is, from) == 0;
		if (hit && to != NULL &&
		    json_object_set_new(row, "state", json_string(to)) != 0)
			return false;
		if (hit && !set(row, "next_at", next_at))
			return false;
	}
	return true;
}

/* Why those that are held are. */
static bool note_reason(struct trace_row *r, json_t *reason)
{
	size_t i;
	json_t *row;
	json_array_foreach(r->recipients, i, row) {
		const char *is = json_string_value(json_object_get(row,
								   "state"));
		if (is != NULL && strcmp(is, "held") == 0) {
			if (reason != NULL && !set(row, "held", reason))
				return false;
		} else {
			json_object_del(row, "held");
		}
	}
	return true;
}

/* A release of what a limit held says which; the rows stand in the order of
 * the envelope. */
static bool take_released(struct trace_row *r, const json_t *line)
{
	const json_t *places = json_object_get(line, "released_recipients");
	json_t *at = json_object_get(line, "at");
	size_t i;
	json_t *place;
	if (places == NULL)
		return change_state(r, "held", "waiting", at);
	json_array_foreach(places, i, place) {
		json_int_t n = json_integer_value(place);
		json_t *row = n < 0 ? NULL :
			json_array_get(r->recipients, (size_t)n);
		if (row != NULL &&
		    (!set(row, "next_at", at) ||
		     json_object_set_new(row, "state",
					 json_string("waiting")) != 0))
			return false;
	}
	return true;
}

static bool take_state(struct trace_row *r, slice name, const json_t *line)
{
	static const char *const others[] = { "id", "session", "reference",
					      "customer", "from", "client",
					      "helo", NULL };
	json_t *at = json_object_get(line, "at");
	if (slice_eq(name, SLICE("accepted")))
		return take_accepted(r, line);
	if (slice_eq(name, SLICE("delivery")))
		return take_results(r, line) && note_reason(r, NULL);
	if (slice_eq(name, SLICE("queue.held")))
		return change_state(r, "waiting", "held", NULL) &&
		       note_reason(r, json_object_get(line, "reason"));
	if (slice_eq(name, SLICE("queue.released")))
		return take_released(r, line) && note_reason(r, NULL);
	if (slice_eq(name, SLICE("queue.retried")))
		return change_state(r, "waiting", NULL, at);
	if (slice_eq(name, SLICE("queue.removed")))
		return change_state(r, NULL, "removed", NULL);
	/* A refusal or a session: who it was. */
	return json_is_string(json_object_get(r->row, "id")) ||
	       copy(r->row, line, others);
}

/* The reply of an event: its own, or that of its first recipient. */
static json_t *event_reply(const json_t *line)
{
	const json_t *first = json_array_get(json_object_get(line,
							     "recipients"), 0);
	if (json_is_object(first))
		return reply_of(first);
	return reply_of(line);
}

static bool take_event(struct trace_row *r, const json_t *line)
{
	static const char *const own[] = { "at", "event", NULL };
	static const char *const shown[] = { "host", "address", "tls", NULL };
	static const char *const more[] = { "try", "destination", "reason",
					    "recipients", "ambiguous", "close",
					    "ms", "accepted", "refused",
					    "auth_failed", "setting", "held",
					    NULL };
	json_t *event = json_object(), *reply = event_reply(line);
	json_t *address = json_object_get(line, "address");
	bool ok = event != NULL && reply != NULL && copy(event, line, own);
	for (size_t i = 0; ok && shown[i] != NULL; i++)
		ok = set(event, shown[i], json_object_get(line, shown[i]));
	if (ok && address == NULL)
		ok = set(event, "address", json_object_get(line, "client"));
	ok = ok && set(event, "reply", reply) && copy(event, line, more);
	/* Who it was accepted for stands in the row itself. */
	if (ok && slice_eq(json_text(line, "event"), SLICE("accepted")))
		json_object_del(event, "recipients");
	ok = ok && json_array_append(r->events, event) == 0;
	json_decref(event);
	json_decref(reply);
	return ok;
}

bool trace_row_add(struct trace_row *r, slice line)
{
	json_t *object = json_loadb(line.p, line.n, 0, NULL);
	if (!json_is_object(object) ||
	    json_array_size(r->events) >= TRACE_EVENTS_MAX) {
		json_decref(object);
		return true;
	}
	bool ok = take_state(r, json_text(object, "event"), object) &&
		  take_event(r, object);
	json_decref(object);
	return ok;
}

bool trace_row_write(struct trace_row *r, struct buf *out)
{
	char *text = json_dumps(r->row, JSON_COMPACT);
	if (text == NULL)
		return false;
	buf_append(out, slice_of(text));
	free(text);
	return !out->failed;
}
