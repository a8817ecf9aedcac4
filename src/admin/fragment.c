/* See fragment.h. */
#include "admin/fragment.h"

#include "base/json.h"

static void write_name(struct buf *out, const char *name)
{
	bool first = out->n > 0 && out->p[out->n - 1] == '{';
	buf_printf(out, "%s\"%s\": ", first ? "" : ", ", name);
}

void fragment_member(struct buf *out, const char *name, slice json)
{
	write_name(out, name);
	buf_append(out, json);
}

void fragment_open(struct buf *out, const char *list, const char *key,
		   slice value)
{
	struct json j;
	fragment_member(out, list, SLICE("[{"));
	if (value.n == 0)
		return;
	write_name(out, key);
	json_init(&j, out);
	json_string(&j, value);
}

/* A group's fields stand side by side in the table. */
bool fragment_fields(struct buf *out, const struct args *args,
		     enum row_kind kind, struct arena *arena)
{
	size_t count;
	const char *group = "";
	const struct field *f = row_fields(kind, &count);
	for (size_t i = 0; i < count; i++) {
		slice json;
		if (f[i].group == NULL)
			continue;
		if (!args_write_value(args, field_argument(&f[i]), arena,
				      &json))
			return false;
		if (json.n == 0)
			continue;
		if (strcmp(group, f[i].group) != 0) {
			buf_append(out, *group ? SLICE("}") : SLICE(""));
			group = f[i].group;
			if (*group)
				fragment_member(out, group, SLICE("{"));
		}
		fragment_member(out, f[i].name, json);
	}
	buf_append(out, *group ? SLICE("}") : SLICE(""));
	return !out->failed;
}

void fragment_close(struct buf *out, unsigned open)
{
	for (; open > 0; open--)
		buf_append(out, SLICE("}]"));
}
