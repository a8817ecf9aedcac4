/* See people_link.h. */
#include "admin/people_link.h"

#include "admin/text.h"
#include "crypto/password.h"

void people_write_link(struct buf *out, const struct admin *a,
		       const char *token)
{
	slice url = a->console_url;
	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	buf_append(out, url);
	buf_append(out, SLICE("/login#invite="));
	buf_append(out, slice_of(token));
}

void people_add_operator(struct store *s, slice address, int64_t now)
{
	struct sql q = sql_of(s, "INSERT INTO operators (address, created_at) "
				 "VALUES (?,?)");
	sql_text(&q, address);
	sql_i64(&q, now);
	sql_run(&q);
}

static bool somebody_signs_in(struct store *s)
{
	struct sql q = sql_of(s, "SELECT count(*) FROM people WHERE operator "
				 "NOT NULL AND password <> '' AND factor NOT "
				 "NULL");
	return sql_number(&q, 0) > 0;
}

/* The first of them, or a new one. */
static bool first_operator(struct admin *a, struct arena *arena,
			   struct person *p, int64_t now)
{
	struct store *s = a->store;
	struct buf name;
	slice address = { 0 };
	struct sql q = sql_of(s, "SELECT address FROM operators ORDER BY id "
				 "LIMIT 1");
	if (sql_row(&q)) {
		address = sql_copy(&q, 0, arena);
		sql_end(&q);
		return person_find(s, address, arena, p);
	}
	buf_init(&name, 512);
	buf_printf(&name, "operator@%.*s", SLICE_ARG(a->hostname));
	bool ok = !name.failed &&
		  directory_address(buf_slice(&name), arena, &address, NULL);
	buf_fini(&name);
	if (!ok)
		return false;
	people_add_operator(s, address, now);
	return person_find(s, address, arena, p);
}

static void audit_link(struct admin *a, slice address, int64_t now)
{
	struct audit_by by = { .who = SLICE("start"),
			       .call = SLICE("invite.create"), .at_ms = now };
	audit_write(a->store, &by, 0, address, (slice){ 0 }, (slice){ 0 });
}

static void tell(struct buf *out, const struct admin *a, slice address,
		 const char *token)
{
	struct buf link;
	buf_init(&link, 4096);
	people_write_link(&link, a, token);
	for (enum language l = LANGUAGE_EN; l <= LANGUAGE_JA; l++) {
		admin_say(out, l, SAY_FIRST_LINK, address, (slice){ 0 },
			  (slice){ 0 });
		buf_append_char(out, '\n');
	}
	buf_append(out, buf_slice(&link));
	buf_append_char(out, '\n');
	if (link.failed)
		out->failed = true;
	if (link.cap > 0)
		secret_wipe(link.p, link.cap);
	buf_fini(&link);
}

bool people_first_link(struct admin *a, struct buf *out, struct err *err)
{
	struct arena arena;
	struct person p = { 0 };
	char token[TOKEN_TEXT_MAX] = "";
	int64_t now = admin_wall_ms(a);
	if (a->console_url.n == 0 || somebody_signs_in(a->store))
		return store_good(a->store, err);
	arena_init(&arena, 65536);
	store_begin(a->store);
	bool found = first_operator(a, &arena, &p, now);
	if (found) {
		person_note(a->store, &p);
		invite_make(a->store, p.id, now, token);
		audit_link(a, p.address, now);
	}
	store_commit(a->store);
	bool ok = store_good(a->store, err);
	if (!ok)
		store_rollback(a->store);
	/* A host name that no address can have: `operator add` remains. */
	if (ok && found)
		tell(out, a, p.address, token);
	secret_wipe(token, sizeof(token));
	arena_fini(&arena);
	return ok;
}
