/* The start of a child; see child.h. */
#include "app/child.h"

#include "base/map.h"
#include "crypto/password.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "os/random.h"
#include "os/sandbox.h"

/* --- log ------------------------------------------------------------------ */

static bool write_line(void *ctx, slice line)
{
	(void)ctx;
	return os_log_line(line);
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return os_wall_ms();
}

static int64_t system_wall_ms(void *ctx)
{
	(void)ctx;
	return os_system_wall_ms();
}

void log_to_stderr(struct log *log, const char *role)
{
	*log = (struct log){ .level = LOG_INFO, .write = write_line,
			     .wall_ms = strcmp(role, "relay") == 0
						? wall_ms : system_wall_ms,
			     .role = role };
}

int child_failed(struct child *c, const struct err *err)
{
	log_failure(&c->log, LOG_ALARM, "start.failed", err);
	return err->kind == ERR_PERMANENT ? 78
	     : err->kind == ERR_TEMPORARY ? 75
	     : err->kind == ERR_IO	  ? 74
	     : err->kind == ERR_PROTOCOL  ? 78 : 71;
}

int child_bundle_fd(int argc, char *const *argv)
{
	uint64_t fd;
	for (int i = 1; i < argc; i++) {
		slice s = slice_of(argv[i]);
		if (slice_starts(s, SLICE("--bundle=")) &&
		    slice_u64(slice_skip(s, 9), 65535, &fd))
			return (int)fd;
	}
	return -1;
}

/* --- beginning ------------------------------------------------------------ */

static bool map_pages(struct child *c, struct err *err)
{
	bool writable = c->bundle.role == ROLE_RELAY;
	void *page;
	size_t bytes;
	if (c->bundle.counters_fd >= 0) {
		if (!os_page_map(c->bundle.counters_fd, writable, &page, &bytes,
				 err))
			return false;
		c->counters = page;
		if (!counters_page_valid(c->counters, bytes))
			return err_set(err, ERR_PROTOCOL, SCOPE_SELF,
				       "child_begin", "not our counters");
	}
	if (c->bundle.notes_fd >= 0) {
		if (!os_page_map(c->bundle.notes_fd, writable, &page, &bytes,
				 err))
			return false;
		c->notes = page;
		if (!notes_valid(c->notes, bytes))
			return err_set(err, ERR_PROTOCOL, SCOPE_SELF,
				       "child_begin", "not our notes");
	}
	os_close(&c->bundle.counters_fd);
	os_close(&c->bundle.notes_fd);
	return true;
}

bool child_begin(struct child *c, enum child_role role, int bundle_fd,
		 struct err *err)
{
	*c = (struct child){ 0 };
	log_to_stderr(&c->log, child_role_name(role));
	arena_init(&c->arena, CONFIG_ARENA_MAX);
	buf_init(&c->bytes, 2 * BUNDLE_MAX);
	uint8_t key[16];
	os_random(key, sizeof(key));
	hash_key_set(key);
	if (bundle_fd < 0)
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "child_begin",
			       "this program is started by postrider serve");
	bool read = os_read_all(bundle_fd, BUNDLE_MAX, &c->bytes, err);
	os_close(&bundle_fd);
	if (!read || !bundle_decode(buf_slice(&c->bytes), &c->arena, &c->bundle,
				    err))
		return false;
	if (c->bundle.role != role ||
	    !slice_to_cstr(c->bundle.data_path, c->data_path,
			   sizeof(c->data_path)))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "child_begin",
			       "the bundle is for another role");
	os_descriptors_raise();
	if (!os_die_with_parent((pid_t)c->bundle.master_pid, err) ||
	    !os_drop_privileges(c->bundle.change_user ? c->bundle.uid : 0,
				c->bundle.gid, err) ||
	    !os_sandbox_begin(err) || !map_pages(c, err))
		return false;
	/* A change of user takes back the wish to die with the parent. */
	if (!os_die_with_parent((pid_t)c->bundle.master_pid, err))
		return false;
	if (!files_to_config(&c->bundle.files, &c->arena, &c->config, err))
		return false;
	c->log.line_max = (uint32_t)c->config.limits.log_line;
	return true;
}
