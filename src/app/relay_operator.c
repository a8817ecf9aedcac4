/* The operator's alerts inside relay; see relay_operator.h. */
#include "app/relay_operator.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "accept/notice.h"
#include "app/operator_alerts.h"
#include "limits/booking.h"
#include "os/clock.h"

enum { ADMIN_PATIENCE_MS = 60000, DAY_MS = CALENDAR_DAY_MS,
       MARK_MAX = 16, LEGACY_ROWS_MAX = 500, NUMBER_MAX = 24 };

/* One mail: the control thread's until its job runs, the shard's until it is
 * over. */
struct mail {
	struct relay_job job;
	struct relay *relay;
	struct notice notice;
	slice to;
	char address[ADDRESS_TEXT_MAX + 1];
	struct buf mark;
	bool ok;
	struct err err;
};

struct relay_operator {
	struct operator_alerts *alerts;
	char address[ADDRESS_TEXT_MAX + 1];
	struct mail mail;
	bool told_start;
	int64_t low_since_ms, admin_gone_ms;	/* 0: it is well */
	/* of the certificate */
	char certificate[OPERATOR_ARG_MAX];
	struct certificate_seen seen;
	bool draining;
	void (*empty)(struct relay *r);
};

/* --- the way of a mail ---------------------------------------------------- */

static void stored(void *ctx, bool ok, bool unknown, const struct err *err)
{
	struct mail *m = ctx;
	m->ok = ok || unknown;
	if (!m->ok)
		m->err = *err;
	relay_job_over(&m->job);
}

/* On the shard. */
static void submit(struct relay_job *job, struct shard *s)
{
	struct mail *m = CONTAINER_OF(job, struct mail, job);
	m->notice.done = stored;
	m->notice.ctx = m;
	m->notice.to = &m->to;
	m->notice.to_count = 1;
	m->notice.mark = buf_slice(&m->mark);
	m->ok = false;
	if (!notice_send(s->door, s->config.budget, &m->notice, &m->err))
		relay_job_over(job);
}

static void maybe_empty(struct relay *r)
{
	struct relay_operator *o = r->operator;
	void (*empty)(struct relay *) = o->empty;
	if (!o->draining || empty == NULL || operator_alerts_busy(o->alerts))
		return;
	o->empty = NULL;
	/* The doors close: what happens from now on is the journal's. */
	operator_alerts_enable(o->alerts, false);
	empty(r);
}

static void over(struct relay_job *job)
{
	struct mail *m = CONTAINER_OF(job, struct mail, job);
	struct relay *r = m->relay;
	struct relay_operator *o = r->operator;
	if (!m->ok)
		log_failure(r->log, LOG_WARNING, "operator.mail", &m->err);
	operator_alerts_sent(o->alerts, m->ok ? OPERATOR_SENT
					      : OPERATOR_NOT_SENT,
			     os_wall_ms());
	maybe_empty(r);
}

static void send(void *ctx, enum operator_kind kind, slice subject,
		 slice text)
{
	struct relay *r = ctx;
	struct mail *m = &r->operator->mail;
	struct log_event e;
	memcpy(m->address, r->operator->address, sizeof(m->address));
	m->relay = r;
	m->to = slice_of(m->address);
	buf_clear(&m->mark);
	booking_operator_mark_write(&m->mark, operator_kind_number(kind));
	m->notice = (struct notice){ .in_both = true, .subject = subject,
				     .text = text };
	m->job = (struct relay_job){ .work = submit, .done = over,
				     .later = true };
	log_begin(&e, r->log, LOG_INFO, "operator.told");
	json_member_cstr(&e.json, "about", operator_kind_name(kind));
	log_end(&e);
	relay_core_run(r->core, 0, &m->job);
}

/* --- life ----------------------------------------------------------------- */

bool relay_operator_begin(struct relay *r, struct err *err)
{
	struct relay_operator *o = calloc(1, sizeof(*o));
	struct operator_alerts_config config = {
		.hostname = r->start->hostname,
		.log = r->log,
		.counters = r->start->counters != NULL ?
			&r->start->counters->slot[COUNTERS_CONTROL] : NULL,
		.send = send,
		.ctx = r,
	};
	r->operator = o;
	if (o == NULL)
		return err_set_memory(err, "relay_operator");
	buf_init(&o->mail.mark, MARK_MAX);
	o->alerts = operator_alerts_new(&config);
	if (o->alerts == NULL)
		return err_set_memory(err, "relay_operator");
	relay_operator_configure(r, r->start->config);
	return true;
}

void relay_operator_mark(void *ctx, uint8_t number, int64_t sent_ms)
{
	struct relay *r = ctx;
	operator_alerts_restore(r->operator->alerts, number, sent_ms);
}

void relay_operator_end(struct relay *r)
{
	struct relay_operator *o = r->operator;
	r->operator = NULL;
	if (o == NULL)
		return;
	operator_alerts_free(&o->alerts);
	buf_fini(&o->mail.mark);
	free(o);
}

void relay_operator_configure(struct relay *r, const struct config *c)
{
	struct relay_operator *o = r->operator;
	struct log_event e;
	bool routed = config_operator_routed(c);
	bool open = !o->draining || o->empty != NULL;
	bool same = slice_eq(slice_of(o->address), c->operator_mail);
	if (!slice_to_cstr(c->operator_mail, o->address,
			   sizeof(o->address)))
		o->address[0] = '\0';
	snprintf(o->certificate, sizeof(o->certificate), "%s",
		 c->tls_certificate != NULL ? c->tls_certificate :
					      "certs/ (data_dir)");
	if (!same)
		o->seen.ends_ms = 0;	/* whoever is new is told */
	operator_alerts_enable(o->alerts,
			       o->address[0] != '\0' && routed && open);
	if (o->address[0] == '\0' || routed)
		return;
	log_begin(&e, r->log, LOG_ERROR, "operator.no_route");
	json_member_string(&e.json, "address", c->operator_mail);
	json_member_cstr(&e.json, "text", "no route covers the domain of "
			 "operator.mail, and mail goes by routes only: nobody "
			 "gets alerts");
	log_end(&e);
}

void relay_operator_drain(struct relay *r, void (*empty)(struct relay *r))
{
	struct relay_operator *o = r->operator;
	if (o->draining)
		return;
	o->draining = true;
	o->empty = empty;
	maybe_empty(r);
}

/* --- at a start ----------------------------------------------------------- */

static void list_poison(const struct relay_start *s, struct buf *out)
{
	char id[ID_TEXT_MAX], address[IP_TEXT_MAX], until[TIME_TEXT_MAX];
	for (size_t i = 0; i < s->poison_count; i++)
		buf_printf(out, "%s\n", id_text(s->poison[i], id));
	for (size_t i = 0; i < s->refused_count; i++)
		buf_printf(out, "%s  %s\n",
			   ip_addr_text(&s->refused[i].address, address),
			   time_text_ms(os_wall_ms() +
					s->refused[i].left_ms, until));
}

static slice number(uint64_t n, char to[NUMBER_MAX])
{
	snprintf(to, NUMBER_MAX, "%" PRIu64, n);
	return slice_of(to);
}

static void tell_crash(struct relay *r, int64_t now_ms)
{
	const struct relay_start *s = r->start;
	char crashes[NUMBER_MAX], messages[NUMBER_MAX], clients[NUMBER_MAX];
	bool poison = s->poison_count > 0 || s->refused_count > 0;
	struct buf list;
	buf_init(&list, OPERATOR_DETAIL_MAX);
	list_poison(s, &list);
	struct operator_event e = {
		.kind = poison ? OPERATOR_POISON : OPERATOR_CRASHED,
		.since_ms = s->troubles.crashed_ms,
		.args = { number(s->troubles.crashes, crashes),
			  number(s->poison_count, messages),
			  number(s->refused_count, clients) },
		.detail = buf_slice(&list),
	};
	operator_alerts_tell(r->operator->alerts, &e, now_ms);
	buf_fini(&list);
}

static void tell_start(struct relay *r, int64_t now_ms)
{
	struct relay_operator *o = r->operator;
	if (o->told_start)
		return;
	o->told_start = true;
	if (r->start->troubles.spool_closed_ms != 0)
		operator_alerts_tell(
			o->alerts,
			&(struct operator_event){
				.kind = OPERATOR_SPOOL_CLOSED,
				.since_ms = r->start->troubles.spool_closed_ms },
			now_ms);
	if (r->start->troubles.crashed_ms != 0)
		tell_crash(r, now_ms);
}

/* --- once a second -------------------------------------------------------- */

/* Since when something is so; 0: it isn't. */
static void since(int64_t *since_ms, bool is_so, int64_t now_ms)
{
	if (!is_so)
		*since_ms = 0;
	else if (*since_ms == 0)
		*since_ms = now_ms;
}

static void look_at_disk(struct relay *r, int64_t now_ms)
{
	struct relay_operator *o = r->operator;
	struct spool_figures f;
	char free_now[NUMBER_MAX], keep[NUMBER_MAX];
	spool_figures(relay_core_spool(r->core), &f);
	since(&o->low_since_ms, f.low_space, now_ms);
	struct operator_event low = {
		.kind = OPERATOR_DISK_LOW,
		.since_ms = o->low_since_ms,
		.args = { number(f.free_bytes, free_now),
			  number(r->core_config.keep_free_bytes, keep) },
	};
	struct operator_event again = {
		.kind = OPERATOR_DISK_AGAIN,
		.args = { number(f.free_bytes, free_now) },
	};
	operator_alerts_state(o->alerts, f.low_space, &low, &again, now_ms);
}

static void look_at_admin(struct relay *r, int64_t now_ms)
{
	struct relay_operator *o = r->operator;
	bool up = control_serve_admin_up(r->control);
	since(&o->admin_gone_ms, !up, now_ms);
	/* Neither down nor well: it may just be starting. */
	if (!up && now_ms - o->admin_gone_ms < ADMIN_PATIENCE_MS)
		return;
	struct operator_event down = { .kind = OPERATOR_ADMIN_DOWN,
				       .since_ms = o->admin_gone_ms };
	struct operator_event again = { .kind = OPERATOR_ADMIN_AGAIN };
	operator_alerts_state(o->alerts, !up, &down, &again, now_ms);
}

void relay_operator_look(struct relay *r, int64_t now_ms)
{
	struct relay_operator *o = r->operator;
	if (o->draining)
		return;
	tell_start(r, now_ms);
	look_at_disk(r, now_ms);
	look_at_admin(r, now_ms);
	operator_alerts_look(o->alerts, now_ms);
}

/* --- by the clock --------------------------------------------------------- */

void relay_operator_certificate(struct relay *r, int64_t ends_ms,
				int64_t now_ms)
{
	struct relay_operator *o = r->operator;
	char days[NUMBER_MAX], ends[TIME_TEXT_MAX];
	int64_t left = ends_ms - now_ms;
	enum operator_kind kind = left > 0 ? OPERATOR_CERTIFICATE_ENDS
					   : OPERATOR_CERTIFICATE_OVER;
	struct operator_event e = {
		.kind = kind,
		.args = { number(left > 0 ? (uint64_t)(left / DAY_MS) : 0,
				 days),
			  slice_of(time_text_ms(ends_ms, ends)),
			  slice_of(o->certificate) },
	};
	if (certificate_is_told(&o->seen, ends_ms,
				operator_alerts_last_ms(o->alerts, kind),
				now_ms))
		operator_alerts_tell(o->alerts, &e, now_ms);
	o->seen = (struct certificate_seen){ ends_ms, certificate_step(left) };
}

void relay_operator_clock(struct relay *r, int64_t machine_ms,
			  int64_t ours_ms)
{
	char machine[TIME_TEXT_MAX], ours[TIME_TEXT_MAX];
	struct operator_event e = {
		.kind = OPERATOR_CLOCK,
		.since_ms = ours_ms,
		.args = { slice_of(time_text_ms(machine_ms, machine)),
			  slice_of(time_text_ms(ours_ms, ours)) },
	};
	operator_alerts_tell(r->operator->alerts, &e, ours_ms);
}

static void list_legacy(struct relay *r, const struct legacy_client *rows,
			size_t count, struct buf *out)
{
	const struct view *v = relay_core_view(r->core);
	char address[IP_TEXT_MAX], last[TIME_TEXT_MAX];
	for (size_t i = 0; i < count && i < LEGACY_ROWS_MAX; i++) {
		const struct customer *c = rows[i].customer != 0 ?
			view_customer(v, rows[i].customer) : NULL;
		slice name = c != NULL ? c->name : SLICE("-");
		buf_printf(out, "%s  %.*s  %s  %s  %" PRIu64 "  %s\n",
			   ip_addr_text(&rows[i].address, address),
			   SLICE_ARG(name), rows[i].version, rows[i].cipher,
			   rows[i].handshakes,
			   time_text_ms(rows[i].last_ms, last));
	}
	if (count > LEGACY_ROWS_MAX)
		buf_printf(out, "... + %zu\n", count - LEGACY_ROWS_MAX);
}

void relay_operator_legacy(struct relay *r, const struct legacy_client *rows,
			   size_t count, int64_t since_ms, int64_t now_ms)
{
	char addresses[NUMBER_MAX], handshakes[NUMBER_MAX];
	uint64_t all = 0;
	struct buf list;
	buf_init(&list, OPERATOR_DETAIL_MAX);
	list_legacy(r, rows, count, &list);
	for (size_t i = 0; i < count; i++)
		all += rows[i].handshakes;
	struct operator_event e = {
		.kind = OPERATOR_LEGACY_TLS,
		.since_ms = since_ms,
		.args = { number(count, addresses), number(all, handshakes) },
		.detail = buf_slice(&list),
	};
	operator_alerts_tell(r->operator->alerts, &e, now_ms);
	buf_fini(&list);
}
