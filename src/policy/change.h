/*
 * Changes of the directory as records: what admin appends to view.log and
 * sends to relay, and how a view takes them. Byte form in
 * docs/formats/view.md; the decoder is a fuzz target.
 *
 * A change is: header (magic, version, length, revision it leads to), then
 * records, each "put" or "remove" of one row. It is applied whole or not at
 * all.
 */
#pragma once

#include "base/buf.h"
#include "policy/view.h"

enum { CHANGE_MAX = 65536, CHANGE_VERSION = 1 };

/* Writing: begin, any records, end. out->failed tells of overflow. A change
 * of several parts (a large file applied at once) has last false in all but
 * the last part; a view takes effect with the last one. */
void change_begin(struct buf *out, uint64_t revision, bool last);
void change_end(struct buf *out);
void change_put_customer(struct buf *out, const struct customer *c);
void change_put_setting(struct buf *out, const struct setting *s);
void change_put_entry(struct buf *out, const struct ip_entry *e);
void change_put_domain(struct buf *out, const struct domain *d);
/* aliases: all addresses besides user->address. */
void change_put_user(struct buf *out, const struct user *u,
		     const slice *aliases, uint32_t alias_count);
void change_put_app_password(struct buf *out, const struct app_password *p);
void change_remove_customer(struct buf *out, uint32_t id);
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
 */
bool view_apply(const struct view *from, slice bytes, const struct view **out,
		struct err *err) MUST_USE;
/* Length of the change at the front of bytes, 0 if more bytes are needed;
 * false if these are no change. For reading view.log and streams. */
bool change_length(slice bytes, size_t *out) MUST_USE;
/* Writes all of v as changes of at most CHANGE_MAX each to `write`. */
bool view_export(const struct view *v,
		 bool (*write)(void *ctx, slice change, struct err *err),
		 void *ctx, struct err *err) MUST_USE;
