/* The rows of limits_table.def; see limits_table.h. */
#include "base/limits_table.h"

static const struct limit_row rows[] = {
#define LIMIT(name, value, min, max, why) \
	{ #name, value, min, max, why, offsetof(struct limits, name) },
#include "base/limits_table.def"
#undef LIMIT
	{ 0 },
};

#define LIMIT(name, value, min, max, why) \
	_Static_assert((min) <= (value) && (value) <= (max), #name);
#include "base/limits_table.def"
#undef LIMIT

const struct limit_row *limits_rows(void)
{
	return rows;
}

static uint64_t *place(struct limits *l, const struct limit_row *row)
{
	invariant(row->offset + sizeof(uint64_t) <= sizeof(*l));
	return (uint64_t *)(void *)((char *)l + row->offset);
}

void limits_defaults(struct limits *l)
{
	for (const struct limit_row *row = rows; row->name != NULL; row++)
		*place(l, row) = row->value;
}

const struct limit_row *limits_find(slice name)
{
	for (const struct limit_row *row = rows; row->name != NULL; row++)
		if (slice_eq(name, slice_of(row->name)))
			return row;
	return NULL;
}

bool limits_set(struct limits *l, const struct limit_row *row, uint64_t value)
{
	invariant(row != NULL && row->name != NULL);
	if (value < row->min || value > row->max)
		return false;
	*place(l, row) = value;
	return true;
}
