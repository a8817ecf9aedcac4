/*
 * YAML 1.2 documents of ours (postrider.yaml, directory files), by libfyaml,
 * walked by a schema: unknown keys, wrong types and bad values become
 * "file:line:col: error: … did you mean …" (all of them, not only the
 * first).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

struct yaml;				/* a document */
struct yaml_node;			/* lends from it */

/* Bounds of a document; past one it is refused. */
enum {
	YAML_TEXT_MAX = 16777216,	/* bytes */
	YAML_NODES_MAX = 2000000,
	YAML_DEPTH_MAX = 32,
	YAML_KEYS_MAX = 256,		/* of one mapping */
	YAML_ERRORS_MAX = 65536,	/* bytes; later errors are left out */
};

/* file: its name for messages; language: of all messages about the document.
 * Errors are appended to `errors`, a line each; false if there was any (the
 * reader of the YAML stops at its first one).
 * Refused besides what YAML 1.2 refuses: NUL and other control characters,
 * a byte order mark, CR LF, duplicate keys, several documents, anchors,
 * aliases and tags. Out of memory is a line, too. */
bool yaml_open(slice text, const char *file, enum language language,
	       struct yaml **out, struct buf *errors) MUST_USE;
void yaml_close(struct yaml **y);
/* The document was made by us, not written by somebody: from now on messages
 * name no line and column. */
void yaml_hide_places(struct yaml *y);
/* Hears each message as it goes to `errors`. path: keys and numbers from the
 * root to the node, "customers.0.users.2.address"; empty: the document. */
struct yaml_hearer {
	void (*error)(void *ctx, slice path, slice message);
	void *ctx;
};
void yaml_hear(struct yaml *y, struct yaml_hearer hearer);
const struct yaml_node *yaml_root(const struct yaml *y);

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };
enum yaml_kind yaml_kind(const struct yaml_node *n);
slice yaml_scalar(const struct yaml_node *n);
size_t yaml_count(const struct yaml_node *n);
const struct yaml_node *yaml_item(const struct yaml_node *n, size_t i);
/* The key number i of a mapping, yaml_item its value. */
const struct yaml_node *yaml_key(const struct yaml_node *n, size_t i);
/* NULL when the mapping has no such key, or n is NULL or no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);
/* Reports every key of the mapping that isn't in the NULL-terminated list,
 * with the nearest one ("did you mean"); and a node that is no mapping. */
void yaml_check_keys(const struct yaml *y, const struct yaml_node *n,
		     const char *const *keys, struct buf *errors);
/* Typed values; a missing node (NULL) leaves *out as it is and is fine. A
 * wrong one is reported and returns false. */
bool yaml_string(const struct yaml *y, const struct yaml_node *n,
		 struct arena *arena, slice *out, struct buf *errors);
bool yaml_bool(const struct yaml *y, const struct yaml_node *n, bool *out,
	       struct buf *errors);
bool yaml_u64(const struct yaml *y, const struct yaml_node *n, uint64_t min,
	      uint64_t max, uint64_t *out, struct buf *errors);
/* "90s", "15m", "1h", "5d" → ms; "64MiB", "1GiB", plain bytes. */
bool yaml_duration_ms(const struct yaml *y, const struct yaml_node *n,
		      uint64_t *out, struct buf *errors);
bool yaml_size(const struct yaml *y, const struct yaml_node *n,
	       uint64_t *out, struct buf *errors);
/* One of the names (NULL-terminated): its index. */
bool yaml_choice(const struct yaml *y, const struct yaml_node *n,
		 const char *const *names, unsigned *out, struct buf *errors);

/* "file:line:col: error: …" about a node (NULL: the document), for walkers
 * with a table of texts of their own (wire/say.h). */
void yaml_say(const struct yaml *y, const struct yaml_node *n,
	      struct buf *errors, const struct text *t, const slice *args,
	      size_t count);
/* The same, and "did you mean …" with the candidate nearest to `word`. */
void yaml_say_nearest(const struct yaml *y, const struct yaml_node *n,
		      struct buf *errors, const struct text *t,
		      const slice *args, size_t count, slice word,
		      const char *const *candidates);
/* A mapping or sequence (NULL is fine, and empty); others are reported. */
bool yaml_want(const struct yaml *y, const struct yaml_node *n,
	       enum yaml_kind kind, struct buf *errors);
/* 1-based place of a node, for warnings. */
void yaml_place(const struct yaml_node *n, unsigned *line, unsigned *column);
