/*
 * `postrider check`, the data directory: store, first records of the view,
 * heads of the spool's segments. Nothing is written and nothing is locked.
 */
#include <stdio.h>

#include "app/check_private.h"
#include "app/err_words.h"
#include "app/store_ask.h"
#include "control/view_file.h"
#include "os/file.h"
#include "os/process.h"
#include "spool/spool.h"

static const slice NONE = { 0 };

enum { NUMBER_TEXT_MAX = 24 };

static slice number(uint64_t v, char to[NUMBER_TEXT_MAX])
{
	snprintf(to, NUMBER_TEXT_MAX, "%llu", (unsigned long long)v);
	return slice_of(to);
}

static void tell_why(struct check *k, enum severity severity,
		     const char *place, enum check_text id,
		     const struct err *err)
{
	struct buf words;
	buf_init(&words, 4096);
	err_words(&words, err, k->cli->language);
	check_tell(k, severity, place, id, buf_slice(&words), NONE);
	buf_fini(&words);
}

/* --- the store ------------------------------------------------------------ */

static void tell_store(struct check *k, const char *store,
		       const struct store_asked *seen)
{
	static const struct {
		const char *state;
		enum severity severity;
		enum check_text text;
	} rows[] = {
		{ "absent", WARNING, CHECK_STORE_ABSENT },
		{ "older", WARNING, CHECK_STORE_OLDER },
		{ "newer", ERROR, CHECK_STORE_NEWER },
		{ "damaged", ERROR, CHECK_STORE_DAMAGED },
		{ "closed", WARNING, CHECK_STORE_CLOSED },
	};
	slice state = slice_of(seen->state);
	char schema[NUMBER_TEXT_MAX], known[NUMBER_TEXT_MAX];
	slice a = slice_of(seen->text), b = NONE;
	if (a.n == 0) {
		a = number(seen->schema, schema);
		b = number(seen->known, known);
	}
	bool told = slice_eq(state, SLICE("good"));
	for (size_t i = 0; i < ARRAY_LEN(rows) && !told; i++) {
		told = slice_eq(state, slice_of(rows[i].state));
		if (told)
			check_tell(k, rows[i].severity, store, rows[i].text, a,
				   b);
	}
	if (!told)
		check_tell(k, WARNING, store, CHECK_STORE_NO_ANSWER, state,
			   NONE);
}

static void look_at_store(struct check *k, const struct layout *l)
{
	char store[LAYOUT_PATH_MAX];
	struct store_asked seen;
	struct err err = { 0 };
	if (!layout_path(l, "store", store, sizeof(store)))
		return;			/* told already: data_dir is too long */
	if (store_ask(l, STORE_ASK_LOOK, store, 0, &seen, &err))
		tell_store(k, store, &seen);
	else
		tell_why(k, ERROR, store, CHECK_STORE_NO_ANSWER, &err);
}

/* --- view and spool ------------------------------------------------------- */

/* False: it isn't there, or can't be read (told). */
static bool open_folder(struct check *k, const struct layout *l,
			const char *name, char path[LAYOUT_PATH_MAX], int *dir,
			enum check_text closed)
{
	struct err err = { 0 };
	if (!layout_path(l, name, path, LAYOUT_PATH_MAX) ||
	    !os_path_exists(path))
		return false;
	if (os_dir_open(path, dir, &err))
		return true;
	tell_why(k, WARNING, path, closed, &err);
	return false;
}

static void look_at_view(struct check *k, const struct layout *l)
{
	char path[LAYOUT_PATH_MAX], some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
	struct view_looked seen;
	struct err err = { 0 };
	int dir;
	if (!open_folder(k, l, "store/view", path, &dir, CHECK_VIEW_CLOSED))
		return;
	if (!view_look(dir, &seen, &err))
		tell_why(k, WARNING, path, CHECK_VIEW_CLOSED, &err);
	else if (seen.damaged > 0)
		check_tell(k, WARNING, path, CHECK_VIEW_DAMAGED,
			   number(seen.damaged, some), number(seen.files, all));
	os_file_close(&dir);
}

static void look_at_spool(struct check *k, const struct layout *l)
{
	char path[LAYOUT_PATH_MAX], some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
	struct spool_looked seen;
	struct err err = { 0 };
	int dir;
	if (!open_folder(k, l, "spool", path, &dir, CHECK_SPOOL_CLOSED))
		return;
	if (!spool_look(dir, &seen, &err))
		tell_why(k, WARNING, path, CHECK_SPOOL_CLOSED, &err);
	if (seen.foreign > 0)
		check_tell(k, ERROR, path, CHECK_SPOOL_FOREIGN,
			   number(seen.foreign, some),
			   number(seen.segments, all));
	if (seen.damaged > 0)
		check_tell(k, WARNING, path, CHECK_SPOOL_DAMAGED,
			   number(seen.damaged, some),
			   number(seen.segments, all));
	os_file_close(&dir);
}

void check_data(struct check *k, const struct layout *l)
{
	look_at_store(k, l);
	look_at_view(k, l);
	look_at_spool(k, l);
}
