/*
 * From text to a tree of our own, over libfyaml's events: so that depth,
 * number of nodes and what we refuse (anchors, aliases, tags, duplicate
 * keys) are bounded and told here, and a bomb of aliases can't be lit.
 * Nothing here recurses: open collections stand on a stack.
 */
#include "wire/yaml_private.h"

#include <libfyaml.h>
#include <stdio.h>

#include "wire/say.h"

struct child {			/* of an open collection, newest first */
	struct child *before;
	const struct yaml_node *node;
};

struct level {
	struct yaml_node *node;
	struct child *newest;
	uint32_t count;		/* children: keys and values both */
};

struct reader {
	struct yaml *yaml;
	struct arena scratch;	/* children lists */
	struct level levels[YAML_DEPTH_MAX];
	unsigned depth;
	unsigned documents;
	uint32_t nodes;
	struct buf *errors;
};

static bool fail_with(struct reader *r, const struct fy_mark *at,
		      enum yaml_text id, slice a, slice b)
{
	uint32_t line = at != NULL ? (uint32_t)at->line + 1 : 0;
	uint32_t column = at != NULL ? (uint32_t)at->column + 1 : 0;
	slice args[] = { a, b };
	return yaml_tell(r->yaml, line, column, r->errors, id, args,
			 ARRAY_LEN(args));
}

static bool fail_at(struct reader *r, const struct fy_mark *at,
		    enum yaml_text id)
{
	return fail_with(r, at, id, (slice){ 0 }, (slice){ 0 });
}

static bool fail_number(struct reader *r, const struct fy_mark *at,
			enum yaml_text id, slice a, size_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%zu", number);
	return a.p != NULL ? fail_with(r, at, id, a, slice_of(text)) :
			     fail_with(r, at, id, slice_of(text), (slice){ 0 });
}

/* --- the bytes before anything else --------------------------------------- */

/* YAML_TEXT_COUNT: none. */
static enum yaml_text bad_character(slice rest)
{
	uint8_t c = (uint8_t)rest.p[0];
	if (c == 0)
		return YAML_NUL_BYTE;
	if (c == '\r')
		return YAML_LINE_END;
	if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
		return YAML_CONTROL;
	size_t n = utf8_length(rest);
	if (n == 0)
		return YAML_NOT_UTF8;
	if (n == 2 && c == 0xc2 && (uint8_t)rest.p[1] < 0xa0)
		return YAML_CONTROL;
	if (n == 3 && memcmp(rest.p, "\xef\xbb\xbf", 3) == 0)
		return YAML_ORDER_MARK;
	return YAML_TEXT_COUNT;
}

static bool bytes_good(struct reader *r, slice text)
{
	struct fy_mark at = { 0 };
	if (text.n > YAML_TEXT_MAX) {
		char size[24];
		snprintf(size, sizeof(size), "%zu", text.n);
		return fail_number(r, NULL, YAML_TOO_LARGE, slice_of(size),
				   YAML_TEXT_MAX);
	}
	for (size_t i = 0; i < text.n;) {
		slice rest = slice_skip(text, i);
		enum yaml_text why = bad_character(rest);
		if (why != YAML_TEXT_COUNT)
			return fail_at(r, &at, why);
		i += utf8_length(rest);
		at.column++;
		if (rest.p[0] == '\n')
			at = (struct fy_mark){ .line = at.line + 1 };
	}
	return true;
}

/* --- building ------------------------------------------------------------- */

static bool no_memory(struct reader *r)
{
	yaml_say(r->yaml, NULL, r->errors, say_no_memory(), NULL, 0);
	return false;
}

static struct yaml_node *node_new(struct reader *r, enum yaml_kind kind,
				  const struct fy_mark *at)
{
	if (++r->nodes > YAML_NODES_MAX) {
		fail_number(r, at, YAML_TOO_MANY_VALUES, (slice){ 0 },
			    YAML_NODES_MAX);
		return NULL;
	}
	struct yaml_node *n = arena_alloc(&r->yaml->arena, sizeof(*n));
	if (n == NULL) {
		no_memory(r);
		return NULL;
	}
	n->kind = kind;
	if (at != NULL) {
		n->line = (uint32_t)at->line + 1;
		n->column = (uint32_t)at->column + 1;
	}
	return n;
}

static struct fy_mark mark_of(const struct yaml_node *n)
{
	return (struct fy_mark){ .line = (int)n->line - 1,
				 .column = (int)n->column - 1 };
}

/* Puts a finished or just opened node into the collection around it. */
static bool place(struct reader *r, const struct yaml_node *n)
{
	if (r->depth == 0) {
		invariant(r->yaml->root == NULL);
		r->yaml->root = n;
		return true;
	}
	struct level *l = &r->levels[r->depth - 1];
	struct fy_mark at = mark_of(n);
	bool key = l->node->kind == YAML_MAPPING && l->count % 2 == 0;
	if (key && n->kind != YAML_SCALAR)
		return fail_at(r, &at, YAML_KEY_NO_TEXT);
	if (key && l->count / 2 >= YAML_KEYS_MAX)
		return fail_at(r, &at, YAML_TOO_MANY_KEYS);
	struct child *c = arena_alloc(&r->scratch, sizeof(*c));
	if (c == NULL)
		return no_memory(r);
	*c = (struct child){ .before = l->newest, .node = n };
	l->newest = c;
	l->count++;
	return true;
}

static bool open_collection(struct reader *r, enum yaml_kind kind,
			    const struct fy_mark *at)
{
	struct yaml_node *n = node_new(r, kind, at);
	if (n == NULL || !place(r, n))
		return false;
	if (r->depth == YAML_DEPTH_MAX)
		return fail_number(r, at, YAML_TOO_DEEP, (slice){ 0 },
				   YAML_DEPTH_MAX);
	r->levels[r->depth++] = (struct level){ .node = n };
	return true;
}

static bool keys_differ(struct reader *r, const struct yaml_node *n)
{
	for (uint32_t i = 1; i < n->count; i++)
		for (uint32_t k = 0; k < i; k++) {
			if (!slice_eq(n->keys[i]->text, n->keys[k]->text))
				continue;
			struct fy_mark at = mark_of(n->keys[i]);
			return fail_number(r, &at, YAML_KEY_TWICE,
					   n->keys[i]->text,
					   n->keys[k]->line);
		}
	return true;
}

static bool close_collection(struct reader *r)
{
	invariant(r->depth > 0);
	struct level *l = &r->levels[--r->depth];
	struct yaml_node *n = l->node;
	bool mapping = n->kind == YAML_MAPPING;
	invariant(!mapping || l->count % 2 == 0);
	n->count = mapping ? l->count / 2 : l->count;
	if (n->count == 0)
		return true;
	size_t bytes = n->count * sizeof(*n->items);
	n->items = arena_alloc(&r->yaml->arena, bytes);
	n->keys = mapping ? arena_alloc(&r->yaml->arena, bytes) : NULL;
	if (n->items == NULL || (mapping && n->keys == NULL))
		return no_memory(r);
	uint32_t at = l->count;
	for (struct child *c = l->newest; c != NULL; c = c->before) {
		at--;
		if (!mapping)
			n->items[at] = c->node;
		else if (at % 2 == 0)
			n->keys[at / 2] = c->node;
		else
			n->items[at / 2] = c->node;
	}
	invariant(at == 0);
	if (r->depth == 0)
		arena_reset(&r->scratch);
	return !mapping || keys_differ(r, n);
}

/* YAML 1.2 core schema: what a plain scalar without a value looks like. */
static bool means_null(slice s)
{
	return s.n == 0 || slice_eq(s, SLICE("~")) ||
	       slice_eq(s, SLICE("null")) || slice_eq(s, SLICE("Null")) ||
	       slice_eq(s, SLICE("NULL"));
}

static bool take_scalar(struct reader *r, struct fy_event *e,
			const struct fy_mark *at)
{
	struct fy_token *token = e->scalar.value;
	size_t n = 0;
	const char *p = token != NULL ? fy_token_get_text(token, &n) : "";
	if (p == NULL)
		return no_memory(r);
	struct yaml_node *node = node_new(r, YAML_SCALAR, at);
	if (node == NULL)
		return false;
	if (!arena_copy(&r->yaml->arena, (slice){ p, n }, &node->text))
		return no_memory(r);
	int style = token != NULL ? (int)fy_token_scalar_style(token) :
				    (int)FYSS_PLAIN;
	node->plain = style == FYSS_PLAIN;
	/* libfyaml's mark stands behind the quote. */
	if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) &&
	    node->column > 1)
		node->column--;
	struct level *l = r->depth ? &r->levels[r->depth - 1] : NULL;
	bool key = l != NULL && l->node->kind == YAML_MAPPING &&
		   l->count % 2 == 0;
	if (!key && node->plain && means_null(node->text))
		node->kind = YAML_NULL;
	/* An escape may have made what bytes_good looked for. */
	struct fy_mark mark = mark_of(node);
	if (slice_find(node->text, '\0') != node->text.n)
		return fail_at(r, &mark, YAML_TEXT_NUL);
	return place(r, node);
}

static bool take_event(struct reader *r, struct fy_event *e)
{
	const struct fy_mark *at = fy_event_start_mark(e);
	if (e->type == FYET_ALIAS || fy_event_get_anchor_token(e) != NULL)
		return fail_at(r, at, YAML_ALIAS);
	if (fy_event_get_tag_token(e) != NULL)
		return fail_at(r, at, YAML_TAG);
	switch ((int)e->type) {
	case FYET_DOCUMENT_START:
		if (++r->documents > 1)
			return fail_at(r, at, YAML_SECOND_DOCUMENT);
		return true;
	case FYET_MAPPING_START:
		return open_collection(r, YAML_MAPPING, at);
	case FYET_SEQUENCE_START:
		return open_collection(r, YAML_SEQUENCE, at);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return close_collection(r);
	case FYET_SCALAR:
		return take_scalar(r, e, at);
	default:
		return true;		/* stream and document ends */
	}
}

/* --- libfyaml ------------------------------------------------------------- */

static void silent(struct fy_diag *diag UNUSED, void *user UNUSED,
		   const char *text UNUSED, size_t n UNUSED)
{
}

static bool tell_stream_error(struct reader *r, struct fy_diag *diag)
{
	void *at = NULL;
	const struct fy_diag_error *e;
	bool told = false;
	while ((e = fy_diag_errors_iterate(diag, &at)) != NULL) {
		if (told || e->type < FYET_ERROR || e->msg == NULL)
			continue;
		struct fy_mark mark = { .line = e->line > 0 ? e->line - 1 : 0,
					.column = e->column > 0 ?
							  e->column - 1 :
							  0 };
		slice msg = slice_of(e->msg);
		msg.n = slice_find(msg, '\n');
		fail_with(r, &mark, YAML_SYNTAX, msg, (slice){ 0 });
		told = true;
	}
	if (!told)
		fail_at(r, NULL, YAML_UNREADABLE);
	return false;
}

static bool read_events(struct reader *r, struct fy_parser *parser)
{
	for (;;) {
		struct fy_event *e = fy_parser_parse(parser);
		if (e == NULL)
			return !fy_parser_get_stream_error(parser);
		bool good = take_event(r, e);
		bool end = e->type == FYET_STREAM_END;
		fy_parser_event_free(parser, e);
		if (!good || end)
			return good;
	}
}

static bool read_all(struct reader *r, slice text, struct fy_diag *diag)
{
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 |
			 FYPCF_JSON_NONE,
		.diag = diag,
	};
	struct fy_parser *parser = fy_parser_create(&cfg);
	if (parser == NULL)
		return no_memory(r);
	size_t before = r->errors->n;
	bool ok = fy_parser_set_string(parser, text.p, text.n) == 0 &&
		  read_events(r, parser);
	if (!ok && r->errors->n == before)
		tell_stream_error(r, diag);
	fy_parser_destroy(parser);
	return ok;
}

bool yaml_read(struct yaml *y, slice text, struct buf *errors)
{
	struct reader r = { .yaml = y, .errors = errors };
	if (!bytes_good(&r, text))
		return false;
	if (slice_trim(text).n == 0)
		text = SLICE("~");	/* libfyaml takes no empty string */
	struct fy_diag_cfg cfg;
	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	cfg.output_fn = silent;
	cfg.colorize = false;
	struct fy_diag *diag = fy_diag_create(&cfg);
	if (diag == NULL)
		return no_memory(&r);
	fy_diag_set_collect_errors(diag, true);
	arena_init(&r.scratch, (size_t)YAML_NODES_MAX * 64);
	bool ok = read_all(&r, text, diag);
	arena_fini(&r.scratch);
	fy_diag_destroy(diag);
	return ok && !errors->failed;
}
