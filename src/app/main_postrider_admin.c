/*
 * postrider-admin: started by master. Its sandbox leaves it the store, the
 * index, journals to read, and the making of its socket; no spool, no keys.
 *
 * `--look=FOLDER --answer=N` is for `postrider check`, which has no SQL: what
 * is to be told about the store goes to descriptor N as one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/serve.h"
#include "admin/store_look.h"
#include "app/child.h"
#include "base/json.h"
#include "os/process.h"
#include "os/sandbox.h"

enum { PATH_CAP = 3064 };

static bool close_sandbox(const struct child *c, struct err *err)
{
	static const struct {
		const char *name;
		bool writable;
	} own[] = { { "store", true }, { "index", true }, { "journal", false } };
	char paths[ARRAY_LEN(own)][PATH_CAP];
	struct os_landlock_dir dirs[ARRAY_LEN(own) + 2] = {
		{ .path = c->data_path, .sockets_only = true },
		/* The list of public suffixes. */
		{ .path = "/usr/share/publicsuffix" },
	};
	int version;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		snprintf(paths[i], PATH_CAP, "%s/%s", c->data_path,
			 own[i].name);
		dirs[i + 2].path = paths[i];
		dirs[i + 2].writable = own[i].writable;
	}
	return os_landlock(dirs, ARRAY_LEN(dirs), OS_LANDLOCK_NO_NET, &version,
			   err);
}

static int serve(struct child *c)
{
	char store[PATH_CAP], control[PATH_CAP];
	int n = snprintf(store, sizeof(store), "%s/store", c->data_path);
	bool ok = n > 0 && (size_t)n < sizeof(store);
	n = c->config.control_path[0] == '/'
		? snprintf(control, sizeof(control), "%s",
			   c->config.control_path)
		: snprintf(control, sizeof(control), "%s/%s", c->data_path,
			   c->config.control_path);
	if (!ok || n < 0 || (size_t)n >= sizeof(control) ||
	    c->bundle.pepper.n != PEPPER_LEN)
		return 78;
	char journal[PATH_CAP], index[PATH_CAP];
	snprintf(journal, sizeof(journal), "%s/journal", c->data_path);
	snprintf(index, sizeof(index), "%s/index", c->data_path);
	struct admin_config config = {
		.data_dir = store,
		.journal_dir = journal,
		.index_dir = index,
		.ctl_path = control,
		.relay_fd = c->bundle.peer_fd,
		.master_fd = c->bundle.master_fd,
		.alone = c->bundle.alone,
		.hostname = c->bundle.hostname,
		.log = &c->log,
	};
	memcpy(config.pepper, c->bundle.pepper.p, PEPPER_LEN);
	return admin_serve(&config);
}

/* --- looking only --------------------------------------------------------- */

static bool close_all_but(const char *store, struct err *err)
{
	/* Writable: beside a log SQLite keeps an index of it. */
	struct os_landlock_dir dir = { .path = store, .writable = true };
	int version;
	return os_sandbox_begin(err) &&
	       os_landlock(&dir, 1, OS_LANDLOCK_NO_NET, &version, err);
}

static int look(const char *store, int answer)
{
	enum { SEND_MS = 5000 };
	struct store_looked seen;
	struct err err = { 0 };
	struct buf out;
	struct json j;
	if (!close_all_but(store, &err))
		return 71;
	store_look(store, &seen);
	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object_begin(&j);
	json_member_cstr(&j, "state", store_state_name(seen.state));
	json_member_u64(&j, "schema", seen.schema);
	json_member_u64(&j, "known", seen.known);
	json_member_cstr(&j, "text", seen.text);
	json_object_end(&j);
	bool ok = !out.failed && os_channel_send(answer, buf_slice(&out), -1,
						 SEND_MS, &err);
	buf_fini(&out);
	return ok ? 0 : 74;
}

static bool is_look(int argc, char **argv, const char **store, int *answer)
{
	uint64_t fd;
	if (argc != 3 || strncmp(argv[1], "--look=", 7) != 0 ||
	    strncmp(argv[2], "--answer=", 9) != 0 ||
	    !slice_u64(slice_of(argv[2] + 9), 65535, &fd))
		return false;
	*store = argv[1] + 7;
	*answer = (int)fd;
	return true;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	const char *store;
	int answer;
	if (is_look(argc, argv, &store, &answer))
		return look(store, answer);
	struct child *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return 71;
	if (!child_begin(c, ROLE_ADMIN, child_bundle_fd(argc, argv), &err) ||
	    !close_sandbox(c, &err))
		return child_failed(c, &err);
	return serve(c);
}
