/*
 * The command line: which subcommand, with which arguments, and what it may
 * say. One table (commands.def, options.def) makes parsing, help, usage
 * errors and completion.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum command_id {
#define COMMAND(id, words, arguments, run, call, en, ja) COMMAND_##id,
#include "app/commands.def"
#undef COMMAND
	COMMAND_COUNT,
};

struct cli;
struct command {
	const char *words;		/* "queue list" */
	const char *arguments;		/* "ID", "[ID]", "" */
	int (*run)(struct cli *cli);	/* exit code */
	const char *call;		/* of admin, or NULL */
	struct text help;
};
const struct command *command_row(enum command_id id);

enum option_kind {
	OPTION_TEXT,
	OPTION_NUMBER,
	OPTION_FLAG,
	OPTION_BOOL,			/* alone: yes; or yes, no */
	OPTION_LIST,			/* may be repeated; "": none at all */
};
struct option_row {
	enum command_id command;
	const char *name, *value, *key;
	enum option_kind kind;
	struct text help;
};
/* All options; *count. */
const struct option_row *option_rows(size_t *count);
enum { OPTIONS_MAX = 256, CLI_MORE_MAX = 100 };

/* Words of the command line itself. */
enum cli_text {
#define TEXT(id, en, ja) CLI_##id,
#include "app/cli_text.def"
#undef TEXT
	CLI_TEXT_COUNT,
};
const struct text *cli_text(enum cli_text id);

/* A command line that was understood. */
struct cli {
	enum command_id command;
	const char *argument;		/* NULL: none given */
	const char *options[OPTIONS_MAX];	/* by row; flags: "" */
	struct {			/* further values of lists */
		size_t row;
		const char *value;
	} more[CLI_MORE_MAX];
	size_t more_count;
	const char *config_file;	/* NULL: not given */
	const char *data_dir;
	const char *as;			/* the person to stand in for */
	bool json;
	bool help;
	enum language language;
};
/* False: `errors` says why, for people; exit code 64. *help_of_all when no
 * command was named and none is needed. */
bool cli_parse(int argc, const char *const *argv, struct cli *cli,
	       bool *help_of_all, struct buf *errors) MUST_USE;
/* The option's value, NULL: not given. */
const char *cli_option(const struct cli *cli, const char *name);

void cli_help_all(enum language language, struct buf *out);
void cli_help(enum command_id command, enum language language,
	      struct buf *out);

/* --- what commands share -------------------------------------------------- */

/* "postrider: …" to standard error; a and b may be NULL. */
void cli_say(const struct cli *cli, enum cli_text id, const char *a,
	     const char *b);
/* The same of a table of the command's own. */
void cli_say_text(const struct cli *cli, const struct text *t, const char *a,
		  const char *b);
/* The same for an error, in their language. */
void cli_say_err(const struct cli *cli, const struct err *err);
/* sysexits code of an error. */
int cli_exit_code(const struct err *err);

/* Strings of strangers on a terminal: control characters, bytes that are no
 * UTF-8 and characters that turn the writing's direction are shown as
 * \x.. (RELIABILITY L1). */
void cli_escape(struct buf *out, slice s);

int cmd_serve(struct cli *cli);
int cmd_check(struct cli *cli);
int cmd_apply(struct cli *cli);
int cmd_export(struct cli *cli);
int cmd_call(struct cli *cli);
int cmd_verb(struct cli *cli);
int cmd_probe(struct cli *cli);
int cmd_explain(struct cli *cli);
int cmd_clock(struct cli *cli);
int cmd_link(struct cli *cli);
int cmd_app_password(struct cli *cli);
int cmd_spool_ls(struct cli *cli);
int cmd_spool_cat(struct cli *cli);
int cmd_spool_check(struct cli *cli);
int cmd_spool_export(struct cli *cli);
int cmd_backup(struct cli *cli);
int cmd_restore(struct cli *cli);
int cmd_completion(struct cli *cli);
int cmd_version(struct cli *cli);
