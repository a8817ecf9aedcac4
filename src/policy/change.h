/*
 * Changes of the directory as records: what admin appends to view.log and
 * sends to relay, and how a view takes them. Byte form in
 * docs/formats/view.md; the decoder is a fuzz target.
 *
 * A change is: header (magic, version, length, checksum, revision it leads
 * to), then records, each "put" or "remove" of one row. It is applied whole
 * or not at all.
 *
 * References are checked record by record, against what the records before
 * left: parents are put before children (plan, customer, setting, entry; customer,
 * domain, alias domain; customer, user, app password) and removed after
 * them. Nothing is removed along with something else: a change that would
 * leave a row hanging is refused, and so is one that removes what is not
 * there. A setting, a user and what hangs on them never change customer; a
 * domain may.
 */
#pragma once

#include "base/buf.h"
#include "policy/view.h"

enum {
	CHANGE_MAX = 65536,
	CHANGE_VERSION = 1,
	CHANGE_HEADER = 24,
	/* One record never takes more: while out->n is at most CHANGE_MAX -
	 * CHANGE_RECORD_MAX another one fits. */
	CHANGE_RECORD_MAX = 32768,
};

/* Writing: begin (out is empty), any records, end. out->failed tells of
 * overflow, of the change or of one record. A change of several parts (a
 * large file applied at once) has last false in all but the last part, and
 * all parts have the same revision; a view takes effect with the last one. */
void change_begin(struct buf *out, uint64_t revision, bool last);
void change_end(struct buf *out);
void change_put_customer(struct buf *out, const struct customer *c);
void change_put_plan(struct buf *out, const struct named_plan *p);
void change_put_setting(struct buf *out, const struct setting *s);
void change_put_entry(struct buf *out, const struct ip_entry *e);
void change_put_domain(struct buf *out, const struct domain *d);
/* aliases: all addresses besides user->address. */
void change_put_user(struct buf *out, const struct user *u,
		     const slice *aliases, uint32_t alias_count);
void change_put_app_password(struct buf *out, const struct app_password *p);
void change_remove_customer(struct buf *out, uint32_t id);
void change_remove_plan(struct buf *out, uint32_t id);
void change_remove_setting(struct buf *out, uint32_t id);
void change_remove_entry(struct buf *out, uint32_t id);
void change_remove_domain(struct buf *out, slice name);
void change_remove_user(struct buf *out, uint32_t id);
void change_remove_app_password(struct buf *out, slice id);

/*
 * The view after the change: a new root (caller's reference) that shares
 * what did not change. `bytes` is exactly one change. ERR_PROTOCOL for
 * anything malformed or dangling; ERR_INTERNAL out of memory; `from` stays
 * as it was. A change whose revision isn't above from's is refused.
 *
 * After a part that isn't the last, view_complete(*out) is false: such a
 * view takes only a part of the same revision. Whoever follows a stream
 * keeps the last complete view as well: when a part doesn't come or is
 * refused, the incomplete one is dropped and the next change goes on top of
 * the complete one.
 */
bool view_apply(const struct view *from, slice bytes, const struct view **out,
		struct err *err) MUST_USE;
/* The same for loading many parts: consumes *view and puts the new one in
 * its place; what nobody else holds is changed in place instead of copied.
 * When it fails *view is NULL and what was applied before is gone with it. */
bool view_apply_onto(const struct view **view, slice bytes,
		     struct err *err) MUST_USE;
/* Length of the change at the front of bytes, 0 if more bytes are needed;
 * false if these are no change. For reading view.log and streams. */
bool change_length(slice bytes, size_t *out) MUST_USE;
/* Of a whole change: the revision it leads to, and whether it is the last
 * part; false when the header or the checksum is wrong. */
bool change_peek(slice bytes, uint64_t *revision, bool *last) MUST_USE;
/* Writes all of v as changes of at most CHANGE_MAX each to `write`, parts of
 * one change of v's revision, in an order that view_apply takes. An empty
 * view of revision 0 writes nothing. v is complete. */
bool view_export(const struct view *v,
		 bool (*write)(void *ctx, slice change, struct err *err),
		 void *ctx, struct err *err) MUST_USE;
