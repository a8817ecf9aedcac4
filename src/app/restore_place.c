/* The writing half of `postrider restore`; see restore_private.h. */
#include <stdio.h>

#include "app/restore_private.h"
#include "app/store_ask.h"
#include "control/view_file.h"
#include "os/file.h"
#include "os/process.h"
#include "os/tree.h"
#include "policy/view.h"

static bool path_of(struct restore *r, const char *name, char *to)
{
	return layout_path(&r->layout, name, to, LAYOUT_PATH_MAX) ||
	       restore_ends(r, 78);	/* data_dir is too long */
}

/* --- what is in the way --------------------------------------------------- */

static bool has_entries(const char *path, const char *const *but)
{
	int dir;
	bool has = true;
	if (!os_dir_open(path, &dir, NULL))
		return os_path_exists(path);
	if (!os_dir_has(dir, but, &has, NULL))
		has = true;
	os_file_close(&dir);
	return has;
}

/* An empty folder of an empty view alone is nothing. */
static bool holds(struct restore *r, enum backup_folder folder)
{
	static const char *const view[] = { "view", NULL };
	char path[LAYOUT_PATH_MAX], inner[LAYOUT_PATH_MAX];
	if (!path_of(r, backup_folder_name(folder), path))
		return true;
	if (folder != BACKUP_IN_STORE)
		return has_entries(path, NULL);
	return has_entries(path, view) ||
	       (path_of(r, "store/view", inner) && has_entries(inner, NULL));
}

/* Is exactly this there already? False with *there: something else is. */
static bool is_there(const char *path, slice content, bool *there)
{
	struct buf now;
	struct err err;
	*there = os_path_exists(path);
	buf_init(&now, 2 * BACKUP_SECRET_MAX + 65536);
	bool same = *there &&
		    os_file_load(path, BACKUP_SECRET_MAX, &now, &err) &&
		    slice_eq(buf_slice(&now), content);
	buf_fini(&now);
	return same;
}

static bool in_the_way(struct restore *r, const char *path, slice content)
{
	bool there;
	if (is_there(path, content, &there) || !there || r->force)
		return false;
	backup_say(r->cli, BACKUP_SAY_CONFIG_DIFFERS, path, NULL);
	restore_ends(r, 73);
	return true;
}

/* A file that the configuration names: its path here, content in `out`. */
static bool load_named(struct restore *r, const char *name, char *path,
		       unsigned *mode, struct buf *out)
{
	const struct backup_file *f = backup_manifest_named(&r->m,
							    slice_of(name));
	struct err err = { 0 };
	int fd;
	invariant(f != NULL);		/* looked at before */
	bool ok = path_of(r, name, path);
	if (!ok)
		return false;
	ok = restore_open_file(r, f, &fd, &err) &&
	     os_read_all(fd, BACKUP_SECRET_MAX, out, &err);
	os_file_close(&fd);
	*mode = f->mode;
	return ok || restore_fails(r, name, &err);
}

static bool named_are_free(struct restore *r)
{
	bool good = true;
	for (size_t i = 0; i < r->named_count; i++) {
		char path[LAYOUT_PATH_MAX];
		unsigned mode;
		struct buf content;
		buf_init(&content, 2 * BACKUP_SECRET_MAX + 65536);
		good = load_named(r, r->named[i], path, &mode, &content) &&
		       !in_the_way(r, path, buf_slice(&content)) && good;
		if (content.p != NULL)
			secret_wipe(content.p, content.cap);
		buf_fini(&content);
	}
	return good;
}

bool restore_is_free(struct restore *r)
{
	static const enum backup_folder ours[] = {
		BACKUP_IN_KEYS, BACKUP_IN_CERTS, BACKUP_IN_STORE };
	bool good = true;
	for (size_t i = 0; i < ARRAY_LEN(ours) && !r->force; i++) {
		char path[LAYOUT_PATH_MAX];
		if (!holds(r, ours[i]) ||
		    !path_of(r, backup_folder_name(ours[i]), path))
			continue;
		backup_say(r->cli, BACKUP_SAY_OCCUPIED, path, NULL);
		good = restore_ends(r, 73);
	}
	if (r->config_text.n > 0 &&
	    in_the_way(r, r->config_file, r->config_text))
		good = false;
	return named_are_free(r) && good && r->code == 0;
}

/* --- restore.new ---------------------------------------------------------- */

struct stage {
	int data, top;
	int folders[BACKUP_FOLDERS];
};

static bool make_stage(struct restore *r, struct stage *s, struct err *err)
{
	bool ok = os_dir_open(r->layout.path, &s->data, err) &&
		  backup_remove(s->data, LAYOUT_RESTORE, err) &&
		  os_dir_open_at(s->data, LAYOUT_RESTORE, &s->top, err) &&
		  /* The service's user must get through to the store. */
		  os_file_set_mode(s->top, 0711, err);
	for (size_t i = 0; ok && i < BACKUP_IN_CONFIG; i++)
		ok = os_dir_open_at(s->top,
				    backup_folder_name((enum backup_folder)i),
				    &s->folders[i], err);
	return ok;
}

static void close_stage(struct stage *s)
{
	for (size_t i = 0; i < BACKUP_FOLDERS; i++)
		os_file_close(&s->folders[i]);
	os_file_close(&s->top);
	os_file_close(&s->data);
}

/* What is copied is what was verified: between the two somebody may have had
 * his hands on it. */
static bool stage_file(struct restore *r, struct stage *s,
		       const struct backup_file *f)
{
	char leaf_text[BACKUP_NAME_MAX], place[BACKUP_NAME_MAX];
	uint8_t digest[SHA256_BYTES];
	enum backup_folder folder;
	struct err err = { 0 };
	uint64_t size;
	slice leaf;
	int fd;
	bool named = backup_name_split(f->name, &folder, &leaf) &&
		     slice_to_cstr(leaf, leaf_text, sizeof(leaf_text)) &&
		     slice_to_cstr(f->name, place, sizeof(place));
	invariant(named);
	if (folder == BACKUP_IN_CONFIG)
		return true;
	bool ok = restore_open_file(r, f, &fd, &err) &&
		  backup_copy(fd, s->folders[folder], leaf_text, f->mode,
			      &size, digest, &err);
	os_file_close(&fd);
	if (!ok)
		return restore_fails(r, place, &err);
	if (size == f->size && memcmp(digest, f->sha256, sizeof(digest)) == 0)
		return true;
	backup_say(r->cli, BACKUP_SAY_CHANGED, place, NULL);
	return restore_ends(r, 65);
}

/* The store is the service's; keys are of whoever starts it. */
static bool give_store(const struct layout *l, struct stage *s,
		       struct err *err)
{
	int fd = -1;
	if (!l->change_user)
		return true;
	bool ok = os_file_open(s->folders[BACKUP_IN_STORE], "directory.db",
			       OS_READ, &fd, err) &&
		  os_file_set_owner(fd, l->uid, l->gid, err) &&
		  os_file_set_owner(s->folders[BACKUP_IN_STORE], l->uid,
				    l->gid, err);
	os_file_close(&fd);
	return ok;
}

static bool fill_stage(struct restore *r, struct stage *s)
{
	struct err err = { 0 };
	if (!make_stage(r, s, &err))
		return restore_fails(r, LAYOUT_RESTORE, &err);
	for (size_t i = 0; i < r->m.count; i++)
		if (!stage_file(r, s, &r->m.files[i]))
			return false;
	bool ok = give_store(&r->layout, s, &err);
	for (size_t i = 0; ok && i < BACKUP_IN_CONFIG; i++)
		ok = os_dir_sync(s->folders[i], &err);
	return (ok && os_dir_sync(s->top, &err)) ||
	       restore_fails(r, LAYOUT_RESTORE, &err);
}

/* --- the store ------------------------------------------------------------ */

/* The last revision that was live here, by the store or by the view's files:
 * no later one may have a lower number. */
static uint64_t revision_here(struct restore *r)
{
	char store[LAYOUT_PATH_MAX], view[LAYOUT_PATH_MAX];
	struct store_asked seen = { 0 };
	struct view_loaded loaded;
	struct err err = { 0 };
	uint64_t revision;
	int dir;
	if (!holds(r, BACKUP_IN_STORE) || !path_of(r, "store", store) ||
	    !path_of(r, "store/view", view))
		return 0;
	if (!store_ask(&r->layout, STORE_ASK_LOOK, store, 0, &seen, &err))
		seen.revision = 0;	/* it is no good any more: no matter */
	revision = seen.revision;
	if (!os_dir_open(view, &dir, &err))
		return revision;
	if (view_load(dir, &loaded, &err)) {
		if (view_revision(loaded.view) > revision)
			revision = view_revision(loaded.view);
		view_unref(&loaded.view);
	}
	os_file_close(&dir);
	return revision;
}

static bool judge_store(struct restore *r, struct stage *s)
{
	char store[LAYOUT_PATH_MAX];
	struct store_asked seen;
	struct err err = { 0 };
	if (!path_of(r, LAYOUT_RESTORE "/store", store))
		return false;
	if (!store_ask(&r->layout, STORE_ASK_LOOK, store, 0, &seen, &err))
		return restore_fails(r, BACKUP_STORE, &err);
	int code = backup_judge_store(r->cli, BACKUP_STORE, &seen);
	if (code != 0)
		return restore_ends(r, code);
	if (!store_ask(&r->layout, STORE_ASK_ADOPT, store, revision_here(r),
		       &seen, &err))
		return restore_fails(r, BACKUP_STORE, &err);
	code = backup_judge_store(r->cli, BACKUP_STORE, &seen);
	r->revision = seen.revision;
	if (code != 0)
		return restore_ends(r, code);
	return os_dir_sync(s->folders[BACKUP_IN_STORE], &err) ||
	       restore_fails(r, BACKUP_STORE, &err);
}

/* --- in place ------------------------------------------------------------- */

static bool note_kept(struct restore *r, const char *path)
{
	invariant(r->kept_count < RESTORE_KEPT_MAX);
	return arena_copy(&r->arena, slice_of(path),
			  &r->kept[r->kept_count++]);
}

static bool put_aside(struct restore *r, int dir, const char *name,
		      const char *path, struct err *err)
{
	char aside[BACKUP_NAME_MAX], whole[LAYOUT_PATH_MAX + STAMP_MAX];
	int n = snprintf(aside, sizeof(aside), "%s%s", name, r->stamp);
	snprintf(whole, sizeof(whole), "%s%s", path, r->stamp);
	return ((n > 0 && (size_t)n < sizeof(aside)) ||
		err_set_os(err, 36, "restore", "rename")) &&	/* ENAMETOOLONG */
	       os_file_rename(dir, name, dir, aside, err) &&
	       (note_kept(r, whole) || err_set_memory(err, "restore"));
}

/* An empty folder, or one with an empty view in it, gives way. */
static bool clear_empty(struct stage *s, const char *name, struct err *err)
{
	struct os_entry e;
	int fd = -1;
	if (!os_entry_look(s->data, name, &e, err))
		return false;
	if (e.kind == OS_ENTRY_NONE)
		return true;
	bool ok = os_file_open(s->data, name, OS_READ, &fd, err) &&
		  os_dir_remove(fd, "view", err);
	os_file_close(&fd);
	return ok && os_dir_remove(s->data, name, err);
}

static bool move_in(struct restore *r, struct stage *s,
		    enum backup_folder folder)
{
	const char *name = backup_folder_name(folder);
	char path[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	if (!path_of(r, name, path))
		return false;
	bool ok = holds(r, folder) ? put_aside(r, s->data, name, path, &err)
				   : clear_empty(s, name, &err);
	return (ok && os_file_rename(s->top, name, s->data, name, &err) &&
		os_dir_sync(s->data, &err)) || restore_fails(r, path, &err);
}

static bool split(const char *path, char *parent, const char **base)
{
	const char *slash = strrchr(path, '/');
	invariant(slash != NULL);	/* absolute */
	*base = slash + 1;
	return slice_to_cstr((slice){ path, slash == path ? 1 :
				      (size_t)(slash - path) }, parent,
			     LAYOUT_PATH_MAX);
}

/* A file outside of the folders above, unless it is there already. */
static bool put_file(struct restore *r, const char *path, slice content,
		     unsigned mode)
{
	char parent[LAYOUT_PATH_MAX];
	const char *base;
	struct err err = { 0 };
	bool there;
	int dir = -1;
	if (is_there(path, content, &there))
		return true;
	bool ok = split(path, parent, &base) &&
		  os_dir_make(parent, 0755, false, 0, 0, &err) &&
		  os_dir_open(parent, &dir, &err);
	if (ok && there)
		ok = put_aside(r, dir, base, path, &err);
	ok = ok && os_file_save(path, content, mode & 0777, &err);
	os_file_close(&dir);
	return ok || restore_fails(r, path, &err);
}

static bool put_named(struct restore *r)
{
	for (size_t i = 0; i < r->named_count; i++) {
		char path[LAYOUT_PATH_MAX];
		unsigned mode = 0600;
		struct buf content;
		buf_init(&content, 2 * BACKUP_SECRET_MAX + 65536);
		bool ok = load_named(r, r->named[i], path, &mode, &content) &&
			  put_file(r, path, buf_slice(&content), mode);
		if (content.p != NULL)
			secret_wipe(content.p, content.cap);
		buf_fini(&content);
		if (!ok)
			return false;
	}
	return true;
}

static bool put_config(struct restore *r)
{
	const struct backup_file *f =
		backup_manifest_find(&r->m, SLICE(BACKUP_CONFIG));
	return r->config_text.n == 0 ||
	       put_file(r, r->config_file, r->config_text, f->mode);
}

static bool move_all(struct restore *r, struct stage *s)
{
	struct err err = { 0 };
	if (!move_in(r, s, BACKUP_IN_KEYS) || !move_in(r, s, BACKUP_IN_CERTS) ||
	    !put_named(r) || !put_config(r) || !move_in(r, s, BACKUP_IN_STORE))
		return false;
	return (os_dir_remove(s->data, LAYOUT_RESTORE, &err) &&
		os_dir_sync(s->data, &err)) ||
	       restore_fails(r, LAYOUT_RESTORE, &err);
}

bool restore_place(struct restore *r)
{
	struct stage s = { .data = -1, .top = -1,
			   .folders = { -1, -1, -1, -1 } };
	bool ready = fill_stage(r, &s) && judge_store(r, &s);
	bool ok = ready && move_all(r, &s);
	/* Before anything was moved there is nothing to go back to. */
	if (!ready && s.data >= 0)
		(void)!backup_remove(s.data, LAYOUT_RESTORE, NULL);
	close_stage(&s);
	return ok;
}
