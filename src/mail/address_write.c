/* The one writer of addresses; see address.h. */
#include "base/buf.h"
#include "mail/mail_private.h"

bool address_is_literal(const struct address *a)
{
	return a->domain.n > 0 && a->domain.p[0] == '[';
}

bool address_eq(const struct address *a, const struct address *b)
{
	return slice_eq(a->local, b->local) && slice_eq(a->domain, b->domain);
}

/* The text on the stack: a quoted local part of 64 octets is at most 130. */
struct address_spelling {
	char p[ADDRESS_TEXT_MAX];
	size_t n;
};

static void add(struct address_spelling *t, slice s)
{
	invariant(s.n <= sizeof(t->p) - t->n);
	if (s.n > 0)
		memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

static void add_quoted(struct address_spelling *t, slice local)
{
	add(t, SLICE("\""));
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			add(t, SLICE("\\"));
		add(t, slice_sub(local, i, 1));
	}
	add(t, SLICE("\""));
}

static void spell(const struct address *a, struct address_spelling *t)
{
	invariant(a->local.n <= ADDRESS_LOCAL_MAX);
	invariant(a->domain.n <= ADDRESS_DOMAIN_MAX);
	t->n = 0;
	if (address_is_null(a))
		return;
	if (is_dot_string(a->local))
		add(t, a->local);
	else
		add_quoted(t, a->local);
	if (a->domain.n > 0) {
		add(t, SLICE("@"));
		add(t, a->domain);
	}
}

void address_write(struct buf *out, const struct address *a)
{
	struct address_spelling t;
	spell(a, &t);
	buf_append_bytes(out, t.p, t.n);
}

slice address_text(const struct address *a, struct arena *arena)
{
	struct address_spelling t;
	slice text = { 0 };
	spell(a, &t);
	if (!arena_copy(arena, (slice){ t.p, t.n }, &text))
		return (slice){ 0 };
	return text;
}
