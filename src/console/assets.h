/*
 * The web pages: files of web/ as its build left them, linked in as one blob
 * (scripts/pack-web.mjs; the Makefile). Names below /assets/ hold a hash of
 * their bytes and may be kept for ever; every page is index.html, which finds
 * out by its address what to show.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct asset {
	slice path, type, tag;		/* tag without quotes */
	bool immutable;
	slice bytes, gzip;		/* gzip: empty when it is no shorter */
};
enum { ASSETS_MAX = 512 };
struct assets {
	struct asset files[ASSETS_MAX];
	size_t count;
	const struct asset *index;	/* index.html */
};
/* Of the linked blob, or another (tests). Lends from it. */
slice assets_linked(void);
bool assets_read(slice blob, struct assets *out, struct err *err) MUST_USE;
/* By the path of the address, without its query; NULL: there is no such file
 * and no such page. */
const struct asset *assets_find(const struct assets *a, slice path);
