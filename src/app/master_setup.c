/* What master makes before it starts anybody: configuration, directories,
 * keys, sockets, pages. See master.h. */
#include <stdio.h>
#include <stdlib.h>

#include "app/config_inert.h"
#include "app/err_words.h"
#include "app/master_private.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/net.h"
#include "wire/say.h"

/* --- configuration -------------------------------------------------------- */

static void fold_hostname(char *name)
{
	for (char *c = name; *c != '\0'; c++)
		*c = ascii_lower(*c);
}

static bool parse_text(struct master *m, struct master_config *c,
		       enum language language, struct buf *text,
		       struct buf *errors)
{
	struct err err = { 0 };
	if (m->options.config_file == NULL)
		return config_defaults(&c->config, &c->arena);
	if (!os_file_load(m->options.config_file, CONFIG_TEXT_MAX, text,
			  &err)) {
		buf_printf(errors, "%s: error: ", m->options.config_file);
		err_words(errors, &err, language);
		buf_append_char(errors, '\n');
		return false;
	}
	c->files.file = slice_of(m->options.config_file);
	return arena_copy(&c->arena, buf_slice(text), &c->files.text) &&
	       config_parse(c->files.text, m->options.config_file, language,
			    &c->arena, &c->config, errors);
}

static bool read_rest(struct master *m, struct master_config *c,
		      enum language language, struct buf *errors)
{
	struct err err = { 0 };
	if (m->options.data_dir != NULL)
		c->config.data_dir = m->options.data_dir;
	if (m->layout.path[0] == '\0' &&
	    (!layout_find(&m->layout, &c->config, &err) ||
	     !layout_make(&m->layout, &c->config, &err))) {
		buf_append(errors, SLICE("error: "));
		err_words(errors, &err, language);
		buf_append_char(errors, '\n');
		return false;
	}
	if (c->config.hostname.n > 0) {
		if (!slice_to_cstr(c->config.hostname, m->hostname,
				   sizeof(m->hostname)))
			return false;
	} else if (m->hostname[0] == '\0') {
		os_hostname(m->hostname, sizeof(m->hostname));
		fold_hostname(m->hostname);
	}
	return layout_files(&m->layout, &c->config, slice_of(m->hostname),
			    language, &c->arena, &c->files, errors);
}

static void say_no_room(enum language language, struct buf *errors)
{
	buf_append(errors, SLICE("error: "));
	say(errors, say_no_memory(), language, NULL, 0);
	buf_append_char(errors, '\n');
}

struct master_config *master_config_read(struct master *m,
					 enum language language,
					 struct buf *errors)
{
	struct master_config *c = calloc(1, sizeof(*c));
	struct buf text;
	if (c == NULL) {
		say_no_room(language, errors);
		return NULL;
	}
	arena_init(&c->arena, CONFIG_ARENA_MAX);
	buf_init(&text, CONFIG_TEXT_MAX + 131072);
	bool ok = parse_text(m, c, language, &text, errors) &&
		  read_rest(m, c, language, errors);
	buf_fini(&text);
	if (ok)
		return c;
	if (errors->n == 0)
		say_no_room(language, errors);
	master_config_free(&c);
	return NULL;
}

void master_config_free(struct master_config **c)
{
	if (*c == NULL)
		return;
	if ((*c)->files.key_pem.n > 0) {
		/* The arena's own memory: nobody else reads it any more. */
		union {
			const char *given;
			char *ours;
		} key = { .given = (*c)->files.key_pem.p };
		secret_wipe(key.ours, (*c)->files.key_pem.n);
	}
	arena_fini(&(*c)->arena);
	free(*c);
	*c = NULL;
}

/* --- sockets -------------------------------------------------------------- */

static bool bind_all(struct master *m, struct err *err)
{
	const struct config *c = &m->now->config;
	char path[LAYOUT_PATH_MAX];
	if (!master_listen(m, c, &m->sockets, err))
		return false;
	if (!c->console_on)
		return true;
	if (c->console_path == NULL)
		return master_listen_patiently(&c->console_at, &m->console_fd,
					       err);
	return (layout_path(&m->layout, c->console_path, path, sizeof(path)) ||
		err_set(err, ERR_PERMANENT, SCOPE_SELF, "serve.console",
			"console: the path is too long")) &&
	       os_ipc_listen(path, 0660, &m->console_fd, err);
}

/* --- the whole ------------------------------------------------------------ */

static bool make_pages(struct master *m, struct err *err)
{
	uint32_t slots = m->shards + COUNTERS_OTHERS;
	void *page;
	if (!os_page_new("counters", counters_page_bytes(slots),
			 &m->counters_fd, &page, err))
		return false;
	m->counters = page;
	counters_page_init(m->counters, slots);
	if (!os_page_new("notes", notes_bytes(m->shards), &m->notes_fd, &page,
			 err))
		return false;
	m->notes = page;
	notes_init(m->notes, m->shards);
	m->poison = calloc(1, sizeof(*m->poison));
	return m->poison != NULL || err_set_memory(err, "serve.pages");
}

static bool find_programs(struct master *m, struct err *err)
{
	if (!os_own_path(m->own_path, sizeof(m->own_path), err))
		return false;
	slice path = slice_of(m->own_path);
	size_t slash = slice_rfind(path, '/');
	return slice_to_cstr(slice_sub(path, 0, slash), m->program_dir,
			     sizeof(m->program_dir)) ||
	       err_set(err, ERR_PERMANENT, SCOPE_SELF, "serve.programs",
		       "the path of the program is too long");
}

static void warn(struct master *m, const char *event, const char *text)
{
	struct log_event e;
	log_begin(&e, &m->log, LOG_WARNING, event);
	json_member_cstr(&e.json, "text", text);
	log_end(&e);
}

static void warn_of_inert(struct master *m)
{
	const char *names[CONFIG_INERT_MAX];
	size_t count = config_inert(&m->now->config, names);
	for (size_t i = 0; i < count; i++) {
		struct log_event e;
		log_begin(&e, &m->log, LOG_WARNING, "serve.no_effect");
		json_member_cstr(&e.json, "key", names[i]);
		json_member_cstr(&e.json, "text",
				 "this key has no effect in this version");
		log_end(&e);
	}
}

static uint32_t shard_count(const struct config *c)
{
	unsigned n = c->shards > 0 ? c->shards : os_cores();
	return n < CONFIG_SHARDS_MAX ? n : CONFIG_SHARDS_MAX;
}

bool master_setup(struct master *m, struct err *err)
{
	os_descriptors_raise();
	m->shards = shard_count(&m->now->config);
	if (m->layout.as_root)
		warn(m, "serve.root", "there is no user to serve as: children "
		     "run as root without its capabilities; set user:");
	warn_of_inert(m);
	return find_programs(m, err) &&
	       layout_lock(&m->layout, MASTER_LOCK_WAIT_MS, &m->log, err) &&
	       layout_pepper(&m->layout, m->pepper, err) &&
	       bind_all(m, err) && make_pages(m, err) &&
	       os_signals_open(&m->signals, err);
}

bool master_setup_admin(struct master *m, struct err *err)
{
	m->shards = shard_count(&m->now->config);
	return find_programs(m, err) &&
	       layout_lock(&m->layout, 0, NULL, err) &&
	       layout_pepper(&m->layout, m->pepper, err) &&
	       make_pages(m, err);
}

void master_remove_control(struct master *m)
{
	char path[LAYOUT_PATH_MAX];
	if (layout_control_path(&m->layout, &m->now->config, path,
				sizeof(path)))
		os_file_remove(path);
}

void master_teardown(struct master *m)
{
	master_sockets_close(&m->sockets, NULL);
	/* Only who holds the lock may say that nobody serves it. */
	if (m->layout.lock_fd >= 0 && m->now != NULL)
		master_remove_control(m);
	int *fds[] = { &m->console_fd, &m->counters_fd, &m->notes_fd,
		       &m->signals, &m->layout.lock_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		os_close(fds[i]);
	free(m->poison);
	secret_wipe(m->pepper, sizeof(m->pepper));
	master_config_free(&m->now);
}
