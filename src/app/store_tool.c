/* See store_tool.h. Its sandbox leaves it FOLDER alone. */
#include "app/store_tool.h"

#include "admin/store_copy.h"
#include "base/json.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/sandbox.h"

enum { SEND_MS = 5000 };

struct tool {
	const char *verb, *folder;
	uint64_t answer, parent, above, uid;
};

static bool take_number(slice name, slice value, struct tool *t)
{
	const struct {
		slice name;
		uint64_t max, *to;
	} rows[] = {
		{ SLICE("--answer"), 65535, &t->answer },
		{ SLICE("--parent"), INT32_MAX, &t->parent },
		{ SLICE("--above"), INT64_MAX, &t->above },
		{ SLICE("--uid"), UINT32_MAX, &t->uid },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (slice_eq(name, rows[i].name))
			return slice_u64(value, rows[i].max, rows[i].to);
	return false;
}

static bool read_arguments(int argc, char *const *argv, struct tool *t)
{
	static const char *const verbs[] = { "--look", "--copy", "--adopt" };
	*t = (struct tool){ 0 };
	for (int i = 1; i < argc; i++) {
		slice value = slice_of(argv[i]);
		slice name = slice_cut(&value, '=');
		bool taken = false;
		for (size_t k = 0; k < ARRAY_LEN(verbs) && i == 1; k++) {
			if (!slice_eq(name, slice_of(verbs[k])) || value.n == 0)
				continue;
			t->verb = verbs[k] + 2;
			t->folder = value.p;	/* up to the end */
			taken = true;
		}
		if (!taken && !take_number(name, value, t))
			return false;
	}
	return t->verb != NULL && t->answer > 2 && t->parent > 1;
}

bool store_tool_wanted(int argc, char *const *argv)
{
	struct tool t;
	return read_arguments(argc, argv, &t);
}

static bool close_all_but(const char *folder, struct err *err)
{
	/* Writable: beside a log SQLite keeps an index of it. */
	struct os_landlock_dir dir = { .path = folder, .writable = true };
	int version;
	return os_sandbox_begin(err) &&
	       os_landlock(&dir, 1, OS_LANDLOCK_NO_NET, &version, err);
}

static void adopt(const struct tool *t, struct store_looked *out)
{
	struct store_adopt how = { .above = t->above,
				   .uid = (uint32_t)t->uid,
				   .at_ms = os_wall_ms() };
	struct err err = { 0 };
	store_look(t->folder, out);
	if ((out->state != STORE_GOOD && out->state != STORE_OLDER) ||
	    store_adopt(t->folder, &how, &out->revision, &err))
		return;
	out->state = err.kind == ERR_PERMANENT ? STORE_DAMAGED : STORE_CLOSED;
	(void)!slice_to_cstr(slice_of(err.detail), out->text,
			     sizeof(out->text));
}

static bool answer(int fd, const struct store_looked *seen, struct err *err)
{
	struct buf out;
	struct json j;
	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object_begin(&j);
	json_member_cstr(&j, "state", store_state_name(seen->state));
	json_member_u64(&j, "schema", seen->schema);
	json_member_u64(&j, "known", seen->known);
	json_member_u64(&j, "revision", seen->revision);
	json_member_cstr(&j, "text", seen->text);
	json_object_end(&j);
	bool ok = !out.failed && os_channel_send(fd, buf_slice(&out), -1,
						 SEND_MS, err);
	buf_fini(&out);
	return ok;
}

int store_tool(int argc, char *const *argv)
{
	struct store_looked seen = { 0 };
	struct err err = { 0 };
	struct tool t;
	if (!read_arguments(argc, argv, &t))
		return 64;
	/* Whoever asked holds a lock; without him nobody may write here. */
	if (!os_die_with_parent((pid_t)t.parent, &err) ||
	    !close_all_but(t.folder, &err))
		return 71;
	if (strcmp(t.verb, "look") == 0)
		store_look(t.folder, &seen);
	else if (strcmp(t.verb, "copy") == 0)
		store_copy(t.folder, &seen);
	else
		adopt(&t, &seen);
	return answer((int)t.answer, &seen, &err) ? 0 : 74;
}
