/*
 * A relay setting as pages and the API show it: one JSON object with its IP
 * entries, and a tag that changes when what may be edited does.
 */
#pragma once

#include "admin/rows.h"
#include "crypto/sha256.h"

/* Of all fields that a file names, and those of the entries; the place in the
 * order, which acts at once, and who is inert are left out. False: no
 * memory. */
bool setting_etag(struct setting_row *s, char to[SHA256_TEXT]) MUST_USE;
/* The members id, customer, fields, etag, entries (how many), and, when
 * whole, ip_entries, of an object that is open and stays so. */
void setting_members(struct json *j, struct setting_row *s,
		     slice customer, bool whole);
