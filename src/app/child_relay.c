/* Relay's start: directories are opened, and the sandbox is described; the
 * work is relay_main's. */
#include <stdio.h>

#include "app/child.h"
#include "os/file.h"
#include "os/process.h"
#include "os/sandbox.h"

static bool open_below(const struct child *c, const char *name, int *fd,
		       struct err *err)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", c->data_path, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "child_relay",
			       "a path is too long");
	return os_dir_open(path, fd, err);
}

static bool open_maildirs(const struct child *c, struct arena *arena,
			  const int **out, struct err *err)
{
	int *dirs = arena_alloc(arena, (c->config.route_count + 1) *
					       sizeof(*dirs));
	if (dirs == NULL)
		return err_set_memory(err, "child_relay");
	for (size_t i = 0; i < c->config.route_count; i++) {
		const char *maildir = c->config.routes[i].maildir;
		dirs[i] = -1;
		if (maildir == NULL)
			continue;
		if (!open_below(c, maildir, &dirs[i], err))
			return false;
	}
	*out = dirs;
	return true;
}

static bool make_start(struct child *c, struct relay_start *out,
		       struct err *err)
{
	const struct bundle *b = &c->bundle;
	*out = (struct relay_start){
		.config = &c->config,
		.hostname = b->hostname,
		.shards = b->shards,
		.listeners = b->listeners,
		.listener_count = b->listener_count,
		.certificate_pem = b->files.certificate_pem,
		.key_pem = b->files.key_pem,
		.pepper = (const uint8_t *)b->pepper.p,
		.admin_fd = b->peer_fds[ROLE_ADMIN],
		.master_fd = b->master_fd,
		.counters = c->counters,
		.notes = c->notes,
		.poison = b->poison,
		.poison_count = b->poison_count,
		.refused = b->refused,
		.refused_count = b->refused_count,
		.troubles = b->troubles,
		.log = &c->log,
		.data_path = c->data_path,
	};
	if (c->counters == NULL || c->notes == NULL ||
	    c->counters->slots < b->shards + COUNTERS_OTHERS ||
	    c->notes->shards < b->shards || b->pepper.n != PEPPER_LEN)
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "child_relay",
			       "the bundle lacks something");
	return os_dir_open(c->data_path, &out->data_dir, err) &&
	       os_dir_open_at(out->data_dir, "spool", &out->spool_dir, err) &&
	       open_below(c, "store/view", &out->view_dir, err) &&
	       os_dir_open_at(out->data_dir, "journal", &out->journal_dir,
			      err) &&
	       open_maildirs(c, &c->arena, &out->maildir_dirs, err);
}

int child_relay(int bundle_fd)
{
	struct child child;
	struct relay_start start;
	struct err err = { 0 };
	(void)os_memory_keep();		/* else it stalls now and then */
	if (!child_begin(&child, ROLE_RELAY, bundle_fd, &err) ||
	    !make_start(&child, &start, &err))
		return child_failed(&child, &err);
	return relay_main(&start);
}

/* --- the sandbox ---------------------------------------------------------- */

struct open_dirs {
	struct os_landlock_dir dirs[OS_LANDLOCK_DIRS_MAX];
	size_t count;
};
enum { OPEN_DIRS_ARENA_MAX = 8388608 };

static bool add_dir(struct open_dirs *o, struct arena *arena,
		    const char *data_path, const char *name, struct err *err)
{
	size_t cap = strlen(data_path) + strlen(name) + 2;
	char *path = arena_alloc(arena, cap);
	invariant(o->count < OS_LANDLOCK_DIRS_MAX);
	if (path == NULL)
		return err_set_memory(err, "start_close_sandbox");
	snprintf(path, cap, "%s/%s", data_path, name);
	o->dirs[o->count++] = (struct os_landlock_dir){ .path = path, .writable = true };
	return true;
}

bool start_close_sandbox(const struct relay_start *start, struct err *err)
{
	static const char *const own[] = { "spool", "store/view", "journal" };
	const struct config *c = start->config;
	struct arena arena;
	struct log_event e;
	int version = 0;
	arena_init(&arena, OPEN_DIRS_ARENA_MAX);
	struct open_dirs *o = arena_alloc(&arena, sizeof(*o));
	bool ok = o != NULL || err_set_memory(err, "start_close_sandbox");
	for (size_t i = 0; ok && i < ARRAY_LEN(own); i++)
		ok = add_dir(o, &arena, start->data_path, own[i], err);
	for (size_t i = 0; ok && i < c->route_count; i++)
		if (c->routes[i].maildir != NULL)
			ok = add_dir(o, &arena, start->data_path,
				     c->routes[i].maildir, err);
	ok = ok && os_landlock(o->dirs, o->count, OS_LANDLOCK_NET, &version,
			       err);
	arena_fini(&arena);
	if (!ok || !os_seccomp_relay(err))
		return false;
	log_begin(&e, start->log, LOG_INFO, "sandbox.closed");
	json_member_u64(&e.json, "landlock", (uint64_t)version);
	log_end(&e);
	return true;
}
