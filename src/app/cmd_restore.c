/*
 * `postrider restore DIRECTORY`: a backup becomes the data of a machine, which
 * is empty or (--force) whose own is kept aside. See restore_private.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli_call.h"
#include "app/restore_private.h"
#include "base/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "os/tree.h"
#include "wire/say.h"

bool restore_ends(struct restore *r, int code)
{
	r->code = code;
	return false;
}

bool restore_fails(struct restore *r, const char *place,
		   const struct err *err)
{
	backup_say_err(r->cli, place, err);
	return restore_ends(r, cli_exit_code(err));
}

/* --- the backup ----------------------------------------------------------- */

bool restore_open_file(struct restore *r, const struct backup_file *f, int *fd,
		       struct err *err)
{
	char name[BACKUP_NAME_MAX];
	*fd = -1;
	return (slice_to_cstr(f->name, name, sizeof(name)) ||
		err_set(err, ERR_PERMANENT, SCOPE_SELF, "restore",
			"data_dir is too long")) &&
	       os_file_open(r->from, name, OS_READ, fd, err);
}

/* Small ones, whole; the caller has made `to`. */
static bool load(struct restore *r, const char *name, size_t max,
		 struct buf *to, struct err *err)
{
	struct os_entry e;
	int fd = -1;
	bool ok = os_file_open(r->from, name, OS_READ, &fd, err) &&
		  os_entry_of_file(fd, &e, err) &&
		  (e.kind == OS_ENTRY_FILE ||
		   err_set(err, ERR_PERMANENT, SCOPE_SELF, "restore",
			   "not a file: %s", name)) &&
		  os_read_all(fd, max, to, err);
	os_file_close(&fd);
	return ok;
}

static bool read_manifest(struct restore *r, const char *where)
{
	char place[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	struct os_entry e;
	struct buf text;
	snprintf(place, sizeof(place), "%s/" BACKUP_MANIFEST, where);
	if (!os_entry_look(r->from, BACKUP_MANIFEST, &e, &err))
		return restore_fails(r, place, &err);
	if (e.kind != OS_ENTRY_FILE || e.size > BACKUP_MANIFEST_MAX) {
		backup_say(r->cli, e.kind == OS_ENTRY_LINK ? BACKUP_SAY_IS_LINK
				   : BACKUP_SAY_NO_BACKUP, place, NULL);
		return restore_ends(r, 65);
	}
	buf_init(&text, 2 * BACKUP_MANIFEST_MAX + 65536);
	bool ok = load(r, BACKUP_MANIFEST, BACKUP_MANIFEST_MAX, &text, &err);
	enum backup_verdict verdict = BACKUP_BROKEN;
	if (ok)
		verdict = backup_manifest_read(buf_slice(&text), &r->arena,
					       &r->m);
	buf_fini(&text);
	if (!ok)
		return restore_fails(r, place, &err);
	if (verdict == BACKUP_GOOD)
		return true;
	if (verdict == BACKUP_NO_MEMORY)
		return restore_ends(r, 71);
	backup_say(r->cli, verdict == BACKUP_NEWER ? BACKUP_SAY_FORMAT_NEWER
			   : BACKUP_SAY_MANIFEST_BROKEN, place, NULL);
	return restore_ends(r, verdict == BACKUP_NEWER ? 78 : 65);
}

static bool is_as_written(struct restore *r, const struct backup_file *f,
			  bool *same, struct err *err)
{
	uint8_t digest[SHA256_BYTES];
	uint64_t size;
	int fd;
	if (!restore_open_file(r, f, &fd, err))
		return false;
	bool ok = backup_copy(fd, -1, NULL, 0, &size, digest, err);
	os_file_close(&fd);
	*same = ok && size == f->size &&
		memcmp(digest, f->sha256, sizeof(digest)) == 0;
	return ok;
}

/* What stands in the place of a file; its folder is no link either. */
static bool look_at(struct restore *r, const struct backup_file *f,
		    struct os_entry *e, struct err *err)
{
	char leaf_text[BACKUP_NAME_MAX];
	enum backup_folder folder;
	slice leaf;
	int dir = -1;
	bool named = backup_name_split(f->name, &folder, &leaf) &&
		     slice_to_cstr(leaf, leaf_text, sizeof(leaf_text));
	invariant(named);		/* the manifest was read */
	if (!os_entry_look(r->from, backup_folder_name(folder), e, err))
		return false;
	if (e->kind != OS_ENTRY_DIR) {
		if (e->kind == OS_ENTRY_FILE)
			e->kind = OS_ENTRY_NONE;
		return true;
	}
	bool ok = os_file_open(r->from, backup_folder_name(folder), OS_READ,
			       &dir, err) &&
		  os_entry_look(dir, leaf_text, e, err);
	os_file_close(&dir);
	return ok;
}

static bool verify_file(struct restore *r, const struct backup_file *f,
			const char *place)
{
	struct err err = { 0 };
	struct os_entry e;
	bool same = false;
	if (!look_at(r, f, &e, &err))
		return restore_fails(r, place, &err);
	enum backup_text wrong = e.kind == OS_ENTRY_NONE ? BACKUP_SAY_MISSING
			       : e.kind == OS_ENTRY_LINK ? BACKUP_SAY_IS_LINK
							 : BACKUP_SAY_IS_NO_FILE;
	if (e.kind == OS_ENTRY_FILE) {
		wrong = BACKUP_SAY_CHANGED;
		if (e.size == f->size && !is_as_written(r, f, &same, &err))
			return restore_fails(r, place, &err);
		if (same)
			return true;
	}
	backup_say(r->cli, wrong, place, NULL);
	return restore_ends(r, 65);
}

/* All that is wrong is told at once. */
static bool verify(struct restore *r, const char *where)
{
	bool good = true;
	for (size_t i = 0; i < r->m.count; i++) {
		char place[LAYOUT_PATH_MAX];
		const struct backup_file *f = &r->m.files[i];
		snprintf(place, sizeof(place), "%s/%.*s", where,
			 SLICE_ARG(f->name));
		good = verify_file(r, f, place) && good;
	}
	return good;
}

static bool open_backup(struct restore *r)
{
	const char *where = r->cli->argument;
	struct err err = { 0 };
	if (!os_dir_open(where, &r->from, &err))
		return restore_fails(r, where, &err);
	return read_manifest(r, where) && verify(r, where);
}

/* --- the configuration ---------------------------------------------------- */

/* Where the backup's goes: --config, or where it was. */
static bool find_config_place(struct restore *r, const struct backup_file *f)
{
	const char *given = r->cli->config_file;
	char here[1024] = "", text[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	slice path = f->path, kept;
	if (given != NULL && given[0] != '/') {
		if (!os_working_dir(here, sizeof(here), &err))
			return restore_fails(r, given, &err);
		int n = snprintf(text, sizeof(text), "%s/%s", here, given);
		path = n > 0 && (size_t)n < sizeof(text) ? slice_of(text)
							 : (slice){ 0 };
	} else if (given != NULL) {
		path = slice_of(given);
	}
	char *to = arena_alloc(&r->arena, path.n + 1);
	if (path.n == 0 || path.p[0] != '/' ||
	    slice_find_slice(path, SLICE("/../")) < path.n || to == NULL ||
	    !slice_to_cstr(path, to, path.n + 1) ||
	    !arena_copy(&r->arena, path, &kept)) {
		backup_say(r->cli, BACKUP_SAY_BAD_PLACE, NULL, NULL);
		return restore_ends(r, 65);
	}
	r->config_file = to;
	return true;
}

static bool parse_config(struct restore *r, slice text)
{
	char place[LAYOUT_PATH_MAX];
	struct buf errors;
	snprintf(place, sizeof(place), "%s/" BACKUP_CONFIG, r->cli->argument);
	buf_init(&errors, 65536);
	bool ok = arena_copy(&r->arena, text, &r->config_text) &&
		  config_parse(r->config_text, place, r->cli->language,
			       &r->arena, &r->config, &errors);
	if (!ok)
		os_write_error(buf_slice(&errors));
	buf_fini(&errors);
	return ok || restore_ends(r, 78);
}

/* Every file that the configuration names must be there. */
static bool has_named(struct restore *r)
{
	bool good = true;
	r->named_count = backup_named(&r->config, r->named);
	for (size_t i = 0; i < r->named_count; i++)
		if (backup_manifest_named(&r->m, slice_of(r->named[i])) ==
		    NULL) {
			backup_say(r->cli, BACKUP_SAY_NOT_NAMED, r->named[i],
				   NULL);
			good = false;
		}
	return good || restore_ends(r, 65);
}

static bool config_of_backup(struct restore *r, const struct backup_file *f)
{
	struct err err = { 0 };
	struct buf text;
	buf_init(&text, CONFIG_TEXT_MAX + 131072);
	bool ok = load(r, BACKUP_CONFIG, CONFIG_TEXT_MAX, &text, &err) ||
		  restore_fails(r, BACKUP_CONFIG, &err);
	ok = ok && find_config_place(r, f) &&
	     parse_config(r, buf_slice(&text)) && has_named(r);
	buf_fini(&text);
	return ok;
}

/* The one of this machine stays in force. */
static bool config_of_machine(struct restore *r, struct setup *s)
{
	int code;
	if (!setup_open(s, r->cli, &code))
		return restore_ends(r, code);
	r->config = s->config;
	r->config_file = s->file;
	return true;
}

static bool find_config(struct restore *r, struct setup *s)
{
	const struct backup_file *f =
		backup_manifest_find(&r->m, SLICE(BACKUP_CONFIG));
	bool its_own = f != NULL &&
		       cli_option(r->cli, "--without-config") == NULL;
	if (!(its_own ? config_of_backup(r, f) : config_of_machine(r, s)))
		return false;
	if (r->cli->data_dir != NULL)
		r->config.data_dir = r->cli->data_dir;
	return true;
}

/* --- the place ------------------------------------------------------------ */

static bool make_place(struct restore *r)
{
	struct layout *l = &r->layout;
	char blocked[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	if (!layout_find(l, &r->config, &err))
		return restore_fails(r, "data_dir", &err);
	bool ok = os_dir_make(l->path, 0750, l->change_user, l->uid, l->gid,
			      &err) &&
		  (!l->change_user ||
		   os_path_passable(l->path, l->uid, l->gid, blocked,
				    sizeof(blocked)) ||
		   err_set(&err, ERR_PERMANENT, SCOPE_SELF, "layout_make",
			   "the service's user can't enter %s, which is "
			   "on the way to data_dir", blocked));
	return ok || restore_fails(r, l->path, &err);
}

/* No service may start, no backup run, until all is done. */
static bool take_locks(struct restore *r)
{
	struct err err = { 0 };
	bool serves = !layout_lock(&r->layout, 0, NULL, &err);
	if (!serves && backup_lock(&r->layout, &r->lock, &err))
		return true;
	if (err.kind != ERR_TEMPORARY)
		return restore_fails(r, r->layout.path, &err);
	backup_say_why(r->cli, serves ? BACKUP_SAY_RUNNING : BACKUP_SAY_BUSY,
		       r->layout.path, &err);
	return restore_ends(r, 75);
}

/* 20261124T124446Z: as a name, without what shells and file systems mind. */
static void make_stamp(struct restore *r)
{
	char time[TIME_TEXT_MAX];
	size_t n = (size_t)snprintf(r->stamp, sizeof(r->stamp),
				    ".before-restore-");
	for (const char *c = time_text_ms(os_wall_ms(), time);
	     *c != '\0' && *c != '.'; c++)
		if (*c != '-' && *c != ':')
			r->stamp[n++] = *c;
	snprintf(r->stamp + n, sizeof(r->stamp) - n, "Z");
}

/* --- the end -------------------------------------------------------------- */

/* Before relay ever starts there is a view of this store. */
static void make_view(struct restore *r)
{
	enum { VIEW_MS = 600000 };
	struct err err = { 0 };
	struct solo *solo = NULL;
	os_close(&r->layout.lock_fd);	/* it takes it itself */
	bool ok = solo_begin(r->cli, r->config_file, &solo, &err) &&
		  solo_wait(solo, VIEW_MS, &err);
	if (solo != NULL)
		solo_end(&solo);
	if (ok)
		return;
	backup_say_why(r->cli, BACKUP_SAY_VIEW_UNMADE, NULL, &err);
	restore_ends(r, cli_exit_code(&err));
}

static void json_of(const struct restore *r, struct buf *out)
{
	struct json j;
	json_init(&j, out);
	json_object_begin(&j);
	json_member_cstr(&j, "directory", r->cli->argument);
	json_member_cstr(&j, "data_dir", r->layout.path);
	json_key(&j, "config");
	if (r->config_file != NULL)
		json_put_string(&j, slice_of(r->config_file));
	else
		json_put_null(&j);
	json_member_string(&j, "made_at", r->m.made_at);
	json_member_u64(&j, "files", r->m.count);
	json_member_u64(&j, "schema", r->m.schema);
	json_member_u64(&j, "revision", r->revision);
	json_key(&j, "kept");
	json_array_begin(&j);
	for (size_t i = 0; i < r->kept_count; i++)
		json_put_string(&j, r->kept[i]);
	json_array_end(&j);
	json_object_end(&j);
}

static void words_of(const struct restore *r, struct buf *out)
{
	char files[24], revision[24];
	snprintf(files, sizeof(files), "%zu", r->m.count);
	snprintf(revision, sizeof(revision), "%" PRIu64, r->revision);
	slice args[] = { slice_of(r->layout.path), slice_of(files),
			 r->m.made_at, slice_of(revision) };
	for (size_t i = 0; i < r->kept_count; i++) {
		say(out, backup_text(BACKUP_SAY_KEPT), r->cli->language,
		    &r->kept[i], 1);
		buf_append_char(out, '\n');
	}
	say(out, backup_text(BACKUP_SAY_RESTORED), r->cli->language, args,
	    ARRAY_LEN(args));
}

static void tell(struct restore *r)
{
	struct buf out;
	buf_init(&out, 1 << 22);
	if (r->cli->json)
		json_of(r, &out);
	else
		words_of(r, &out);
	if (out.failed || !cli_print_line(buf_slice(&out)))
		restore_ends(r, 74);
	buf_fini(&out);
}

static void run(struct restore *r)
{
	struct setup of_machine = { 0 };
	bool placed = open_backup(r) && find_config(r, &of_machine) &&
		      make_place(r) && take_locks(r) && restore_is_free(r) &&
		      restore_place(r);
	if (placed) {
		make_view(r);		/* if not, what is restored is told */
		tell(r);
	}
	invariant(placed || r->code != 0);
	if (of_machine.arena.pages != NULL)
		setup_close(&of_machine);
}

int cmd_restore(struct cli *cli)
{
	struct restore *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return 71;
	r->cli = cli;
	r->force = cli_option(cli, "--force") != NULL;
	r->from = r->lock = r->layout.lock_fd = -1;
	arena_init(&r->arena, CONFIG_ARENA_MAX);
	make_stamp(r);
	run(r);
	int code = r->code;
	os_file_close(&r->from);
	os_close(&r->lock);
	os_close(&r->layout.lock_fd);
	arena_fini(&r->arena);
	free(r);
	return code;
}
