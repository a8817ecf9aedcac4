/* Tables on the terminal; see table.h. */
#include "app/table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "os/process.h"

enum {
	BATCH_ROWS = 500,
	COLUMNS_MAX = 12,
	WIDTH_MAX = 60,			/* wider cells push what follows */
	OUT_MAX = 16777216,
};

/* Which columns, and which lists below a row; commands without one show what
 * their first row holds. */
struct form {
	enum command_id command;
	const char *columns;
	struct {
		const char *key, *columns;
	} lists[2];
};
#define RECIPIENT "to state destination tries next_at reply"
static const struct form forms[] = {
	{ COMMAND_QUEUE_LIST, "id customer from size accepted_at",
	  { { "recipients", RECIPIENT } } },
	{ COMMAND_QUEUE_SHOW, "id customer from size accepted_at",
	  { { "recipients", RECIPIENT " held" } } },
	{ COMMAND_APP_PASSWORD_LIST,
	  "id address customer sender range created_at", { { NULL, NULL } } },
	{ COMMAND_DOMAIN_LIST, "name customer kind of verified",
	  { { NULL, NULL } } },
	{ COMMAND_USER_LIST,
	  "address customer role suspended org_unit aliases",
	  { { NULL, NULL } } },
	{ COMMAND_SETTING_LIST,
	  "id customer position description allowed_senders ip_only "
	  "require_auth require_tls enabled line_ends entries",
	  { { NULL, NULL } } },
	{ COMMAND_IP_LIST,
	  "range customer setting description enabled shared inert "
	  "sharing_requested legacy_tls_until",
	  { { NULL, NULL } } },
	{ COMMAND_LIMITS_SHOW,
	  "name used reserved limit headroom opens_at binds_first user "
	  "held_messages held_recipients",
	  { { NULL, NULL } } },
	{ COMMAND_TRACE, "id session customer from size accepted_at",
	  { { "recipients", RECIPIENT },
	    { "events", "at event host address tls reply" } } },
	{ COMMAND_SPOOL_LS, "id from size place", { { NULL, NULL } } },
	{ COMMAND_OPERATOR_LIST, "address created_at enrolled seen_at",
	  { { NULL, NULL } } },
	{ COMMAND_AUDIT_LIST, "at who role client call object before after",
	  { { NULL, NULL } } },
};

struct table {
	const struct form *form;
	json_t *rows[BATCH_ROWS];
	size_t count, total;
	bool header_done;
	struct buf out;
};

struct columns {
	char keys[COLUMNS_MAX][32];
	size_t width[COLUMNS_MAX];
	size_t count;
};

struct table *table_new(const struct cli *cli)
{
	struct table *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	buf_init(&t->out, OUT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (forms[i].command == cli->command)
			t->form = &forms[i];
	return t;
}

/* --- cells ---------------------------------------------------------------- */

static bool turns_direction(slice s)
{
	/* U+200E, U+200F, U+202A–E, U+2066–9, and the line separators */
	uint8_t a = (uint8_t)s.p[0], b = (uint8_t)s.p[1], c = (uint8_t)s.p[2];
	return a == 0xe2 && ((b == 0x80 && (c == 0x8e || c == 0x8f ||
					    (c >= 0xa8 && c <= 0xae))) ||
			     (b == 0x81 && c >= 0xa6 && c <= 0xa9));
}

void cli_escape(struct buf *out, slice s)
{
	while (s.n > 0) {
		size_t n = utf8_length(s);
		uint8_t c = (uint8_t)s.p[0];
		bool bad = n == 0 || c < 0x20 || c == 0x7f ||
			   (n == 2 && c == 0xc2 && (uint8_t)s.p[1] < 0xa0) ||
			   (n == 3 && turns_direction(s));
		if (n == 0)
			n = 1;
		for (size_t i = 0; i < n; i++)
			if (bad)
				buf_printf(out, "\\x%02x", (uint8_t)s.p[i]);
			else
				buf_append_char(out, s.p[i]);
		s = slice_skip(s, n);
	}
}

static bool all_strings(const json_t *list)
{
	bool all = json_is_array(list);
	for (size_t i = 0; all && i < json_array_size(list); i++)
		all = json_is_string(json_array_get(list, i));
	return all;
}

static void cell(struct buf *out, const json_t *value)
{
	if (json_is_string(value))
		cli_escape(out, (slice){ json_string_value(value),
					 json_string_length(value) });
	else if (json_is_integer(value))
		buf_printf(out, "%" JSON_INTEGER_FORMAT,
			   json_integer_value(value));
	else if (json_is_boolean(value))
		buf_append(out, json_is_true(value) ? SLICE("yes")
						    : SLICE("no"));
	else if (value == NULL || json_is_null(value))
		buf_append_char(out, '-');
	else if (all_strings(value))
		for (size_t i = 0; i < json_array_size(value); i++) {
			buf_append(out, i > 0 ? SLICE(", ") : SLICE(""));
			cli_escape(out, slice_of(json_string_value(
						json_array_get(value, i))));
		}
	else {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		if (text != NULL)
			cli_escape(out, slice_of(text));
		free(text);
	}
}

/* Characters, which is cells but for wide ones. */
static size_t width_of(slice s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* --- columns -------------------------------------------------------------- */

static void add_column(struct columns *c, slice key)
{
	if (c->count < COLUMNS_MAX &&
	    slice_to_cstr(key, c->keys[c->count], sizeof(c->keys[0])))
		c->width[c->count++] = key.n;
}

static void named_columns(struct columns *c, const char *names)
{
	slice rest = slice_of(names);
	*c = (struct columns){ 0 };
	while (rest.n > 0)
		add_column(c, slice_cut(&rest, ' '));
}

static void found_columns(struct columns *c, json_t *row)
{
	const char *key;
	json_t *value;
	*c = (struct columns){ 0 };
	json_object_foreach(row, key, value)
		add_column(c, slice_of(key));
}

static void measure(struct columns *c, json_t *row)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < c->count; i++) {
		buf_clear(&b);
		cell(&b, json_object_get(row, c->keys[i]));
		size_t n = width_of(buf_slice(&b));
		if (n > WIDTH_MAX)
			n = WIDTH_MAX;
		if (n > c->width[i])
			c->width[i] = n;
	}
	buf_fini(&b);
}

/* Also behind a cell that is wider than its column may be. */
static void pad(struct buf *out, size_t from, size_t width)
{
	size_t had = width_of((slice){ out->p + from, out->n - from });
	size_t spaces = 2 + (had < width ? width - had : 0);
	for (; spaces > 0; spaces--)
		buf_append_char(out, ' ');
}

static void trim_end(struct buf *out)
{
	while (out->n > 0 && out->p[out->n - 1] == ' ')
		out->n--;
	buf_append_char(out, '\n');
}

static void header(struct buf *out, const struct columns *c, const char *indent)
{
	buf_append(out, slice_of(indent));
	for (size_t i = 0; i < c->count; i++) {
		size_t from = out->n;
		for (const char *k = c->keys[i]; *k != '\0'; k++)
			buf_append_char(out, *k == '_' ? ' '
				: *k >= 'a' && *k <= 'z' ? (char)(*k - 32) : *k);
		if (!out->failed)
			pad(out, from, c->width[i]);
	}
	trim_end(out);
}

static void print_row(struct buf *out, const struct columns *c, json_t *row,
		      const char *indent)
{
	buf_append(out, slice_of(indent));
	for (size_t i = 0; i < c->count && !out->failed; i++) {
		size_t from = out->n;
		cell(out, json_object_get(row, c->keys[i]));
		if (!out->failed)
			pad(out, from, c->width[i]);
	}
	trim_end(out);
}

static void print_list(struct buf *out, json_t *list, const char *names)
{
	struct columns c;
	size_t i;
	json_t *row;
	if (json_array_size(list) == 0)
		return;
	named_columns(&c, names);
	json_array_foreach(list, i, row)
		measure(&c, row);
	header(out, &c, "    ");
	json_array_foreach(list, i, row)
		print_row(out, &c, row, "    ");
}

/* --- batches -------------------------------------------------------------- */

static void print_lists(struct table *t, json_t *row)
{
	for (size_t k = 0; t->form != NULL && k < 2; k++)
		if (t->form->lists[k].key != NULL)
			print_list(&t->out,
				   json_object_get(row, t->form->lists[k].key),
				   t->form->lists[k].columns);
}

static void flush(struct table *t)
{
	struct columns c;
	if (t->count == 0)
		return;
	if (t->form != NULL)
		named_columns(&c, t->form->columns);
	else
		found_columns(&c, t->rows[0]);
	for (size_t i = 0; i < t->count; i++)
		measure(&c, t->rows[i]);
	bool lists = t->form != NULL && t->form->lists[0].key != NULL;
	for (size_t i = 0; i < t->count; i++) {
		if (!t->header_done || lists)
			header(&t->out, &c, "");
		t->header_done = true;
		print_row(&t->out, &c, t->rows[i], "");
		print_lists(t, t->rows[i]);
		json_decref(t->rows[i]);
	}
	t->count = 0;
	/* A closed pipe (| head) is no error of ours. */
	bool written = os_write_out(buf_slice(&t->out));
	(void)written;
	buf_clear(&t->out);
}

bool table_row(struct table *t, slice json_object)
{
	json_t *row = json_loadb(json_object.p, json_object.n, 0, NULL);
	if (!json_is_object(row)) {
		json_decref(row);
		return false;
	}
	invariant(t->count < BATCH_ROWS);
	t->rows[t->count++] = row;
	t->total++;
	if (t->count == BATCH_ROWS)
		flush(t);
	return true;
}

size_t table_end(struct table **t)
{
	flush(*t);
	size_t total = (*t)->total;
	buf_fini(&(*t)->out);
	free(*t);
	*t = NULL;
	return total;
}
