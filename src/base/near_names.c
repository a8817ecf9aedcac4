/* See near_names.h. */
#include "base/near_names.h"

#include "base/text.h"

void near_add(struct near_names *n, slice name)
{
	char *copy = n->count < NEAR_NAMES_MAX ?
			     arena_alloc(n->arena, name.n + 1) : NULL;
	if (copy != NULL && slice_to_cstr(name, copy, name.n + 1))
		n->all[n->count++] = copy;
}

slice near_find(const struct near_names *n, slice s)
{
	return slice_of(text_nearest(s, n->all));
}
