/* Master's loop: signals, children, deadlines. See master.h and
 * master_private.h. One thread. */

#include "app/child.h"
#include "app/err_words.h"
#include "app/master_private.h"
#include "os/clock.h"
#include "wire/frame.h"

int64_t master_now_ms(void)
{
	return os_monotonic_ns() / MS;
}

int master_exit_code(const struct err *err)
{
	switch (err->kind) {
	case ERR_PERMANENT:
		return 78;
	case ERR_TEMPORARY:
		return 75;
	case ERR_IO:
		return err->os_error == 13 /* EACCES */ ? 77 : 71;
	case ERR_OK:
	case ERR_PROTOCOL:
	case ERR_LIMIT:
	case ERR_TIMEOUT:
	case ERR_INTERNAL:
		return 71;
	}
	return 70;
}

/* --- the end -------------------------------------------------------------- */

static void drain(struct master *m)
{
	if (m->state >= MASTER_DRAINING) {
		m->deadline_ms = 0;	/* asked again: no more waiting */
		return;
	}
	m->state = MASTER_DRAINING;
	m->deadline_ms = master_now_ms() + MASTER_DRAIN_MS;
	os_notify("STOPPING=1");
	counter_set(&m->counters->slot[COUNTERS_MASTER],
		    COUNTER_relay_draining, 1);
	master_child_tell(m, ROLE_RELAY, FRAME_DRAIN, (slice){ 0 });
}

static void end_others(struct master *m)
{
	m->state = MASTER_ENDING;
	m->deadline_ms = master_now_ms() + MASTER_END_MS;
	for (enum child_role role = 0; role < ROLE_COUNT; role++) {
		master_child_tell(m, role, FRAME_DRAIN, (slice){ 0 });
		os_close(&m->children[role].channel);
	}
}

static unsigned running(const struct master *m)
{
	unsigned n = 0;
	for (enum child_role role = 0; role < ROLE_COUNT; role++)
		n += m->children[role].pid != 0;
	return n;
}

/* True when nothing is left to do. */
static bool go_on_ending(struct master *m)
{
	bool late = master_now_ms() >= m->deadline_ms;
	if (m->state == MASTER_DRAINING &&
	    (m->children[ROLE_RELAY].pid == 0 || late))
		end_others(m);
	if (m->state != MASTER_ENDING)
		return false;
	if (master_now_ms() >= m->deadline_ms)
		for (enum child_role role = 0; role < ROLE_COUNT; role++)
			if (m->children[role].pid != 0)
				os_kill_hard(m->children[role].pid);
	return running(m) == 0;
}

/* --- the loop ------------------------------------------------------------- */

static bool is_used(const struct master *m, enum child_role role)
{
	return role != ROLE_CONSOLE || m->console_fd >= 0;
}

static void start_due(struct master *m)
{
	struct err err;
	if (m->state >= MASTER_DRAINING)
		return;
	for (enum child_role role = 0; role < ROLE_COUNT; role++) {
		struct master_child *c = &m->children[role];
		int64_t now = master_now_ms();
		if (c->pid != 0 || now < c->start_at_ms || !is_used(m, role))
			continue;
		err = (struct err){ 0 };
		if (master_child_start(m, role, &err))
			continue;
		log_failure(&m->log, LOG_ALARM, "serve.start_failed", &err);
		c->start_at_ms = now + restart_delay_ms(&c->restart, now, now) +
				 RESTART_FIRST_MS;
	}
}

static int wait_ms(const struct master *m)
{
	int64_t now = master_now_ms(), until = now + MASTER_LOOK_MS;
	for (enum child_role role = 0; role < ROLE_COUNT; role++) {
		const struct master_child *c = &m->children[role];
		if (c->pid == 0 && c->start_at_ms < until &&
		    m->state < MASTER_DRAINING && is_used(m, role))
			until = c->start_at_ms;
	}
	return until > now ? (int)(until - now) : 0;
}

static void take_signals(struct master *m)
{
	enum os_signal s;
	while ((s = os_signals_next(m->signals)) != OS_SIGNAL_NONE) {
		if (s == OS_SIGNAL_STOP)
			drain(m);
		else if (s == OS_SIGNAL_RELOAD && m->state < MASTER_DRAINING)
			master_reload(m);
	}
}

static void loop(struct master *m)
{
	struct os_end end;
	int fds[ROLE_COUNT + 1];
	bool ready[ROLE_COUNT + 1];
	for (;;) {
		start_due(m);
		for (enum child_role role = 0; role < ROLE_COUNT; role++)
			fds[role] = m->children[role].channel;
		fds[ROLE_COUNT] = m->signals;
		if (!os_wait_input(fds, ready, ROLE_COUNT + 1, wait_ms(m)))
			memset(ready, 0, sizeof(ready));
		for (enum child_role role = 0; role < ROLE_COUNT; role++)
			if (ready[role] && fds[role] >= 0)
				master_child_hear(m, role);
		if (ready[ROLE_COUNT])
			take_signals(m);
		while (os_child_ended(&end))
			master_child_ended(m, &end);
		master_watch_hearts(m);
		master_troubles_watch(m);
		if (m->state >= MASTER_DRAINING && go_on_ending(m))
			return;
	}
}

void master_init(struct master *m, const struct master_options *options)
{
	*m = (struct master){ .options = *options, .console_fd = -1, .counters_fd = -1,
			      .notes_fd = -1, .signals = -1,
			      .layout = { .lock_fd = -1 } };
	log_to_stderr(&m->log, "master");
	for (enum child_role role = 0; role < ROLE_COUNT; role++) {
		m->children[role].channel = -1;
		buf_init(&m->children[role].in, 65536);
	}
}

static int serve(struct master *m)
{
	struct err err = { 0 };
	struct buf errors;
	buf_init(&errors, 65536);
	m->now = master_config_read(m, m->options.language, &errors);
	if (m->now == NULL)
		/* For people: they see it in the terminal or the journal. */
		os_write_error(buf_slice(&errors));
	buf_fini(&errors);
	if (m->now == NULL)
		return 78;
	if (!master_setup(m, &err)) {
		struct buf text;
		buf_init(&text, 4096);
		buf_append(&text, SLICE("postrider: error: "));
		err_words(&text, &err, m->options.language);
		buf_append_char(&text, '\n');
		os_write_error(buf_slice(&text));
		buf_fini(&text);
		return master_exit_code(&err);
	}
	master_count_certificate(m);
	master_troubles_read(m);
	loop(m);
	return m->exit_code;
}

void master_fini(struct master *m)
{
	for (enum child_role role = 0; role < ROLE_COUNT; role++)
		buf_fini(&m->children[role].in);
	master_teardown(m);
}

int master_run(const struct master_options *options)
{
	struct master m;
	master_init(&m, options);
	int code = serve(&m);
	master_fini(&m);
	return code;
}
