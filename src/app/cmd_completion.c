/* `postrider completion bash|zsh`: from the tables of commands and options. */
#include "app/cli.h"
#include "os/process.h"

static slice noun_of(enum command_id id)
{
	slice words = slice_of(command_row(id)->words);
	return slice_cut(&words, ' ');
}

static slice verb_of(enum command_id id)
{
	slice words = slice_of(command_row(id)->words);
	slice_cut(&words, ' ');
	return words;
}

static bool is_first_of_noun(enum command_id id)
{
	for (enum command_id i = 0; i < id; i++)
		if (slice_eq(noun_of(i), noun_of(id)))
			return false;
	return true;
}

static void nouns(struct buf *out)
{
	for (enum command_id i = 0; i < COMMAND_COUNT; i++)
		if (is_first_of_noun(i))
			buf_printf(out, "%.*s ", SLICE_ARG(noun_of(i)));
}

static void options_of(struct buf *out, enum command_id id)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);
	for (size_t i = 0; i < count; i++)
		if (rows[i].command == id)
			buf_printf(out, "%s ", rows[i].name);
	if (command_row(id)->call != NULL)
		buf_append(out, SLICE("--as "));
	buf_append(out, SLICE("--config --data-dir --json --help"));
}

/* A case per noun with verbs, and one per command with its options. */
static void bash(struct buf *out)
{
	buf_append(out, SLICE(
		"# bash completion for postrider\n"
		"_postrider() {\n"
		"\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
		"\tlocal one=\"${COMP_WORDS[1]}\" two=\"${COMP_WORDS[2]}\"\n"
		"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords=\""));
	nouns(out);
	buf_append(out, SLICE("\"\n\telse\n\t\tcase \"$one $two\" in\n"));
	for (enum command_id i = 0; i < COMMAND_COUNT; i++) {
		if (verb_of(i).n == 0)
			continue;
		buf_printf(out, "\t\t\"%s\") words=\"", command_row(i)->words);
		options_of(out, i);
		buf_append(out, SLICE("\" ;;\n"));
	}
	for (enum command_id i = 0; i < COMMAND_COUNT; i++) {
		if (!is_first_of_noun(i))
			continue;
		buf_printf(out, "\t\t\"%.*s \"*) words=\"",
			   SLICE_ARG(noun_of(i)));
		if (verb_of(i).n == 0)
			options_of(out, i);
		for (enum command_id k = i; k < COMMAND_COUNT; k++)
			if (verb_of(k).n > 0 &&
			    slice_eq(noun_of(k), noun_of(i)))
				buf_printf(out, "%.*s ", SLICE_ARG(verb_of(k)));
		buf_append(out, SLICE("\" ;;\n"));
	}
	buf_append(out, SLICE(
		"\t\tesac\n\tfi\n"
		"\tif [ \"${COMP_WORDS[COMP_CWORD-1]}\" = completion ]; then\n"
		"\t\twords=\"bash zsh\"\n\tfi\n"
		"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		"}\n"
		"complete -o default -F _postrider postrider\n"));
}

static void zsh(struct buf *out)
{
	buf_append(out, SLICE(
		"#compdef postrider\n"
		"# zsh completion for postrider: by that for bash\n"
		"autoload -U +X bashcompinit && bashcompinit\n"));
	bash(out);
}

int cmd_completion(struct cli *cli)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	if (strcmp(cli->argument, "bash") == 0) {
		bash(&out);
	} else if (strcmp(cli->argument, "zsh") == 0) {
		zsh(&out);
	} else {
		cli_say(cli, CLI_SHELLS, NULL, NULL);
		return 64;
	}
	bool ok = !out.failed && os_write_out(buf_slice(&out));
	buf_fini(&out);
	return ok ? 0 : 74;
}
