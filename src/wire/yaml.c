/* Walking a document by a schema; the reader is in yaml_read.c. */
#include "wire/yaml_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/say.h"

enum { PATH_MAX_BYTES = 4096 };

#define TEXT(id, en, ja) [YAML_##id] = { en, ja },
static const struct text texts[YAML_TEXT_COUNT] = {
#include "wire/yaml_text.def"
};
#undef TEXT

static bool open_fails(const char *file, enum language language,
		       struct buf *errors)
{
	say_plain(errors, slice_of(file));
	buf_append(errors, SLICE(": error: "));
	say(errors, say_no_memory(), language, NULL, 0);
	buf_append_char(errors, '\n');
	return false;
}

bool yaml_open(slice text, const char *file, enum language language,
	       struct yaml **out, struct buf *errors)
{
	*out = NULL;
	struct yaml *y = calloc(1, sizeof(*y));
	if (y == NULL)
		return open_fails(file, language, errors);
	y->language = language;
	arena_init(&y->arena, (size_t)1 << 30);
	if (!arena_copy(&y->arena, slice_of(file), &y->file) ||
	    !yaml_read(y, text, errors)) {
		yaml_close(&y);
		return errors->n > 0 ? false :
				       open_fails(file, language, errors);
	}
	*out = y;
	return true;
}

void yaml_close(struct yaml **y)
{
	if (*y == NULL)
		return;
	arena_fini(&(*y)->arena);
	free(*y);
	*y = NULL;
}

void yaml_hide_places(struct yaml *y)
{
	y->placeless = true;
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
	return y->root;
}

enum yaml_kind yaml_kind(const struct yaml_node *n)
{
	return n == NULL ? YAML_NULL : n->kind;
}

slice yaml_scalar(const struct yaml_node *n)
{
	return n != NULL && n->kind == YAML_SCALAR ? n->text : (slice){ 0 };
}

size_t yaml_count(const struct yaml_node *n)
{
	return n == NULL ? 0 : n->count;
}

const struct yaml_node *yaml_item(const struct yaml_node *n, size_t i)
{
	invariant(n != NULL && i < n->count);
	return n->items[i];
}

const struct yaml_node *yaml_key(const struct yaml_node *n, size_t i)
{
	invariant(n != NULL && n->kind == YAML_MAPPING && i < n->count);
	return n->keys[i];
}

const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
	if (n == NULL || n->kind != YAML_MAPPING)
		return NULL;
	for (uint32_t i = 0; i < n->count; i++)
		if (slice_eq(n->keys[i]->text, slice_of(key)))
			return n->items[i];
	return NULL;
}

void yaml_place(const struct yaml_node *n, unsigned *line, unsigned *column)
{
	*line = n != NULL ? n->line : 0;
	*column = n != NULL ? n->column : 0;
}

/* --- messages ------------------------------------------------------------- */

static bool begin_error(const struct yaml *y, uint32_t line, uint32_t column,
			struct buf *errors)
{
	if (errors->n > YAML_ERRORS_MAX)
		return false;
	say_plain(errors, y->file);
	if (line > 0 && !y->placeless)
		buf_printf(errors, ":%u:%u", line, column);
	buf_append(errors, SLICE(": error: "));
	return true;
}

/* One level of the way to a node: which item. */
struct level {
	const struct yaml_node *node;
	uint32_t next;
};

static void write_path(struct buf *path, const struct level *levels,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *n = levels[i].node;
		uint32_t item = levels[i].next - 1;
		if (i > 0)
			buf_append_char(path, '.');
		if (n->kind == YAML_MAPPING)
			buf_append(path, n->keys[item]->text);
		else
			buf_printf(path, "%u", item);
	}
}

/* Depth first, as nodes have no parents. Nothing is written for a node that
 * is not in the document. */
static void find_path(const struct yaml *y, const struct yaml_node *wanted,
		      struct buf *path)
{
	struct level levels[YAML_DEPTH_MAX + 1] = { { y->root, 0 } };
	size_t depth = 1;
	while (depth > 0 && wanted != NULL) {
		struct level *top = &levels[depth - 1];
		const struct yaml_node *n = top->node;
		if (n == NULL || top->next >= n->count) {
			depth--;
			continue;
		}
		uint32_t item = top->next++;
		if (n->items[item] == wanted ||
		    (n->kind == YAML_MAPPING && n->keys[item] == wanted)) {
			write_path(path, levels, depth);
			return;
		}
		invariant(depth <= YAML_DEPTH_MAX);
		levels[depth++] = (struct level){ n->items[item], 0 };
	}
}

static void hear(const struct yaml *y, const struct yaml_node *n,
		 slice message)
{
	struct buf path;
	if (y->hearer.error == NULL)
		return;
	buf_init(&path, PATH_MAX_BYTES);
	find_path(y, n, &path);
	y->hearer.error(y->hearer.ctx, buf_slice(&path), message);
	buf_fini(&path);
}

void yaml_hear(struct yaml *y, struct yaml_hearer hearer)
{
	y->hearer = hearer;
}

void yaml_say_nearest(const struct yaml *y, const struct yaml_node *n,
		      struct buf *errors, const struct text *t,
		      const slice *args, size_t count, slice word,
		      const char *const *candidates)
{
	if (!begin_error(y, n ? n->line : 0, n ? n->column : 0, errors))
		return;
	size_t begun = errors->n;
	say(errors, t, y->language, args, count);
	slice near = slice_of(text_nearest(word, candidates));
	if (near.n > 0)
		say(errors, &texts[YAML_DID_YOU_MEAN], y->language, &near, 1);
	hear(y, n, slice_skip(buf_slice(errors), begun));
	buf_append_char(errors, '\n');
}

void yaml_say(const struct yaml *y, const struct yaml_node *n,
	      struct buf *errors, const struct text *t, const slice *args,
	      size_t count)
{
	static const char *const nothing[] = { NULL };
	yaml_say_nearest(y, n, errors, t, args, count, (slice){ 0 }, nothing);
}

bool yaml_tell(const struct yaml *y, uint32_t line, uint32_t column,
	       struct buf *errors, enum yaml_text id, const slice *args,
	       size_t count)
{
	struct yaml_node at = { .line = line, .column = column };
	yaml_say(y, &at, errors, &texts[id], args, count);
	return false;
}

/* About a node that is there. */
static void wrong(const struct yaml *y, const struct yaml_node *n,
		  struct buf *errors, enum yaml_text id, const slice *args,
		  size_t count)
{
	yaml_say(y, n, errors, &texts[id], args, count);
}

bool yaml_want(const struct yaml *y, const struct yaml_node *n,
	       enum yaml_kind kind, struct buf *errors)
{
	if (n == NULL || n->kind == kind)
		return true;
	wrong(y, n, errors,
	      kind == YAML_MAPPING  ? YAML_WANT_MAPPING :
	      kind == YAML_SEQUENCE ? YAML_WANT_SEQUENCE : YAML_WANT_SCALAR,
	      NULL, 0);
	return false;
}

static bool listed(slice s, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (slice_eq(s, slice_of(names[i])))
			return true;
	return false;
}

void yaml_check_keys(const struct yaml *y, const struct yaml_node *n,
		     const char *const *keys, struct buf *errors)
{
	if (!yaml_want(y, n, YAML_MAPPING, errors) || n == NULL)
		return;
	for (uint32_t i = 0; i < n->count; i++) {
		slice key = n->keys[i]->text;
		if (!listed(key, keys))
			yaml_say_nearest(y, n->keys[i], errors,
					 &texts[YAML_UNKNOWN_KEY], &key, 1,
					 key, keys);
	}
}

/* --- typed values --------------------------------------------------------- */

bool yaml_string(const struct yaml *y, const struct yaml_node *n,
		 struct arena *arena, slice *out, struct buf *errors)
{
	if (n == NULL)
		return true;
	if (n->kind != YAML_SCALAR) {
		wrong(y, n, errors, YAML_WANT_TEXT, NULL, 0);
		return false;
	}
	if (!arena_copy(arena, n->text, out)) {
		yaml_say(y, n, errors, say_no_memory(), NULL, 0);
		return false;
	}
	return true;
}

static const char *const BOOLS[] = { "true", "false", "True", "False",
				     "TRUE", "FALSE", NULL };

bool yaml_bool(const struct yaml *y, const struct yaml_node *n, bool *out,
	       struct buf *errors)
{
	if (n == NULL)
		return true;
	if (n->kind == YAML_SCALAR && n->plain && listed(n->text, BOOLS)) {
		*out = ascii_lower(n->text.p[0]) == 't';
		return true;
	}
	slice found = yaml_scalar(n);
	wrong(y, n, errors, YAML_WANT_BOOL, &found, 1);
	return false;
}

bool yaml_u64(const struct yaml *y, const struct yaml_node *n, uint64_t min,
	      uint64_t max, uint64_t *out, struct buf *errors)
{
	if (n == NULL)
		return true;
	uint64_t value;
	if (n->kind == YAML_SCALAR && n->plain &&
	    slice_u64(n->text, max, &value) && value >= min) {
		*out = value;
		return true;
	}
	char low[24], high[24];
	snprintf(low, sizeof(low), "%" PRIu64, min);
	snprintf(high, sizeof(high), "%" PRIu64, max);
	slice args[] = { yaml_scalar(n), slice_of(low), slice_of(high) };
	wrong(y, n, errors, YAML_WANT_NUMBER, args, ARRAY_LEN(args));
	return false;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits and one of the units ("": none needed). */
static bool with_unit(slice s, const struct unit *units, uint64_t *out)
{
	size_t digits = 0;
	while (digits < s.n && ascii_digit(s.p[digits]))
		digits++;
	uint64_t value;
	if (!slice_u64(slice_sub(s, 0, digits), UINT64_MAX, &value))
		return false;
	slice name = slice_skip(s, digits);
	for (; units->name != NULL; units++)
		if (slice_eq(name, slice_of(units->name)))
			return !__builtin_mul_overflow(value, units->factor,
						       out);
	return false;
}

static bool measured(const struct yaml *y, const struct yaml_node *n,
		     const struct unit *units, enum yaml_text expected,
		     uint64_t *out, struct buf *errors)
{
	if (n == NULL)
		return true;
	uint64_t value;
	if (n->kind == YAML_SCALAR && with_unit(n->text, units, &value)) {
		*out = value;
		return true;
	}
	slice found = yaml_scalar(n);
	wrong(y, n, errors, expected, &found, 1);
	return false;
}

bool yaml_duration_ms(const struct yaml *y, const struct yaml_node *n,
		      uint64_t *out, struct buf *errors)
{
	static const struct unit units[] = {
		{ "ms", 1 },	   { "s", 1000 },     { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { 0 }
	};
	return measured(y, n, units, YAML_WANT_DURATION, out, errors);
}

bool yaml_size(const struct yaml *y, const struct yaml_node *n,
	       uint64_t *out, struct buf *errors)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "KiB", 1024 },
		{ "MiB", 1048576 },
		{ "GiB", 1073741824 },
		{ "TiB", 1099511627776 },
		{ 0 },
	};
	return measured(y, n, units, YAML_WANT_SIZE, out, errors);
}

bool yaml_choice(const struct yaml *y, const struct yaml_node *n,
		 const char *const *names, unsigned *out, struct buf *errors)
{
	if (n == NULL)
		return true;
	slice found = yaml_scalar(n);
	for (unsigned i = 0; names[i] != NULL; i++)
		if (n->kind == YAML_SCALAR &&
		    slice_eq(found, slice_of(names[i]))) {
			*out = i;
			return true;
		}
	struct buf all;
	buf_init(&all, 1024);
	for (unsigned i = 0; names[i] != NULL; i++)
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
	slice args[] = { found, buf_slice(&all) };
	yaml_say_nearest(y, n, errors, &texts[YAML_WANT_CHOICE], args,
			 ARRAY_LEN(args), found, names);
	buf_fini(&all);
	return false;
}
