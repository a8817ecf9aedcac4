/* The way of a change into the directory (directory.h), and directory.apply;
 * see calls_apply.h. */
#include "admin/calls_apply.h"

#include <inttypes.h>
#include <stdio.h>

static const slice NONE = { 0 };

static void tell(void *ctx, slice json_object)
{
	struct applying *p = ctx;
	call_row(p->call, json_object);
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
	snprintf(text, sizeof(text), "%" PRIu64,
		 admin_next_revision(a) - 1);
	store_rollback(a->store);
	call_say(p->call, CALL_OK, SAY_NOTHING_CHANGES, slice_of(text));
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

static void say_of_kind(struct admin_call *call, enum admin_text id,
			enum row_kind kind, slice key, slice near)
{
	struct buf text;
	buf_init(&text, 65536);
	admin_say(&text, call->language, id,
		  slice_of(text_in(admin_text(SAY_KIND_CUSTOMER + kind),
				   call->language)),
		  key, near);
	call_end(call, CALL_DATA, buf_slice(&text));
	buf_fini(&text);
}

void apply_say_no_such(struct admin_call *call, enum row_kind kind, slice key,
		       slice near)
{
	say_of_kind(call, near.n > 0 ? SAY_NO_SUCH_NEAR : SAY_NO_SUCH, kind,
		    key, near);
}

static void say_row(struct applying *p, enum directory_found found,
		    const struct row *row)
{
	struct admin_call *call = p->call;
	if (found == DIRECTORY_ROW_THERE)
		say_of_kind(call, SAY_THERE_ALREADY, row->kind, row_key(row),
			    NONE);
	else if (found == DIRECTORY_IN_FORCE)
		say_of_kind(call, SAY_NEEDS_NO_SHARING, row->kind,
			    row_key(row), NONE);
	else
		apply_say_no_such(call, row->kind, row_key(row),
				  directory_near(&p->d, &call->caller, row));
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
	if (found == DIRECTORY_GOOD || p->d.errors.n > 0)
		return true;
	bool good = store_good(call->admin->store, &err);
	store_rollback(call->admin->store);
	if (!good)
		call_fail(call, &err, SAY_STORE_FAILED);
	else if (found == DIRECTORY_NO_MEMORY)
		call_no_memory(call);
	else
		say_row(p, found, row);
	return false;
}

void apply_begin(struct applying *p)
{
	directory_init(&p->d, p->call->language);
	p->d.fragment = p->one != NULL;
	p->d.own = call_own_customer(p->call);
	p->d.tell = tell;
	p->d.ctx = p;
}

void apply_run(struct applying *p, slice text, const char *file)
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

void call_directory_apply(struct admin_call *call)
{
	struct applying p = { .call = call };
	bool prune = false;
	slice file = SLICE("directory");
	char name[256];
	if (!arg_text(call, "file", false, &file) ||
	    !arg_bool(call, "dry_run", &p.dry_run) ||
	    !arg_bool(call, "prune", &prune))
		return;
	if (!slice_to_cstr(slice_sub(file, 0, sizeof(name) - 1), name,
			   sizeof(name))) {
		arg_bad(call, "file");
		return;
	}
	apply_begin(&p);
	p.d.prune = prune;
	apply_run(&p, call->text, name);
	directory_fini(&p.d);
}
