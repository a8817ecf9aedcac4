/*
 * The records for relay: what changed and nothing else; see directory.h and
 * policy/change.h, which wants parents before children and removes after.
 * They are written into one part first; only when they don't fit are they
 * written again, in as many as it takes, ended by an empty last one.
 */
#include "admin/directory.h"
#include "policy/change.h"

struct writing {
	struct directory *d;
	struct buf *out;
	struct buf part;
	uint64_t revision;
	bool in_parts;
	bool overflow;			/* of the single part */
	bool aliases;			/* this round of domains */
	bool shrinking;			/* this round of users */
};

/* --- parts ---------------------------------------------------------------- */

static void end_part(struct writing *w)
{
	change_end(&w->part);
	if (w->part.failed)
		w->out->failed = true;
	else
		buf_append(w->out, buf_slice(&w->part));
	buf_clear(&w->part);
}

/* Before each record. */
static void room(struct writing *w)
{
	if (w->part.n <= CHANGE_MAX - CHANGE_RECORD_MAX)
		return;
	if (!w->in_parts) {
		w->overflow = true;
		return;
	}
	end_part(w);
	change_begin(&w->part, w->revision, false);
}

/* --- what goes ------------------------------------------------------------ */

static void remove_rows(struct writing *w, enum row_kind kind, bool aliases)
{
	const struct row_list *l = &w->d->removed;
	for (uint32_t i = 0; i < l->count && !w->overflow; i++) {
		struct row *r = l->items[i];
		if (r->kind != kind)
			continue;
		if (kind == ROW_DOMAIN &&
		    (row_domain(r)->d.kind == DOMAIN_ALIAS) != aliases)
			continue;
		room(w);
		if (kind == ROW_ENTRY)
			change_remove_entry(&w->part, row_id(r));
		else if (kind == ROW_SETTING)
			change_remove_setting(&w->part, row_id(r));
		else if (kind == ROW_USER)
			change_remove_user(&w->part, row_id(r));
		else if (kind == ROW_PLAN)
			change_remove_plan(&w->part, row_id(r));
		else
			change_remove_domain(&w->part, row_key(r));
	}
}

static void remove_passwords(struct writing *w)
{
	for (uint32_t i = 0; i < w->d->passwords.count && !w->overflow; i++) {
		room(w);
		change_remove_app_password(&w->part,
					   w->d->passwords.items[i]);
	}
}

/* --- what comes or changes ------------------------------------------------ */

/* Aliases that stay. A user lets go of the others before anybody takes
 * them. */
static void shrink_user(struct writing *w, const struct user_row *u)
{
	const struct text_list *had = &row_user(u->row.old)->aliases;
	slice stay[VIEW_ALIASES_MAX];
	uint32_t n = 0;
	for (uint32_t i = 0; i < had->count; i++)
		for (uint32_t k = 0; k < u->aliases.count; k++)
			if (slice_eq(had->items[i], u->aliases.items[k]))
				stay[n++] = had->items[i];
	if (n == had->count)
		return;
	room(w);
	change_put_user(&w->part, &u->u, stay, n);
}

static void put_user(struct writing *w, const struct user_row *u)
{
	if (w->shrinking) {
		if (u->row.old != NULL)
			shrink_user(w, u);
		return;
	}
	change_put_user(&w->part, &u->u, u->aliases.items, u->aliases.count);
}

static void put_row(void *ctx, struct row *r, struct customer_row *c)
{
	struct writing *w = ctx;
	if (w->overflow || (!row_is_new(r) && !row_is_changed(r)))
		return;
	room(w);
	switch (r->kind) {
	case ROW_CUSTOMER:
		change_put_customer(&w->part, &c->c);
		return;
	case ROW_DOMAIN:
		if ((row_domain(r)->d.kind == DOMAIN_ALIAS) == w->aliases)
			change_put_domain(&w->part, &row_domain(r)->d);
		return;
	case ROW_USER:
		put_user(w, row_user(r));
		return;
	case ROW_SETTING:
		change_put_setting(&w->part, &row_setting(r)->s);
		return;
	case ROW_ENTRY:
		change_put_entry(&w->part, &row_entry(r)->e);
		return;
	case ROW_PLAN:
		change_put_plan(&w->part, &row_plan(r)->p);
		return;
	case ROW_KIND_COUNT:
		break;
	}
	unreachable_state("every kind is listed");
}

static void put_reinert(struct writing *w)
{
	const struct row_list *l = &w->d->reinert;
	for (uint32_t i = 0; i < l->count && !w->overflow; i++) {
		room(w);
		change_put_entry(&w->part, &row_entry(l->items[i])->e);
	}
}

static void write_all(struct writing *w)
{
	struct directory *d = w->d;
	remove_rows(w, ROW_ENTRY, false);
	remove_rows(w, ROW_SETTING, false);
	remove_passwords(w);
	remove_rows(w, ROW_USER, false);
	w->shrinking = true;
	directory_each(d, ROW_USER, put_row, w);
	w->shrinking = false;
	directory_each(d, ROW_PLAN, put_row, w);
	directory_each(d, ROW_CUSTOMER, put_row, w);
	remove_rows(w, ROW_PLAN, false);
	directory_each(d, ROW_DOMAIN, put_row, w);
	w->aliases = true;
	directory_each(d, ROW_DOMAIN, put_row, w);
	remove_rows(w, ROW_DOMAIN, true);
	remove_rows(w, ROW_DOMAIN, false);
	directory_each(d, ROW_USER, put_row, w);
	directory_each(d, ROW_SETTING, put_row, w);
	directory_each(d, ROW_ENTRY, put_row, w);
	put_reinert(w);
}

bool directory_change(struct directory *d, uint64_t revision,
		      struct buf *out, struct err *err)
{
	struct writing w = { .d = d, .out = out, .revision = revision };
	buf_init(&w.part, CHANGE_MAX);
	change_begin(&w.part, revision, true);
	write_all(&w);
	if (w.overflow) {
		w = (struct writing){ .d = d, .out = out, .part = w.part,
				      .revision = revision,
				      .in_parts = true };
		buf_clear(&w.part);
		change_begin(&w.part, revision, false);
		write_all(&w);
		end_part(&w);
		change_begin(&w.part, revision, true);
	}
	end_part(&w);
	buf_fini(&w.part);
	return !out->failed || err_set_memory(err, "directory_change");
}
