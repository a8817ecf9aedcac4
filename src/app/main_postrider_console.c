/* postrider-console: started by master with a listening socket, the page of
 * counters and a channel to admin; sees no file and opens no connection. */
#include "app/child.h"
#include "console/serve.h"
#include "os/sandbox.h"

int main(int argc, char **argv)
{
	struct child c;
	struct err err = { 0 };
	int version;
	if (!child_begin(&c, ROLE_CONSOLE, child_bundle_fd(argc, argv), &err) ||
	    !os_landlock(NULL, 0, OS_LANDLOCK_NO_NET, &version, &err))
		return child_failed(&c, &err);
	struct console_config config = {
		.listen_fd = c.bundle.console_fd,
		.admin_fd = c.bundle.peer_fds[ROLE_ADMIN],
		.master_fd = c.bundle.master_fd,
		.counters = c.counters,
		.log = &c.log,
	};
	return console_serve(&config);
}
