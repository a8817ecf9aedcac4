/* Alerts of limits; see alert.h. Texts: alert_text.def. */
#include "accept/alert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "limits/window.h"

enum { SUBJECT_MAX = 4096, MARK_MAX = 64 };

enum alert_text_id {
#define TEXT(id, en, ja) SAY_##id,
#include "accept/alert_text.def"
#undef TEXT
	SAY_COUNT,
};
static const struct text texts[SAY_COUNT] = {
#define TEXT(id, en, ja) [SAY_##id] = { en, ja },
#include "accept/alert_text.def"
#undef TEXT
};

struct alerts {
	struct alerts_config config;
	const struct view *view;
	uint32_t open_count;
	bool draining;
	void (*empty)(void *ctx);
	void *empty_ctx;
};

/* One at the door. */
struct sending {
	struct alerts *alerts;
	struct ledger_alert alert;
};

struct alerts *alerts_new(const struct alerts_config *config,
			  const struct view *view, struct err *err)
{
	struct alerts *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		err_set_memory(err, "alerts");
		return NULL;
	}
	a->config = *config;
	a->view = view_ref(view);
	return a;
}

void alerts_free(struct alerts **alerts)
{
	struct alerts *a = *alerts;
	if (a == NULL)
		return;
	invariant(a->open_count == 0);
	view_unref(&a->view);
	free(a);
	*alerts = NULL;
}

void alerts_set_view(struct alerts *a, const struct view *view)
{
	const struct view *old = a->view;
	a->view = view_ref(view);
	view_unref(&old);
}

static void maybe_empty(struct alerts *a)
{
	void (*empty)(void *) = a->empty;
	if (!a->draining || a->open_count > 0 || empty == NULL)
		return;
	a->empty = NULL;
	empty(a->empty_ctx);
}

void alerts_drain(struct alerts *a, void (*empty)(void *ctx), void *ctx)
{
	a->draining = true;
	a->empty = empty;
	a->empty_ctx = ctx;
	maybe_empty(a);
}

/* --- words ---------------------------------------------------------------- */

static bool of_user(const struct ledger_alert *alert)
{
	return alert->limit >= LEDGER_USER_MESSAGES;
}

static void say(struct buf *out, const struct alert_facts *f,
		enum alert_text_id id, const slice *args, size_t count)
{
	notice_say(out, &texts[id], f->customer->language, args, count);
}

void alert_subject(struct buf *out, const struct alert_facts *f)
{
	char percent[16];
	snprintf(percent, sizeof(percent), "%u", f->alert->percent);
	slice args[] = { slice_of(percent),
			 of_user(f->alert) ? f->user : f->customer->name };
	say(out, f, of_user(f->alert) ? SAY_SUBJECT_USER :
					SAY_SUBJECT_CUSTOMER,
	    args, ARRAY_LEN(args));
}

static const char *limit_words(const struct alert_facts *f)
{
	static const enum alert_text_id of[] = {
		[LEDGER_CUSTOMER_DAY] = SAY_CUSTOMER_DAY,
		[LEDGER_CUSTOMER_PEAK] = SAY_CUSTOMER_PEAK,
		[LEDGER_USER_MESSAGES] = SAY_USER_MESSAGES,
		[LEDGER_USER_UNIQUE] = SAY_USER_UNIQUE,
	};
	invariant(f->alert->limit >= LEDGER_CUSTOMER_DAY &&
		  f->alert->limit < ARRAY_LEN(of));
	return text_in(&texts[of[f->alert->limit]], f->customer->language);
}

static void say_used(struct buf *out, const struct alert_facts *f)
{
	const struct ledger_alert *a = f->alert;
	char used[24], allowed[24], when[TIME_TEXT_MAX];
	snprintf(used, sizeof(used), "%" PRIu64, a->used);
	snprintf(allowed, sizeof(allowed), "%" PRIu64, a->allowed);
	slice args[] = { f->customer->name, slice_of(used), slice_of(allowed),
			 slice_of(limit_words(f)),
			 slice_of(time_text_ms(f->now_ms, when)), f->user };
	say(out, f, of_user(a) ? SAY_USED_USER : SAY_USED_CUSTOMER, args,
	    ARRAY_LEN(args));
}

static enum alert_text_id what_happens(const struct alert_facts *f)
{
	const enum over_limit *mode = f->customer->over_limit;
	enum ledger_verdict limit = f->alert->limit;
	/* The order of customer.over_limit: day, peak, user. */
	switch (mode[of_user(f->alert) ? 2 : limit - LEDGER_CUSTOMER_DAY]) {
	case OVER_HOLD:
		return SAY_HOLD;
	case OVER_DEFER:
		return SAY_DEFER;
	case OVER_REFUSE:
		/* The peak's refusal is a temporary one (SPEC 6.3). */
		return limit == LEDGER_CUSTOMER_PEAK ? SAY_DEFER : SAY_REFUSE;
	}
	unreachable_state("every mode is listed");
}

void alert_text(struct buf *out, const struct alert_facts *f)
{
	char when[TIME_TEXT_MAX];
	say(out, f, SAY_INTRO, &f->hostname, 1);
	say_used(out, f);
	say(out, f, what_happens(f), NULL, 0);
	if (f->opens_at_ms != 0 && f->opens_at_ms != WINDOW_NEVER) {
		slice at = slice_of(time_text_ms(f->opens_at_ms, when));
		say(out, f, SAY_OPENS, &at, 1);
	}
	say(out, f, SAY_ROLLING, NULL, 0);
	say(out, f, SAY_ONCE, NULL, 0);
}

/* --- to whom -------------------------------------------------------------- */

/* Into to (and postmaster, room for that one); how many. */
static uint32_t choose(const struct alerts *a, const struct customer *c,
		       slice sender_domain, slice to[VIEW_SUPER_ADMINS_MAX],
		       struct buf *postmaster)
{
	const struct user *admins[VIEW_SUPER_ADMINS_MAX];
	uint32_t all = view_super_admins(a->view, c->id, admins), n = 0;
	for (uint32_t i = 0; i < all; i++)
		if (!admins[i]->suspended)
			to[n++] = admins[i]->address;
	if (n == 0 && c->report_address.n > 0)
		to[n++] = c->report_address;
	const struct domain *d = sender_domain.n > 0 ?
		view_domain_of(a->view, sender_domain) : NULL;
	if (n == 0 && d != NULL && d->customer == c->id) {
		buf_append(postmaster, SLICE("postmaster@"));
		buf_append(postmaster, d->name);
		if (!postmaster->failed)
			to[n++] = buf_slice(postmaster);
	}
	return n;
}

/* --- sending -------------------------------------------------------------- */

static void not_sent(struct alerts *a, const struct ledger_alert *alert,
		     const struct err *why)
{
	log_failure(a->config.log, LOG_WARNING, "alert.not_sent", why);
	ledger_forget_alert(a->config.ledger, alert);
}

static void sent(void *ctx, bool ok, bool unknown, const struct err *err)
{
	struct sending *s = ctx;
	struct alerts *a = s->alerts;
	invariant(a->open_count > 0);
	a->open_count--;
	if (ok)
		counter_add(a->config.counters, COUNTER_limit_alerts_total,
			    1);
	else if (!unknown)
		not_sent(a, &s->alert, err);
	free(s);
	maybe_empty(a);
}

static void write_mark(struct buf *out, const struct ledger_alert *alert)
{
	struct booking_mark m = { .customer = alert->customer,
				  .user = alert->user,
				  .limit = (uint8_t)alert->limit,
				  .percent = (uint8_t)alert->percent };
	booking_mark_write(out, &m);
}

static bool send_to(struct alerts *a, const struct alert_facts *f,
		    const slice *to, uint32_t to_count, struct err *err)
{
	struct sending *s = calloc(1, sizeof(*s));
	struct buf subject, text, mark;
	buf_init(&subject, SUBJECT_MAX);
	buf_init(&text, NOTICE_TEXT_MAX);
	buf_init(&mark, MARK_MAX);
	alert_subject(&subject, f);
	alert_text(&text, f);
	write_mark(&mark, f->alert);
	bool ok = s != NULL && !subject.failed && !text.failed &&
		  !mark.failed;
	if (!ok) {
		err_set_memory(err, "alert");
	} else {
		*s = (struct sending){ a, *f->alert };
		struct notice n = {
			.customer = f->customer->id,
			.language = f->customer->language,
			.to = to, .to_count = to_count,
			.subject = buf_slice(&subject),
			.text = buf_slice(&text), .mark = buf_slice(&mark),
			.done = sent, .ctx = s,
		};
		a->open_count++;
		ok = notice_send(a->config.door, a->config.budget, &n, err);
		if (!ok) {
			a->open_count--;
			free(s);
		}
		s = NULL;
	}
	free(s);
	buf_fini(&subject);
	buf_fini(&text);
	buf_fini(&mark);
	return ok;
}

/* When there is room for one more; 0: now. */
static int64_t opens_at(const struct alerts *a,
			const struct ledger_alert *alert,
			const struct customer *c, int64_t now_ms)
{
	struct ledger_view v;
	struct allowance allowed = view_allowance(a->view, c);
	ledger_show(a->config.ledger, alert->customer, alert->user, &allowed,
		    now_ms, &v);
	uint32_t row = alert->limit - LEDGER_CUSTOMER_DAY;
	return row < v.count ? v.rows[row].opens_at_ms : 0;
}

static void mail(struct alerts *a, const struct ledger_alert *alert,
		 const struct customer *c, slice sender_domain)
{
	const struct door_config *d = door_settings(a->config.door);
	const struct user *u = of_user(alert) ?
		view_user_by_id(a->view, alert->user) : NULL;
	int64_t now = d->wall_ms(d->clock);
	struct alert_facts f = {
		.alert = alert, .customer = c, .hostname = d->hostname,
		.user = u ? u->address : SLICE("?"), .now_ms = now,
		.opens_at_ms = opens_at(a, alert, c, now),
	};
	slice to[VIEW_SUPER_ADMINS_MAX];
	struct buf postmaster;
	struct err err;
	buf_init(&postmaster, ADDRESS_TEXT_MAX);
	uint32_t n = choose(a, c, sender_domain, to, &postmaster);
	if (!send_to(a, &f, to, n, &err)) {
		/* Nobody to be told is no reason to try at each message. */
		if (err.kind == ERR_PERMANENT)
			log_failure(a->config.log, LOG_WARNING,
				    "alert.nobody", &err);
		else
			not_sent(a, alert, &err);
	}
	buf_fini(&postmaster);
}

static void tell_journal(struct alerts *a, const struct ledger_alert *alert)
{
	const struct door_config *d = door_settings(a->config.door);
	struct journal_event e;
	journal_begin(&e, a->config.journal, "limit", d->wall_ms(d->clock));
	struct json *j = &e.json;
	json_member_u64(j, "customer", alert->customer);
	if (alert->user != 0)
		json_member_u64(j, "user", alert->user);
	json_member_cstr(j, "limit", ledger_verdict_name(alert->limit));
	json_member_u64(j, "percent", alert->percent);
	json_member_u64(j, "used", alert->used);
	json_member_u64(j, "allowed", alert->allowed);
	journal_end(&e, JOURNAL_KEEP, 0);
}

void alert_tell(struct alerts *a, const struct ledger_alert *alert,
		slice sender_domain)
{
	const struct customer *c = view_customer(a->view, alert->customer);
	tell_journal(a, alert);
	if (c != NULL && !a->draining)
		mail(a, alert, c, sender_domain);
}
