/* The process of a world: the relay's core with a small directory, routes,
 * and what stands in for the rest of the machine. */
#include "os/clock.h"
#include "os/file.h"
#include "os/net.h"
#include "policy/change.h"
#include "sim/disk.h"
#include "sim/world_private.h"

static const uint8_t booking_key[BOOKING_KEY] = { 4, 5, 6 };

/* --- the directory -------------------------------------------------------- */

static void put_rows(struct buf *change)
{
	struct customer c = { .id = 1, .name = SLICE("one"), .licences = 10,
			      .billing = BILLING_PAID, .plan = VIEW_PLAN_STANDARD,
			      .null_sender_many = true };
	struct setting s = { .id = 1, .customer = 1, .position = 1,
			     .key = SLICE("office"),
			     .description = SLICE("Office"),
			     .allowed_senders = SENDERS_OWN_DOMAINS,
			     .ip_only = true, .enabled = true };
	struct setting roaming = { .id = 2, .customer = 1, .position = 2,
				   .key = SLICE("roaming"),
				   .description = SLICE("On the road"),
				   .allowed_senders = SENDERS_OWN_DOMAINS,
				   .require_auth = true, .enabled = true };
	struct ip_entry e = { .id = 1, .customer = 1, .setting = 1,
			      .description = SLICE("server"),
			      .enabled = true };
	struct domain d = { .name = SLICE("c1.sim"), .customer = 1,
			    .kind = DOMAIN_PRIMARY, .verified = true };
	invariant(ip_range_parse(SLICE("192.0.2.0/24"), &e.range));
	change_put_customer(change, &c);
	change_put_domain(change, &d);
	change_put_setting(change, &s);
	change_put_setting(change, &roaming);
	change_put_entry(change, &e);
}

static bool make_view(struct world *w, struct err *err)
{
	struct buf change;
	struct view *empty = view_new();
	if (empty == NULL)
		return err_set_memory(err, "world");
	const struct view *from = empty;
	buf_init(&change, CHANGE_MAX);
	change_begin(&change, w->oracle.directory.revision, true);
	put_rows(&change);
	login_directory_put(&w->oracle.directory, &change);
	change_end(&change);
	bool ok = !change.failed &&
		  view_apply(from, buf_slice(&change), &w->view, err);
	if (change.failed)
		err_set_memory(err, "world");
	buf_fini(&change);
	view_unref(&from);
	return ok;
}

static void view_is_live(void *ctx, uint64_t revision)
{
	struct world *w = ctx;
	invariant(revision == w->oracle.directory.revision);
	login_directory_live(&w->oracle.directory);
}

/* As admin's changes come to a relay that runs. */
void process_change(struct world *w, unsigned slot)
{
	struct err err;
	struct buf change;
	const struct view *old = w->view;
	buf_init(&change, CHANGE_MAX);
	login_directory_change(&w->oracle.directory, slot, &change);
	invariant(!change.failed &&
		  view_apply(old, buf_slice(&change), &w->view, &err));
	buf_fini(&change);
	view_unref(&old);
	relay_core_set_view(w->core, w->view, view_is_live, w);
}

/* --- where mail goes ------------------------------------------------------ */

/* The other way round: those of the first one go to the last one's. */
static size_t other_row(size_t i, bool other)
{
	return other && i == 0 ? ROUTES_COUNT - 1 : i;
}

/* Two domains share a smart host; one goes by name, one by LMTP, one must
 * have TLS; all else (the senders' own) to the last. */
void process_routes(struct world *w, bool other)
{
	static const struct {
		const char *domain, *host;
		enum deliver_kind kind;
		enum smtp_client_tls tls;
	} rows[ROUTES_COUNT] = {
		{ "d0.sim", "10.1.0.1", DELIVER_SMTP, SMTP_TLS_OPPORTUNISTIC },
		{ "d1.sim", "10.1.0.1", DELIVER_SMTP, SMTP_TLS_OPPORTUNISTIC },
		{ "d2.sim", "mx.sim", DELIVER_SMTP, SMTP_TLS_OPPORTUNISTIC },
		{ "d3.sim", "10.1.0.4", DELIVER_LMTP, SMTP_TLS_NEVER },
		{ "d4.sim", "tls.sim", DELIVER_SMTP, SMTP_TLS_REQUIRED },
		{ "d5.sim", "", DELIVER_MAILDIR, SMTP_TLS_NEVER },
		{ "*", "10.1.0.6", DELIVER_SMTP, SMTP_TLS_OPPORTUNISTIC },
	};
	for (size_t i = 0; i < ROUTES_COUNT; i++)
		w->routes[i] = (struct route){
			.domain = slice_of(rows[i].domain),
			.kind = rows[i].kind,
			.host = slice_of(rows[other_row(i, other)].host),
			.port = 25,
			.tls = rows[i].tls,
			.maildir = rows[i].kind == DELIVER_MAILDIR
					   ? w->maildir
					   : -1,
			.maildir_name = rows[i].kind == DELIVER_MAILDIR
						? SLICE("maildir")
						: SLICE(""),
		};
}

/* --- a Maildir ------------------------------------------------------------ */

static void file_taken(void *ctx, slice bytes, int64_t renamed_ns)
{
	struct world *w = ctx;
	oracle_filed(&w->oracle, bytes, renamed_ns);
}

void process_read_maildir(struct world *w)
{
	static const char *const path[] = { "maildir", "new" };
	bool more = true;
	while (more && !w->oracle.failed)
		more = disk_take(sim->disk, path, ARRAY_LEN(path), file_taken,
				 w);
}

/* --- begin and end ---------------------------------------------------- */

static void accept_clock(struct world *w)
{
	struct err err;
	bool changed;
	w->accept_clock = false;
	/* When it can't be noted it is asked again. */
	w->accept_clock = !relay_clock_accept(
		&w->clock, relay_core_journal(w->core), &changed, &err);
}

/* As the control thread of relay.c does it. */
static int64_t control_turn(void *ctx)
{
	struct world *w = ctx;
	if (w->running && w->core != NULL) {
		(void)relay_clock_look(&w->clock, relay_core_journal(w->core));
		if (w->accept_clock)
			accept_clock(w);
	}
	return os_monotonic_ns() + 1000 * (int64_t)MS;
}

static struct relay_core_config core_config(struct world *w)
{
	return (struct relay_core_config){
		.home = w->control,
		.shards = w->shards,
		.hostname = SLICE("relay.sim"),
		.help_url = SLICE("relay.sim"),
		.limits = &w->limits,
		.spool_dir = w->spool,
		.journal_dir = w->journal,
		.segment_bytes = w->segment_bytes,
		.checkpoint_min_bytes = w->checkpoint_min_bytes,
		.journal_keep_ms = 30 * 86400000ull,
		.journal_bytes = 1 << 30,
		.routes = w->routes,
		.route_count = ROUTES_COUNT,
		.retry = w->retry,
		.view = w->view,
		.tls_server = w->tls_server,
		.tls_client = w->tls_client,
		.resolver = w->resolver,
		.pepper = login_pepper,
		.booking_key = booking_key,
		.log = &w->log,
	};
}

static bool open_outside(struct world *w, struct err *err)
{
	struct resolver_config names = { 0 };
	return os_dir_open("/", &w->root, err) &&
	       os_dir_open_at(w->root, "spool", &w->spool, err) &&
	       os_dir_open_at(w->root, "journal", &w->journal, err) &&
	       os_dir_open_at(w->root, "maildir", &w->maildir, err) &&
	       os_dir_sync(w->root, err) && make_view(w, err) &&
	       os_thread_new(&w->control, "control", control_turn, w, err) &&
	       os_thread_start(w->control, err) &&
	       (!w->has_tls || tls_context_server(SLICE(""), SLICE(""),
						  &w->tls_server, err)) &&
	       tls_context_client(TLS_VERIFY_NONE, SLICE(""), &w->tls_client,
				  err) &&
	       resolver_open(&names, &w->resolver, err) &&
	       resolver_start(w->resolver, err);
}

void process_listen(struct world *w)
{
	struct ip_port at = world_place("10.0.0.1:25");
	struct err err;
	if (w->listening_count == w->shards)
		return;
	net_close_listeners();
	for (uint32_t i = 0; i < w->shards; i++)
		invariant(os_listen(&at, true, &w->listening[i], &err));
	w->listening_count = w->shards;
}

bool process_begin(struct world *w, struct err *err)
{
	if (!open_outside(w, err))
		return false;
	process_routes(w, w->other_routes);
	if (!relay_clock_begin(&w->clock, w->spool, w->journal, &w->log, err))
		return false;
	w->oracle.lives[w->oracle.life_count - 1].wall_ms = sim_own_wall_ms();
	struct relay_core_config config = core_config(w);
	if (!relay_core_open(&config, &w->core, err))
		return false;
	for (uint32_t i = 0; i < w->shards; i++)
		if (!relay_core_listen(w->core, i, w->listening[i],
				       RECEIVE_STARTTLS, SLICE("smtp"), err))
			return false;
	if (!relay_core_start(w->core, err))
		return false;
	login_directory_live(&w->oracle.directory);
	return true;
}

void process_end(struct world *w)
{
	relay_core_close(&w->core);
	resolver_close(&w->resolver);
	tls_context_unref(&w->tls_server);
	tls_context_unref(&w->tls_client);
	view_unref(&w->view);
	os_thread_stop(w->control);
	os_thread_join(&w->control);
	os_file_close(&w->spool);
	os_file_close(&w->journal);
	os_file_close(&w->maildir);
	os_file_close(&w->root);
}

/* --- people ----------------------------------------------------------- */

static void act_on(struct world *w, struct queue_entry *e, bool release_all)
{
	uint64_t luck = (w->act_draw = w->act_draw * 6364136223846793005u +
				       1442695040888963407u) >> 40;
	if (release_all || luck % 8 == 0)
		queue_release(e);
	else if (luck % 8 == 1)
		queue_hold(e, HELD_OPERATOR);
	else if (luck % 8 == 2)
		queue_retry(e);
}

static void act(struct relay_job *job, struct shard *s, bool release_all)
{
	(void)job;
	struct queue_entry *e = queue_next(s->queue, NULL);
	while (e != NULL) {
		struct queue_entry *after = queue_next(s->queue, e);
		if (e->live)
			act_on(the_world, e, release_all);
		e = after;
	}
}

static void act_some(struct relay_job *job, struct shard *s)
{
	act(job, s, false);
}

static void act_release(struct relay_job *job, struct shard *s)
{
	act(job, s, true);
}

static void acted(struct relay_job *job)
{
	(void)job;
	the_world->acts_waiting--;
}

void process_act(struct world *w, bool release_all)
{
	if (w->acts_waiting > 0)
		return;
	w->acts_waiting = w->shards;
	for (uint32_t i = 0; i < w->shards; i++) {
		w->acts[i] = (struct relay_job){
			.work = release_all ? act_release : act_some,
			.done = acted,
		};
		relay_core_run(w->core, i, &w->acts[i]);
	}
}
