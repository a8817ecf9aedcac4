/* The way of a change into the directory (directory.h), and directory.apply;
 * see calls_apply.h. */
#include "admin/calls_apply.h"
#include "admin/setting_row.h"

#include <inttypes.h>
#include <stdio.h>

static const slice NONE = { 0 };

static void tell(void *ctx, slice json_object)
{
	struct applying *p = ctx;
	call_row(p->call, json_object);
}

static void problem(void *ctx, const struct problem *what)
{
	struct applying *p = ctx;
	struct buf row;
	buf_init(&row, PROBLEM_ROW_MAX);
	problem_write(&row, what, p->call->language);
	if (!row.failed)
		call_row(p->call, buf_slice(&row));
	buf_fini(&row);
}

static void refuse(struct applying *p)
{
	struct err err;
	struct admin *a = p->call->admin;
	if (!store_good(a->store, &err)) {
		store_rollback(a->store);
		call_fail(p->call, &err, SAY_STORE_FAILED);
		return;
	}
	store_rollback(a->store);
	call_end(p->call, CALL_CONFIG, buf_slice(&p->d.errors));
}

static void say_unchanged(struct applying *p)
{
	char text[24];
	struct admin *a = p->call->admin;
	if (p->preview != NULL) {
		store_rollback(a->store);
		*p->preview = view_ref(a->view);
		return;
	}
	/* A draft that is like the setting goes as well. */
	if (p->also != NULL && !p->dry_run) {
		p->also(p);
		store_commit(a->store);
	}
	snprintf(text, sizeof(text), "%" PRIu64,
		 admin_next_revision(a) - 1);
	store_rollback(a->store);
	call_say(p->call, CALL_OK, SAY_NOTHING_CHANGES, slice_of(text));
}

static void preview(struct applying *p, const struct audit_by *by)
{
	struct admin *a = p->call->admin;
	struct buf change;
	struct err err;
	buf_init(&change, DIRECTORY_CHANGE_MAX);
	bool ok = directory_change(&p->d, by->revision, &change, &err) &&
		  admin_preview(a, buf_slice(&change), p->preview, &err);
	store_rollback(a->store);
	buf_fini(&change);
	if (!ok)
		call_fail(p->call, &err, SAY_STORE_FAILED);
}

/* The difference is known and right: into the store, and to relay. */
static void carry_out(struct applying *p)
{
	struct admin *a = p->call->admin;
	struct audit_by by = call_audit_by(p->call);
	struct buf change;
	struct err err;
	bool logged = false;
	admin_note_revision(a, &by);
	directory_store(&p->d, &a->tables, &by);
	if (p->also != NULL)
		p->also(p);
	if (p->preview != NULL && !a->store->failed) {
		preview(p, &by);
		return;
	}
	if (p->dry_run || a->store->failed) {
		bool good = store_good(a->store, &err);
		store_rollback(a->store);
		if (good)
			call_say(p->call, CALL_OK, SAY_DRY_RUN, NONE);
		else
			call_fail(p->call, &err, SAY_STORE_FAILED);
		return;
	}
	buf_init(&change, DIRECTORY_CHANGE_MAX);
	bool ok = directory_change(&p->d, by.revision, &change, &err);
	if (!ok)
		store_rollback(a->store);
	ok = ok && admin_publish(a, &by, buf_slice(&change), &logged, &err);
	buf_fini(&change);
	if (ok)
		call_end_when_live(p->call, by.revision, logged);
	else
		call_fail(p->call, &err, SAY_STORE_FAILED);
}

static void say_of_kind(struct admin_call *call, int code, enum admin_text id,
			enum row_kind kind, slice key, slice near)
{
	struct buf text;
	buf_init(&text, 65536);
	admin_say(&text, call->language, id,
		  slice_of(text_in(admin_text(SAY_KIND_CUSTOMER + kind),
				   call->language)),
		  key, near);
	call_end(call, code, buf_slice(&text));
	buf_fini(&text);
}

void apply_say_no_such(struct admin_call *call, enum row_kind kind, slice key,
		       slice near)
{
	say_of_kind(call, CALL_DATA,
		    near.n > 0 ? SAY_NO_SUCH_NEAR : SAY_NO_SUCH, kind, key,
		    near);
}

static void say_row(struct applying *p, enum directory_found found,
		    const struct row *row)
{
	struct admin_call *call = p->call;
	/* Over HTTP 65 is 404, and that is what these are not. */
	int refused = call->front ? CALL_REFUSED : CALL_DATA;
	if (found == DIRECTORY_ROW_THERE)
		say_of_kind(call, refused, SAY_THERE_ALREADY, row->kind,
			    row_key(row), NONE);
	else if (found == DIRECTORY_IN_FORCE)
		say_of_kind(call, refused, SAY_NEEDS_NO_SHARING, row->kind,
			    row_key(row), NONE);
	else
		apply_say_no_such(call, row->kind, row_key(row),
				  directory_near(&p->d, &call->caller, row));
}

static void say_changed(struct admin_call *call, const struct row *r)
{
	struct buf object, who;
	char at[TIME_TEXT_MAX] = "-";
	struct setting_row *s = row_setting(r->old);
	buf_init(&object, 1024);
	buf_init(&who, 1024);
	buf_printf(&object, "setting %.*s", SLICE_ARG(s->s.key));
	struct sql q = sql_of(call->admin->store,
			      "SELECT who, at FROM audit WHERE customer = ? "
			      "AND object = ? ORDER BY id DESC LIMIT 1");
	sql_u64(&q, s->s.customer);
	sql_text(&q, buf_slice(&object));
	if (sql_row(&q)) {
		buf_append(&who, sql_peek(&q, 0));
		time_text_ms(sql_get_i64(&q, 1), at);
		sql_end(&q);
	}
	call_say2(call, CALL_CHANGED, SAY_CHANGED_MEANWHILE_BY,
		  buf_slice(&who), slice_of(at));
	buf_fini(&object);
	buf_fini(&who);
}

/* Is the setting still what the caller has seen? */
static bool matches(struct applying *p, const struct row *r)
{
	char etag[SHA256_TEXT];
	if (p->if_match.n == 0)
		return true;
	return r->kind == ROW_SETTING && r->old != NULL &&
	       setting_etag(row_setting(r->old), etag) &&
	       slice_eq(p->if_match, slice_of(etag));
}

/* The row of a call: not there, or there already. */
static bool is_good(struct applying *p)
{
	struct admin_call *call = p->call;
	const struct row *row = NULL;
	struct err err;
	enum directory_found found =
		directory_do_one(&p->d, p->one, &call->caller, &row);
	/* What the merge said of it comes first. */
	if (p->d.errors.n > 0 ||
	    (found == DIRECTORY_GOOD && matches(p, row)))
		return true;
	bool good = store_good(call->admin->store, &err);
	store_rollback(call->admin->store);
	if (!good)
		call_fail(call, &err, SAY_STORE_FAILED);
	else if (found == DIRECTORY_GOOD)
		say_changed(call, row);
	else if (found == DIRECTORY_NO_MEMORY)
		call_no_memory(call);
	else
		say_row(p, found, row);
	return false;
}

static void begin(struct applying *p)
{
	directory_init(&p->d, p->call->language);
	p->d.fragment = p->one != NULL;
	p->d.prune = p->prune;
	p->d.own = call_own_customer(p->call);
	p->d.tell = p->preview != NULL ? NULL : tell;
	p->d.problem = p->problems ? problem : NULL;
	p->d.ctx = p;
}

static void run(struct applying *p, slice text, const char *file)
{
	struct admin *a = p->call->admin;
	bool any;
	slice own = NONE;
	if (!call_is_operator(p->call) && !call_own_name(p->call, &own))
		return;
	if (!directory_load(&p->d, text, file) ||
	    !directory_authorise_names(&p->d, &p->call->caller, own)) {
		bool usage = p->one != NULL && p->d.bad_value;
		call_end(p->call, usage ? CALL_USAGE : CALL_CONFIG,
			 buf_slice(&p->d.errors));
		return;
	}
	store_begin(a->store);
	bool merged = directory_merge(&p->d, &a->tables);
	if (merged && p->one != NULL && !is_good(p))
		return;
	/* First what he may: a check would help with names (of plans) that
	 * are not his to know. */
	if (!merged ||
	    !directory_authorise(&p->d, &p->call->caller) ||
	    !directory_check(&p->d, &a->tables, a->psl) ||
	    p->d.errors.n > 0) {
		refuse(p);
		return;
	}
	directory_tell(&p->d, &any);
	if (any)
		carry_out(p);
	else
		say_unchanged(p);
}

void apply(struct applying *p, slice text, const char *file)
{
	begin(p);
	run(p, text, file);
	directory_fini(&p->d);
}

void call_directory_apply(struct admin_call *call)
{
	struct applying p = { .call = call };
	slice file = SLICE("directory");
	char name[256];
	if (!arg_text(call, "file", false, &file) ||
	    !arg_bool(call, "dry_run", &p.dry_run) ||
	    !arg_bool(call, "prune", &p.prune))
		return;
	if (!slice_to_cstr(slice_sub(file, 0, sizeof(name) - 1), name,
			   sizeof(name))) {
		arg_bad(call, "file");
		return;
	}
	apply(&p, call->text, name);
}
