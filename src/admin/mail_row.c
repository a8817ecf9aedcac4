/* Rows of messages and refusals; see mail_row.h. By jansson, which reads the
 * journal's lines; base/json.h writes. */
#include "wire/json_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/event.h"
#include "admin/mail_row.h"
#include "base/json.h"
#include "mail/meaning.h"
#include "policy/refusal.h"

/* --- members --------------------------------------------------------------- */

static void put_text(struct json *j, const char *key, slice s)
{
	json_key(j, key);
	if (s.n > 0)
		json_put_string(j, s);
	else
		json_put_null(j);
}

/* The member of the same name in the line. */
static void copy_text(struct json *j, const json_t *line, const char *key)
{
	put_text(j, key, json_text(line, key));
}

static void copy_number(struct json *j, const json_t *line, const char *key)
{
	const json_t *v = json_object_get(line, key);
	json_key(j, key);
	if (json_is_integer(v))
		json_i64(j, json_integer_value(v));
	else
		json_put_null(j);
}

static void copy_texts(struct json *j, const json_t *line,
		       const char *const *keys)
{
	for (; *keys != NULL; keys++)
		copy_text(j, line, *keys);
}

static uint32_t number(const json_t *line, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(line, key));
	return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static void put_customer(struct json *j, const struct view *v, uint32_t id)
{
	const struct customer *c = view_customer(v, id);
	put_text(j, "customer", c != NULL ? c->name : (slice){ 0 });
}

/* Of another customer (it only chose the reply): none. */
static void put_setting(struct json *j, const struct view *v, uint32_t id,
			uint32_t customer)
{
	const struct setting *s = view_setting(v, id);
	json_key(j, "setting");
	if (id == 0 || (s != NULL && s->customer != customer)) {
		json_put_null(j);
		return;
	}
	json_object_begin(j);
	put_text(j, "id", s != NULL ? s->key : (slice){ 0 });
	put_text(j, "description", s != NULL ? s->description : (slice){ 0 });
	json_object_end(j);
}

/* --- lists ----------------------------------------------------------------- */

/* "250 2.0.0 ok". */
static void put_message(struct json *j, const struct view *v,
			const struct search_row *row, const json_t *line)
{
	static const char *const texts[] = { "id", "at", "from", NULL };
	static const char *const origin[] = { "client", "login", "session",
					      "message_id", "original_from",
					      NULL };
	const json_t *to = json_array_get(json_object_get(line, "recipients"),
					  0);
	copy_texts(j, line, texts);
	json_member_cstr(j, "state", search_state_name(search_row_state(row)));
	json_key(j, "to");
	if (json_is_string(to))
		json_put_string(j, (slice){ json_string_value(to),
					    json_string_length(to) });
	else
		json_put_null(j);
	json_member_u64(j, "more", row->total > 0 ? row->total - 1 : 0);
	copy_number(j, line, "size");
	copy_texts(j, line, origin);
	put_text(j, "client_name", json_text(line, "entry_name"));
	put_text(j, "reply", row->reply);
	json_member_u64(j, "delivered", row->delivered);
	json_member_u64(j, "failed", row->failed);
	json_member_u64(j, "held", row->held);
	put_setting(j, v, number(line, "setting"), row->customer);
	put_customer(j, v, row->customer);
}

/* The reply as it was sent; of lines of earlier versions its name. */
static void put_reply(struct json *j, const json_t *line, bool first_line)
{
	slice text = json_text(line, "text");
	json_key(j, "reply");
	if (first_line)
		text = slice_sub(text, 0, slice_find(text, '\n'));
	if (text.n > 0) {
		json_put_string(j, text);
		return;
	}
	struct buf words;
	slice name = json_text(line, "reply");
	buf_init(&words, 200);
	buf_printf(&words, "%u %.*s", number(line, "code"), SLICE_ARG(name));
	json_put_string(j, buf_slice(&words));
	buf_fini(&words);
}

static void put_refusal(struct json *j, const struct view *v,
			const struct search_row *row, const json_t *line)
{
	static const char *const texts[] = {
		"reference", "at", "cause", "client", "helo", "from", "login",
		"tls", "cipher", "listener", "product", "session", NULL,
	};
	copy_texts(j, line, texts);
	json_member_cstr(j, "state", "refused");
	put_text(j, "client_name", json_text(line, "entry_name"));
	put_reply(j, line, false);
	put_setting(j, v, number(line, "setting"), row->customer);
	put_customer(j, v, row->customer);
	json_member_u64(j, "count", row->times);
}

void mail_row(struct buf *out, const struct view *v,
	      const struct search_row *row)
{
	struct json j;
	json_t *line = json_loadb(row->line.p, row->line.n, 0, NULL);
	json_init(&j, out);
	json_object_begin(&j);
	if (row->is_refusal)
		put_refusal(&j, v, row, line);
	else
		put_message(&j, v, row, line);
	json_object_end(&j);
	json_decref(line);
}

/* --- an alert --------------------------------------------------------------- */

void mail_row_alert(struct buf *out, const struct view *v,
		    struct search_cursor at, slice line, int64_t now_ms)
{
	enum { PEAK_MS = 600000, DAY_MS = 86400000 };
	static const char *const texts[] = { "at", "limit", NULL };
	struct json j;
	char id[SEARCH_CURSOR_MAX];
	int64_t at_ms = 0;
	json_t *row = json_loadb(line.p, line.n, 0, NULL);
	const struct user *u = view_user_by_id(v, number(row, "user"));
	bool peak = slice_eq(json_text(row, "limit"), SLICE("customer_peak"));
	bool known = event_time(json_text(row, "at"), &at_ms);
	search_cursor_text(at, id);
	json_init(&j, out);
	json_object_begin(&j);
	json_member_cstr(&j, "id", id);
	json_member_cstr(&j, "kind", number(row, "percent") >= 100 ?
				    "limit_full" : "limit_near");
	copy_texts(&j, row, texts);
	put_text(&j, "user", u != NULL ? u->address : (slice){ 0 });
	copy_number(&j, row, "percent");
	copy_number(&j, row, "used");
	copy_number(&j, row, "allowed");
	json_member_bool(&j, "open", known && now_ms - at_ms <
				     (peak ? PEAK_MS : DAY_MS));
	put_customer(&j, v, number(row, "customer"));
	json_object_end(&j);
	json_decref(row);
}

/* --- a message ------------------------------------------------------------- */

static bool add_meanings(json_t *recipients)
{
	size_t i;
	json_t *r;
	json_array_foreach(recipients, i, r) {
		const char *code = reply_meaning(json_text(r, "reply"));
		json_t *meaning = code != NULL ?
			json_pack("{s:s}", "code", code) : json_null();
		if (json_object_set_new(r, "meaning", meaning) != 0)
			return false;
	}
	return true;
}

static bool add_names(json_t *row, const struct view *v)
{
	const struct setting *s = view_setting(v, number(row, "setting"));
	const struct customer *c = view_customer(v, number(row, "customer"));
	json_t *setting = s == NULL ? json_null() :
		json_pack("{s:s%, s:s%}", "id", s->key.p, s->key.n,
			  "description", s->description.p, s->description.n);
	json_t *customer = c == NULL ? json_null() :
		json_stringn(c->name.p, c->name.n);
	return json_object_set_new(row, "setting", setting) == 0 &&
	       json_object_set_new(row, "customer", customer) == 0;
}

/* Members that older lines, or mail of our own, don't have. */
static bool add_nulls(json_t *row)
{
	static const char *const keys[] = {
		"message_id", "original_from", "client", "helo", "listener",
		"login", "tls", "cipher", "entry", "entry_name", "setting",
		"report_about",
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_object_get(row, keys[i]) == NULL &&
		    json_object_set_new(row, keys[i], json_null()) != 0)
			return false;
	return json_object_set(row, "client_name",
			       json_object_get(row, "entry_name")) == 0 &&
	       json_object_del(row, "entry_name") == 0;
}

void mail_row_message(struct buf *out, const struct view *v, slice trace_row)
{
	json_t *row = json_loadb(trace_row.p, trace_row.n, 0, NULL);
	char *text = NULL;
	if (row != NULL && add_nulls(row) && add_names(row, v) &&
	    add_meanings(json_object_get(row, "recipients")))
		text = json_dumps(row, JSON_COMPACT);
	if (text != NULL)
		buf_append(out, slice_of(text));
	else
		out->failed = true;
	free(text);
	json_decref(row);
}

/* --- a refusal ------------------------------------------------------------- */

enum { SHOWN_MAX = 1024 };

/* "n•••••@example.com": what strangers see of an address. */
static slice masked(slice address, char room[SHOWN_MAX])
{
	size_t at = slice_rfind(address, '@'), first = 1;
	/* A whole character, and never the only one. */
	while (first < at && ((unsigned char)address.p[first] & 0xc0) == 0x80)
		first++;
	if (at >= address.n)
		return address;
	if (first >= at)
		first = 0;
	int n = snprintf(room, SHOWN_MAX, "%.*s•••••%.*s", (int)first,
			 address.p, (int)(address.n - at), address.p + at);
	return n > 0 && n < SHOWN_MAX ? (slice){ room, (size_t)n } :
					(slice){ 0 };
}

static enum reply_id reply_named(slice name)
{
	for (int i = 0; i < REPLY_COUNT; i++)
		if (slice_eq(name, slice_of(reply_row((enum reply_id)i)->name)))
			return (enum reply_id)i;
	return REPLY_FAULT;
}

/* Why, and what helps: the facts as they were seen. */
static void put_advice(struct json *j, const struct view *v,
		       const struct search_row *row, const json_t *line,
		       enum mail_reader reader, slice hostname)
{
	char from[SHOWN_MAX], about[SHOWN_MAX];
	struct arena arena;
	struct facts f = { .helo = json_text(line, "helo"),
			   .tls = json_text(line, "tls").n > 0 };
	slice sender = json_text(line, "from");
	slice detail = json_text(line, "why_detail");
	const struct setting *s = view_setting(v, number(line, "setting"));
	bool known = ip_addr_parse(json_text(line, "client"), &f.client);
	if (reader == READER_STRANGER || (s != NULL &&
					  s->customer != row->customer))
		s = NULL;
	if (reader == READER_STRANGER) {
		sender = masked(sender, from);
		detail = masked(detail, about);
	}
	arena_init(&arena, 65536);
	/* The null sender is an empty text, and so is what can't be read. */
	if (!address_parse(sender, &arena, &f.sender, NULL))
		f.sender = (struct address){ 0 };
	refusal_explain(j, &f, reply_named(json_text(line, "reply")),
			known ? json_text(line, "why") : (slice){ 0 }, detail,
			s, hostname);
	arena_fini(&arena);
}

/* Of a limit: how much, and until when. */
static void put_limit(struct json *j, const json_t *line)
{
	json_key(j, "limit");
	if (json_object_get(line, "allowed") == NULL) {
		json_put_null(j);
		return;
	}
	json_object_begin(j);
	copy_number(j, line, "used");
	copy_number(j, line, "allowed");
	copy_text(j, line, "opens_at");
	json_object_end(j);
}

static void put_stranger(struct json *j, const json_t *line)
{
	static const char *const texts[] = { "reference", "at", "cause",
					     "helo", "tls", "product", NULL };
	char from[SHOWN_MAX];
	copy_texts(j, line, texts);
	put_text(j, "address", json_text(line, "client"));
	put_text(j, "from", masked(json_text(line, "from"), from));
	json_member_bool(j, "auth", json_text(line, "login").n > 0);
	put_reply(j, line, true);
}

void mail_row_refusal(struct buf *out, const struct view *v,
		      const struct search_row *row, enum mail_reader reader,
		      slice hostname)
{
	struct json j;
	json_t *line = json_loadb(row->line.p, row->line.n, 0, NULL);
	json_init(&j, out);
	json_object_begin(&j);
	if (reader == READER_STRANGER)
		put_stranger(&j, line);
	else
		put_refusal(&j, v, row, line);
	put_limit(&j, line);
	put_advice(&j, v, row, line, reader, hostname);
	json_object_end(&j);
	json_decref(line);
}
