/* All of a view as changes: what view-REVISION files are made of; see
 * change.h. Plans and customers come first, then what hangs on them. */
#include "policy/change_private.h"

#include "policy/view_private.h"

struct export {
	const struct view *v;
	struct buf out;
	bool (*write)(void *ctx, slice change, struct err *err);
	void *ctx;
	struct err *err;
};

static bool flush(struct export *e, bool last)
{
	change_end(&e->out);
	if (e->out.failed)
		return err_set_memory(e->err, "view_export");
	if (last)
		e->out.p[CHANGE_AT_FLAGS] = CHANGE_FLAG_LAST;
	if (last)
		change_end(&e->out);
	if (!e->write(e->ctx, buf_slice(&e->out), e->err))
		return false;
	buf_clear(&e->out);
	if (!last)
		change_begin(&e->out, e->v->revision, false);
	return true;
}

static bool flush_if_full(struct export *e)
{
	return e->out.n <= CHANGE_MAX - CHANGE_RECORD_MAX || flush(e, false);
}

static bool put_customer(struct export *e, const struct object *o)
{
	change_put_customer(&e->out, object_customer(o));
	return flush_if_full(e);
}

static bool put_plan(struct export *e, const struct object *o)
{
	change_put_plan(&e->out, object_plan(o));
	return flush_if_full(e);
}

static bool put_setting(struct export *e, const struct object *o)
{
	change_put_setting(&e->out, object_setting(o));
	return flush_if_full(e);
}

static bool put_entry(struct export *e, const struct object *o)
{
	change_put_entry(&e->out, object_entry(o));
	return flush_if_full(e);
}

static bool put_real_domain(struct export *e, const struct object *o)
{
	if (object_domain(o)->kind != DOMAIN_ALIAS)
		change_put_domain(&e->out, object_domain(o));
	return flush_if_full(e);
}

static bool put_alias_domain(struct export *e, const struct object *o)
{
	if (object_domain(o)->kind == DOMAIN_ALIAS)
		change_put_domain(&e->out, object_domain(o));
	return flush_if_full(e);
}

static bool put_user(struct export *e, const struct object *o)
{
	slice aliases[VIEW_ALIASES_MAX];
	invariant(o->alias_count <= VIEW_ALIASES_MAX);
	for (uint32_t i = 0; i < o->alias_count; i++)
		aliases[i] = object_user_alias(o, i);
	change_put_user(&e->out, object_user(o), aliases, o->alias_count);
	return flush_if_full(e);
}

static bool put_app_password(struct export *e, const struct object *o)
{
	change_put_app_password(&e->out, object_app_password(o));
	return flush_if_full(e);
}

static bool put_all(struct export *e, const struct trie *t,
		    bool (*put)(struct export *, const struct object *))
{
	struct trie_walk walk = { .trie = t };
	const struct object *o;
	while ((o = trie_walk_next(&walk)) != NULL)
		if (!put(e, o))
			return false;
	return true;
}

bool view_export(const struct view *v,
		 bool (*write)(void *ctx, slice change, struct err *err),
		 void *ctx, struct err *err)
{
	invariant(v->complete);
	if (v->revision == 0)
		return true;
	struct export e = { v, { 0 }, write, ctx, err };
	buf_init(&e.out, CHANGE_MAX);
	change_begin(&e.out, v->revision, false);
	bool ok = put_all(&e, &v->plans, put_plan) &&
		  put_all(&e, &v->customers, put_customer) &&
		  put_all(&e, &v->settings, put_setting) &&
		  put_all(&e, &v->entries, put_entry) &&
		  put_all(&e, &v->domains, put_real_domain) &&
		  put_all(&e, &v->domains, put_alias_domain) &&
		  put_all(&e, &v->users, put_user) &&
		  put_all(&e, &v->app_passwords, put_app_password) &&
		  flush(&e, true);
	buf_fini(&e.out);
	return ok;
}
