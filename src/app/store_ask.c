/* See store_ask.h. */
#include "wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/store_ask.h"
#include "os/clock.h"
#include "os/ipc.h"
#include "os/process.h"

enum {
	LOOK_MS = 30000,
	/* Of a large store on a slow disk. */
	COPY_MS = 3600000,
	STEP_MS = 5,
	PROGRAM_MAX = 2100,
};

/* The program beside ours. */
static bool admin_path(char *to, size_t cap, struct err *err)
{
	char own[2048];
	if (!os_own_path(own, sizeof(own), err))
		return false;
	slice folder = slice_of(own);
	folder = slice_sub(folder, 0, slice_rfind(folder, '/'));
	int n = snprintf(to, cap, "%.*s/postrider-admin", SLICE_ARG(folder));
	return (n > 0 && (size_t)n < cap) ||
	       err_set(err, ERR_PERMANENT, SCOPE_SELF, "store_ask",
		       "the path of the program is too long");
}

struct asking {
	enum store_asking what;
	const char *folder;
	uint64_t above;
};

static bool spawn(const struct layout *l, const struct asking *a, int answer,
		  pid_t *pid, struct err *err)
{
	static const char *const verbs[] = { [STORE_ASK_LOOK] = "look",
					     [STORE_ASK_COPY] = "copy",
					     [STORE_ASK_ADOPT] = "adopt" };
	char program[PROGRAM_MAX], verb[LAYOUT_PATH_MAX + 16], to[32], us[32],
		above[40], who[32];
	if (!admin_path(program, sizeof(program), err))
		return false;
	snprintf(verb, sizeof(verb), "--%s=%s", verbs[a->what], a->folder);
	snprintf(to, sizeof(to), "--answer=%d", answer);
	snprintf(us, sizeof(us), "--parent=%d", (int)os_process_id());
	snprintf(above, sizeof(above), "--above=%" PRIu64, a->above);
	snprintf(who, sizeof(who), "--uid=%" PRIu32, os_user_id());
	const char *const arguments[] = { program, verb, to, us, above, who,
					  NULL };
	struct os_spawn how = {
		.program = program, .arguments = arguments, .keep = &answer,
		.keep_count = 1, .change_user = l->change_user,
		.uid = l->uid, .gid = l->gid };
	return os_spawn(&how, pid, err);
}

static bool wait_for(pid_t pid, int wait_ms, struct err *err)
{
	struct os_end end = { 0 };
	int64_t until = os_monotonic_ns() / MS + wait_ms;
	while (os_monotonic_ns() / MS < until) {
		if (os_child_ended(&end) && end.pid == pid)
			return (!end.by_signal && end.code == 0) ||
			       err_set(err, ERR_INTERNAL, SCOPE_SELF,
				       "store_ask",
				       "postrider-admin ended with %d",
				       end.code);
		os_sleep_ms(STEP_MS);
	}
	os_kill_hard(pid);
	return err_set(err, ERR_TIMEOUT, SCOPE_SELF, "store_ask",
		       "the other process is silent");
}

static uint64_t json_number(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));
	return n > 0 ? (uint64_t)n : 0;
}

static uint32_t small_number(const json_t *object, const char *key)
{
	uint64_t n = json_number(object, key);
	return n <= UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static bool read_answer(slice text, struct store_asked *out, struct err *err)
{
	json_t *json = json_loadb(text.p, text.n, 0, NULL);
	*out = (struct store_asked){
		.schema = small_number(json, "schema"),
		.known = small_number(json, "known"),
		.revision = json_number(json, "revision"),
	};
	bool ok = slice_to_cstr(slice_sub(json_text(json, "state"), 0,
					  sizeof(out->state) - 1),
				out->state, sizeof(out->state)) &&
		  slice_to_cstr(slice_sub(json_text(json, "text"), 0,
					  sizeof(out->text) - 1),
				out->text, sizeof(out->text)) &&
		  out->state[0] != '\0';
	json_decref(json);
	return ok || err_set(err, ERR_PROTOCOL, SCOPE_SELF, "store_ask",
			     "admin answered with a broken frame");
}

bool store_ask(const struct layout *l, enum store_asking what,
	       const char *folder, uint64_t above, struct store_asked *out,
	       struct err *err)
{
	struct asking a = { what, folder, above };
	struct buf answer;
	int pair[2];
	pid_t pid;
	bool open;
	if (!os_ipc_pair(pair, err))
		return false;
	buf_init(&answer, 65536);
	bool ok = spawn(l, &a, pair[1], &pid, err);
	os_close(&pair[1]);
	ok = ok && wait_for(pid, what == STORE_ASK_LOOK ? LOOK_MS : COPY_MS,
			    err) &&
	     os_channel_receive(pair[0], &answer, &open, err) &&
	     read_answer(buf_slice(&answer), out, err);
	os_close(&pair[0]);
	buf_fini(&answer);
	return ok;
}
