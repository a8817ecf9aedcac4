/* Rows as YAML; see directory_export.h. What has its first value is left
 * out, except where a reader wants to see it. */
#include "admin/directory_export.h"

static const char *const SHOWN[] = { "kind",	    "verified",
				     "allowed_senders", "require_tls",
				     "enabled",	    "licences",
				     "billing",	    NULL };

void directory_export_begin(struct buf *out)
{
	buf_append(out, SLICE("customers:\n"));
}

/* Means itself without quotes, also within { }. */
static bool is_plain(slice s)
{
	static const char *const words[] = { "true", "false", "null", "y",
					     "n",    "yes",   "no",   "on",
					     "off" };
	if (s.n == 0 || !ascii_alpha(s.p[0]) || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && strchr(" _.@-", s.p[i]) == NULL)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (slice_eq_fold(s, slice_of(words[i])))
			return false;
	return true;
}

static void write_text(struct buf *out, slice s)
{
	struct json j;
	if (is_plain(s)) {
		buf_append(out, s);
		return;
	}
	/* JSON's strings are YAML's. */
	json_init(&j, out);
	json_string(&j, s);
}

static void write_value(struct buf *out, const struct row *r,
			const struct field *f)
{
	if (f->type == FIELD_TEXT || f->type == FIELD_NAME) {
		write_text(out, field_text(r, f));
	} else if (f->type == FIELD_LIST) {
		const struct text_list *l = field_list(r, f);
		buf_append(out, SLICE("[ "));
		for (uint32_t i = 0; i < l->count; i++) {
			buf_append(out, i > 0 ? SLICE(", ") : SLICE(""));
			write_text(out, l->items[i]);
		}
		buf_append(out, SLICE(" ]"));
	} else {
		field_show(out, r, f);
	}
}

static bool is_shown(const struct row *r, const struct field *f)
{
	if (f->group == NULL)
		return false;
	if (!field_is_first(r, f) || r->kind == ROW_PLAN)
		return true;
	for (size_t i = 0; SHOWN[i] != NULL; i++)
		if (strcmp(f->name, SHOWN[i]) == 0)
			return true;
	return strcmp(f->group, "authentication") == 0;
}

/* A group is one line: over_limit: { customer_day: hold, user: defer }. */
static size_t write_group(struct buf *out, const struct row *r,
			  const struct field *f, size_t count,
			  const char *between)
{
	size_t n = 0, shown = 0;
	while (n < count && f[n].group != NULL &&
	       strcmp(f[n].group, f[0].group) == 0) {
		if (is_shown(r, &f[n])) {
			if (shown == 0)
				buf_printf(out, "%s%s: { ", between,
					   f[0].group);
			buf_printf(out, "%s%s: ", shown++ ? ", " : "",
				   f[n].name);
			write_value(out, r, &f[n]);
		}
		n++;
	}
	if (shown > 0)
		buf_append(out, SLICE(" }"));
	return n;
}

static void write_fields(struct buf *out, const struct row *r,
			 const char *between)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	for (size_t i = 0; i < count;) {
		if (f[i].group != NULL && *f[i].group) {
			i += write_group(out, r, &f[i], count - i, between);
			continue;
		}
		if (is_shown(r, &f[i])) {
			buf_printf(out, "%s%s: ", between, f[i].name);
			write_value(out, r, &f[i]);
		}
		i++;
	}
}

/* "      - { name: example.com, kind: primary }" */
static void write_line(struct buf *out, const struct row *r,
		       const char *indent, const char *key)
{
	buf_printf(out, "%s- { %s: ", indent, key);
	if (r->kind == ROW_ENTRY)
		buf_printf(out, "\"%.*s\"", SLICE_ARG(row_key(r)));
	else
		write_text(out, row_key(r));
	write_fields(out, r, ", ");
	buf_append(out, SLICE(" }\n"));
}

static void write_lines(struct buf *out, const struct row_list *l,
			const char *title, const char *key)
{
	if (l->count > 0)
		buf_printf(out, "    %s:\n", title);
	for (uint32_t i = 0; i < l->count; i++)
		write_line(out, l->items[i], "      ", key);
}

static void write_setting(struct buf *out, const struct setting_row *s)
{
	buf_append(out, SLICE("      - id: "));
	write_text(out, s->s.key);
	write_fields(out, &s->row, "\n        ");
	buf_append_char(out, '\n');
	if (s->entries.count > 0)
		buf_append(out, SLICE("        ip_entries:\n"));
	for (uint32_t i = 0; i < s->entries.count; i++)
		write_line(out, s->entries.items[i], "          ", "range");
}

void directory_export_plans(struct buf *out, const struct row_list *plans)
{
	buf_append(out, SLICE("plans:\n"));
	for (uint32_t i = 0; i < plans->count; i++) {
		buf_append(out, SLICE("  - name: "));
		write_text(out, row_key(plans->items[i]));
		write_fields(out, plans->items[i], "\n    ");
		buf_append_char(out, '\n');
	}
}

void directory_export_customer(struct buf *out, const struct customer_row *c)
{
	buf_append(out, SLICE("  - name: "));
	write_text(out, c->c.name);
	write_fields(out, &c->row, "\n    ");
	buf_append_char(out, '\n');
	write_lines(out, &c->domains, "domains", "name");
	write_lines(out, &c->users, "users", "address");
	if (c->settings.count > 0)
		buf_append(out, SLICE("    relay_settings:\n"));
	for (uint32_t i = 0; i < c->settings.count; i++)
		write_setting(out, row_setting(c->settings.items[i]));
}
