/*
 * postrider-admin: started by master. Its sandbox leaves it the store, the
 * index, journals to read, and the making of its socket; no spool, no keys.
 * Commands that have no SQL start it for one thing only (store_tool.h).
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/serve.h"
#include "app/child.h"
#include "app/store_tool.h"
#include "os/process.h"
#include "os/sandbox.h"

enum { PATH_CAP = 3064 };

static bool close_sandbox(const struct child *c, struct err *err)
{
	static const struct {
		const char *name;
		bool writable;
	} own[] = { { "store", true }, { "index", true }, { "journal", false } };
	char paths[ARRAY_LEN(own)][PATH_CAP];
	struct os_landlock_dir dirs[ARRAY_LEN(own) + 2] = {
		{ .path = c->data_path, .sockets_only = true },
		/* The list of public suffixes. */
		{ .path = "/usr/share/publicsuffix" },
	};
	int version;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		snprintf(paths[i], PATH_CAP, "%s/%s", c->data_path,
			 own[i].name);
		dirs[i + 2].path = paths[i];
		dirs[i + 2].writable = own[i].writable;
	}
	return os_landlock(dirs, ARRAY_LEN(dirs), OS_LANDLOCK_NO_NET, &version,
			   err);
}

/* Where people reach the console; behind a socket file only a proxy knows. */
static slice console_url(const struct config *c, char text[PATH_CAP])
{
	char at[IP_PORT_TEXT_MAX];
	if (!c->console_on)
		return (slice){ 0 };
	if (c->console_url != NULL)
		return slice_of(c->console_url);
	if (c->console_path != NULL)
		return SLICE("https://localhost");
	snprintf(text, PATH_CAP, "http://%s",
		 ip_port_text(&c->console_at, at));
	return slice_of(text);
}

static int serve(struct child *c)
{
	char store[PATH_CAP], control[PATH_CAP];
	int n = snprintf(store, sizeof(store), "%s/store", c->data_path);
	bool ok = n > 0 && (size_t)n < sizeof(store);
	n = c->config.control_path[0] == '/'
		? snprintf(control, sizeof(control), "%s",
			   c->config.control_path)
		: snprintf(control, sizeof(control), "%s/%s", c->data_path,
			   c->config.control_path);
	if (!ok || n < 0 || (size_t)n >= sizeof(control) ||
	    c->bundle.pepper.n != PEPPER_LEN)
		return 78;
	char journal[PATH_CAP], index[PATH_CAP];
	snprintf(journal, sizeof(journal), "%s/journal", c->data_path);
	snprintf(index, sizeof(index), "%s/index", c->data_path);
	char url[PATH_CAP];
	struct admin_config config = {
		.console_url = console_url(&c->config, url),
		.data_dir = store,
		.journal_dir = journal,
		.index_dir = index,
		.ctl_path = control,
		.relay_fd = c->bundle.peer_fds[ROLE_RELAY],
		.front_fd = c->bundle.peer_fds[ROLE_CONSOLE],
		.master_fd = c->bundle.master_fd,
		.alone = c->bundle.alone,
		.hostname = c->bundle.hostname,
		.log = &c->log,
	};
	memcpy(config.pepper, c->bundle.pepper.p, PEPPER_LEN);
	return admin_serve(&config);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	if (store_tool_wanted(argc, argv))
		return store_tool(argc, argv);
	struct child *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return 71;
	if (!child_begin(c, ROLE_ADMIN, child_bundle_fd(argc, argv), &err) ||
	    !close_sandbox(c, &err))
		return child_failed(c, &err);
	return serve(c);
}
