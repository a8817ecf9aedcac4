/*
 * What `postrider backup` and `postrider restore` share: the form of a backup
 * (docs/formats/backup.md), its words, and copying with a digest.
 *
 *   manifest.json   written last
 *   store/directory.db
 *   keys/…  certs/…       as in data_dir
 *   config/postrider.yaml and config/file-NNN, which it names
 */
#pragma once

#include "app/cli.h"
#include "app/layout.h"
#include "crypto/sha256.h"

enum {
	BACKUP_FORMAT = 1,
	BACKUP_FILES_MAX = 2048,
	BACKUP_MANIFEST_MAX = 4194304,
	BACKUP_NAME_MAX = 280,		/* FOLDER/NAME and NUL */
	BACKUP_SECRET_MAX = 1048576,	/* of a file in keys, certs, config */
	BACKUP_NAMED_MAX = CONFIG_ROUTES_MAX + 2,
};
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_MANIFEST_NEW "manifest.json.new"	/* not whole yet */
#define BACKUP_STORE "store/directory.db"
#define BACKUP_PEPPER "keys/pepper"
#define BACKUP_CONFIG "config/postrider.yaml"

enum backup_text {
#define TEXT(id, en, ja) BACKUP_SAY_##id,
#include "app/backup_text.def"
#undef TEXT
	BACKUP_SAY_COUNT,
};
const struct text *backup_text(enum backup_text id);
/* "postrider: …" to standard error, about a and b (NULL: none). False. */
bool backup_say(const struct cli *cli, enum backup_text id, const char *a,
		const char *b);
/* The same about a place and, {1}, what went wrong there, in its language. */
bool backup_say_why(const struct cli *cli, enum backup_text id,
		    const char *place, const struct err *err);
bool backup_say_err(const struct cli *cli, const char *place,
		    const struct err *err);
/* What the store's answer means for the command: 0, or the code to end with
 * (said). */
struct store_asked;
int backup_judge_store(const struct cli *cli, const char *place,
		       const struct store_asked *seen);

/* --- the folders in a backup ---------------------------------------------- */

enum backup_folder { BACKUP_IN_STORE, BACKUP_IN_KEYS, BACKUP_IN_CERTS,
		     BACKUP_IN_CONFIG, BACKUP_FOLDERS };
const char *backup_folder_name(enum backup_folder folder);
/* "keys/pepper" → keys, "pepper". False: no name of a file in a backup. */
bool backup_name_split(slice name, enum backup_folder *folder,
		       slice *leaf) MUST_USE;

/* --- manifest ------------------------------------------------------------- */

struct backup_file {
	slice name;			/* "keys/pepper" */
	slice path;			/* config/: as the configuration (or
					 * the command line) says; else empty */
	uint64_t size;
	unsigned mode;
	uint8_t sha256[SHA256_BYTES];
};
struct backup_manifest {
	slice product;			/* version of Postrider */
	slice made_at;			/* RFC 3339 */
	slice hostname;
	uint32_t schema;		/* of the store */
	uint64_t revision;
	struct backup_file *files;	/* room for BACKUP_FILES_MAX */
	size_t count;
};
/* files in the arena, empty. */
bool backup_manifest_begin(struct backup_manifest *m,
			   struct arena *arena) MUST_USE;
/* Copies name and path. NULL: no room. */
struct backup_file *backup_manifest_add(struct backup_manifest *m,
					struct arena *arena, slice name,
					slice path);
const struct backup_file *backup_manifest_find(const struct backup_manifest *m,
					       slice name);
/* The one that the configuration names so. */
const struct backup_file *
backup_manifest_named(const struct backup_manifest *m, slice path);
void backup_manifest_write(const struct backup_manifest *m, struct buf *out);

enum backup_verdict {
	BACKUP_GOOD,
	BACKUP_BROKEN,			/* cut off, changed, or none */
	BACKUP_NEWER,			/* another format */
	BACKUP_NO_MEMORY,
};
/* Strings are copied to the arena. A good one has the store and the pepper,
 * every name once, and only names that a backup can have. */
enum backup_verdict backup_manifest_read(slice text, struct arena *arena,
					 struct backup_manifest *out);

/* --- files ---------------------------------------------------------------- */

/* What the configuration names: certificate, key, passwords; each once. */
size_t backup_named(const struct config *c,
		    const char *paths[BACKUP_NAMED_MAX]);

/* All of `from` to a new file, synced, of that mode; size and digest of what
 * was written. to_dir -1: nothing is written, only size and digest told. */
bool backup_copy(int from, int to_dir, const char *to, unsigned mode,
		 uint64_t *size, uint8_t sha256[SHA256_BYTES],
		 struct err *err) MUST_USE;

/* Removes what is left of an unfinished backup, or of a restore's own folder:
 * files in the four folders, the folders, the manifest, `name` itself. Fails
 * when something else lies there. */
bool backup_remove(int dir, const char *name, struct err *err) MUST_USE;

/* One backup or restore at a time. ERR_TEMPORARY: another one is at work. */
bool backup_lock(const struct layout *l, int *fd, struct err *err) MUST_USE;
