/* See setting_row.h. */
#include "admin/setting_row.h"

enum { TAGGED_MAX = 16777216 };

static void write_tagged(struct json *j, const struct row *r)
{
	size_t count;
	const struct field *f = row_fields(r->kind, &count);
	json_object(j);
	json_member_string(j, "key", row_key(r));
	for (size_t i = 0; i < count; i++) {
		if (f[i].group == NULL)
			continue;
		json_key(j, field_argument(&f[i]));
		field_json(j, r, &f[i]);
	}
	json_object_end(j);
}

bool setting_etag(struct setting_row *s, char to[SHA256_TEXT])
{
	uint8_t digest[SHA256_BYTES];
	struct buf text;
	struct json j;
	buf_init(&text, TAGGED_MAX);
	json_init(&j, &text);
	json_array(&j);
	write_tagged(&j, &s->row);
	for (uint32_t i = 0; i < s->entries.count; i++)
		write_tagged(&j, s->entries.items[i]);
	json_array_end(&j);
	struct sha256 *h = text.failed ? NULL : sha256_new();
	bool ok = h != NULL;
	if (ok) {
		sha256_add(h, buf_slice(&text));
		ok = sha256_end(h, digest);
		sha256_free(&h);
	}
	if (ok)
		sha256_text(digest, to);
	buf_fini(&text);
	return ok;
}

static void write_entry(struct json *j, struct row *r)
{
	json_object(j);
	json_member_string(j, row_key_name(r->kind), row_key(r));
	row_fields_json(j, r);
	json_member_bool(j, "inert", row_entry(r)->e.inert);
	json_object_end(j);
}

void setting_members(struct json *j, struct setting_row *s, slice customer,
		     bool whole)
{
	char etag[SHA256_TEXT];
	json_member_string(j, row_key_name(ROW_SETTING), row_key(&s->row));
	json_member_string(j, "customer", customer);
	row_fields_json(j, &s->row);
	json_key(j, "etag");
	if (setting_etag(s, etag))
		json_string(j, slice_of(etag));
	else
		json_null(j);
	json_member_u64(j, "entries", s->entries.count);
	if (!whole)
		return;
	json_key(j, "ip_entries");
	json_array(j);
	for (uint32_t i = 0; i < s->entries.count; i++)
		write_entry(j, s->entries.items[i]);
	json_array_end(j);
}
