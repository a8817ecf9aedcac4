/* Opening, and the one way of a change; see core.h. */
#include "admin/core.h"

#include <stdio.h>
#include <string.h>

#include "admin/people.h"
#include "admin/tries.h"
#include "limits/budget.h"
#include "os/clock.h"
#include "os/file.h"

#define LOCK_FILE "admin.lock"

enum {
	/* Newest revisions whose change stays in the store: what a log that
	 * lost its tail is mended from. */
	CHANGES_KEPT = 256,
	RESEND_MAX = 8388608,		/* bytes; else relay reads the files */
};

static void note(struct admin *a, enum log_level level, const char *event,
		 const struct err *err)
{
	if (a->log != NULL)
		log_failure(a->log, level, event, err);
}

int64_t admin_wall_ms(const struct admin *a)
{
	return a->at_ms != 0 ? a->at_ms : os_system_wall_ms();
}

int64_t admin_monotonic_ms(const struct admin *a)
{
	return a->at_ms != 0 ? a->at_ms : os_monotonic_ns() / MS;
}

/* --- revisions ------------------------------------------------------------ */

static uint64_t last_revision(struct admin *a)
{
	struct sql q = sql_of(a->store, "SELECT max(revision) FROM revisions");
	return sql_number(&q, 0);
}

uint64_t admin_next_revision(struct admin *a)
{
	return last_revision(a) + 1;
}

void admin_note_revision(struct admin *a, const struct audit_by *by)
{
	struct sql q = sql_of(a->store,
			      "INSERT INTO revisions (revision, at, who, call)"
			      " VALUES (?,?,?,?)");
	sql_u64(&q, by->revision);
	sql_i64(&q, by->at_ms);
	sql_text(&q, by->who);
	sql_text(&q, by->call);
	sql_run(&q);
}

static void keep_change(struct admin *a, uint64_t revision, slice change)
{
	struct sql q = sql_of(a->store, "UPDATE revisions SET change = ? "
					"WHERE revision = ?");
	sql_blob(&q, change);
	sql_u64(&q, revision);
	sql_run(&q);
	if (revision <= CHANGES_KEPT)
		return;
	q = sql_of(a->store, "UPDATE revisions SET change = NULL "
			     "WHERE revision = ?");
	sql_u64(&q, revision - CHANGES_KEPT);
	sql_run(&q);
}

/* --- the own view --------------------------------------------------------- */

/* Puts the view after all parts of a change in the place of *v; when it
 * fails *v stays. */
static bool apply_parts(const struct view **v, slice change, struct err *err)
{
	const struct view *now = view_ref(*v);
	while (change.n > 0) {
		size_t n;
		if (!change_length(change, &n) || n == 0) {
			view_unref(&now);
			return err_set(err, ERR_INTERNAL, SCOPE_SELF, "admin",
				       "a change is malformed");
		}
		/* On failure the new view is gone, *v stays. */
		if (!view_apply_onto(&now, slice_sub(change, 0, n), err))
			return false;
		change = slice_skip(change, n);
	}
	view_unref(v);
	*v = now;
	return true;
}

/* --- compiling all of the store ------------------------------------------- */

struct compiling {
	struct admin *a;
	const struct view *view;
	struct buf part;
	uint64_t revision;
	struct err *err;
	bool failed;
};

static void flush_part(struct compiling *c, bool last)
{
	change_end(&c->part);
	if (c->part.failed)
		c->failed = !err_set_memory(c->err, "admin_compile");
	if (!c->failed &&
	    !view_apply_onto(&c->view, buf_slice(&c->part), c->err))
		c->failed = true;
	buf_clear(&c->part);
	if (!last)
		change_begin(&c->part, c->revision, false);
}

/* Before each record. */
static void room(struct compiling *c)
{
	if (!c->failed && c->part.n > CHANGE_MAX - CHANGE_RECORD_MAX)
		flush_part(c, false);
}

static void compile_password(void *ctx, const struct app_password *p)
{
	struct compiling *c = ctx;
	room(c);
	if (!c->failed)
		change_put_app_password(&c->part, p);
}

static void compile_plans(struct compiling *c, struct arena *arena)
{
	struct row_list plans = { 0 };
	tables_plans(&c->a->tables, &plans, arena);
	for (uint32_t i = 0; i < plans.count && !c->failed; i++) {
		room(c);
		change_put_plan(&c->part, &row_plan(plans.items[i])->p);
	}
}

static void compile_domains(struct compiling *c, const struct row_list *l,
			    bool aliases)
{
	for (uint32_t i = 0; i < l->count && !c->failed; i++) {
		struct domain_row *d = row_domain(l->items[i]);
		if ((d->d.kind == DOMAIN_ALIAS) != aliases)
			continue;
		room(c);
		change_put_domain(&c->part, &d->d);
	}
}

static void compile_setting(struct compiling *c, struct setting_row *s)
{
	room(c);
	change_put_setting(&c->part, &s->s);
	for (uint32_t i = 0; i < s->entries.count && !c->failed; i++) {
		room(c);
		change_put_entry(&c->part,
				 &row_entry(s->entries.items[i])->e);
	}
}

static void compile_customer(struct compiling *c, struct customer_row *row)
{
	room(c);
	change_put_customer(&c->part, &row->c);
	compile_domains(c, &row->domains, false);
	compile_domains(c, &row->domains, true);
	for (uint32_t i = 0; i < row->users.count && !c->failed; i++) {
		struct user_row *u = row_user(row->users.items[i]);
		room(c);
		change_put_user(&c->part, &u->u, u->aliases.items,
				u->aliases.count);
	}
	for (uint32_t i = 0; i < row->settings.count && !c->failed; i++)
		compile_setting(c, row_setting(row->settings.items[i]));
	tables_app_passwords(&c->a->tables, row->c.id, compile_password, c);
}

const struct view *admin_compile(struct admin *a, uint64_t revision,
				 struct err *err)
{
	struct compiling c = { .a = a, .view = view_new(), .err = err,
			       .revision = revision };
	struct arena arena;
	if (c.view == NULL) {
		err_set_memory(err, "admin_compile");
		return NULL;
	}
	arena_init(&arena, (size_t)1 << 30);
	buf_init(&c.part, CHANGE_MAX);
	change_begin(&c.part, revision, false);
	compile_plans(&c, &arena);
	for (uint32_t at = 0; !c.failed;) {
		struct customer_row *row =
			tables_customer_after(&a->tables, at, PARTS_ALL,
					      &arena);
		if (row == NULL)
			break;
		at = row->c.id;
		compile_customer(&c, row);
		arena_reset(&arena);
	}
	arena_fini(&arena);
	if (!store_good(a->store, err))
		c.failed = true;
	if (!c.failed)
		flush_part(&c, false);
	buf_clear(&c.part);
	change_begin(&c.part, revision, true);
	if (!c.failed)
		flush_part(&c, true);
	buf_fini(&c.part);
	if (c.failed)
		view_unref(&c.view);
	return c.view;
}

/* `postrider restore` put the store there (store_copy.h). */
static bool is_restored(struct admin *a, uint64_t last)
{
	struct sql q = sql_of(a->store, "SELECT call = 'restore' FROM "
					"revisions WHERE revision = ?");
	sql_u64(&q, last);
	return sql_number(&q, 0) == 1;
}

/* Store and files disagree, and no kept change leads from one to the other:
 * a new revision above both, from all of the store. */
static bool rebuild(struct admin *a, uint64_t above, struct err *err)
{
	struct audit_by by = { .who = SLICE("admin"), .call = SLICE("recover"),
			       .at_ms = os_system_wall_ms() };
	uint64_t last = last_revision(a);
	bool restored = is_restored(a, last);
	by.revision = (last > above ? last : above) + 1;
	store_begin(a->store);
	admin_note_revision(a, &by);
	/* Whoever held them when the backup was made need not hold them
	 * now. */
	if (restored)
		people_forget_sessions(a->store);
	store_commit(a->store);
	if (!store_good(a->store, err)) {
		store_rollback(a->store);
		return false;
	}
	const struct view *v = admin_compile(a, by.revision, err);
	if (v == NULL)
		return false;
	view_unref(&a->view);
	a->view = v;
	struct log_event e;
	if (a->log != NULL && !restored) {
		log_begin(&e, a->log, LOG_ALARM, "admin.view_rebuilt");
		json_member_u64(&e.json, "revision", by.revision);
		log_end(&e);
	}
	if (!view_writer_rewrite(a->writer, a->view, err))
		return false;
	if (a->ask != NULL && ask_up(a->ask))
		(void)!ask_view(a->ask);
	return true;
}

/* --- the log catches up with the store ------------------------------------ */

static void send_to_relay(struct admin *a, slice change)
{
	if (a->ask == NULL || !ask_up(a->ask) || !a->relay_known)
		return;		/* it says where it is when it comes */
	if (!ask_change(a->ask, change))
		(void)!ask_view(a->ask);
}

/* One revision that the store has and the log lacks. */
static bool append_kept(struct admin *a, uint64_t revision, struct err *err)
{
	struct arena arena;
	arena_init(&arena, DIRECTORY_CHANGE_MAX * 2ul);
	struct sql q = sql_of(a->store, "SELECT change FROM revisions WHERE "
					"revision = ? AND change NOT NULL");
	slice change = { 0 };
	sql_u64(&q, revision);
	if (sql_row(&q)) {
		change = sql_copy(&q, 0, &arena);
		sql_end(&q);
	}
	bool ok = store_good(a->store, err);
	if (ok && change.n == 0)
		ok = err_set(err, ERR_PERMANENT, SCOPE_SELF, "admin",
			     "revision is no longer kept");
	const struct view *next = view_ref(a->view);
	ok = ok && apply_parts(&next, change, err) &&
	     view_writer_append(a->writer, change, err);
	if (ok) {
		const struct view *old = a->view;
		a->view = view_ref(next);
		view_unref(&old);
		send_to_relay(a, change);
	}
	view_unref(&next);
	arena_fini(&arena);
	return ok;
}

static bool catch_up(struct admin *a, struct err *err)
{
	uint64_t last = last_revision(a), has = view_revision(a->view);
	if (!store_good(a->store, err))
		return false;
	if (view_writer_broken(a->writer) && has > 0 &&
	    !view_writer_rewrite(a->writer, a->view, err))
		return false;
	/* Whatever view lies there, it need not be this store's. */
	if (has > last || is_restored(a, last))
		return rebuild(a, has, err);
	for (; has < last; has++) {
		if (append_kept(a, has + 1, err))
			continue;
		if (err->kind == ERR_IO || err->kind == ERR_INTERNAL)
			return false;
		return rebuild(a, has, err);
	}
	return true;
}

void admin_catch_up(struct admin *a)
{
	struct err err;
	bool ok = catch_up(a, &err);
	if (!ok && !a->behind)
		note(a, LOG_ALARM, "admin.view_log", &err);
	a->behind = !ok;
}

bool admin_publish(struct admin *a, const struct audit_by *by, slice change,
		   bool *logged, struct err *err)
{
	const struct view *next = view_ref(a->view);
	*logged = false;
	keep_change(a, by->revision, change);
	bool ok = store_good(a->store, err) &&
		  (a->behind || apply_parts(&next, change, err));
	if (ok) {
		store_commit(a->store);
		ok = store_good(a->store, err);
	}
	if (!ok) {
		store_rollback(a->store);
		view_unref(&next);
		return false;
	}
	struct err why;
	if (a->behind) {
		admin_catch_up(a);
		*logged = !a->behind;
	} else if (view_writer_append(a->writer, change, &why)) {
		*logged = true;
		view_unref(&a->view);
		a->view = view_ref(next);
		send_to_relay(a, change);
		if (view_writer_due(a->writer) &&
		    !view_writer_rewrite(a->writer, a->view, &why))
			note(a, LOG_ERROR, "admin.view_rewrite", &why);
	} else {
		note(a, LOG_ALARM, "admin.view_log", &why);
		a->behind = true;
	}
	view_unref(&next);
	return true;
}

bool admin_preview(struct admin *a, slice change, const struct view **out,
		   struct err *err)
{
	*out = view_ref(a->view);
	if (apply_parts(out, change, err))
		return true;
	view_unref(out);
	return false;
}

/* --- relay ---------------------------------------------------------------- */

static bool gather_change(void *ctx, slice change)
{
	struct buf *changes = ctx;
	buf_append(changes, change);
	return !changes->failed;
}

static void bring_up_to_date(struct admin *a, uint64_t from)
{
	struct buf changes;
	bool whole;
	buf_init(&changes, RESEND_MAX);
	bool ok = view_log_read(a->view_dir, from, gather_change, &changes,
				&whole, NULL) &&
		  whole && changes.n > 0 &&
		  ask_change(a->ask, buf_slice(&changes));
	if (!ok)
		(void)!ask_view(a->ask);
	buf_fini(&changes);
}

void admin_relay_live(struct admin *a, uint64_t revision, bool refused)
{
	uint64_t own = view_revision(a->view);
	bool first = !a->relay_known;
	struct err err;
	a->relay_known = true;
	a->relay_live = revision;
	if (revision > own) {
		/* The view's folder was put back to an older state. */
		if (!rebuild(a, revision, &err))
			note(a, LOG_ALARM, "admin.view_rebuild", &err);
	} else if (refused && revision < own) {
		/* A second refusal has another cause; it waits for the next
		 * change or channel instead of going round and round. */
		if (!a->relay_refused)
			(void)!ask_view(a->ask);
		a->relay_refused = true;
	} else if (first && revision < own) {
		bring_up_to_date(a, revision);
	}
	if (!refused)
		a->relay_refused = false;
	if (a->live != NULL)
		a->live(a->live_ctx, revision);
}

/* --- begin and end -------------------------------------------------------- */

static bool take_lock(struct admin *a, struct err *err)
{
	return os_file_open(a->dir, LOCK_FILE, OS_APPEND, &a->lock, err) &&
	       os_file_lock(a->lock, err);
}

static bool open_view(struct admin *a, struct err *err)
{
	struct view_loaded loaded;
	if (!os_dir_open_at(a->dir, "view", &a->view_dir, err) ||
	    !view_load(a->view_dir, &loaded, err))
		return false;
	a->view = loaded.view;
	if (a->log != NULL && (loaded.bad_files > 0 || loaded.gap ||
			       loaded.torn_bytes > 0)) {
		struct log_event e;
		log_begin(&e, a->log, loaded.bad_files > 0 || loaded.gap ?
				  LOG_ALARM : LOG_WARNING,
			  "admin.view_damaged");
		json_member_u64(&e.json, "revision", view_revision(a->view));
		json_member_u64(&e.json, "torn_bytes", loaded.torn_bytes);
		json_member_u64(&e.json, "bad_files", loaded.bad_files);
		json_member_bool(&e.json, "gap", loaded.gap);
		log_end(&e);
	}
	return view_writer_open(a->view_dir, &loaded, &a->writer, err);
}

bool admin_open(struct admin *a, const char *data_dir, struct err *err)
{
	a->dir = a->lock = a->view_dir = -1;
	bool ok = os_dir_open(data_dir, &a->dir, err) && take_lock(a, err) &&
		  store_open(data_dir, a->dir, &a->store, err) &&
		  tables_init(&a->tables, a->store, err) &&
		  open_view(a, err) && catch_up(a, err);
	if (ok) {
		a->tries = tries_new();
		a->visits = visits_new();
		ok = (a->tries != NULL && a->visits != NULL) ||
		     err_set_memory(err, "admin_open");
	}
	if (!ok) {
		admin_close(a);
		return false;
	}
	/* psl_builtin is constant data: freeing it does nothing. */
	a->psl = (psl_ctx_t *)(uintptr_t)psl_builtin();
	return true;
}

void admin_close(struct admin *a)
{
	budgets_free(&a->looks);
	tries_free(&a->tries);
	visits_free(&a->visits);
	ask_free(&a->ask);
	view_writer_close(&a->writer);
	view_unref(&a->view);
	if (a->store != NULL)
		tables_fini(&a->tables);
	store_close(&a->store);
	os_file_close(&a->view_dir);
	os_file_close(&a->lock);
	os_file_close(&a->dir);
}
