/*
 * `postrider check`, the data directory: store, first records of the view,
 * heads of the spool's segments. Nothing is written and nothing is locked;
 * postrider-admin, which has the SQL, looks at the store and is started as
 * the user that serves.
 */
#include "wire/json_text.h"

#include <stdio.h>

#include "app/check_private.h"
#include "app/err_words.h"
#include "control/view_file.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/process.h"
#include "spool/spool.h"

static const slice NONE = { 0 };

enum { NUMBER_TEXT_MAX = 24 };

static slice number(uint64_t v, char to[NUMBER_TEXT_MAX])
{
	snprintf(to, NUMBER_TEXT_MAX, "%llu", (unsigned long long)v);
	return slice_of(to);
}

static void tell_why(struct check *k, enum severity severity,
		     const char *place, enum check_text id,
		     const struct err *err)
{
	struct buf words;
	buf_init(&words, 4096);
	err_words(&words, err, k->cli->language);
	check_tell(k, severity, place, id, buf_slice(&words), NONE);
	buf_fini(&words);
}

/* --- the store ------------------------------------------------------------ */

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
	       err_set(err, ERR_PERMANENT, SCOPE_SELF, "check",
		       "the path of the program is too long");
}

static bool spawn(const struct layout *l, const char *store, int answer,
		  pid_t *pid, struct err *err)
{
	char program[2100], look[LAYOUT_PATH_MAX + 16], to[32];
	if (!admin_path(program, sizeof(program), err))
		return false;
	snprintf(look, sizeof(look), "--look=%s", store);
	snprintf(to, sizeof(to), "--answer=%d", answer);
	const char *const arguments[] = { program, look, to, NULL };
	struct os_spawn how = {
		.program = program, .arguments = arguments, .keep = &answer,
		.keep_count = 1, .change_user = l->change_user,
		.uid = l->uid, .gid = l->gid };
	return os_spawn(&how, pid, err);
}

static bool wait_for(pid_t pid, struct err *err)
{
	enum { WAIT_MS = 30000, STEP_MS = 5 };
	struct os_end end = { 0 };
	for (int waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (os_child_ended(&end) && end.pid == pid)
			return (!end.by_signal && end.code == 0) ||
			       err_set(err, ERR_INTERNAL, SCOPE_SELF, "check",
				       "postrider-admin ended with %d",
				       end.code);
		os_sleep_ms(STEP_MS);
	}
	os_kill_hard(pid);
	return err_set(err, ERR_TIMEOUT, SCOPE_SELF, "check",
		       "the other process is silent");
}

/* Its answer, one JSON object. */
static bool ask(const struct layout *l, const char *store, struct buf *answer,
		struct err *err)
{
	int pair[2];
	pid_t pid;
	bool open;
	if (!os_ipc_pair(pair, err))
		return false;
	bool ok = spawn(l, store, pair[1], &pid, err);
	os_close(&pair[1]);
	ok = ok && wait_for(pid, err) &&
	     os_channel_receive(pair[0], answer, &open, err);
	os_close(&pair[0]);
	return ok;
}

static void tell_store(struct check *k, const char *store, slice answer)
{
	static const struct {
		const char *state;
		enum severity severity;
		enum check_text text;
	} rows[] = {
		{ "absent", WARNING, CHECK_STORE_ABSENT },
		{ "older", WARNING, CHECK_STORE_OLDER },
		{ "newer", ERROR, CHECK_STORE_NEWER },
		{ "damaged", ERROR, CHECK_STORE_DAMAGED },
		{ "closed", WARNING, CHECK_STORE_CLOSED },
	};
	json_t *json = json_loadb(answer.p, answer.n, 0, NULL);
	slice state = json_text(json, "state");
	char schema[NUMBER_TEXT_MAX], known[NUMBER_TEXT_MAX];
	json_int_t s = json_integer_value(json_object_get(json, "schema"));
	json_int_t n = json_integer_value(json_object_get(json, "known"));
	slice a = json_text(json, "text"), b = NONE;
	if (a.n == 0) {
		a = number((uint64_t)s, schema);
		b = number((uint64_t)n, known);
	}
	bool told = slice_eq(state, SLICE("good"));
	for (size_t i = 0; i < ARRAY_LEN(rows) && !told; i++) {
		told = slice_eq(state, slice_of(rows[i].state));
		if (told)
			check_tell(k, rows[i].severity, store, rows[i].text, a,
				   b);
	}
	if (!told)
		check_tell(k, WARNING, store, CHECK_STORE_NO_ANSWER, state,
			   NONE);
	json_decref(json);
}

static void look_at_store(struct check *k, const struct layout *l)
{
	char store[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	struct buf answer;
	if (!layout_path(l, "store", store, sizeof(store)))
		return;			/* told already: data_dir is too long */
	buf_init(&answer, 65536);
	if (ask(l, store, &answer, &err))
		tell_store(k, store, buf_slice(&answer));
	else
		tell_why(k, ERROR, store, CHECK_STORE_NO_ANSWER, &err);
	buf_fini(&answer);
}

/* --- view and spool ------------------------------------------------------- */

/* False: it isn't there, or can't be read (told). */
static bool open_folder(struct check *k, const struct layout *l,
			const char *name, char path[LAYOUT_PATH_MAX], int *dir,
			enum check_text closed)
{
	struct err err = { 0 };
	if (!layout_path(l, name, path, LAYOUT_PATH_MAX) ||
	    !os_path_exists(path))
		return false;
	if (os_dir_open(path, dir, &err))
		return true;
	tell_why(k, WARNING, path, closed, &err);
	return false;
}

static void look_at_view(struct check *k, const struct layout *l)
{
	char path[LAYOUT_PATH_MAX], some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
	struct view_looked seen;
	struct err err = { 0 };
	int dir;
	if (!open_folder(k, l, "store/view", path, &dir, CHECK_VIEW_CLOSED))
		return;
	if (!view_look(dir, &seen, &err))
		tell_why(k, WARNING, path, CHECK_VIEW_CLOSED, &err);
	else if (seen.damaged > 0)
		check_tell(k, WARNING, path, CHECK_VIEW_DAMAGED,
			   number(seen.damaged, some), number(seen.files, all));
	os_file_close(&dir);
}

static void look_at_spool(struct check *k, const struct layout *l)
{
	char path[LAYOUT_PATH_MAX], some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
	struct spool_looked seen;
	struct err err = { 0 };
	int dir;
	if (!open_folder(k, l, "spool", path, &dir, CHECK_SPOOL_CLOSED))
		return;
	if (!spool_look(dir, &seen, &err))
		tell_why(k, WARNING, path, CHECK_SPOOL_CLOSED, &err);
	if (seen.foreign > 0)
		check_tell(k, ERROR, path, CHECK_SPOOL_FOREIGN,
			   number(seen.foreign, some),
			   number(seen.segments, all));
	if (seen.damaged > 0)
		check_tell(k, WARNING, path, CHECK_SPOOL_DAMAGED,
			   number(seen.damaged, some),
			   number(seen.segments, all));
	os_file_close(&dir);
}

void check_data(struct check *k, const struct layout *l)
{
	look_at_store(k, l);
	look_at_view(k, l);
	look_at_spool(k, l);
}
