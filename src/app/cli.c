/* Parsing the command line, and help; see cli.h. Pure. */
#include "app/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/say.h"

static const struct command commands[COMMAND_COUNT] = {
#define COMMAND(id, words, arguments, run, call, en, ja) \
	[COMMAND_##id] = { words, arguments, run, call, { en, ja } },
#include "app/commands.def"
#undef COMMAND
};

static const struct option_row options[] = {
#define OPTION(command, name, value, key, kind, en, ja) \
	{ COMMAND_##command, name, value, key, kind, { en, ja } },
#include "app/options.def"
#undef OPTION
};

static const struct text texts[CLI_TEXT_COUNT] = {
#define TEXT(id, en, ja) [CLI_##id] = { en, ja },
#include "app/cli_text.def"
#undef TEXT
};

const struct command *command_row(enum command_id id)
{
	invariant(id < COMMAND_COUNT);
	return &commands[id];
}

const struct option_row *option_rows(size_t *count)
{
	*count = ARRAY_LEN(options);
	return options;
}

const struct text *cli_text(enum cli_text id)
{
	invariant(id < CLI_TEXT_COUNT);
	return &texts[id];
}

const char *cli_option(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].command == cli->command &&
		    strcmp(options[i].name, name) == 0)
			return cli->options[i];
	return NULL;
}

/* --- errors of usage ------------------------------------------------------ */

static bool wrong(struct cli *cli, struct buf *errors, enum cli_text id,
		  const char *a, const char *b)
{
	slice args[] = { slice_of(a), slice_of(b) };
	buf_append(errors, SLICE("postrider: "));
	say(errors, cli_text(id), cli->language, args, 2);
	buf_append_char(errors, '\n');
	return false;
}

/* The same with the nearest of the candidates, if any is near. */
static bool unknown(struct cli *cli, struct buf *errors, enum cli_text id,
		    const char *word, const char *const *candidates)
{
	const char *near = text_nearest(slice_of(word), candidates);
	slice args[] = { slice_of(word), slice_of(near) };
	buf_append(errors, SLICE("postrider: "));
	say(errors, cli_text(id), cli->language, &args[0], 1);
	if (near != NULL)
		say(errors, cli_text(CLI_DID_YOU_MEAN), cli->language, &args[1],
		    1);
	buf_append_char(errors, '\n');
	return false;
}

/* --- which command -------------------------------------------------------- */

static slice noun_of(const struct command *c)
{
	slice words = slice_of(c->words);
	return slice_cut(&words, ' ');
}

/* The verbs of a noun, "list, show, …". */
static bool no_verb(struct cli *cli, const char *noun, const char *verb,
		    struct buf *errors)
{
	const char *verbs[COMMAND_COUNT + 1] = { NULL };
	char list[400] = "";
	size_t count = 0, n = 0;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (!slice_eq(noun_of(&commands[i]), slice_of(noun)))
			continue;
		verbs[count++] = strchr(commands[i].words, ' ') + 1;
		int w = snprintf(list + n, sizeof(list) - n, "%s%s",
				 n > 0 ? ", " : "", verbs[count - 1]);
		n += w > 0 && (size_t)w < sizeof(list) - n ? (size_t)w : 0;
	}
	if (verb == NULL)
		return wrong(cli, errors, CLI_VERB_MISSING, noun, list);
	char both[200];
	const char *near = text_nearest(slice_of(verb), verbs);
	snprintf(both, sizeof(both), "%s %s", noun, near ? near : "");
	if (near == NULL)
		return wrong(cli, errors, CLI_VERB_MISSING, noun, list);
	const char *const candidates[] = { both, NULL };
	char given[200];
	snprintf(given, sizeof(given), "%s %s", noun, verb);
	return unknown(cli, errors, CLI_UNKNOWN_COMMAND, given, candidates);
}

static bool find_command(struct cli *cli, const char *first, const char *second,
			 bool *two_words, struct buf *errors)
{
	const char *nouns[COMMAND_COUNT + 1] = { NULL };
	static const char *const no_nouns[] = {
		"app-password", "queue", "limits", "spool", "audit",
		"customer", "domain", "user", "setting", "ip", "operator",
		"sign-in" };
	size_t count = 0;
	bool is_noun = false;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		slice words = slice_of(commands[i].words);
		slice noun = slice_cut(&words, ' ');
		*two_words = words.n > 0;
		if (!*two_words)
			nouns[count++] = commands[i].words;
		if (!slice_eq(noun, slice_of(first)))
			continue;
		is_noun = *two_words;
		cli->command = (enum command_id)i;
		if (!*two_words ||
		    (second != NULL && slice_eq(words, slice_of(second))))
			return true;
	}
	if (is_noun)
		return no_verb(cli, first, second, errors);
	for (size_t i = 0; i < ARRAY_LEN(no_nouns) && count < COMMAND_COUNT; i++)
		nouns[count++] = no_nouns[i];
	return unknown(cli, errors, CLI_UNKNOWN_COMMAND, first, nouns);
}

/* --- options -------------------------------------------------------------- */

struct walk {
	int argc, at;
	const char *const *argv;
	const char *words[3];		/* that are no options */
	size_t word_count;
};

/* "--name=value" or "--name value"; NULL: there is none. */
static const char *value_of(struct walk *w, const char *equals)
{
	if (equals != NULL)
		return equals + 1;
	return w->at + 1 < w->argc ? w->argv[++w->at] : NULL;
}

static bool makes_call(const struct cli *cli)
{
	return commands[cli->command].call != NULL;
}

static bool take_common(struct cli *cli, struct walk *w, slice name,
			const char *equals, bool *taken, struct buf *errors)
{
	const char **to = slice_eq(name, SLICE("--config")) ? &cli->config_file
			: slice_eq(name, SLICE("--data-dir")) ? &cli->data_dir
			: slice_eq(name, SLICE("--as")) && makes_call(cli)
				? &cli->as : NULL;
	*taken = true;
	if (slice_eq(name, SLICE("--json")) && equals == NULL)
		cli->json = true;
	else if ((slice_eq(name, SLICE("--help")) ||
		  slice_eq(name, SLICE("-h"))) && equals == NULL)
		cli->help = true;
	else if (to == NULL)
		*taken = false;
	else
		*to = value_of(w, equals);
	if (to != NULL && (*to == NULL || (*to)[0] == '\0'))
		return wrong(cli, errors, CLI_VALUE_MISSING,
			     to == &cli->data_dir ? "--data-dir"
			     : to == &cli->as	  ? "--as" : "--config",
			     NULL);
	return true;
}

static bool is_bool(const char *s)
{
	return strcmp(s, "yes") == 0 || strcmp(s, "no") == 0 ||
	       strcmp(s, "true") == 0 || strcmp(s, "false") == 0;
}

/* "--tls", "--tls no", "--tls=no". */
static bool take_bool(struct cli *cli, struct walk *w, size_t row,
		      const char *equals, struct buf *errors)
{
	bool next = w->at + 1 < w->argc && is_bool(w->argv[w->at + 1]);
	const char *value = equals != NULL || next ? value_of(w, equals)
						   : "yes";
	cli->options[row] = value;
	return is_bool(value) || wrong(cli, errors, CLI_VALUE_BOOL,
				       options[row].name, value);
}

static bool take_more(struct cli *cli, struct walk *w, size_t row,
		      const char *equals, struct buf *errors)
{
	const char *value = value_of(w, equals);
	if (value == NULL)
		return wrong(cli, errors, CLI_VALUE_MISSING,
			     options[row].name, NULL);
	if (cli->more_count == CLI_MORE_MAX)
		return wrong(cli, errors, CLI_TOO_OFTEN, options[row].name,
			     NULL);
	cli->more[cli->more_count].row = row;
	cli->more[cli->more_count++].value = value;
	return true;
}

static bool take_own(struct cli *cli, struct walk *w, size_t row,
		     const char *equals, struct buf *errors)
{
	const struct option_row *o = &options[row];
	uint64_t number;
	if (cli->options[row] != NULL && o->kind == OPTION_LIST)
		return take_more(cli, w, row, equals, errors);
	if (cli->options[row] != NULL)
		return wrong(cli, errors, CLI_TWICE, o->name, NULL);
	if (o->kind == OPTION_FLAG) {
		cli->options[row] = "";
		return equals == NULL || wrong(cli, errors, CLI_VALUE_UNWANTED,
					       o->name, NULL);
	}
	if (o->kind == OPTION_BOOL)
		return take_bool(cli, w, row, equals, errors);
	cli->options[row] = value_of(w, equals);
	if (cli->options[row] == NULL)
		return wrong(cli, errors, CLI_VALUE_MISSING, o->name, NULL);
	return o->kind != OPTION_NUMBER ||
	       slice_u64(slice_of(cli->options[row]), UINT32_MAX, &number) ||
	       wrong(cli, errors, CLI_VALUE_NUMBER, o->name,
		     cli->options[row]);
}

static bool take_option(struct cli *cli, struct walk *w, struct buf *errors)
{
	const char *names[ARRAY_LEN(options) + 6] = {
		"--config", "--data-dir", "--json", "--help", "--as" };
	const char *word = w->argv[w->at], *equals = strchr(word, '=');
	slice name = { word, equals ? (size_t)(equals - word) : strlen(word) };
	size_t count = makes_call(cli) ? 5 : 4;
	bool taken;
	if (!take_common(cli, w, name, equals, &taken, errors))
		return false;
	if (taken)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].command != cli->command)
			continue;
		if (slice_eq(slice_of(options[i].name), name))
			return take_own(cli, w, i, equals, errors);
		names[count++] = options[i].name;
	}
	names[count] = NULL;
	return unknown(cli, errors, CLI_UNKNOWN_OPTION, word, names);
}

/* The command must be known before its options can be: words first. */
static void find_words(struct walk *w)
{
	static const char *const with_value[] = { "--config", "--data-dir",
						  "--as" };
	for (int i = 1; i < w->argc && w->word_count < 2; i++) {
		const char *word = w->argv[i];
		if (word[0] != '-' || word[1] == '\0') {
			w->words[w->word_count++] = word;
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(with_value); k++)
			if (strcmp(word, with_value[k]) == 0)
				i++;
	}
}

static bool take_rest(struct cli *cli, struct walk *w, size_t skip,
		      struct buf *errors)
{
	const struct command *c = &commands[cli->command];
	bool only_words = false;
	for (w->at = 1; w->at < w->argc; w->at++) {
		const char *word = w->argv[w->at];
		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
		} else if (!only_words && word[0] == '-' && word[1] != '\0') {
			if (!take_option(cli, w, errors))
				return false;
		} else if (skip > 0) {
			skip--;
		} else if (c->arguments[0] == '\0' || cli->argument != NULL) {
			return wrong(cli, errors, CLI_ARGUMENT_UNWANTED, word,
				     NULL);
		} else {
			cli->argument = word;
		}
	}
	return true;
}

bool cli_parse(int argc, const char *const *argv, struct cli *cli,
	       bool *help_of_all, struct buf *errors)
{
	struct walk w = { .argc = argc, .argv = argv };
	bool two_words, common;
	find_words(&w);
	*help_of_all = false;
	if (w.word_count == 0) {
		for (w.at = 1; w.at < argc; w.at++) {
			if (strcmp(argv[w.at], "--version") == 0) {
				cli->command = COMMAND_VERSION;
				return true;
			}
			if (!take_common(cli, &w, slice_of(argv[w.at]), NULL,
					 &common, errors))
				return false;
			if (!common) {
				static const char *const names[] = {
					"--help", "--version", "--json", NULL };
				return unknown(cli, errors, CLI_UNKNOWN_OPTION,
					       argv[w.at], names);
			}
		}
		*help_of_all = true;
		return true;
	}
	if (!find_command(cli, w.words[0],
			  w.word_count > 1 ? w.words[1] : NULL, &two_words,
			  errors) ||
	    !take_rest(cli, &w, two_words ? 2 : 1, errors))
		return false;
	const char *wanted = commands[cli->command].arguments;
	return cli->help || wanted[0] == '\0' || wanted[0] == '[' ||
	       cli->argument != NULL ||
	       wrong(cli, errors, CLI_ARGUMENT_MISSING, wanted, NULL);
}

/* --- help ----------------------------------------------------------------- */

static void line(struct buf *out, const char *left, const struct text *t,
		 enum language language)
{
	buf_printf(out, "  %-28s %s\n", left, text_in(t, language));
}

static void common_options(struct buf *out, bool calls,
			   enum language language)
{
	line(out, "--config FILE", cli_text(CLI_OPT_CONFIG), language);
	line(out, "--data-dir DIRECTORY", cli_text(CLI_OPT_DATA_DIR), language);
	if (calls)
		line(out, "--as ADDRESS", cli_text(CLI_OPT_AS), language);
	line(out, "--json", cli_text(CLI_OPT_JSON), language);
	line(out, "--help", cli_text(CLI_OPT_HELP), language);
}

void cli_help_all(enum language language, struct buf *out)
{
	char left[100];
	buf_printf(out, "%s\n\n%s\n", text_in(cli_text(CLI_USAGE), language),
		   text_in(cli_text(CLI_COMMANDS), language));
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		snprintf(left, sizeof(left), "%s%s%s", commands[i].words,
			 commands[i].arguments[0] ? " " : "",
			 commands[i].arguments);
		line(out, left, &commands[i].help, language);
	}
	buf_printf(out, "\n%s\n", text_in(cli_text(CLI_OPTIONS), language));
	common_options(out, false, language);
	buf_printf(out, "\n%s\n", text_in(cli_text(CLI_MORE), language));
}

void cli_help(enum command_id command, enum language language, struct buf *out)
{
	const struct command *c = command_row(command);
	char left[100];
	snprintf(left, sizeof(left), "%s%s%s", c->words,
		 c->arguments[0] ? " " : "", c->arguments);
	slice arg = slice_of(left);
	say(out, cli_text(CLI_USAGE_OF), language, &arg, 1);
	buf_printf(out, "\n\n%s\n\n%s\n", text_in(&c->help, language),
		   text_in(cli_text(CLI_OPTIONS), language));
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].command != command)
			continue;
		snprintf(left, sizeof(left), "%s%s%s", options[i].name,
			 options[i].value ? " " : "",
			 options[i].value ? options[i].value : "");
		line(out, left, &options[i].help, language);
	}
	common_options(out, c->call != NULL, language);
}
