/*
 * Admin alone: when no service runs, a subcommand that works on the directory
 * takes the lock of the data directory, starts admin as master would, and
 * ends it again. Relay and console stay away; what changes is live when they
 * start.
 */
#include <stdio.h>
#include <stdlib.h>

#include "app/child.h"
#include "app/master_private.h"
#include "app/service.h"

struct solo {
	struct master master;
};

static bool begin(struct master *m, struct err *err)
{
	struct buf errors;
	buf_init(&errors, 65536);
	m->now = master_config_read(m, m->options.language, &errors);
	if (m->now == NULL)
		os_write_error(buf_slice(&errors));
	buf_fini(&errors);
	if (m->now == NULL)
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "solo",
			       "the configuration has errors");
	return master_setup_admin(m, err) &&
	       master_child_start(m, ROLE_ADMIN, err);
}

bool solo_begin(const struct cli *cli, const char *config_file,
		struct solo **out, struct err *err)
{
	struct master_options options = { .config_file = config_file,
					  .data_dir = cli->data_dir,
					  .language = cli->language };
	struct solo *s = calloc(1, sizeof(*s));
	*out = NULL;
	if (s == NULL)
		return err_set_memory(err, "solo");
	*err = (struct err){ 0 };
	master_init(&s->master, &options);
	s->master.alone = true;
	s->master.log.level = LOG_WARNING;
	*out = s;
	if (begin(&s->master, err))
		return true;
	solo_end(out);
	return false;
}

static bool answers(struct solo *s, struct err *err)
{
	char path[LAYOUT_PATH_MAX];
	struct ask_admin *ask = NULL;
	bool ok = (layout_control_path(&s->master.layout,
				       &s->master.now->config, path,
				       sizeof(path)) ||
		   err_set(err, ERR_PERMANENT, SCOPE_SELF, "solo",
			   "data_dir is too long")) &&
		  ask_admin_open(path, &ask, err);
	ask_admin_close(&ask);
	return ok;
}

bool solo_wait(struct solo *s, int64_t wait_ms, struct err *err)
{
	struct master_child *admin = &s->master.children[ROLE_ADMIN];
	struct os_end end;
	int64_t until = master_now_ms() + wait_ms;
	while (!answers(s, err)) {
		if (err->kind != ERR_TEMPORARY || master_now_ms() >= until)
			return false;
		if (os_child_ended(&end) && end.pid == admin->pid) {
			admin->pid = 0;
			return err_set(err, ERR_PERMANENT, SCOPE_SELF, "solo",
				       "postrider-admin ended with %d",
				       end.code);
		}
		os_sleep_ms(5);
	}
	return true;
}

void solo_end(struct solo **out)
{
	struct solo *s = *out;
	struct master_child *admin = &s->master.children[ROLE_ADMIN];
	struct os_end end;
	int64_t until = master_now_ms() + MASTER_END_MS;
	*out = NULL;
	master_child_tell(&s->master, ROLE_ADMIN, FRAME_DRAIN, (slice){ 0 });
	os_close(&admin->channel);
	while (admin->pid != 0) {
		if (os_child_ended(&end) && end.pid == admin->pid)
			break;
		if (master_now_ms() >= until)
			os_kill_hard(admin->pid);
		os_sleep_ms(5);
	}
	master_fini(&s->master);
	free(s);
}
