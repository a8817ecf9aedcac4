/*
 * A setting's `line_ends: normalise` (SPEC 14): CR* LF and a lone CR become
 * CRLF, unless a line of only "." would result.
 */
#pragma once

#include "mail/body.h"

/* Replaces *b (not sealed) by its normalised form; false: a line of only "."
 * would result, or out of memory; *b is as it was. */
bool line_ends_normalise(struct body **b) MUST_USE;
