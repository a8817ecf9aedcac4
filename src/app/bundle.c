/* Encoding and decoding what a child is started with; see bundle.h. */
#include "app/bundle.h"

#include "base/cursor.h"

enum { BUNDLE_FORM = 4 };

const char *child_role_name(enum child_role role)
{
	static const char *const names[] = {
		[ROLE_RELAY] = "relay",
		[ROLE_ADMIN] = "admin",
		[ROLE_CONSOLE] = "console",
	};
	invariant(role < ROLE_COUNT);
	return names[role];
}

/* --- the configuration and its files -------------------------------------- */

static void put_files(struct buf *out, const struct config_files *f)
{
	buf_bytes32(out, f->file);
	buf_bytes32(out, f->text);
	buf_bytes32(out, f->certificate_pem);
	buf_bytes32(out, f->key_pem);
	buf_u32(out, (uint32_t)f->secret_count);
	for (size_t i = 0; i < f->secret_count; i++)
		buf_bytes32(out, f->secrets[i]);
}

static bool take_files(struct cursor *c, struct arena *arena,
		       struct config_files *f)
{
	f->file = cursor_bytes32(c, 4096);
	f->text = cursor_bytes32(c, CONFIG_TEXT_MAX);
	f->certificate_pem = cursor_bytes32(c, BUNDLE_PEM_MAX);
	f->key_pem = cursor_bytes32(c, BUNDLE_PEM_MAX);
	f->secret_count = cursor_u32(c);
	if (c->failed || f->secret_count > CONFIG_ROUTES_MAX)
		return false;
	slice *secrets = arena_alloc(arena, (f->secret_count + 1) *
						    sizeof(*secrets));
	if (secrets == NULL)
		return false;
	for (size_t i = 0; i < f->secret_count; i++)
		secrets[i] = cursor_bytes32(c, BUNDLE_SECRET_MAX);
	f->secrets = secrets;
	return !c->failed;
}

bool files_to_config(const struct config_files *f, struct arena *arena,
		     struct config *out, struct err *err)
{
	struct buf errors;
	char name[4097];
	if (f->file.n == 0)
		return config_defaults(out, arena) ||
		       err_set_memory(err, "files_to_config");
	if (!slice_to_cstr(f->file, name, sizeof(name)))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF,
			       "files_to_config", "bad file name");
	buf_init(&errors, 65536);
	bool ok = config_parse(f->text, name, LANGUAGE_EN, arena, out, &errors);
	if (!ok) {
		slice rest = buf_slice(&errors);
		err_set(err, ERR_PERMANENT, SCOPE_SELF, "files_to_config",
			"the configuration has errors");
		err_detail(err, "%.*s", SLICE_ARG(slice_cut(&rest, '\n')));
	}
	buf_fini(&errors);
	for (size_t i = 0; ok && i < f->secret_count && i < out->route_count;
	     i++)
		if (f->secrets[i].n > 0)
			out->routes[i].password = f->secrets[i];
	return ok;
}

/* --- the bundle ----------------------------------------------------------- */

static void put_fd(struct buf *out, int fd)
{
	buf_u32(out, (uint32_t)(fd + 1));
}

static int take_fd(struct cursor *c)
{
	uint32_t v = cursor_u32(c);
	if (v > INT32_MAX)
		c->failed = true;
	return c->failed ? -1 : (int)v - 1;
}

static void put_address(struct buf *out, const struct ip_addr *a)
{
	buf_append_bytes(out, a->bytes, sizeof(a->bytes));
}

static void take_address(struct cursor *c, struct ip_addr *a)
{
	slice s = cursor_take(c, sizeof(a->bytes));
	if (s.n == sizeof(a->bytes))
		memcpy(a->bytes, s.p, s.n);
}

static void put_listeners(struct buf *out, const struct start_listener *rows,
			  size_t count)
{
	buf_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		buf_u32(out, rows[i].shard);
		buf_u32(out, rows[i].listener);
		put_address(out, &rows[i].at.addr);
		buf_u16(out, rows[i].at.port);
		buf_u32(out, rows[i].number);
		put_fd(out, rows[i].fd);
	}
}

void bundle_encode(const struct bundle *b, struct buf *out)
{
	buf_u32(out, BUNDLE_FORM);
	buf_u8(out, (uint8_t)b->role);
	buf_u32(out, b->master_pid);
	buf_u8(out, b->change_user);
	buf_u32(out, b->uid);
	buf_u32(out, b->gid);
	buf_u8(out, b->alone);
	buf_bytes32(out, b->hostname);
	buf_bytes32(out, b->data_path);
	buf_u32(out, b->shards);
	put_files(out, &b->files);
	buf_bytes32(out, b->pepper);
	const int fds[] = { b->master_fd, b->counters_fd, b->notes_fd,
			    b->console_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		put_fd(out, fds[i]);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		put_fd(out, b->peer_fds[i]);
	put_listeners(out, b->listeners, b->listener_count);
	buf_u32(out, (uint32_t)b->poison_count);
	for (size_t i = 0; i < b->poison_count; i++) {
		buf_u64(out, b->poison[i].time_ms);
		buf_u64(out, b->poison[i].random);
	}
	buf_u32(out, (uint32_t)b->refused_count);
	for (size_t i = 0; i < b->refused_count; i++) {
		put_address(out, &b->refused[i].address);
		buf_u64(out, (uint64_t)b->refused[i].left_ms);
	}
	buf_u32(out, b->troubles.crashes);
	buf_u64(out, (uint64_t)b->troubles.crashed_ms);
	buf_u64(out, (uint64_t)b->troubles.spool_closed_ms);
}

/* Room for a list whose length stands in the input; NULL: too long. */
static void *take_list(struct cursor *c, struct arena *arena, size_t max,
		       size_t row_bytes, size_t *count)
{
	*count = cursor_u32(c);
	if (c->failed || *count > max) {
		c->failed = true;
		*count = 0;
	}
	void *rows = arena_alloc(arena, (*count + 1) * row_bytes);
	if (rows == NULL) {
		c->failed = true;
		*count = 0;
	}
	return rows;
}

static const struct start_listener *take_listeners(struct cursor *c,
						   struct arena *arena,
						   size_t *count)
{
	struct start_listener *rows = take_list(
		c, arena, 2 * CONFIG_LISTENERS_MAX * CONFIG_SHARDS_MAX,
		sizeof(*rows), count);
	for (size_t i = 0; i < *count; i++) {
		rows[i].shard = cursor_u32(c);
		rows[i].listener = cursor_u32(c);
		take_address(c, &rows[i].at.addr);
		rows[i].at.port = cursor_u16(c);
		rows[i].number = cursor_u32(c);
		rows[i].fd = take_fd(c);
	}
	return rows;
}

static void take_poison(struct cursor *c, struct arena *arena,
			struct bundle *b)
{
	struct id *ids = take_list(c, arena, START_POISON_MAX, sizeof(*ids),
				   &b->poison_count);
	for (size_t i = 0; i < b->poison_count; i++) {
		ids[i].time_ms = cursor_u64(c);
		ids[i].random = cursor_u64(c);
	}
	b->poison = ids;
	struct start_refused *rows = take_list(c, arena, START_REFUSED_MAX,
					       sizeof(*rows),
					       &b->refused_count);
	for (size_t i = 0; i < b->refused_count; i++) {
		take_address(c, &rows[i].address);
		rows[i].left_ms = (int64_t)cursor_u64(c);
	}
	b->refused = rows;
}

bool bundle_decode(slice bytes, struct arena *arena, struct bundle *b,
		   struct err *err)
{
	struct cursor c = cursor_of(bytes);
	*b = (struct bundle){ 0 };
	bool ok = cursor_u32(&c) == BUNDLE_FORM;
	uint8_t role = cursor_u8(&c);
	b->master_pid = cursor_u32(&c);
	b->change_user = cursor_u8(&c) != 0;
	b->uid = cursor_u32(&c);
	b->gid = cursor_u32(&c);
	b->alone = cursor_u8(&c) != 0;
	b->hostname = cursor_bytes32(&c, 255);
	b->data_path = cursor_bytes32(&c, 4000);
	b->shards = cursor_u32(&c);
	ok = ok && take_files(&c, arena, &b->files);
	b->pepper = cursor_bytes32(&c, PEPPER_LEN);
	int *const fds[] = { &b->master_fd, &b->counters_fd, &b->notes_fd,
			     &b->console_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		*fds[i] = take_fd(&c);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		b->peer_fds[i] = take_fd(&c);
	b->listeners = take_listeners(&c, arena, &b->listener_count);
	take_poison(&c, arena, b);
	b->troubles.crashes = cursor_u32(&c);
	b->troubles.crashed_ms = (int64_t)cursor_u64(&c);
	b->troubles.spool_closed_ms = (int64_t)cursor_u64(&c);
	if (!ok || !cursor_done(&c) || role >= ROLE_COUNT ||
	    b->hostname.n == 0 || b->shards == 0 ||
	    b->shards > CONFIG_SHARDS_MAX)
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF, "bundle_decode",
			       "not what this program's master writes");
	b->role = (enum child_role)role;
	return true;
}

/* --- a reload ------------------------------------------------------------- */

void reload_encode(const struct config_files *f,
		   const struct start_listener *listeners, size_t count,
		   struct buf *out)
{
	put_files(out, f);
	put_listeners(out, listeners, count);
}

bool start_reload_decode(slice payload, struct arena *arena,
			 struct start_reload *out, struct err *err)
{
	slice kept;
	struct config_files files;
	/* The secrets live as long as the config. */
	if (!arena_copy(arena, payload, &kept))
		return err_set_memory(err, "start_reload_decode");
	struct cursor c = cursor_of(kept);
	bool ok = take_files(&c, arena, &files);
	out->listeners = take_listeners(&c, arena, &out->listener_count);
	if (!ok || !cursor_done(&c))
		return err_set(err, ERR_PROTOCOL, SCOPE_SELF,
			       "start_reload_decode", "malformed reload");
	out->certificate_pem = files.certificate_pem;
	out->key_pem = files.key_pem;
	if (!files_to_config(&files, arena, &out->config, err))
		return false;
	for (size_t i = 0; i < out->listener_count; i++)
		if (out->listeners[i].listener >= out->config.listener_count)
			return err_set(err, ERR_PROTOCOL, SCOPE_SELF,
				       "start_reload_decode",
				       "a listener that there isn't");
	return true;
}
