/* The tree that yaml_read.c makes and yaml.c walks. */
#pragma once

#include "wire/yaml.h"

struct yaml_node {
	enum yaml_kind kind;
	bool plain;			/* a scalar without quotes */
	uint32_t line, column;		/* 1-based */
	uint32_t count;			/* items, or pairs of a mapping */
	slice text;			/* of a scalar */
	const struct yaml_node **keys;	/* of a mapping */
	const struct yaml_node **items;
};

struct yaml {
	struct arena arena;
	slice file;
	enum language language;
	bool placeless;			/* messages name no line */
	struct yaml_hearer hearer;	/* error may be NULL */
	const struct yaml_node *root;
};

/* Fills y->root; messages to errors. y->file and y->arena are set. */
bool yaml_read(struct yaml *y, slice text, struct buf *errors) MUST_USE;

enum yaml_text {
#define TEXT(id, en, ja) YAML_##id,
#include "wire/yaml_text.def"
#undef TEXT
	YAML_TEXT_COUNT,
};
/* "file:line:col: error: …"; line 0: the document. Always false. */
bool yaml_tell(const struct yaml *y, uint32_t line, uint32_t column,
	       struct buf *errors, enum yaml_text id, const slice *args,
	       size_t count);
