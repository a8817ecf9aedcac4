/*
 * `postrider backup DIRECTORY`: store, keys, certificate, configuration and
 * the files that it names, as one folder (docs/formats/backup.md). At any
 * moment, also while a service works: nothing of it is stopped or locked.
 *
 * Everything is made in DIRECTORY.unfinished, synced, and renamed as the last
 * step, so what has the name is whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/store_copy.h"
#include "app/backup_private.h"
#include "app/cli_call.h"
#include "app/service.h"
#include "app/store_ask.h"
#include "base/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "os/tree.h"
#include "wire/say.h"

enum { BASE_MAX = 240, NUMBER_TEXT_MAX = 24 };
#define UNFINISHED ".unfinished"

struct backup {
	const struct cli *cli;
	struct setup setup;
	struct layout layout;
	struct arena arena;
	struct backup_manifest m;
	char made_at[TIME_TEXT_MAX];
	char base[BASE_MAX], unfinished[BASE_MAX + sizeof(UNFINISHED)];
	int lock, parent, top;
	int folders[BACKUP_FOLDERS];
	bool made;			/* top is ours: to be removed again */
	int code;			/* to end with */
};

static bool ends(struct backup *b, int code)
{
	b->code = code;
	return false;
}

/* About a place, by an error. */
static bool fails(struct backup *b, const char *place, const struct err *err)
{
	backup_say_err(b->cli, place, err);
	return ends(b, cli_exit_code(err));
}

/* --- the folder it goes to ------------------------------------------------ */

/* "a/b/" → "a", "b". */
static bool split_path(struct backup *b, const char *path, char *parent,
		       size_t cap)
{
	slice s = slice_of(path);
	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	size_t slash = slice_rfind(s, '/');
	slice base = slash < s.n ? slice_skip(s, slash + 1) : s;
	slice above = slash == s.n ? SLICE(".")
		      : slash == 0 ? SLICE("/") : slice_sub(s, 0, slash);
	return base.n > 0 && !slice_eq(base, SLICE(".")) &&
	       !slice_eq(base, SLICE("..")) &&
	       slice_to_cstr(base, b->base, sizeof(b->base)) &&
	       slice_to_cstr(above, parent, cap);
}

static bool not_made(struct backup *b, const char *name, const struct err *err)
{
	backup_say_why(b->cli, BACKUP_SAY_NOT_MADE, name, err);
	return ends(b, 73);
}

/* Nothing of the name, or an empty folder. */
static bool is_free(struct backup *b)
{
	const char *where = b->cli->argument;
	struct err err = { 0 };
	struct os_entry e;
	bool has = true;
	int fd = -1;
	if (!os_entry_look(b->parent, b->base, &e, &err))
		return not_made(b, where, &err);
	if (e.kind == OS_ENTRY_NONE)
		return true;
	if (e.kind == OS_ENTRY_DIR &&
	    (!os_file_open(b->parent, b->base, OS_READ, &fd, &err) ||
	     !os_dir_has(fd, NULL, &has, &err))) {
		os_file_close(&fd);
		return not_made(b, where, &err);
	}
	os_file_close(&fd);
	if (has)
		backup_say(b->cli, BACKUP_SAY_NOT_EMPTY, where, NULL);
	return !has || ends(b, 73);
}

/* Another backup, of another data directory, may be making it just now. */
static bool is_left(struct backup *b)
{
	struct err err = { 0 };
	int fd = -1;
	bool ok = os_file_open(b->parent, b->unfinished, OS_READ, &fd, &err) &&
		  os_file_lock(fd, &err);
	os_file_close(&fd);
	if (!ok && err.kind == ERR_TEMPORARY) {
		backup_say(b->cli, BACKUP_SAY_BUSY, b->unfinished, NULL);
		return ends(b, 75);
	}
	return ok || not_made(b, b->unfinished, &err);
}

/* What a backup that was killed has left is ours, or it stays. */
static bool is_ours(struct backup *b)
{
	struct err err = { 0 };
	struct os_entry e;
	if (!os_entry_look(b->parent, b->unfinished, &e, &err))
		return not_made(b, b->unfinished, &err);
	if (e.kind == OS_ENTRY_NONE)
		return true;
	if (e.kind == OS_ENTRY_DIR && e.uid == os_user_id())
		return is_left(b);
	backup_say(b->cli, BACKUP_SAY_FOREIGN, b->unfinished, NULL);
	return ends(b, 73);
}

static bool make_folders(struct backup *b)
{
	struct err err = { 0 };
	struct os_entry e;
	bool ok = backup_remove(b->parent, b->unfinished, &err) &&
		  os_dir_open_at(b->parent, b->unfinished, &b->top, &err) &&
		  os_entry_of_file(b->top, &e, &err);
	if (ok && e.uid != os_user_id()) {
		backup_say(b->cli, BACKUP_SAY_FOREIGN, b->unfinished, NULL);
		return ends(b, 73);
	}
	b->made = ok;
	ok = ok && os_file_lock(b->top, &err) &&
	     os_file_set_mode(b->top, 0700, &err);
	for (size_t i = 0; ok && i < BACKUP_FOLDERS; i++)
		ok = os_dir_open_at(b->top,
				    backup_folder_name((enum backup_folder)i),
				    &b->folders[i], &err);
	return ok || not_made(b, b->unfinished, &err);
}

static bool open_target(struct backup *b)
{
	char parent[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	if (!split_path(b, b->cli->argument, parent, sizeof(parent))) {
		backup_say(b->cli, BACKUP_SAY_NO_NAME, b->cli->argument, NULL);
		return ends(b, 64);
	}
	snprintf(b->unfinished, sizeof(b->unfinished), "%s" UNFINISHED,
		 b->base);
	if (!os_dir_open(parent, &b->parent, &err))
		return not_made(b, parent, &err);
	return is_free(b) && is_ours(b) && make_folders(b);
}

/* --- what goes there ------------------------------------------------------ */

static struct backup_file *add(struct backup *b, enum backup_folder folder,
			       const char *leaf, const char *path,
			       unsigned mode)
{
	char name[BACKUP_NAME_MAX];
	snprintf(name, sizeof(name), "%s/%s", backup_folder_name(folder), leaf);
	struct backup_file *f = backup_manifest_add(&b->m, &b->arena,
						    slice_of(name),
						    slice_of(path));
	struct err err = { 0 };
	if (f != NULL)
		f->mode = mode & 0777;
	else if (!err_set_memory(&err, "backup"))
		fails(b, name, &err);
	return f;
}

static bool copy_open(struct backup *b, enum backup_folder folder,
		      const char *leaf, unsigned mode, int from)
{
	struct err err = { 0 };
	struct backup_file *f = add(b, folder, leaf, NULL, mode);
	return f != NULL &&
	       (backup_copy(from, b->folders[folder], leaf, mode & 0777,
			    &f->size, f->sha256, &err) ||
		fails(b, leaf, &err));
}

/* Bytes that were read already, of a file at `path`. */
static bool save(struct backup *b, const char *leaf, const char *path,
		 unsigned mode, slice content)
{
	int dir = b->folders[BACKUP_IN_CONFIG], fd = -1;
	struct sha256 *hash = sha256_new();
	struct err err = { 0 };
	struct backup_file *f = add(b, BACKUP_IN_CONFIG, leaf, path, mode);
	bool ok = hash != NULL || err_set_memory(&err, "backup");
	if (ok && f != NULL) {
		f->size = content.n;
		sha256_add(hash, content);
		ok = (sha256_end(hash, f->sha256) ||
		      err_set_memory(&err, "backup")) &&
		     os_file_open(dir, leaf, OS_CREATE, &fd, &err) &&
		     os_file_append(fd, content, &err) &&
		     os_file_set_mode(fd, mode & 0777, &err) &&
		     os_file_sync(fd, &err);
	}
	os_file_close(&fd);
	sha256_free(&hash);
	return (ok || fails(b, path, &err)) && f != NULL;
}

/* --- the store ------------------------------------------------------------ */

/* The copy that admin made beside the store is taken over and removed. */
static bool take_copy(struct backup *b, const char *store)
{
	struct err err = { 0 };
	int dir = -1, fd = -1;
	bool ok = os_dir_open(store, &dir, &err) &&
		  os_file_open(dir, STORE_COPY_FILE, OS_READ, &fd, &err);
	if (!ok)
		fails(b, store, &err);
	ok = ok && copy_open(b, BACKUP_IN_STORE, "directory.db", 0600, fd);
	os_file_close(&fd);
	if (dir >= 0)
		(void)!os_file_unlink(dir, STORE_COPY_FILE, NULL);
	os_file_close(&dir);
	return ok;
}

static bool copy_store(struct backup *b)
{
	char store[LAYOUT_PATH_MAX];
	struct store_asked seen;
	struct err err = { 0 };
	if (!layout_path(&b->layout, "store", store, sizeof(store)))
		return ends(b, 78);	/* told at the setup */
	if (!store_ask(&b->layout, STORE_ASK_COPY, store, 0, &seen, &err))
		return fails(b, store, &err);
	if (strcmp(seen.state, "absent") == 0)
		seen.text[0] = '\0';
	int code = backup_judge_store(b->cli, store, &seen);
	b->m.schema = seen.schema;
	b->m.revision = seen.revision;
	return code == 0 ? take_copy(b, store) : ends(b, code);
}

/* --- keys and certificates ------------------------------------------------ */

struct taking {
	struct backup *b;
	enum backup_folder folder;
	int from;
	bool ok;
};

static bool take_file(struct taking *t, const char *name)
{
	struct backup *b = t->b;
	char place[BACKUP_NAME_MAX];
	struct err err = { 0 };
	struct os_entry e;
	int fd = -1;
	snprintf(place, sizeof(place), "%s/%s", backup_folder_name(t->folder),
		 name);
	if (!os_entry_look(t->from, name, &e, &err))
		return fails(b, place, &err);
	if (e.kind == OS_ENTRY_NONE)
		return true;		/* gone since it was listed */
	if (e.kind != OS_ENTRY_FILE || e.size > BACKUP_SECRET_MAX) {
		backup_say(b->cli, e.kind == OS_ENTRY_LINK ?
			   BACKUP_SAY_IS_LINK : BACKUP_SAY_IS_NO_FILE, place,
			   NULL);
		return ends(b, 65);
	}
	if (!os_file_open(t->from, name, OS_READ, &fd, &err))
		return fails(b, place, &err);
	bool ok = copy_open(b, t->folder, name, e.mode, fd);
	os_file_close(&fd);
	return ok;
}

static bool take_name(void *ctx, const char *name)
{
	static const slice half = SLICE(".new");	/* of os_file_save */
	struct taking *t = ctx;
	slice s = slice_of(name);
	if (s.n > half.n && slice_eq(slice_skip(s, s.n - half.n), half))
		return true;
	t->ok = take_file(t, name);
	return t->ok;
}

/* A folder of data_dir; missing is none. */
static bool copy_folder(struct backup *b, enum backup_folder folder)
{
	enum { ENOENT_NUMBER = 2 };
	const char *name = backup_folder_name(folder);
	struct taking t = { .b = b, .folder = folder, .from = -1, .ok = true };
	struct err err = { 0 };
	int data = -1;
	bool ok = os_dir_open(b->layout.path, &data, &err) &&
		  os_file_open(data, name, OS_READ, &t.from, &err) &&
		  os_dir_list(t.from, take_name, &t, &err);
	if (!ok && err.os_error == ENOENT_NUMBER && t.from < 0 && data >= 0)
		ok = true;
	else if (!ok)
		fails(b, name, &err);
	os_file_close(&t.from);
	os_file_close(&data);
	return ok && t.ok;
}

static bool copy_keys(struct backup *b)
{
	if (!copy_folder(b, BACKUP_IN_KEYS) ||
	    !copy_folder(b, BACKUP_IN_CERTS))
		return false;
	if (backup_manifest_find(&b->m, SLICE(BACKUP_PEPPER)) != NULL)
		return true;
	backup_say(b->cli, BACKUP_SAY_NO_PEPPER, BACKUP_PEPPER, NULL);
	return ends(b, 66);
}

/* --- configuration -------------------------------------------------------- */

static bool absolute(const char *path, char *to, size_t cap, struct err *err)
{
	char here[1024] = "";
	if (path[0] != '/' && !os_working_dir(here, sizeof(here), err))
		return false;
	int n = path[0] == '/' ? snprintf(to, cap, "%s", path)
			       : snprintf(to, cap, "%s/%s", here, path);
	return (n > 0 && (size_t)n < cap) ||
	       err_set(err, ERR_PERMANENT, SCOPE_SELF, "backup",
		       "data_dir is too long");
}

/* Links are followed here: the operator names what is to be read. */
static bool save_named(struct backup *b, size_t number, const char *path)
{
	char leaf[32], real[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	struct os_entry e;
	struct buf content;
	buf_init(&content, 2 * BACKUP_SECRET_MAX + 65536);
	snprintf(leaf, sizeof(leaf), "file-%03zu", number + 1);
	bool ok = (layout_path(&b->layout, path, real, sizeof(real)) ||
		   err_set(&err, ERR_PERMANENT, SCOPE_SELF, "backup",
			   "data_dir is too long")) &&
		  os_path_look(real, &e, &err) &&
		  os_file_load(real, BACKUP_SECRET_MAX, &content, &err);
	if (!ok)
		fails(b, path, &err);
	ok = ok && save(b, leaf, path, e.mode, buf_slice(&content));
	if (content.p != NULL)
		secret_wipe(content.p, content.cap);
	buf_fini(&content);
	return ok;
}

static bool copy_config(struct backup *b)
{
	const struct setup *s = &b->setup;
	const char *paths[BACKUP_NAMED_MAX];
	char file[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	struct os_entry e;
	if (s->file == NULL)
		return true;		/* the defaults serve */
	if (!absolute(s->file, file, sizeof(file), &err) ||
	    !os_path_look(file, &e, &err))
		return fails(b, s->file, &err);
	if (!save(b, "postrider.yaml", file, e.kind == OS_ENTRY_FILE ? e.mode
								     : 0600,
		  s->text))
		return false;
	size_t count = backup_named(&s->config, paths);
	for (size_t i = 0; i < count; i++)
		if (!save_named(b, i, paths[i]))
			return false;
	return true;
}

/* --- the end -------------------------------------------------------------- */

/* Whole or not there: it says that all the rest is whole. */
static bool write_manifest(struct backup *b, struct err *err)
{
	struct buf text;
	int fd = -1;
	buf_init(&text, BACKUP_MANIFEST_MAX);
	backup_manifest_write(&b->m, &text);
	bool ok = (!text.failed || err_set_memory(err, "backup")) &&
		  os_file_open(b->top, BACKUP_MANIFEST_NEW, OS_CREATE, &fd,
			       err) &&
		  os_file_append(fd, buf_slice(&text), err) &&
		  os_file_sync(fd, err) &&
		  os_file_rename(b->top, BACKUP_MANIFEST_NEW, b->top,
				 BACKUP_MANIFEST, err);
	os_file_close(&fd);
	buf_fini(&text);
	return ok;
}

static bool finish(struct backup *b)
{
	struct err err = { 0 };
	bool ok = true;
	for (size_t i = 0; ok && i < BACKUP_FOLDERS; i++)
		ok = os_dir_sync(b->folders[i], &err);
	ok = ok && write_manifest(b, &err) && os_dir_sync(b->top, &err) &&
	     os_file_rename(b->parent, b->unfinished, b->parent, b->base,
			    &err) &&
	     os_dir_sync(b->parent, &err);
	return ok || not_made(b, b->cli->argument, &err);
}

static uint64_t bytes_of(const struct backup_manifest *m)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < m->count; i++)
		sum += m->files[i].size;
	return sum;
}

static bool tell_json(const struct backup *b, struct buf *out)
{
	struct json j;
	json_init(&j, out);
	json_object_begin(&j);
	json_member_cstr(&j, "directory", b->cli->argument);
	json_member_string(&j, "made_at", b->m.made_at);
	json_member_u64(&j, "files", b->m.count);
	json_member_u64(&j, "bytes", bytes_of(&b->m));
	json_member_u64(&j, "schema", b->m.schema);
	json_member_u64(&j, "revision", b->m.revision);
	json_object_end(&j);
	return !out->failed && cli_print_line(buf_slice(out));
}

static bool tell(const struct backup *b)
{
	char texts[3][NUMBER_TEXT_MAX];
	const uint64_t numbers[] = { b->m.count, bytes_of(&b->m),
				     b->m.revision };
	slice args[4] = { slice_of(b->cli->argument) };
	struct buf out;
	buf_init(&out, 65536);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		snprintf(texts[i], NUMBER_TEXT_MAX, "%" PRIu64, numbers[i]);
		args[i + 1] = slice_of(texts[i]);
	}
	if (!b->cli->json)
		say(&out, backup_text(BACKUP_SAY_DONE), b->cli->language, args,
		    ARRAY_LEN(args));
	bool ok = b->cli->json ? tell_json(b, &out)
			       : cli_print_line(buf_slice(&out));
	buf_fini(&out);
	return ok;
}

static bool begin(struct backup *b)
{
	struct err err = { 0 };
	char hostname[256] = "", store[LAYOUT_PATH_MAX];
	struct store_asked absent = { .state = "absent" };
	if (!layout_find(&b->layout, &b->setup.config, &err))
		return fails(b, "data_dir", &err);
	if (!layout_path(&b->layout, "store", store, sizeof(store)) ||
	    !os_path_exists(store))
		return ends(b, backup_judge_store(b->cli, store, &absent));
	if (!backup_lock(&b->layout, &b->lock, &err)) {
		if (err.kind != ERR_TEMPORARY)
			return fails(b, b->layout.path, &err);
		backup_say(b->cli, BACKUP_SAY_BUSY, b->layout.path, NULL);
		return ends(b, 75);
	}
	if (b->setup.config.hostname.n == 0)
		os_hostname(hostname, sizeof(hostname));
	time_text_ms(os_wall_ms(), b->made_at);
	if (!backup_manifest_begin(&b->m, &b->arena) ||
	    !arena_copy(&b->arena, hostname[0] != '\0' ? slice_of(hostname)
				   : b->setup.config.hostname,
			&b->m.hostname))
		return ends(b, 71);
	b->m.product = SLICE(POSTRIDER_VERSION);
	b->m.made_at = slice_of(b->made_at);
	return true;
}

static void close_all(struct backup *b, bool done)
{
	for (size_t i = 0; i < BACKUP_FOLDERS; i++)
		os_file_close(&b->folders[i]);
	os_file_close(&b->top);
	if (!done && b->made)
		(void)!backup_remove(b->parent, b->unfinished, NULL);
	os_file_close(&b->parent);
	os_close(&b->lock);
	arena_fini(&b->arena);
	setup_close(&b->setup);
}

int cmd_backup(struct cli *cli)
{
	struct backup *b = malloc(sizeof(*b));
	int code;
	if (b == NULL)
		return 71;
	*b = (struct backup){ .cli = cli, .lock = -1, .parent = -1, .top = -1,
			      .folders = { -1, -1, -1, -1 } };
	if (!setup_open(&b->setup, cli, &code)) {
		free(b);
		return code;
	}
	arena_init(&b->arena, CONFIG_ARENA_MAX);
	bool ok = begin(b) && open_target(b) && copy_store(b) &&
		  copy_keys(b) && copy_config(b) && finish(b);
	if (ok && !tell(b))
		b->code = 74;
	invariant(ok || b->code != 0);
	code = b->code;
	close_all(b, ok);
	free(b);
	return code;
}
