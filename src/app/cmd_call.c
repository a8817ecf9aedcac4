/* Subcommands that are one call of admin: options become its arguments, rows
 * of its answer a table or JSON lines. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli_call.h"
#include "app/err_words.h"
#include "app/service.h"
#include "base/id.h"
#include "os/process.h"
#include "wire/yaml.h"

/* --- arguments ------------------------------------------------------------ */

static const char *argument_key(const struct cli *cli)
{
	static const struct {
		const char *noun, *key;
	} nouns[] = { { "customer ", "name" }, { "domain ", "name" },
		      { "user ", "address" }, { "setting ", "id" },
		      { "ip ", "range" }, { "operator ", "address" },
		      { "sign-in ", "address" } };
	if (cli->command == COMMAND_APP_PASSWORD_CREATE ||
	    cli->command == COMMAND_APP_PASSWORD_LIST ||
	    cli->command == COMMAND_INVITE)
		return "address";
	if (cli->command == COMMAND_LIMITS_SHOW)
		return "customer";
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++)
		if (strncmp(command_row(cli->command)->words, nouns[i].noun,
			    strlen(nouns[i].noun)) == 0)
			return nouns[i].key;
	if (cli->command == COMMAND_APPLY)
		return "file";
	/* A reference has five characters more than an id. */
	if (cli->command == COMMAND_TRACE &&
	    strlen(cli->argument) == REFERENCE_TEXT_LEN)
		return "reference";
	return "id";
}

static const struct option_row *option_at(size_t row)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);
	invariant(row < count);
	return &rows[row];
}

static bool add_text(json_t *list, const char *value)
{
	return json_array_append_new(list, json_string(value)) == 0;
}

static bool set_list(json_t *args, const struct cli *cli, size_t row)
{
	json_t *list = json_array();
	const char *first = cli->options[row];
	bool ok = list != NULL &&
		  (*first == '\0' || add_text(list, first));
	for (size_t i = 0; ok && i < cli->more_count; i++)
		if (cli->more[i].row == row)
			ok = add_text(list, cli->more[i].value);
	if (ok)
		return json_object_set_new(args, option_at(row)->key,
					   list) == 0;
	json_decref(list);
	return false;
}

static bool set_option(json_t *args, const struct cli *cli, size_t at)
{
	const struct option_row *row = option_at(at);
	const char *value = cli->options[at];
	uint64_t number = 0;
	switch (row->kind) {
	case OPTION_FLAG:
		return json_object_set_new(args, row->key, json_true()) == 0;
	case OPTION_NUMBER:
		return slice_u64(slice_of(value), UINT32_MAX, &number) &&
		       json_object_set_new(args, row->key,
					   json_integer((json_int_t)number)) ==
			       0;
	case OPTION_BOOL:
		return json_object_set_new(args, row->key,
					   json_boolean(*value == 'y' ||
							*value == 't')) == 0;
	case OPTION_LIST:
		return set_list(args, cli, at);
	case OPTION_TEXT:
		return json_object_set_new(args, row->key,
					   json_string(value)) == 0;
	}
	return false;
}

char *cli_call_args(const struct cli *cli)
{
	size_t count;
	option_rows(&count);
	json_t *args = json_object();
	bool ok = args != NULL;
	if (ok && cli->argument != NULL)
		ok = json_object_set_new(args, argument_key(cli),
					 json_string(cli->argument)) == 0;
	for (size_t i = 0; ok && i < count; i++)
		if (cli->options[i] != NULL)
			ok = set_option(args, cli, i);
	if (ok && cli->as != NULL)
		ok = json_object_set_new(args, "as",
					 json_string(cli->as)) == 0;
	/* Not `language`: that is a field of customers. */
	ok = ok && json_object_set_new(args, "reader",
				       json_string(cli->language == LANGUAGE_JA
							   ? "ja" : "en")) == 0;
	char *text = ok ? json_dumps(args, JSON_COMPACT) : NULL;
	json_decref(args);
	return text;
}

/* --- one call ------------------------------------------------------------- */

bool cli_print_line(slice text)
{
	struct buf line;
	buf_init(&line, YAML_TEXT_MAX);
	buf_append(&line, text);
	buf_append_char(&line, '\n');
	bool ok = !line.failed && os_write_out(buf_slice(&line));
	buf_fini(&line);
	return ok;
}

static void say_end(const struct cli *cli, slice text)
{
	struct buf out, words;
	if (text.n == 0)
		return;
	buf_init(&out, 1 << 20);
	buf_init(&words, 1 << 20);
	while (text.n > 0) {
		buf_clear(&words);
		err_line_words(&words, slice_cut(&text, '\n'), cli->language);
		cli_escape(&out, buf_slice(&words));
		buf_append_char(&out, '\n');
	}
	os_write_error(buf_slice(&out));
	buf_fini(&words);
	buf_fini(&out);
}

int cli_call(const struct cli *cli, slice text,
	     bool (*each)(void *ctx, slice json_object), void *ctx)
{
	struct buf end;
	buf_init(&end, 1 << 20);
	int code = cli_call_end(cli, text, each, ctx, &end);
	say_end(cli, buf_slice(&end));
	buf_fini(&end);
	return code;
}

/* The first word that is no UTF-8, which no call can carry, or NULL. */
static const char *not_utf8(const struct cli *cli)
{
	const char *words[] = { cli->argument, cli->as };
	size_t count;
	option_rows(&count);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i] != NULL && !utf8_valid(slice_of(words[i])))
			return words[i];
	for (size_t i = 0; i < count; i++)
		if (cli->options[i] != NULL &&
		    !utf8_valid(slice_of(cli->options[i])))
			return cli->options[i];
	for (size_t i = 0; i < cli->more_count; i++)
		if (!utf8_valid(slice_of(cli->more[i].value)))
			return cli->more[i].value;
	return NULL;
}

int cli_call_end(const struct cli *cli, slice text,
		 bool (*each)(void *ctx, slice json_object), void *ctx,
		 struct buf *end)
{
	const struct command *command = command_row(cli->command);
	const char *bad = not_utf8(cli);
	if (bad != NULL) {
		struct buf shown;
		buf_init(&shown, 4096);
		cli_escape(&shown, slice_sub(slice_of(bad), 0, 500));
		buf_append_char(&shown, '\0');
		cli_say(cli, CLI_NOT_UTF8, shown.failed ? "-" : shown.p, NULL);
		buf_fini(&shown);
		return 64;
	}
	char *args = cli_call_args(cli);
	if (args == NULL)
		return 71;
	struct service_call call = {
		.name = command->call, .args = slice_of(args), .text = text,
		/* What is in the queue, and its time, only relay knows. */
		.alone = strncmp(command->words, "queue ", 6) != 0 &&
			 strncmp(command->words, "clock ", 6) != 0,
		.each = each, .ctx = ctx };
	int code = service_call(cli, &call, end);
	free(args);
	return code;
}

static bool print_json(void *ctx, slice json_object)
{
	size_t *rows = ctx;
	++*rows;
	return cli_print_line(json_object);
}

static bool print_table(void *ctx, slice json_object)
{
	return table_row(ctx, json_object);
}

static bool has_option(const struct cli *cli)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);
	for (size_t i = 0; i < count; i++)
		if (cli->options[i] != NULL &&
		    strcmp(rows[i].name, "--limit") != 0)
			return true;
	return false;
}

/* Acting on all must be said, and a search needs something to look for. */
static bool is_chosen(const struct cli *cli)
{
	bool search = cli->command == COMMAND_TRACE;
	bool acts = cli->command == COMMAND_QUEUE_RETRY ||
		    cli->command == COMMAND_QUEUE_HOLD ||
		    cli->command == COMMAND_QUEUE_RELEASE ||
		    cli->command == COMMAND_QUEUE_REMOVE;
	if ((!search && !acts) || cli->argument != NULL || has_option(cli))
		return true;
	cli_say(cli, search ? CLI_CHOOSE_TRACE : CLI_CHOOSE, NULL, NULL);
	return false;
}

int cmd_call(struct cli *cli)
{
	size_t rows = 0;
	int code;
	if (!is_chosen(cli))
		return 64;
	if (cli->json) {
		code = cli_call(cli, (slice){ 0 }, print_json, &rows);
	} else {
		struct table *t = table_new(cli);
		if (t == NULL)
			return 71;
		code = cli_call(cli, (slice){ 0 }, print_table, t);
		rows = table_end(&t);
	}
	if (code == 0 && rows == 0 && !cli->json && os_out_is_terminal())
		cli_say(cli, CLI_NOTHING, NULL, NULL);
	return code;
}

/* --- commands whose answer is a text -------------------------------------- */

/* The member `key` of a row, alone on a line. */
static bool print_member(slice json_object, const char *key, const char *end)
{
	json_t *row = json_loadb(json_object.p, json_object.n, 0, NULL);
	const json_t *value = json_object_get(row, key);
	bool ok = json_is_string(value);
	if (ok) {
		slice text = { json_string_value(value),
			       json_string_length(value) };
		ok = os_write_out(text) && os_write_out(slice_of(end));
	}
	json_decref(row);
	return ok;
}

static bool print_password(void *ctx, slice json_object)
{
	(void)ctx;
	return print_member(json_object, "password", "\n");
}

int cmd_app_password(struct cli *cli)
{
	size_t rows = 0;
	return cli->json ? cli_call(cli, (slice){ 0 }, print_json, &rows)
			 : cli_call(cli, (slice){ 0 }, print_password, NULL);
}

static bool print_link(void *ctx, slice json_object)
{
	(void)ctx;
	return print_member(json_object, "link", "\n");
}

int cmd_link(struct cli *cli)
{
	size_t rows = 0;
	return cli->json ? cli_call(cli, (slice){ 0 }, print_json, &rows)
			 : cli_call(cli, (slice){ 0 }, print_link, NULL);
}

static bool drop_row(void *ctx, slice json_object)
{
	(void)ctx;
	(void)json_object;
	return true;
}

/* Its row is for programs, the text at its end for people: both are the
 * answer. */
int cmd_explain(struct cli *cli)
{
	struct buf end;
	size_t rows = 0;
	buf_init(&end, 1 << 20);
	int code = cli_call_end(cli, (slice){ 0 },
				cli->json ? print_json : drop_row, &rows, &end);
	if (code != 0)
		say_end(cli, buf_slice(&end));
	else if (!cli->json && !os_write_out(buf_slice(&end)))
		code = 74;
	buf_fini(&end);
	return code;
}

/* Names in it are strangers'; ends of lines are ours where there may be some. */
static bool print_words(slice json_object, bool lines)
{
	struct buf out;
	json_t *row = json_loadb(json_object.p, json_object.n, 0, NULL);
	const json_t *value = json_object_get(row, "text");
	slice text = { json_string_value(value), json_string_length(value) };
	buf_init(&out, 4 * YAML_TEXT_MAX);
	do {
		cli_escape(&out, lines ? slice_cut(&text, '\n') : text);
		buf_append_char(&out, '\n');
	} while (lines && text.n > 0);
	bool ok = json_is_string(value) && !out.failed &&
		  os_write_out(buf_slice(&out));
	buf_fini(&out);
	json_decref(row);
	return ok;
}

static bool print_text(void *ctx, slice json_object)
{
	(void)ctx;
	return print_words(json_object, false);
}

static bool print_lines(void *ctx, slice json_object)
{
	(void)ctx;
	return print_words(json_object, true);
}

/* What changes, a line each. */
int cmd_verb(struct cli *cli)
{
	size_t rows = 0;
	return cli->json ? cli_call(cli, (slice){ 0 }, print_json, &rows)
			 : cli_call(cli, (slice){ 0 }, print_text, NULL);
}

static bool print_piece(void *ctx, slice json_object)
{
	(void)ctx;
	return print_member(json_object, "text", "");
}

int cmd_clock(struct cli *cli)
{
	size_t rows = 0;
	return cli->json ? cli_call(cli, (slice){ 0 }, print_json, &rows)
			 : cli_call(cli, (slice){ 0 }, print_lines, NULL);
}

int cmd_export(struct cli *cli)
{
	size_t rows = 0;
	return cli->json ? cli_call(cli, (slice){ 0 }, print_json, &rows)
			 : cli_call(cli, (slice){ 0 }, print_piece, NULL);
}

int cmd_apply(struct cli *cli)
{
	struct err err = { 0 };
	struct buf text;
	size_t rows = 0;
	buf_init(&text, YAML_TEXT_MAX + 131072);
	bool ok = strcmp(cli->argument, "-") == 0
		? os_stdin_load(YAML_TEXT_MAX, &text, &err)
		: os_file_load(cli->argument, YAML_TEXT_MAX, &text, &err);
	int code = 0;
	if (!ok) {
		cli_say_err(cli, &err);
		code = err.kind == ERR_IO ? 66 : 65;
	} else if (cli->json) {
		code = cli_call(cli, buf_slice(&text), print_json, &rows);
	} else {
		code = cli_call(cli, buf_slice(&text), print_text, NULL);
	}
	buf_fini(&text);
	return code;
}
