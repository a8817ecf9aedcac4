/* Finding and running calls, and what they share; see calls.h. */
#include "admin/calls.h"

#include <inttypes.h>
#include <stdio.h>

#include "crypto/password.h"
#include "os/clock.h"

static const struct call_kind CALLS[] = {
#define CALL(name, function, right, args) \
	CALL_AS(SIGNED_IN, name, function, right, args)
#define CALL_AS(manner, name, function, right, args) \
	{ CALL_##manner, name, function, RIGHT_##right, args },
#include "admin/calls.def"
#undef CALL_AS
#undef CALL
};

static const slice NONE = { 0 };

enum { ARENA_MAX = 16777216, TEXT_MAX = 65536 + YAML_ERRORS_MAX,
       NEXT_MAX = 4096 };

const struct call_kind *call_kinds(size_t *count)
{
	*count = ARRAY_LEN(CALLS);
	return CALLS;
}

static const struct call_kind *find(slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(CALLS); i++)
		if (slice_eq(name, slice_of(CALLS[i].name)))
			return &CALLS[i];
	return NULL;
}

/* Takes an argument of every call out: nobody else needs to know of it. */
static bool take_text(struct admin_call *call, const char *name, slice *out)
{
	if (!arg_text(call, name, false, out))
		return false;
	if (!arena_copy(&call->arena, *out, out)) {
		call_no_memory(call);
		return false;
	}
	args_remove(call->args, name);
	return true;
}

/* The language comes first, so that every word is in it. */
static bool read_args(struct admin_call *call, slice text, const char *known,
		      slice *as)
{
	const char *name;
	slice language = NONE;
	call->args = args_parse(text);
	if (call->args == NULL) {
		call_say(call, CALL_USAGE, SAY_BAD_ARGUMENTS, NONE);
		return false;
	}
	/* `language` is also a field of customers and people; the reader's
	 * is meant by it only where `reader` isn't said. */
	if (!take_text(call, "reader", &language) ||
	    (language.n == 0 && !call->front &&
	     !arg_text(call, "language", false, &language)))
		return false;
	call->language = language_of(language);
	/* A person behind the console stands in for nobody. */
	bool taken = call->front ? take_text(call, "session", &call->session) &&
				   take_text(call, "csrf", &call->csrf) &&
				   take_text(call, "client", &call->client) :
				   take_text(call, "as", as);
	if (taken && call->front && known != NULL && !args_among(known, "customer"))
		taken = take_text(call, "customer", &call->about);
	if (!taken)
		return false;
	if (known == NULL || !args_unknown(call->args, known, &name))
		return true;
	call_say(call, CALL_USAGE, SAY_UNKNOWN_ARGUMENT, slice_of(name));
	return false;
}

/* The customer in the address of a page must be there for the caller, whatever
 * else the call is about. */
static bool is_about_own(struct admin_call *call)
{
	slice name = call->about;
	uint32_t id;
	if (!call->front)
		return true;
	if (name.n == 0 &&
	    args_text(call->args, "customer", &name) != ARGS_FOUND)
		return true;
	return call_find_customer(call, name, &id);
}

void call_start(struct admin_call *call, slice name, slice args_text)
{
	const struct call_kind *row = find(name);
	slice as = NONE;
	arena_init(&call->arena, ARENA_MAX);
	if (!arena_copy(&call->arena, name, &call->name)) {
		call_no_memory(call);
		return;
	}
	if (row == NULL) {
		call_say(call, CALL_USAGE, SAY_NO_SUCH_CALL, name);
		return;
	}
	call->right = row->right;
	call->quiet = row->manner == CALL_QUIET;
	if (!read_args(call, args_text, row->args, &as))
		return;
	if (call->front && row->manner == CALL_PUBLIC) {
		row->run(call);
		return;
	}
	if ((call->front ? call_front_caller(call, call->session, call->csrf,
					     call->client) :
			   call_caller(call, as)) &&
	    call_authorise(call, row->right) && is_about_own(call))
		row->run(call);
}

void call_fini(struct admin_call *call)
{
	if (call->cancel != NULL)
		call->cancel(call);
	call->cancel = NULL;
	if (call->args != NULL)
		args_free(&call->args);
	arena_fini(&call->arena);
}

/* --- answering ------------------------------------------------------------ */

void call_row(struct admin_call *call, slice json_object)
{
	if (json_object.n <= CALL_ROW_MAX)
		call->row(call, json_object);
}

struct json *call_row_begin(struct call_object *row, size_t max)
{
	buf_init(&row->text, max);
	json_init(&row->json, &row->text);
	json_object(&row->json);
	return &row->json;
}

void call_row_end(struct admin_call *call, struct call_object *row)
{
	json_object_end(&row->json);
	if (!row->text.failed)
		call_row(call, buf_slice(&row->text));
	if (row->text.p != NULL)
		secret_wipe(row->text.p, row->text.cap);
	buf_fini(&row->text);
}

void call_next(struct admin_call *call, slice cursor)
{
	struct call_object row;
	struct json *j = call_row_begin(&row, NEXT_MAX);
	json_member_text_or_null(j, "next", cursor);
	call_row_end(call, &row);
}

void call_end(struct admin_call *call, int code, slice text)
{
	invariant(code >= 0 && code <= 255);
	call->more = NULL;
	call->wait_revision = 0;
	call->end(call, code, text);
}

void call_say(struct admin_call *call, int code, enum admin_text id, slice a)
{
	call_say2(call, code, id, a, NONE);
}

void call_say2(struct admin_call *call, int code, enum admin_text id, slice a,
	       slice b)
{
	struct buf text;
	buf_init(&text, TEXT_MAX);
	admin_say(&text, call->language, id, a, b, NONE);
	call_end(call, code, buf_slice(&text));
	buf_fini(&text);
}

void call_no_memory(struct admin_call *call)
{
	call_end(call, CALL_TEMPORARY,
		 slice_of(text_in(say_no_memory(), call->language)));
}

void call_fail(struct admin_call *call, const struct err *err,
	       enum admin_text id)
{
	struct admin *a = call->admin;
	if (a->log != NULL) {
		struct log_event e;
		log_begin(&e, a->log, LOG_ERROR, "admin.call_failed");
		json_member_string(&e.json, "call", call->name);
		log_err(&e, err);
		log_end(&e);
	}
	call_say(call, err->kind == ERR_IO ? CALL_IO : CALL_TEMPORARY, id,
		 NONE);
}

void call_end_read(struct admin_call *call)
{
	struct err err;
	if (store_good(call->admin->store, &err))
		call_end(call, CALL_OK, NONE);
	else
		call_fail(call, &err, SAY_STORE_READ_FAILED);
}

static void say_revision(struct admin_call *call, int code,
			 enum admin_text id, uint64_t revision)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, revision);
	call_say(call, code, id, slice_of(text));
}

static int64_t now_ms(void)
{
	return os_monotonic_ns() / MS;
}

void call_end_when_live(struct admin_call *call, uint64_t revision,
			bool logged)
{
	if (!logged) {
		say_revision(call, CALL_TEMPORARY, SAY_STORED_ONLY, revision);
		return;
	}
	if (call->offline || call->admin->alone) {
		say_revision(call, CALL_OK, SAY_LIVE_LATER, revision);
		return;
	}
	call->wait_revision = revision;
	call->wait_until_ms = now_ms() + CALL_LIVE_MS;
	call_look(call, call->wait_until_ms - CALL_LIVE_MS);
}

void call_look(struct admin_call *call, int64_t now)
{
	struct admin *a = call->admin;
	uint64_t revision = call->wait_revision;
	if (revision == 0)
		return;
	if (a->relay_known && a->relay_live >= revision)
		say_revision(call, CALL_OK, SAY_LIVE, revision);
	else if (now >= call->wait_until_ms)
		say_revision(call, CALL_TEMPORARY, SAY_LIVE_LATER, revision);
}

/* --- arguments ------------------------------------------------------------ */

bool arg_bad(struct admin_call *call, const char *name)
{
	call_say(call, CALL_USAGE, SAY_BAD_ARGUMENT, slice_of(name));
	return false;
}

bool arg_text(struct admin_call *call, const char *name, bool required,
	      slice *out)
{
	enum args_found found = args_text(call->args, name, out);
	if (found == ARGS_MALFORMED ||
	    (required && (found == ARGS_ABSENT || out->n == 0)))
		return arg_bad(call, name);
	return true;
}

bool arg_address(struct admin_call *call, const char *name, bool required,
		 slice *out)
{
	slice given = NONE;
	if (!arg_text(call, name, required, &given))
		return false;
	if (given.n == 0 || directory_address(given, &call->arena, out, NULL))
		return true;
	call_say(call, CALL_USAGE, SAY_BAD_ADDRESS, given);
	return false;
}

bool arg_bool(struct admin_call *call, const char *name, bool *out)
{
	return args_bool(call->args, name, out) != ARGS_MALFORMED ||
	       arg_bad(call, name);
}

bool arg_u64(struct admin_call *call, const char *name, uint64_t max,
	     uint64_t *out)
{
	return args_u64(call->args, name, max, out) != ARGS_MALFORMED ||
	       arg_bad(call, name);
}

struct audit_by call_audit_by(struct admin_call *call)
{
	return (struct audit_by){
		.who = call->who,
		.role = caller_role_name(call->caller.role),
		.client = call->client,
		.call = call->name,
		.at_ms = admin_wall_ms(call->admin),
		.revision = admin_next_revision(call->admin),
	};
}
