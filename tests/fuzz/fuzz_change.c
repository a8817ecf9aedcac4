/*
 * Changes of the directory. Whatever the bytes: view_apply takes them whole
 * or not at all and never crashes; what it took is exported and applied
 * again to a view with the same counts and the same bytes; and any view that
 * came out can be decided by.
 *
 * The first byte chooses: 0, the rest is a stream of changes as they are; 1,
 * the rest are records that get a right header and checksum, one change each
 * 0xff byte that stands where a record would begin; 2, the same on top of a
 * small directory.
 */
#include <stdlib.h>

#include "policy/change.h"
#include "policy/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AS_IS, RECORDS, RECORDS_ON_TOP, CHANGES_MAX = 64, LAST_FLAG_AT = 5 };

static bool apply(const struct view **v, slice change)
{
	const struct view *next;
	struct view_counts was, is;
	struct err err;
	view_count(*v, &was);
	if (!view_apply(*v, change, &next, &err)) {
		invariant(err.kind == ERR_PROTOCOL || err.kind == ERR_INTERNAL);
		view_count(*v, &is);
		invariant(memcmp(&was, &is, sizeof(was)) == 0);
		return false;
	}
	view_unref(v);
	*v = next;
	return true;
}

/* --- a directory to start from --- */
static void put_rows(struct buf *out)
{
	struct customer c = { .id = 1, .name = SLICE("a"),
			      .plan = 3 };
	struct named_plan plan = { .id = 3, .name = SLICE("p"),
				 .plan = PLAN_STANDARD };
	struct setting s = { .id = 1, .customer = 1, .key = SLICE("k"),
			     .ip_only = true, .enabled = true };
	struct ip_entry e = { .id = 1, .customer = 1, .setting = 1,
			      .range = { { { [10] = 0xff, [11] = 0xff,
					     [12] = 10 } }, 128 },
			      .enabled = true };
	struct domain d = { .name = SLICE("a.b"), .customer = 1,
			    .verified = true };
	struct user u = { .id = 1, .customer = 1, .address = SLICE("x@a.b") };
	struct app_password p = { .id = "aaaaaaaaaa", .user = 1,
				  .customer = 1 };
	change_put_plan(out, &plan);
	change_put_customer(out, &c);
	change_put_setting(out, &s);
	change_put_entry(out, &e);
	e.legacy_tls_until = 47482;
	change_put_entry(out, &e);
	change_put_domain(out, &d);
	change_put_user(out, &u, NULL, 0);
	change_put_app_password(out, &p);
}

/* --- what came out --- */
static bool copy_part(void *ctx, slice change, struct err *err)
{
	return view_apply_onto(ctx, change, err);
}

static void check_export(const struct view *v)
{
	struct view_counts was, is;
	struct err err;
	const struct view *copy = view_new();
	invariant(copy != NULL);
	invariant(view_export(v, copy_part, &copy, &err));
	view_count(v, &was);
	view_count(copy, &is);
	invariant(memcmp(&was, &is, sizeof(was)) == 0);
	invariant(view_revision(copy) == view_revision(v));
	invariant(view_complete(copy));
	view_unref(&copy);
}

static void decide(const struct view *v, struct facts *f)
{
	struct decision_step steps[16];
	struct decision_trace trace = { .steps = steps, .cap = 16 };
	struct decision d;
	struct buf out;
	buf_init(&out, 1 << 20);
	policy_decide(v, f, &d, &trace);
	explain_text(&out, LANGUAGE_JA, v, f, &d, &trace);
	policy_advice(f, &d, SLICE("relay.example"), &out);
	buf_fini(&out);
}

/* Facts that meet the rows: each customer's entries are not known here, so
 * the address is that of the small directory. */
static void check_decisions(const struct view *v)
{
	struct facts f = {
		.client = { { [10] = 0xff, [11] = 0xff, [12] = 10 } },
		.helo = SLICE("mail.a.b"),
		.sender = { .local = SLICE("x"), .domain = SLICE("a.b") },
	};
	decide(v, &f);
	f.tls = true;
	f.login = view_app_password(v, SLICE("aaaaaaaaaa"));
	decide(v, &f);
	f.sender.domain = SLICE("elsewhere");
	decide(v, &f);
	f.sender = (struct address){ 0 };
	decide(v, &f);
}

/* --- the input --- */
static void stream(const struct view **v, slice bytes)
{
	for (int i = 0; i < CHANGES_MAX && bytes.n > 0; i++) {
		size_t n;
		if (!change_length(bytes, &n) || n == 0)
			break;
		apply(v, slice_sub(bytes, 0, n));
		bytes = slice_skip(bytes, n);
	}
	/* And as one piece, wrong lengths included. */
	apply(v, bytes);
}

/* The record at the front with its length, as far as it is there. */
static size_t record_length(slice bytes)
{
	if (bytes.n < 5)
		return bytes.n;
	size_t n = 5 + ((size_t)(uint8_t)bytes.p[1] |
			(size_t)(uint8_t)bytes.p[2] << 8);
	return n < bytes.n ? n : bytes.n;
}

static void records(const struct view **v, slice bytes, bool on_top)
{
	struct buf out;
	buf_init(&out, CHANGE_MAX);
	for (int i = 0; i < CHANGES_MAX && bytes.n > 0; i++) {
		buf_clear(&out);
		change_begin(&out, view_revision(*v) + view_complete(*v),
			     true);
		if (i == 0 && on_top)
			put_rows(&out);
		if (!on_top || i > 0) {
			while (bytes.n > 0 && (uint8_t)bytes.p[0] != 0xff) {
				size_t n = record_length(bytes);
				buf_append(&out, slice_sub(bytes, 0, n));
				bytes = slice_skip(bytes, n);
			}
			/* 0xff 0xff: a part, and more to come. */
			bool more = bytes.n > 1 && (uint8_t)bytes.p[1] == 0xff;
			if (more && !out.failed)
				out.p[LAST_FLAG_AT] = 0;
			bytes = slice_skip(bytes, more ? 2 : 1);
		}
		change_end(&out);
		if (!out.failed)
			apply(v, buf_slice(&out));
	}
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const struct view *v = view_new();
	invariant(v != NULL);
	slice rest = { (const char *)data + 1, size - 1 };
	if (data[0] % 3 == AS_IS)
		stream(&v, rest);
	else
		records(&v, rest, data[0] % 3 == RECORDS_ON_TOP);
	if (view_complete(v)) {
		check_export(v);
		check_decisions(v);
	}
	view_unref(&v);
	return 0;
}
