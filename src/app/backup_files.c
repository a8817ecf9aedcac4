/* What backup and restore do with files; see backup_private.h. */
#include <stdio.h>
#include <stdlib.h>

#include "app/backup_private.h"
#include "app/err_words.h"
#include "app/store_ask.h"
#include "crypto/password.h"
#include "os/file.h"
#include "os/process.h"
#include "os/tree.h"
#include "wire/say.h"

/* --- words ---------------------------------------------------------------- */

static const struct text texts[BACKUP_SAY_COUNT] = {
#define TEXT(id, en, ja) [BACKUP_SAY_##id] = { en, ja },
#include "app/backup_text.def"
#undef TEXT
};

const struct text *backup_text(enum backup_text id)
{
	invariant(id < BACKUP_SAY_COUNT);
	return &texts[id];
}

bool backup_say(const struct cli *cli, enum backup_text id, const char *a,
		const char *b)
{
	cli_say_text(cli, backup_text(id), a, b);
	return false;
}

bool backup_say_why(const struct cli *cli, enum backup_text id,
		    const char *place, const struct err *err)
{
	struct buf words;
	char text[SAY_ARGUMENT_MAX + 1] = "";
	buf_init(&words, 4096);
	err_words(&words, err, cli->language);
	(void)!slice_to_cstr(utf8_cut(buf_slice(&words), sizeof(text) - 1),
			     text, sizeof(text));
	buf_fini(&words);
	return backup_say(cli, id, place, text);
}

bool backup_say_err(const struct cli *cli, const char *place,
		    const struct err *err)
{
	return backup_say_why(cli, BACKUP_SAY_FAILED, place, err);
}

int backup_judge_store(const struct cli *cli, const char *place,
		       const struct store_asked *seen)
{
	static const struct {
		const char *state;
		enum backup_text text;
		int code;
	} rows[] = {
		{ "absent", BACKUP_SAY_STORE_ABSENT, 66 },
		{ "newer", BACKUP_SAY_STORE_NEWER, 78 },
		{ "damaged", BACKUP_SAY_STORE_DAMAGED, 65 },
	};
	slice state = slice_of(seen->state);
	if (slice_eq(state, SLICE("good")) || slice_eq(state, SLICE("older")))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (slice_eq(state, slice_of(rows[i].state))) {
			backup_say(cli, rows[i].text, place, seen->text);
			return rows[i].code;
		}
	backup_say(cli, BACKUP_SAY_STORE_CLOSED, place, seen->text);
	return 74;
}

/* --- copying -------------------------------------------------------------- */

struct copying {
	int from, to;			/* to -1: nothing is written */
	struct sha256 *hash;
	char *piece;
	uint64_t done;
};
enum { PIECE_BYTES = 262144 };

static bool copy_pieces(struct copying *c, struct err *err)
{
	for (;;) {
		size_t n;
		if (!os_file_read(c->from, c->piece, PIECE_BYTES, c->done, &n,
				  err))
			return false;
		if (n == 0)
			return true;
		sha256_add(c->hash, (slice){ c->piece, n });
		struct iovec iov = { .iov_base = c->piece, .iov_len = n };
		if (c->to >= 0 &&
		    !os_file_write(c->to, &iov, 1, c->done, err))
			return false;
		c->done += n;
	}
}

static bool copy_open(struct copying *c, int to_dir, const char *to,
		      unsigned mode, struct err *err)
{
	if (to_dir < 0)
		return copy_pieces(c, err);
	bool ok = os_file_open(to_dir, to, OS_CREATE, &c->to, err) &&
		  copy_pieces(c, err) &&
		  os_file_set_mode(c->to, mode, err) &&
		  os_file_sync(c->to, err);
	os_file_close(&c->to);
	return ok;
}

bool backup_copy(int from, int to_dir, const char *to, unsigned mode,
		 uint64_t *size, uint8_t sha256[SHA256_BYTES], struct err *err)
{
	struct copying c = { .from = from, .to = -1, .hash = sha256_new(),
			     .piece = malloc(PIECE_BYTES) };
	bool ok = (c.hash != NULL && c.piece != NULL) ||
		  err_set_memory(err, "backup_copy");
	ok = ok && copy_open(&c, to_dir, to, mode, err) &&
	     (sha256_end(c.hash, sha256) ||
	      err_set_memory(err, "backup_copy"));
	*size = c.done;
	if (c.piece != NULL)
		secret_wipe(c.piece, PIECE_BYTES);
	free(c.piece);
	sha256_free(&c.hash);
	return ok;
}

static bool is_known(const char *const *paths, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

size_t backup_named(const struct config *c,
		    const char *paths[BACKUP_NAMED_MAX])
{
	size_t count = 0;
	const char *const tls[] = { c->tls_certificate, c->tls_key };
	invariant(c->route_count <= CONFIG_ROUTES_MAX);
	for (size_t i = 0; i < ARRAY_LEN(tls); i++)
		if (tls[i] != NULL && !is_known(paths, count, tls[i]))
			paths[count++] = tls[i];
	for (size_t i = 0; i < c->route_count; i++) {
		const char *file = c->routes[i].password_file;
		if (file != NULL && !is_known(paths, count, file))
			paths[count++] = file;
	}
	return count;
}

/* --- removing what is unfinished ------------------------------------------ */

struct removing {
	int dir;
	struct err *err;
	bool ok;
};

static bool remove_file(void *ctx, const char *name)
{
	struct removing *r = ctx;
	r->ok = os_file_unlink(r->dir, name, r->err);
	return r->ok;
}

static bool remove_folder(int dir, const char *name, struct err *err)
{
	struct removing r = { .dir = -1, .err = err, .ok = true };
	struct os_entry e;
	if (!os_entry_look(dir, name, &e, err))
		return false;
	if (e.kind == OS_ENTRY_NONE)
		return true;
	bool ok = os_file_open(dir, name, OS_READ, &r.dir, err) &&
		  os_dir_list(r.dir, remove_file, &r, err) && r.ok;
	os_file_close(&r.dir);
	return ok && os_dir_remove(dir, name, err);
}

bool backup_remove(int dir, const char *name, struct err *err)
{
	struct os_entry e;
	int inner = -1;
	if (!os_entry_look(dir, name, &e, err))
		return false;
	if (e.kind == OS_ENTRY_NONE)
		return true;
	bool ok = os_file_open(dir, name, OS_READ, &inner, err);
	for (size_t i = 0; ok && i < BACKUP_FOLDERS; i++)
		ok = remove_folder(inner, backup_folder_name((enum backup_folder)i), err);
	ok = ok && os_file_unlink(inner, BACKUP_MANIFEST_NEW, err) &&
	     os_file_unlink(inner, BACKUP_MANIFEST, err);
	os_file_close(&inner);
	return ok && os_dir_remove(dir, name, err);
}

bool backup_lock(const struct layout *l, int *fd, struct err *err)
{
	char path[LAYOUT_PATH_MAX];
	pid_t holder;
	return (layout_path(l, "backup.lock", path, sizeof(path)) ||
		err_set(err, ERR_PERMANENT, SCOPE_SELF, "backup_lock",
			"data_dir is too long")) &&
	       os_lock_path(path, fd, &holder, err);
}
