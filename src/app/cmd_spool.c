/*
 * `postrider spool ls|cat|check|export`: reads the spool's files itself, with
 * or without a running service (what is committed while it reads may be
 * missed). Writes nothing there.
 */
#include <inttypes.h>
#include <stdio.h>

#include "app/child.h"
#include "app/cli_call.h"
#include "app/service.h"
#include "mail/envelope.h"
#include "os/file.h"
#include "os/process.h"
#include "spool/spool.h"
#include "wire/say.h"

struct opened {
	struct setup setup;
	struct spool *spool;
	int dir;
	struct log log;
};

static bool no_message(void *ctx, struct id id, slice envelope, slice state,
		       struct err *err)
{
	(void)ctx, (void)id, (void)envelope, (void)state, (void)err;
	return true;
}
static bool no_state(void *ctx, struct id id, slice state, struct err *err)
{
	(void)ctx, (void)id, (void)state, (void)err;
	return true;
}
static bool no_done(void *ctx, struct id id, struct err *err)
{
	(void)ctx, (void)id, (void)err;
	return true;
}
static bool no_booking(void *ctx, int64_t wall_ms, slice booking,
		       struct err *err)
{
	(void)ctx, (void)wall_ms, (void)booking, (void)err;
	return true;
}

static bool open_spool(struct opened *o, const struct cli *cli, int *code)
{
	static const struct spool_visitor nobody = {
		.message = no_message, .state = no_state, .done = no_done,
		.booking = no_booking };
	struct err err = { 0 };
	char path[LAYOUT_PATH_MAX];
	o->spool = NULL;
	o->dir = -1;
	if (!setup_open(&o->setup, cli, code))
		return false;
	struct spool_config config = {
		.log = &o->log,
		.segment_bytes = o->setup.config.spool_segment_bytes,
		.keep_free_bytes = 0,
		.body_log_max_bytes = o->setup.config.limits.body_log_max,
		.read_only = true,
	};
	log_to_stderr(&o->log, "spool");
	o->log.level = LOG_WARNING;
	bool ok = layout_path(&o->setup.layout, "spool", path, sizeof(path)) &&
		  os_dir_open(path, &o->dir, &err);
	config.dir = o->dir;
	if (ok && spool_open(&config, &nobody, &o->spool, &err))
		return true;
	cli_say_err(cli, &err);
	*code = cli_exit_code(&err);
	if (o->dir >= 0)
		os_file_close(&o->dir);
	setup_close(&o->setup);
	return false;
}

static void close_spool(struct opened *o)
{
	spool_close(&o->spool);
	os_file_close(&o->dir);
	setup_close(&o->setup);
}

/* --- ls ------------------------------------------------------------------- */

struct listing {
	const struct cli *cli;
	struct opened *o;
	struct table *table;		/* NULL: JSON lines */
	uint64_t count, bytes, broken;
	int code;
};

static void sender_of(slice envelope, struct buf *out)
{
	struct arena arena;
	struct envelope e;
	struct err err;
	arena_init(&arena, 16777216);
	if (envelope_read(envelope, &arena, &e, &err))
		address_write(out, &e.sender);
	arena_fini(&arena);
}

static bool list_one(void *ctx, struct id id, uint64_t body_bytes,
		     slice place)
{
	struct listing *l = ctx;
	struct buf line, envelope, from;
	struct json j;
	struct err err = { 0 };
	buf_init(&line, 65536);
	buf_init(&from, 4096);
	buf_init(&envelope, 16777216);
	if (spool_read_now(l->o->spool, id, &envelope, NULL, NULL, &err))
		sender_of(buf_slice(&envelope), &from);
	json_init(&j, &line);
	json_object(&j);
	json_key(&j, "id");
	json_id(&j, id);
	json_member_string(&j, "from", buf_slice(&from));
	json_member_u64(&j, "size", body_bytes);
	json_member_string(&j, "place", place);
	json_object_end(&j);
	l->count++;
	bool ok = !line.failed &&
		  (l->table != NULL ? table_row(l->table, buf_slice(&line))
				    : cli_print_line(buf_slice(&line)));
	buf_fini(&envelope);
	buf_fini(&from);
	buf_fini(&line);
	return ok;
}

int cmd_spool_ls(struct cli *cli)
{
	struct opened o;
	struct listing l = { .cli = cli, .o = &o };
	int code;
	if (!open_spool(&o, cli, &code))
		return code;
	l.table = cli->json ? NULL : table_new(cli);
	spool_each(o.spool, list_one, &l);
	if (l.table != NULL)
		table_end(&l.table);
	close_spool(&o);
	return 0;
}

/* --- cat ------------------------------------------------------------------ */

static bool write_piece(void *ctx, slice piece)
{
	(void)ctx;
	return os_write_out(piece);
}

int cmd_spool_cat(struct cli *cli)
{
	struct opened o;
	struct buf envelope;
	struct err err = { 0 };
	struct id id;
	int code;
	if (!id_parse(slice_of(cli->argument), &id)) {
		cli_say(cli, CLI_BAD_ID, cli->argument, NULL);
		return 64;
	}
	if (!open_spool(&o, cli, &code))
		return code;
	code = 0;
	buf_init(&envelope, 16777216);
	if (!spool_read_now(o.spool, id, &envelope, write_piece, NULL, &err)) {
		code = err.kind == ERR_PERMANENT ? 66 : cli_exit_code(&err);
		if (code == 66)
			cli_say(cli, CLI_NO_MESSAGE, NULL, NULL);
		else
			cli_say_err(cli, &err);
	}
	buf_fini(&envelope);
	close_spool(&o);
	return code;
}

/* --- check ---------------------------------------------------------------- */

static bool drop_piece(void *ctx, slice piece)
{
	struct listing *l = ctx;
	l->bytes += piece.n;
	return true;
}

static bool check_one(void *ctx, struct id id, uint64_t body_bytes,
		      slice place)
{
	struct listing *l = ctx;
	struct buf envelope;
	struct err err = { 0 };
	char text[ID_TEXT_MAX];
	(void)body_bytes;
	(void)place;
	buf_init(&envelope, 16777216);
	l->count++;
	if (!spool_read_now(l->o->spool, id, &envelope, drop_piece, l, &err)) {
		struct log_event e;
		l->broken++;
		log_begin(&e, &l->o->log, LOG_ERROR, "spool.damaged");
		json_member_cstr(&e.json, "id", id_text(id, text));
		log_err(&e, &err);
		log_end(&e);
	}
	buf_fini(&envelope);
	return true;
}

enum { FIGURES = 4, FIGURE_TEXT_MAX = 24 };

/* For people; as JSON for programs. */
static bool tell_figures(const struct cli *cli, const uint64_t figures[FIGURES])
{
	char texts[FIGURES][FIGURE_TEXT_MAX];
	slice args[FIGURES];
	struct buf out;
	buf_init(&out, 4096);
	for (size_t i = 0; i < FIGURES; i++) {
		snprintf(texts[i], FIGURE_TEXT_MAX, "%" PRIu64, figures[i]);
		args[i] = slice_of(texts[i]);
	}
	if (cli->json)
		buf_printf(&out, "{\"messages\":%s,\"bytes\":%s,"
			   "\"damaged\":%s,\"quarantined\":%s}", texts[0],
			   texts[1], texts[2], texts[3]);
	else
		say(&out, cli_text(CLI_SPOOL_FIGURES), cli->language, args,
		    FIGURES);
	bool told = cli_print_line(buf_slice(&out));
	buf_fini(&out);
	return told;
}

int cmd_spool_check(struct cli *cli)
{
	struct opened o;
	struct listing l = { .cli = cli, .o = &o };
	struct spool_figures f;
	int code;
	if (!open_spool(&o, cli, &code))
		return code;
	spool_each(o.spool, check_one, &l);
	spool_figures(o.spool, &f);
	bool told = tell_figures(cli, (const uint64_t[FIGURES]){
		l.count, l.bytes, l.broken, f.quarantined });
	close_spool(&o);
	return l.broken > 0 || f.quarantined > 0 ? 65 : told ? 0 : 74;
}

/* --- export --------------------------------------------------------------- */

struct export {
	struct listing l;
	int dir;
	int fd;
	struct err err;
};

static bool save_piece(void *ctx, slice piece)
{
	struct export *x = ctx;
	return os_file_append(x->fd, piece, &x->err);
}

static bool export_one(void *ctx, struct id id, uint64_t body_bytes,
		       slice place)
{
	struct export *x = ctx;
	struct buf envelope;
	char name[ID_TEXT_MAX + 8], text[ID_TEXT_MAX];
	(void)body_bytes;
	(void)place;
	snprintf(name, sizeof(name), "%s.eml", id_text(id, text));
	/* Never over an older file. */
	if (!os_file_open(x->dir, name, OS_CREATE, &x->fd, &x->err))
		return false;
	buf_init(&envelope, 16777216);
	bool ok = spool_read_now(x->l.o->spool, id, &envelope, save_piece, x,
				 &x->err);
	buf_fini(&envelope);
	os_file_close(&x->fd);
	if (!ok && x->err.kind == ERR_PROTOCOL) {
		cli_say_err(x->l.cli, &x->err);	/* a damaged one: the others go on */
		x->err = (struct err){ 0 };
		x->l.broken++;
		return true;
	}
	x->l.count += ok;
	return ok;
}

int cmd_spool_export(struct cli *cli)
{
	struct opened o;
	struct export x = { .l = { .cli = cli, .o = &o }, .dir = -1, .fd = -1 };
	struct buf out;
	char text[FIGURE_TEXT_MAX];
	int code;
	if (!os_dir_make(cli->argument, 0700, false, 0, 0, &x.err) ||
	    !os_dir_open(cli->argument, &x.dir, &x.err)) {
		cli_say_err(cli, &x.err);
		return 73;
	}
	if (!open_spool(&o, cli, &code)) {
		os_file_close(&x.dir);
		return code;
	}
	spool_each(o.spool, export_one, &x);
	close_spool(&o);
	os_file_close(&x.dir);
	if (x.err.kind != ERR_OK) {
		cli_say_err(cli, &x.err);
		return 74;
	}
	snprintf(text, sizeof(text), "%" PRIu64, x.l.count);
	slice number = slice_of(text);
	buf_init(&out, 4096);
	if (cli->json)
		buf_printf(&out, "{\"messages\":%s}", text);
	else
		say(&out, cli_text(CLI_SPOOL_EXPORTED), cli->language, &number,
		    1);
	bool told = cli_print_line(buf_slice(&out));
	buf_fini(&out);
	return x.l.broken > 0 ? 65 : told ? 0 : 74;
}
