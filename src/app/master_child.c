/* Children of master: starting, hearing, ending. See master_private.h. */
#include <stdio.h>
#include <stdlib.h>

#include "app/master_private.h"
#include "os/clock.h"
#include "os/ipc.h"
#include "wire/frame.h"

/* --- starting ------------------------------------------------------------- */

static bool program_path(const struct master *m, enum child_role role,
			 char *to, size_t cap)
{
	int n = role == ROLE_RELAY
		? snprintf(to, cap, "%s", m->own_path)
		: snprintf(to, cap, "%s/postrider-%s", m->program_dir,
			   child_role_name(role));
	return n > 0 && (size_t)n < cap;
}

/* Relay and console have a channel to admin each, none to one another. */
static bool are_peers(enum child_role a, enum child_role b)
{
	return a != b && (a == ROLE_ADMIN || b == ROLE_ADMIN);
}

/* A new channel between the starting child and a peer, if that runs: the
 * peer gets its end by FRAME_PEER. */
static bool make_peer(struct master *m, enum child_role role,
		      enum child_role peer, int *ours, struct err *err)
{
	struct buf frame;
	int pair[2];
	*ours = -1;
	if (!are_peers(role, peer) || m->children[peer].pid == 0)
		return true;
	if (!os_ipc_pair(pair, err))
		return false;
	buf_init(&frame, 4096);
	frame_write(&frame, FRAME_PEER, 0, slice_of(child_role_name(role)));
	if (frame.failed ||
	    !os_channel_send(m->children[peer].channel, buf_slice(&frame),
			     pair[1], MASTER_SEND_MS, err))
		log_failure(&m->log, LOG_WARNING, "serve.peer", err);
	buf_fini(&frame);
	os_close(&pair[1]);
	*ours = pair[0];
	return true;
}

/* Its channels: to all its peers. */
static bool make_peers(struct master *m, enum child_role role,
		       int ours[ROLE_COUNT], struct err *err)
{
	for (enum child_role peer = 0; peer < ROLE_COUNT; peer++)
		ours[peer] = -1;
	for (enum child_role peer = 0; peer < ROLE_COUNT; peer++)
		if (!make_peer(m, role, peer, &ours[peer], err))
			return false;
	return true;
}

static void fill(struct master *m, enum child_role role, struct bundle *b,
		 struct id *poison, struct start_refused *refused)
{
	*b = (struct bundle){
		.role = role,
		.master_pid = (uint32_t)os_process_id(),
		.change_user = m->layout.change_user,
		.uid = m->layout.uid,
		.gid = m->layout.gid,
		.alone = m->alone,
		.hostname = slice_of(m->hostname),
		.data_path = slice_of(m->layout.path),
		.shards = m->shards,
		.files = { .text = m->now->files.text,
			   .file = m->now->files.file },
		.counters_fd = -1, .notes_fd = -1, .console_fd = -1,
		.master_fd = -1,
	};
	if (role != ROLE_CONSOLE)
		b->pepper = (slice){ (const char *)m->pepper, PEPPER_LEN };
	if (role != ROLE_ADMIN)
		b->counters_fd = m->counters_fd;
	if (role == ROLE_CONSOLE)
		b->console_fd = m->console_fd;
	if (role != ROLE_RELAY)
		return;
	b->files = m->now->files;
	b->notes_fd = m->notes_fd;
	b->listeners = m->sockets.rows;
	b->listener_count = m->sockets.count;
	b->poison = poison;
	b->poison_count = poison_messages(m->poison, poison);
	b->refused = refused;
	b->refused_count = poison_refused(m->poison, os_wall_ms(), refused);
	b->troubles = m->troubles;
}

static bool encode(struct master *m, enum child_role role, int channel,
		   const int peers[ROLE_COUNT], int *fd, struct err *err)
{
	struct bundle b;
	struct buf bytes;
	struct id *poison = calloc(START_POISON_MAX, sizeof(*poison));
	struct start_refused *refused = calloc(START_REFUSED_MAX,
					       sizeof(*refused));
	bool ok = poison != NULL && refused != NULL;
	buf_init(&bytes, BUNDLE_MAX);
	if (ok) {
		fill(m, role, &b, poison, refused);
		b.master_fd = channel;
		memcpy(b.peer_fds, peers, sizeof(b.peer_fds));
		bundle_encode(&b, &bytes);
		ok = !bytes.failed;
	}
	ok = ok ? os_sealed("bundle", buf_slice(&bytes), fd, err)
		: err_set_memory(err, "serve.bundle");
	if (bytes.p != NULL)
		secret_wipe(bytes.p, bytes.cap);
	buf_fini(&bytes);
	free(poison);
	free(refused);
	return ok;
}

static size_t kept_fds(const struct master *m, enum child_role role, int *keep)
{
	size_t n = 0;
	if (role != ROLE_ADMIN)
		keep[n++] = m->counters_fd;
	if (role == ROLE_CONSOLE && m->console_fd >= 0)
		keep[n++] = m->console_fd;
	if (role != ROLE_RELAY)
		return n;
	keep[n++] = m->notes_fd;
	for (size_t i = 0; i < m->sockets.count; i++)
		keep[n++] = m->sockets.rows[i].fd;
	return n;
}

static bool spawn(struct master *m, enum child_role role, int bundle,
		  const int *own, size_t own_count, pid_t *pid, struct err *err)
{
	char program[2100], bundle_text[32], role_text[32];
	int keep[OS_SPAWN_FDS_MAX];
	size_t n = kept_fds(m, role, keep);
	invariant(n + own_count + 1 <= OS_SPAWN_FDS_MAX);
	keep[n++] = bundle;
	for (size_t i = 0; i < own_count; i++)
		if (own[i] >= 0)
			keep[n++] = own[i];
	if (!program_path(m, role, program, sizeof(program)))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "serve.spawn",
			       "the path of the program is too long");
	snprintf(role_text, sizeof(role_text), "--role=%s",
		 child_role_name(role));
	snprintf(bundle_text, sizeof(bundle_text), "--bundle=%d", bundle);
	const char *const arguments[] = { program, role_text, bundle_text,
					  NULL };
	struct os_spawn how = {
		.program = program, .arguments = arguments, .keep = keep,
		.keep_count = n, .change_user = m->layout.change_user,
		.uid = m->layout.uid, .gid = m->layout.gid };
	return os_spawn(&how, pid, err);
}

static void count_start(struct master *m, enum child_role role)
{
	struct counters *slot = &m->counters->slot[COUNTERS_MASTER];
	struct log_event e;
	if (role == ROLE_RELAY)
		counter_add(slot, COUNTER_relay_starts_total, 1);
	if (role == ROLE_ADMIN)
		counter_add(slot, COUNTER_admin_starts_total, 1);
	log_begin(&e, &m->log, LOG_INFO, "serve.started");
	json_member_cstr(&e.json, "child", child_role_name(role));
	json_member_u64(&e.json, "pid", (uint64_t)m->children[role].pid);
	log_end(&e);
}

bool master_child_start(struct master *m, enum child_role role,
			struct err *err)
{
	struct master_child *c = &m->children[role];
	int pair[2], bundle = -1;
	int own[ROLE_COUNT + 1];	/* peers', and the one to us */
	invariant(c->pid == 0 && c->channel < 0);
	c->started_ms = c->start_at_ms = master_now_ms();
	if (role == ROLE_RELAY) {
		notes_init(m->notes, m->shards);
		memset(m->hearts, 0, sizeof(m->hearts));
		counters_page_forget_gauges(m->counters);
	}
	/* Admin may make its socket, but remove nothing in data_dir. */
	if (role == ROLE_ADMIN)
		master_remove_control(m);
	if (!os_ipc_pair(pair, err))
		return false;
	own[ROLE_COUNT] = pair[1];
	bool ok = make_peers(m, role, own, err) &&
		  encode(m, role, pair[1], own, &bundle, err) &&
		  spawn(m, role, bundle, own, ARRAY_LEN(own), &c->pid, err);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		os_close(&own[i]);
	os_close(&bundle);
	if (!ok) {
		c->pid = 0;
		os_close(&pair[0]);
		return false;
	}
	c->channel = pair[0];
	c->ready = c->killed = false;
	buf_clear(&c->in);
	count_start(m, role);
	return true;
}

/* --- hearing and telling -------------------------------------------------- */

void master_child_tell(struct master *m, enum child_role role, unsigned type,
		       slice payload)
{
	master_child_pass(m, role, type, payload, -1);
}

void master_child_pass(struct master *m, enum child_role role, unsigned type,
		       slice payload, int fd)
{
	struct master_child *c = &m->children[role];
	struct err err = { 0 };
	struct buf frame;
	if (c->channel < 0)
		return;
	buf_init(&frame, FRAME_MAX + FRAME_HEADER);
	frame_write(&frame, (enum frame_type)type, 0, payload);
	if (frame.failed)
		err_set_memory(&err, "serve.tell");
	if (frame.failed || !os_channel_send(c->channel, buf_slice(&frame), fd,
					     MASTER_SEND_MS, &err))
		log_failure(&m->log, LOG_WARNING, "serve.tell", &err);
	if (frame.p != NULL)
		secret_wipe(frame.p, frame.cap);
	buf_fini(&frame);
}

static void became_ready(struct master *m, enum child_role role)
{
	struct log_event e;
	m->children[role].ready = true;
	log_begin(&e, &m->log, LOG_INFO, "serve.ready");
	json_member_cstr(&e.json, "child", child_role_name(role));
	if (role == ROLE_RELAY) {
		json_member_cstr(&e.json, "hostname", m->hostname);
		json_key(&e.json, "listeners");
		json_array(&e.json);
		for (size_t i = 0; i < m->now->config.listener_count; i++)
			json_string(&e.json,
				    m->now->config.listeners[i].address);
		json_array_end(&e.json);
	}
	log_end(&e);
	if (role != ROLE_RELAY)
		return;
	master_troubles_told(m);
	if (m->state == MASTER_STARTING) {
		m->state = MASTER_SERVING;
		os_notify("READY=1");
	}
}

void master_child_hear(struct master *m, enum child_role role)
{
	struct master_child *c = &m->children[role];
	struct err err = { 0 };
	struct frame frame;
	bool open = true, got = true;
	if (!os_channel_receive(c->channel, &c->in, &open, &err))
		open = false;
	slice in = buf_slice(&c->in);
	while (open && got) {
		if (!frame_read(&in, FRAME_BIT(FRAME_READY), &got, &frame,
				&err)) {
			log_failure(&m->log, LOG_ERROR, "serve.heard", &err);
			open = false;
		} else if (got && !c->ready) {
			became_ready(m, role);
		}
	}
	buf_consume(&c->in, c->in.n - in.n);
	if (!open)	/* it ends, or is no child of ours any more */
		os_close(&c->channel);
}

/* --- ending --------------------------------------------------------------- */

static void say_end(struct master *m, enum child_role role,
		    const struct os_end *end, bool crash)
{
	struct log_event e;
	bool wanted = m->state >= MASTER_DRAINING;
	log_begin(&e, &m->log, crash ? LOG_ALARM : wanted ? LOG_INFO
							  : LOG_ERROR,
		  crash ? "serve.crashed" : "serve.ended");
	json_member_cstr(&e.json, "child", child_role_name(role));
	json_member_u64(&e.json, end->by_signal ? "signal" : "code",
			(uint64_t)end->code);
	json_member_bool(&e.json, "silent", m->children[role].killed);
	log_end(&e);
}

static void relay_crashed(struct master *m)
{
	for (uint32_t i = 0; i < m->notes->shards; i++) {
		struct note *note = &m->notes->shard[i];
		char text[ID_TEXT_MAX], address[IP_TEXT_MAX];
		struct log_event e;
		if (id_is_zero(note->message) && !note->has_client)
			continue;
		log_begin(&e, &m->log, LOG_ALARM, "serve.poison");
		if (!id_is_zero(note->message) &&
		    note->message.time_ms < UINT64_C(101559956668416)) {
			json_member_cstr(&e.json, "id",
					 id_text(note->message, text));
			json_member_string(
				&e.json, "step",
				(slice){ note->message_step,
					 strnlen(note->message_step,
						 NOTE_STEP_MAX) });
		}
		if (note->has_client) {
			json_member_cstr(&e.json, "address",
					 ip_addr_text(&note->client, address));
			json_member_string(
				&e.json, "client_step",
				(slice){ note->client_step,
					 strnlen(note->client_step,
						 NOTE_STEP_MAX) });
		}
		log_end(&e);
	}
	poison_crash(m->poison, m->notes, os_wall_ms());
	master_troubles_crashed(m);
	counter_add(&m->counters->slot[COUNTERS_MASTER],
		    COUNTER_relay_crashes_total, 1);
}

/* EX_CONFIG of a child that never came up: trying again won't help. Without
 * console mail flows. */
static bool is_hopeless(const struct master *m, enum child_role role,
			const struct os_end *end)
{
	return role != ROLE_CONSOLE && !end->by_signal && end->code == 78 &&
	       !m->children[role].ready;
}

void master_child_ended(struct master *m, const struct os_end *end)
{
	enum child_role role = 0;
	while (role < ROLE_COUNT && m->children[role].pid != end->pid)
		role++;
	if (role == ROLE_COUNT)
		return;			/* a helper of a library, long gone */
	struct master_child *c = &m->children[role];
	int64_t now = master_now_ms();
	bool crash = os_end_is_crash(end) || c->killed;
	say_end(m, role, end, crash);
	c->pid = 0;
	os_close(&c->channel);
	if (role == ROLE_RELAY) {
		counters_page_forget_gauges(m->counters);
		if (crash)
			relay_crashed(m);
	}
	if (m->state < MASTER_DRAINING && is_hopeless(m, role, end)) {
		m->exit_code = 78;
		m->state = MASTER_DRAINING;
		m->deadline_ms = now;
	}
	/* An orderly end is no death: a reload asked for it. */
	bool orderly = !end->by_signal && end->code == 0 && c->ready;
	c->ready = false;
	c->start_at_ms = now + (orderly ? 0 : restart_delay_ms(
						&c->restart, c->started_ms, now));
}

/* Ready is: says so, and all hearts have beaten lately. */
static void show_ready(struct master *m, int64_t now)
{
	bool ready = m->children[ROLE_RELAY].ready;
	for (uint32_t i = 0; i < m->shards; i++)
		ready = ready && now - m->hearts[i].changed_ms < MASTER_FAINT_MS;
	counter_set(&m->counters->slot[COUNTERS_MASTER], COUNTER_relay_ready,
		    ready);
	counter_set(&m->counters->slot[COUNTERS_MASTER], COUNTER_admin_up,
		    m->children[ROLE_ADMIN].ready);
}

void master_watch_hearts(struct master *m)
{
	struct master_child *c = &m->children[ROLE_RELAY];
	int64_t now = master_now_ms();
	for (uint32_t i = 0; i < m->shards && c->pid != 0; i++) {
		uint64_t beats = atomic_load_explicit(&m->notes->shard[i].beats,
						      memory_order_relaxed);
		if (beats == 0 || beats != m->hearts[i].beats) {
			m->hearts[i].beats = beats;
			m->hearts[i].changed_ms = now;
		} else if (now - m->hearts[i].changed_ms > MASTER_SILENCE_MS &&
			   !c->killed) {
			c->killed = true;
			os_kill_hard(c->pid);
		}
	}
	show_ready(m, now);
}
