/* The manifest of a backup: JSON, written and read; see backup_private.h. */
#include <jansson.h>
#include <stdio.h>

#include "app/backup_private.h"
#include "base/json.h"
#include "wire/json_text.h"

static const char *const FOLDERS[BACKUP_FOLDERS] = {
	[BACKUP_IN_STORE] = "store",
	[BACKUP_IN_KEYS] = "keys",
	[BACKUP_IN_CERTS] = "certs",
	[BACKUP_IN_CONFIG] = "config",
};

const char *backup_folder_name(enum backup_folder folder)
{
	invariant(folder < BACKUP_FOLDERS);
	return FOLDERS[folder];
}

/* A plain name without characters that a terminal or a shell minds. */
static bool is_leaf(slice leaf)
{
	if (leaf.n == 0 || leaf.n > 255 || slice_eq(leaf, SLICE(".")) ||
	    slice_eq(leaf, SLICE("..")) || !utf8_valid(leaf))
		return false;
	for (size_t i = 0; i < leaf.n; i++)
		if ((uint8_t)leaf.p[i] < 0x20 || leaf.p[i] == 0x7f ||
		    leaf.p[i] == '/')
			return false;
	return true;
}

bool backup_name_split(slice name, enum backup_folder *folder, slice *leaf)
{
	*leaf = name;
	slice first = slice_cut(leaf, '/');
	for (size_t i = 0; i < BACKUP_FOLDERS; i++)
		if (slice_eq(first, slice_of(FOLDERS[i]))) {
			*folder = (enum backup_folder)i;
			return is_leaf(*leaf);
		}
	return false;
}

bool backup_manifest_begin(struct backup_manifest *m, struct arena *arena)
{
	*m = (struct backup_manifest){
		.files = arena_alloc(arena, BACKUP_FILES_MAX *
						    sizeof(*m->files)) };
	return m->files != NULL;
}

struct backup_file *backup_manifest_add(struct backup_manifest *m,
					struct arena *arena, slice name,
					slice path)
{
	struct backup_file f = { 0 };
	if (m->count == BACKUP_FILES_MAX ||
	    !arena_copy(arena, name, &f.name) ||
	    !arena_copy(arena, path, &f.path))
		return NULL;
	m->files[m->count] = f;
	return &m->files[m->count++];
}

const struct backup_file *backup_manifest_find(const struct backup_manifest *m,
					       slice name)
{
	for (size_t i = 0; i < m->count; i++)
		if (slice_eq(m->files[i].name, name))
			return &m->files[i];
	return NULL;
}

const struct backup_file *
backup_manifest_named(const struct backup_manifest *m, slice path)
{
	for (size_t i = 0; i < m->count; i++)
		if (slice_eq(m->files[i].path, path) &&
		    !slice_eq(m->files[i].name, SLICE(BACKUP_CONFIG)))
			return &m->files[i];
	return NULL;
}

/* --- writing -------------------------------------------------------------- */

static void write_file(struct json *j, const struct backup_file *f)
{
	char mode[8], digest[SHA256_TEXT];
	snprintf(mode, sizeof(mode), "%04o", f->mode & 07777);
	json_object_begin(j);
	json_member_string(j, "name", f->name);
	if (f->path.n > 0)
		json_member_string(j, "path", f->path);
	json_member_u64(j, "size", f->size);
	json_member_cstr(j, "mode", mode);
	json_member_cstr(j, "sha256", sha256_text(f->sha256, digest));
	json_object_end(j);
}

/* A file a line, for people who look into it. */
void backup_manifest_write(const struct backup_manifest *m, struct buf *out)
{
	struct json j;
	json_init(&j, out);
	json_object_begin(&j);
	json_member_u64(&j, "format", BACKUP_FORMAT);
	json_member_string(&j, "product", m->product);
	json_member_string(&j, "made_at", m->made_at);
	json_member_string(&j, "hostname", m->hostname);
	json_member_u64(&j, "schema", m->schema);
	json_member_u64(&j, "revision", m->revision);
	json_key(&j, "files");
	json_array_begin(&j);
	for (size_t i = 0; i < m->count; i++) {
		buf_append_char(out, '\n');
		write_file(&j, &m->files[i]);
	}
	buf_append_char(out, '\n');
	json_array_end(&j);
	json_object_end(&j);
	buf_append_char(out, '\n');
}

/* --- reading -------------------------------------------------------------- */

static bool read_u64(const json_t *object, const char *key, uint64_t max,
		     uint64_t *out)
{
	const json_t *v = json_object_get(object, key);
	json_int_t n = json_integer_value(v);
	*out = n > 0 ? (uint64_t)n : 0;
	return json_is_integer(v) && n >= 0 && *out <= max;
}

/* Octal, as stat shows it. */
static bool read_mode(slice text, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		*out = *out << 3 | (unsigned)(text.p[i] - '0');
	}
	return text.n == 4 && *out <= 0777;
}

/* Where it goes is only for what the configuration names. */
static bool read_file(const json_t *row, struct arena *arena,
		      struct backup_manifest *m)
{
	enum backup_folder folder;
	slice name = json_text(row, "name"), path = json_text(row, "path");
	slice leaf;
	if (!backup_name_split(name, &folder, &leaf) ||
	    backup_manifest_find(m, name) != NULL ||
	    (path.n > 0) != (folder == BACKUP_IN_CONFIG))
		return false;
	if (folder == BACKUP_IN_STORE && !slice_eq(name, SLICE(BACKUP_STORE)))
		return false;
	struct backup_file *f = backup_manifest_add(m, arena, name, path);
	return f != NULL && read_u64(row, "size", INT64_MAX, &f->size) &&
	       read_mode(json_text(row, "mode"), &f->mode) &&
	       sha256_parse(json_text(row, "sha256"), f->sha256);
}

static bool read_all(const json_t *json, struct arena *arena,
		     struct backup_manifest *m)
{
	const json_t *files = json_object_get(json, "files");
	uint64_t schema;
	if (!read_u64(json, "schema", UINT32_MAX, &schema) ||
	    !read_u64(json, "revision", INT64_MAX, &m->revision) ||
	    !json_is_array(files) ||
	    !arena_copy(arena, json_text(json, "product"), &m->product) ||
	    !arena_copy(arena, json_text(json, "made_at"), &m->made_at) ||
	    !arena_copy(arena, json_text(json, "hostname"), &m->hostname))
		return false;
	m->schema = (uint32_t)schema;
	for (size_t i = 0; i < json_array_size(files); i++)
		if (!read_file(json_array_get(files, i), arena, m))
			return false;
	return backup_manifest_find(m, SLICE(BACKUP_STORE)) != NULL &&
	       backup_manifest_find(m, SLICE(BACKUP_PEPPER)) != NULL;
}

enum backup_verdict backup_manifest_read(slice text, struct arena *arena,
					 struct backup_manifest *out)
{
	enum backup_verdict verdict = BACKUP_BROKEN;
	uint64_t format;
	if (!backup_manifest_begin(out, arena))
		return BACKUP_NO_MEMORY;
	json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	if (read_u64(json, "format", INT64_MAX, &format) && format > 0) {
		if (format != BACKUP_FORMAT)
			verdict = BACKUP_NEWER;
		else if (read_all(json, arena, out))
			verdict = BACKUP_GOOD;
	}
	json_decref(json);
	return verdict;
}
