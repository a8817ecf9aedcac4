/*
 * postrider: the command line, master, and (by --role=relay, from master
 * only) relay.
 */
#include "app/child.h"
#include "app/cli.h"
#include "os/process.h"

/* LC_ALL, then LC_MESSAGES, then LANG. */
static enum language language(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = os_environment(names[i]);
		if (value != NULL && value[0] != '\0')
			return language_of(slice_of(value));
	}
	return LANGUAGE_EN;
}

static int help(const struct cli *cli, bool of_all)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	if (of_all)
		cli_help_all(cli->language, &out);
	else
		cli_help(cli->command, cli->language, &out);
	bool ok = os_write_out(buf_slice(&out));
	buf_fini(&out);
	return ok ? 0 : 74;
}

static int command_line(int argc, const char *const *argv)
{
	struct cli cli = { .language = language() };
	struct buf errors;
	bool of_all;
	buf_init(&errors, 65536);
	bool ok = cli_parse(argc, argv, &cli, &of_all, &errors);
	if (!ok)
		os_write_error(buf_slice(&errors));
	buf_fini(&errors);
	if (!ok)
		return 64;
	/* Without any word: the help, but nothing was done. */
	if (of_all)
		return help(&cli, true) == 0 && cli.help ? 0 : 64;
	if (cli.help)
		return help(&cli, false);
	return command_row(cli.command)->run(&cli);
}

int main(int argc, char **argv)
{
	union {
		char **given;
		const char *const *taken;
	} words = { .given = argv };
	if (argc > 1 && strcmp(argv[1], "--role=relay") == 0)
		return child_relay(child_bundle_fd(argc, argv));
	return command_line(argc, words.taken);
}
