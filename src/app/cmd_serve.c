/* `postrider serve` and `postrider version`. */
#include "app/cli_call.h"
#include "app/master.h"
#include "app/service.h"

int cmd_serve(struct cli *cli)
{
	struct master_options options = {
		.config_file = setup_config_file(cli),
		.data_dir = cli->data_dir,
		.language = cli->language,
	};
	return master_run(&options);
}

int cmd_version(struct cli *cli)
{
	return cli_print_line(cli->json
		? SLICE("{\"version\":\"" POSTRIDER_VERSION "\"}")
		: SLICE("postrider " POSTRIDER_VERSION)) ? 0 : 74;
}
