/*
 * SIGHUP. Everything that can fail is done first: the file is read and
 * checked, certificate and passwords are loaded, new addresses are bound. Only
 * then the new configuration takes the place of the old one, and relay is
 * told: its sessions go on.
 *
 * One change needs a new relay: a Maildir folder that the sandbox of the old
 * one doesn't know. Sessions then end in order, as at a stop; new ones wait in
 * the sockets, which stay open.
 */
#include "app/config_change.h"
#include "app/master_private.h"
#include "crypto/tls_context.h"
#include "os/clock.h"
#include "wire/say.h"

static void say_lines(struct master *m, const char *event, struct buf *errors)
{
	slice rest = buf_slice(errors);
	while (rest.n > 0) {
		struct log_event e;
		log_begin(&e, &m->log, LOG_ERROR, event);
		json_member_string(&e.json, "text", slice_cut(&rest, '\n'));
		log_end(&e);
	}
}

void master_count_certificate(struct master *m)
{
	struct err err;
	int64_t ends_ms;
	slice pem = m->now->files.certificate_pem;
	if (tls_certificate_ends(pem, &ends_ms, &err) && ends_ms > 0)
		counter_set(&m->counters->slot[COUNTERS_MASTER],
			    COUNTER_tls_certificate_expiry_seconds,
			    (uint64_t)ends_ms / 1000);
}

/* --- what is left for the next start -------------------------------------- */

static bool has_maildir(const struct config *c, const char *maildir)
{
	for (size_t i = 0; i < c->route_count; i++)
		if (c->routes[i].maildir != NULL &&
		    strcmp(c->routes[i].maildir, maildir) == 0)
			return true;
	return false;
}

/* A folder that relay's sandbox doesn't know needs a new relay. */
static bool new_maildir(const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < new->route_count; i++)
		if (new->routes[i].maildir != NULL &&
		    !has_maildir(old, new->routes[i].maildir))
			return true;
	return false;
}

static void say_waiting(void *ctx, const char *key)
{
	struct master *m = ctx;
	struct log_event e;
	log_begin(&e, &m->log, LOG_WARNING, "reload.waits");
	json_member_cstr(&e.json, "key", key);
	json_member_cstr(&e.json, "text", "counts when the service is started "
			 "again; all else counts now");
	log_end(&e);
}

/* --- taking it ------------------------------------------------------------ */

/* The sockets that relay hasn't, then the configuration that names them. */
static void tell_relay(struct master *m, const struct master_sockets *next)
{
	struct buf payload, number;
	buf_init(&payload, FRAME_MAX);
	buf_init(&number, 16);
	for (size_t i = 0; i < next->count; i++) {
		const struct start_listener *l = &next->rows[i];
		if (master_has_socket(&m->sockets, l->number))
			continue;
		buf_clear(&number);
		buf_u32(&number, l->number);
		master_child_pass(m, ROLE_RELAY, FRAME_LISTEN,
				  buf_slice(&number), l->fd);
	}
	reload_encode(&m->now->files, next->rows, next->count, &payload);
	if (payload.failed) {
		struct err err = { 0 };
		err_set_memory(&err, "reload");
		log_failure(&m->log, LOG_ERROR, "reload.relay", &err);
	} else {
		master_child_tell(m, ROLE_RELAY, FRAME_RELOAD,
				  buf_slice(&payload));
	}
	if (payload.p != NULL)
		secret_wipe(payload.p, payload.cap);
	buf_fini(&payload);
	buf_fini(&number);
}

static void take_config(struct master *m, struct master_config *c,
			struct master_sockets *next)
{
	struct err err = { 0 };
	bool new_relay = new_maildir(&m->now->config, &c->config);
	struct master_sockets old = m->sockets;
	if (!layout_make(&m->layout, &c->config, &err))
		log_failure(&m->log, LOG_ERROR, "reload.folders", &err);
	config_change_waiting(&m->now->config, &c->config, say_waiting, m);
	master_config_free(&m->now);
	m->now = c;
	if (new_relay)
		master_child_tell(m, ROLE_RELAY, FRAME_DRAIN, (slice){ 0 });
	else
		tell_relay(m, next);
	m->sockets = *next;
	master_sockets_close(&old, next);
	master_count_certificate(m);
	counter_add(&m->counters->slot[COUNTERS_MASTER], COUNTER_reloads_total,
		    1);
	struct log_event e;
	log_begin(&e, &m->log, LOG_INFO, "reload.done");
	json_member_bool(&e.json, "new_relay", new_relay);
	log_end(&e);
}

/* --- judging it ----------------------------------------------------------- */

static bool is_fixed(struct master *m, const struct master_config *c,
		     struct buf *errors)
{
	const char *key = config_change_fixed(&m->now->config, &c->config);
	slice arg = slice_of(key);
	if (key == NULL)
		return false;
	if (c->files.file.n > 0) {
		say_plain(errors, c->files.file);
		buf_append(errors, SLICE(": "));
	}
	buf_append(errors, SLICE("error: "));
	say(errors, config_text(CONFIG_SAY_CHANGE_FIXED), LANGUAGE_EN, &arg, 1);
	buf_append_char(errors, '\n');
	return true;
}

/* A certificate that is over takes no other's place; but the one in force may
 * be over, and the rest of the configuration still change. */
static bool is_over(struct master *m, const struct master_config *c,
		    struct buf *errors)
{
	return !slice_eq(m->now->files.certificate_pem,
			 c->files.certificate_pem) &&
	       layout_certificate_over(&c->config, &c->files, os_wall_ms(),
				       LANGUAGE_EN, errors);
}

static bool can_listen(struct master *m, const struct master_config *c,
		       struct master_sockets *next, struct buf *errors)
{
	struct err err = { 0 };
	if (master_listen(m, &c->config, next, &err))
		return true;
	buf_printf(errors, "error: listeners: %s\n",
		   err.detail[0] ? err.detail : err.text);
	return false;
}

void master_reload(struct master *m)
{
	struct buf errors;
	struct master_sockets next = { 0 };
	char hostname[sizeof(m->hostname)];
	memcpy(hostname, m->hostname, sizeof(hostname));
	buf_init(&errors, 65536);
	os_notify("RELOADING=1");
	struct master_config *c = master_config_read(m, LANGUAGE_EN, &errors);
	if (c != NULL && (is_fixed(m, c, &errors) || is_over(m, c, &errors) ||
			  !can_listen(m, c, &next, &errors)))
		master_config_free(&c);
	if (c != NULL) {
		take_config(m, c, &next);
	} else {
		memcpy(m->hostname, hostname, sizeof(hostname));
		say_lines(m, "reload.refused", &errors);
		counter_add(&m->counters->slot[COUNTERS_MASTER],
			    COUNTER_reloads_failed_total, 1);
	}
	os_notify("READY=1");
	buf_fini(&errors);
}
