/* API tokens of the own account: token.create, token.list, token.remove. A
 * token does no more than its scopes, and never more than its owner may when
 * it is used. */
#include "admin/calls.h"

#include "admin/calls_people.h"
#include "admin/event.h"
#include "crypto/base32.h"
#include "crypto/password.h"
#include "os/random.h"

static const slice NONE = { 0 };

enum { ROW_MAX = 8192 };

static const struct {
	const char *name;
	enum right right;
} scopes[] = {
	{ "look", RIGHT_LOOK },
	{ "settings", RIGHT_CHANGE_SETTINGS },
	{ "users", RIGHT_CHANGE_USERS },
	{ "queue", RIGHT_CHANGE_QUEUE },
	{ "operate", RIGHT_OPERATE },
};

struct making {
	char id[API_TOKEN_ID_LEN + 1];
	char text[TOKEN_TEXT_MAX];
	uint8_t hash[KEYED_LEN];
	slice name;
	uint32_t scopes;
	int64_t created_at, expires_at;
};

static void describe(struct json *j, const struct making *m)
{
	json_member_cstr(j, "id", m->id);
	json_member_string(j, "name", m->name);
	json_key(j, "scopes");
	json_array(j);
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		if (m->scopes & RIGHT_BIT(scopes[i].right))
			json_string(j, slice_of(scopes[i].name));
	json_array_end(j);
	json_key(j, "created_at");
	json_time_ms(j, m->created_at);
	json_key(j, "expires_at");
	json_time_ms(j, m->expires_at);
}

/* --- making --------------------------------------------------------------- */

/* Of those that the person has himself. */
static bool take_scopes(struct admin_call *call, struct making *m)
{
	size_t count = 0;
	if (!args_list(call->args, "scopes", &count) || count == 0 ||
	    count > ARRAY_LEN(scopes))
		return arg_bad(call, "scopes");
	for (size_t i = 0; i < count; i++) {
		slice name = args_item(call->args, "scopes", i);
		size_t k = 0;
		while (k < ARRAY_LEN(scopes) &&
		       !slice_eq(name, slice_of(scopes[k].name)))
			k++;
		if (k == ARRAY_LEN(scopes))
			return arg_bad(call, "scopes");
		if (authorise_call(call->caller.role, scopes[k].right) !=
		    AUTHORISE_MAY) {
			call_say(call, CALL_REFUSED, SAY_SCOPE_TOO_MUCH, name);
			return false;
		}
		m->scopes |= RIGHT_BIT(scopes[k].right);
		if (scopes[k].right == RIGHT_LOOK)
			m->scopes |= RIGHT_BIT(RIGHT_LOOK_SERVICE);
	}
	return true;
}

static bool has_control(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool take_args(struct admin_call *call, struct making *m)
{
	slice expires = NONE;
	if (!arg_text(call, "name", true, &m->name) ||
	    !arg_text(call, "expires_at", false, &expires) ||
	    !take_scopes(call, m))
		return false;
	if (m->name.n > API_TOKEN_NAME_MAX || !utf8_valid(m->name) ||
	    has_control(m->name))
		return arg_bad(call, "name");
	m->created_at = admin_wall_ms(call->admin);
	m->expires_at = m->created_at + API_TOKEN_MS;
	if (expires.n == 0)
		return true;
	int64_t at;
	if (!event_time(expires, &at) || at <= m->created_at ||
	    at > m->expires_at)
		return arg_bad(call, "expires_at");
	m->expires_at = at;
	return true;
}

static bool make(struct making *m)
{
	uint8_t random[TOKEN_RANDOM_LEN], id[7];
	os_random(random, sizeof(random));
	os_random(id, sizeof(id));
	token_make(API_TOKEN_PREFIX, random, m->text);
	base32_write(id, sizeof(id), m->id, API_TOKEN_ID_LEN);
	secret_wipe(random, sizeof(random));
	return token_hash(API_TOKEN_PREFIX, slice_of(m->text), m->hash);
}

static void audit(struct admin_call *call, const struct making *m)
{
	struct buf object, after;
	struct json j;
	buf_init(&object, 64);
	buf_init(&after, ROW_MAX);
	buf_printf(&object, "api-token %s", m->id);
	json_init(&j, &after);
	json_object(&j);
	describe(&j, m);
	json_object_end(&j);
	if (object.failed || after.failed)
		store_fail(call->admin->store, "out of memory");
	call_audit(call, call->name, call->person.customer, buf_slice(&object),
		   buf_slice(&after));
	buf_fini(&object);
	buf_fini(&after);
}

static bool has_too_many(struct admin_call *call)
{
	struct sql q = sql_of(call->admin->store, "SELECT count(*) FROM "
						  "api_tokens WHERE person=?");
	sql_u64(&q, call->person.id);
	return sql_number(&q, 0) >= API_TOKENS_MAX;
}

static void insert(struct admin_call *call, const struct making *m)
{
	struct sql q = sql_of(call->admin->store,
			      "INSERT INTO api_tokens (id, hash, person, name, "
			      "scopes, created_at, expires_at) "
			      "VALUES (?,?,?,?,?,?,?)");
	sql_text(&q, slice_of(m->id));
	sql_blob(&q, (slice){ (const char *)m->hash, sizeof(m->hash) });
	sql_u64(&q, call->person.id);
	sql_text(&q, m->name);
	sql_u64(&q, m->scopes);
	sql_i64(&q, m->created_at);
	sql_i64(&q, m->expires_at);
	sql_run(&q);
}

static void tell(struct admin_call *call, const struct making *m)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	describe(j, m);
	json_member_cstr(j, "token", m->text);
	call_row_end(call, &row);
}

void call_token_create(struct admin_call *call)
{
	struct making m = { 0 };
	if (!call_is_front(call) || !take_args(call, &m))
		return;
	if (has_too_many(call)) {
		call_say(call, CALL_REFUSED, SAY_TOO_MANY_TOKENS, NONE);
		return;
	}
	if (!make(&m)) {
		call_no_memory(call);
		return;
	}
	store_begin(call->admin->store);
	insert(call, &m);
	audit(call, &m);
	if (call_stored(call)) {
		tell(call, &m);
		call_end(call, CALL_OK, NONE);
	}
	secret_wipe(&m, sizeof(m));
}

/* --- the list, and away ---------------------------------------------------- */

static void read_row(const struct sql *q, struct making *m)
{
	*m = (struct making){ .name = sql_peek(q, 1),
			      .scopes = (uint32_t)sql_get_u64(q, 2),
			      .created_at = sql_get_i64(q, 3),
			      .expires_at = sql_get_i64(q, 4) };
	if (!slice_to_cstr(sql_peek(q, 0), m->id, sizeof(m->id)))
		store_fail(q->store, "an API token's id is malformed");
}

static void list_row(struct admin_call *call, const struct sql *q)
{
	struct making m;
	struct call_object row;
	struct json *j = call_row_begin(&row, ROW_MAX);
	read_row(q, &m);
	describe(j, &m);
	json_member_time_or_null(j, "used_at", sql_get_i64(q, 5));
	call_row_end(call, &row);
}

void call_token_list(struct admin_call *call)
{
	struct admin *a = call->admin;
	if (!call_is_front(call))
		return;
	struct sql q = sql_of(a->store, "SELECT id, name, scopes, created_at, "
					"expires_at, used_at FROM api_tokens "
					"WHERE person = ? ORDER BY created_at");
	sql_u64(&q, call->person.id);
	while (sql_row(&q))
		list_row(call, &q);
	call_end_read(call);
}

void call_token_remove(struct admin_call *call)
{
	struct admin *a = call->admin;
	struct making m = { 0 };
	struct err err;
	slice id = NONE;
	if (!call_is_front(call) || !arg_text(call, "id", true, &id))
		return;
	store_begin(a->store);
	struct sql q = sql_of(a->store,
			      "DELETE FROM api_tokens WHERE id = ? AND person "
			      "= ? RETURNING id, name, scopes, created_at, "
			      "expires_at");
	sql_text(&q, id);
	sql_u64(&q, call->person.id);
	bool found = sql_row(&q);
	if (found) {
		read_row(&q, &m);
		m.name = sql_copy(&q, 1, &call->arena);
		sql_run(&q);
		audit(call, &m);
		if (call_stored(call))
			call_end(call, CALL_OK, NONE);
		return;
	}
	store_rollback(a->store);
	if (store_good(a->store, &err))
		call_say(call, CALL_DATA, SAY_NO_SUCH_TOKEN, id);
	else
		call_fail(call, &err, SAY_STORE_FAILED);
}
