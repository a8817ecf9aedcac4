/* postrider-console: started by master with a listening socket and the page
 * of counters; sees no file and opens no connection. */
#include "app/child.h"
#include "console/serve.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "wire/frame.h"

static void say_ready(int master_fd)
{
	struct err err;
	struct buf frame;
	buf_init(&frame, 4096);
	frame_write(&frame, FRAME_READY, 0, (slice){ 0 });
	/* Master that doesn't listen is about to end us anyway. */
	bool told = !frame.failed && os_channel_send(master_fd,
						     buf_slice(&frame), -1,
						     1000, &err);
	(void)told;
	buf_fini(&frame);
}

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
		.master_fd = c.bundle.master_fd,
		.counters = c.counters,
		.log = &c.log,
	};
	say_ready(config.master_fd);
	return console_serve(&config);
}
