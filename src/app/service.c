/* Reaching the service from a subcommand; see service.h. */
#include "app/service.h"

#include <stdio.h>

#include "app/err_words.h"
#include "os/process.h"
#include "wire/say.h"

void cli_say_text(const struct cli *cli, const struct text *t, const char *a,
		  const char *b)
{
	slice args[] = { slice_of(a), slice_of(b) };
	struct buf out;
	buf_init(&out, 65536);
	buf_append(&out, SLICE("postrider: "));
	say(&out, t, cli->language, args, 2);
	buf_append_char(&out, '\n');
	os_write_error(buf_slice(&out));
	buf_fini(&out);
}

void cli_say(const struct cli *cli, enum cli_text id, const char *a,
	     const char *b)
{
	cli_say_text(cli, cli_text(id), a, b);
}

void cli_say_err(const struct cli *cli, const struct err *err)
{
	struct buf words, out;
	buf_init(&words, 4096);
	buf_init(&out, 65536);
	err_words(&words, err, cli->language);
	buf_append(&out, SLICE("postrider: "));
	cli_escape(&out, buf_slice(&words));
	buf_append_char(&out, '\n');
	os_write_error(buf_slice(&out));
	buf_fini(&words);
	buf_fini(&out);
}

int cli_exit_code(const struct err *err)
{
	enum { EACCES_NUMBER = 13, EPERM_NUMBER = 1, ENOENT_NUMBER = 2 };
	switch (err->kind) {
	case ERR_PERMANENT:
		return 78;
	case ERR_TEMPORARY:
	case ERR_TIMEOUT:
		return 75;
	case ERR_IO:
		return err->os_error == EACCES_NUMBER ||
				       err->os_error == EPERM_NUMBER ? 77
		     : err->os_error == ENOENT_NUMBER ? 66 : 74;
	case ERR_PROTOCOL:
		return 65;
	case ERR_OK:
	case ERR_LIMIT:
	case ERR_INTERNAL:
		return 71;
	}
	return 70;
}

/* --- configuration -------------------------------------------------------- */

const char *setup_config_file(const struct cli *cli)
{
	static const char *const defaults[] = {
		"/etc/postrider/postrider.yaml", "postrider.yaml" };
	if (cli->config_file != NULL)
		return cli->config_file;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (os_path_exists(defaults[i]))
			return defaults[i];
	return NULL;
}

static bool read_config(struct setup *s, const struct cli *cli,
			struct buf *text, struct buf *errors, int *code)
{
	struct err err = { 0 };
	if (s->file == NULL)
		return config_defaults(&s->config, &s->arena);
	if (!os_file_load(s->file, CONFIG_TEXT_MAX, text, &err)) {
		cli_say_err(cli, &err);
		*code = cli_exit_code(&err) == 77 ? 77 : 78;
		return false;
	}
	if (arena_copy(&s->arena, buf_slice(text), &s->text) &&
	    config_parse(s->text, s->file, cli->language, &s->arena, &s->config,
			 errors))
		return true;
	os_write_error(buf_slice(errors));
	return false;
}

bool setup_open(struct setup *s, const struct cli *cli, int *code)
{
	struct err err = { 0 };
	struct buf text, errors;
	*s = (struct setup){ .file = setup_config_file(cli) };
	arena_init(&s->arena, CONFIG_ARENA_MAX);
	buf_init(&text, CONFIG_TEXT_MAX + 131072);
	buf_init(&errors, 65536);
	*code = 78;
	bool ok = read_config(s, cli, &text, &errors, code);
	buf_fini(&text);
	buf_fini(&errors);
	if (ok && cli->data_dir != NULL)
		s->config.data_dir = cli->data_dir;
	if (ok && !layout_where(&s->layout, &s->config, &err)) {
		cli_say_err(cli, &err);
		ok = false;
	}
	if (!ok)
		setup_close(s);
	return ok;
}

void setup_close(struct setup *s)
{
	arena_fini(&s->arena);
}

/* --- calls ---------------------------------------------------------------- */

static int make_call(const struct cli *cli, struct ask_admin *ask,
		     const struct service_call *call, struct buf *end_text)
{
	struct err err = { 0 };
	struct ask_admin_call c = { .name = call->name, .args = call->args,
				    .text = call->text, .on_row = call->each,
				    .ctx = call->ctx };
	int code = 0;
	if (ask_admin_call(ask, &c, &code, end_text, &err))
		return code;
	cli_say_err(cli, &err);
	return cli_exit_code(&err);
}

static int no_service(const struct cli *cli, const char *path,
		      const struct err *err)
{
	int code = cli_exit_code(err);
	if (err->kind == ERR_TEMPORARY || code == 66) {
		cli_say(cli, CLI_NO_SERVICE, path, NULL);
		return 69;
	}
	if (code == 77)
		cli_say(cli, CLI_NOT_ALLOWED, path, NULL);
	else
		cli_say_err(cli, err);
	return code;
}

static bool lock_is_held(const struct setup *s)
{
	char path[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	int fd = -1;
	pid_t holder;
	if (!layout_path(&s->layout, "lock", path, sizeof(path)) ||
	    !os_path_exists(path))
		return false;
	bool free_now = os_lock_path(path, &fd, &holder, &err);
	os_close(&fd);
	return !free_now && err.kind == ERR_TEMPORARY;
}

/* A service that is just starting is waited for; where none runs, admin is
 * started alone if the call may be made so. */
static void reach(const struct cli *cli, const struct setup *s,
		  const char *path, bool alone, struct ask_admin **ask,
		  struct solo **solo, struct err *err)
{
	enum { WAIT_MS = 10000, STEP_MS = 50 };
	for (int waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (ask_admin_open(path, ask, err) ||
		    err->kind != ERR_TEMPORARY)
			return;
		if (*solo == NULL && !lock_is_held(s) &&
		    (!alone || (!solo_begin(cli, s->file, solo, err) &&
				err->kind != ERR_TEMPORARY)))
			return;
		os_sleep_ms(STEP_MS);
	}
}

int service_call(const struct cli *cli, const struct service_call *call,
		 struct buf *end_text)
{
	struct setup s;
	struct err err = { 0 };
	struct ask_admin *ask = NULL;
	struct solo *solo = NULL;
	char path[LAYOUT_PATH_MAX];
	int code;
	if (!setup_open(&s, cli, &code))
		return code;
	if (!layout_control_path(&s.layout, &s.config, path, sizeof(path)))
		err_set(&err, ERR_PERMANENT, SCOPE_SELF, "service_call",
			"data_dir is too long");
	else
		reach(cli, &s, path, call->alone, &ask, &solo, &err);
	code = ask != NULL ? make_call(cli, ask, call, end_text)
			   : no_service(cli, path, &err);
	ask_admin_close(&ask);
	if (solo != NULL)
		solo_end(&solo);
	setup_close(&s);
	return code;
}
