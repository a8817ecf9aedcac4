/*
 * What is wrong with a change, for a page that shows it beside the field
 * (CONSOLE 6): the same words as the line of a directory file, with the place
 * in the thing that was sent, a name for programs, and values that would be
 * right.
 */
#pragma once

#include "admin/text.h"
#include "base/ip.h"
#include "base/json.h"

enum { PROBLEM_VALUES = 3, PROBLEM_ROW_MAX = 65536 };

/* Slices lend from whoever says it. */
struct problem {
	const char *code;	/* name of the text, or NULL: malformed */
	slice field;		/* "ip_entries.2.range"; empty: the thing */
	slice message;
	slice values[PROBLEM_VALUES];	/* what the text is about */
};
/* A row of the answer: {error, field, code, message, values, fixes: [{label,
 * value}]}. */
void problem_write(struct buf *row, const struct problem *p,
		   enum language language);
/* The members `code` and `values` of an open row: of notes as well. */
void problem_members(struct json *j, const char *code,
		     const slice values[PROBLEM_VALUES]);
/* From the path in a fragment ("customers.0.relay_settings.0.ip_entries.2.
 * range", "….authentication.ip_only") to the name of an argument. */
slice problem_field(slice path);

/* For a text that is no range as it stands: what was meant, as a range.
 * Digits of full width, "192.0.2.8-192.0.2.15", and masks in dots are
 * understood. False: nothing is. */
bool problem_meant_range(slice text, char to[IP_RANGE_TEXT_MAX]) MUST_USE;
