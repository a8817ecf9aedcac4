/*
 * A fragment of a directory file about one thing, made of a call's arguments:
 * JSON, which is YAML. It goes the way of every file (calls_apply.h), so no
 * rule stands here.
 */
#pragma once

#include "admin/args.h"
#include "admin/rows.h"
#include "base/buf.h"

/* "name": value. A member of the object that is open in `out`. */
void fragment_member(struct buf *out, const char *name, slice json);
/* "list": [{"key": "value": an object that stays open; value may be empty,
 * then it begins without its key. Closed by fragment_close. */
void fragment_open(struct buf *out, const char *list, const char *key,
		   slice value);
/* The fields of the kind that the arguments have, by field_argument, into
 * the groups of the file. False: no memory. */
bool fragment_fields(struct buf *out, const struct args *args,
		     enum row_kind kind, struct arena *arena) MUST_USE;
/* As many "}]" as were opened. */
void fragment_close(struct buf *out, unsigned open);
