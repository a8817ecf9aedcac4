/*
 * Who may come in how often (SPEC 7): connections and handshakes by address,
 * sessions by HELO name, failed AUTH by address and account. Everything is
 * counted in the budgets that all shards share; nobody's budget is used up by
 * others: listed addresses, each customer's names, and places from which an
 * account was right before count apart from strangers.
 */
#include "receive/receive_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/day.h"

enum {
	SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS,
	GENERIC_SHARE = 10,
	EVICT_IDLE_MS = 1000,
};

static const int64_t good_place_ms = (int64_t)30 * 24 * HOUR_MS;
static const uint64_t open_all = 2, open_strangers = 3, auth_all = 4;

static int64_t now_of(const struct receive *r)
{
	return loop_now_ms(r->config.loop);
}

static struct budget_rate rate_of(uint64_t count, uint32_t every_ms,
				  uint64_t burst)
{
	return (struct budget_rate){
		.count = (uint32_t)count, .every_ms = every_ms,
		.burst = burst > 0 ? (uint32_t)burst : 1,
	};
}

/* All of it may come at once, as from an office in the morning. */
static struct budget_rate a_minute(uint64_t count)
{
	return rate_of(count, MINUTE_MS, count);
}

static struct budget_rate rate_known(const struct limits *l, uint32_t share)
{
	return rate_of(l->connect_rate, SECOND_MS * share,
		       l->connect_burst / share);
}

static void say_when(struct admission_words *words, const char *what,
		     int64_t wait_ms)
{
	snprintf(words->text, sizeof(words->text),
		 "%s; send many messages over one connection, or try again "
		 "in %" PRId64 " seconds", what,
		 (wait_ms + SECOND_MS - 1) / SECOND_MS);
}

/* --- connections ---------------------------------------------------------- */

static bool first_customer(void *ctx, const struct ip_entry *entry)
{
	uint32_t *customer = ctx;
	*customer = entry->customer;
	return false;
}

static uint64_t open_key(const struct ip_addr *client, bool is_stranger)
{
	return budget_key_address(is_stranger ? BUDGET_OPEN_STRANGER :
						BUDGET_OPEN_KNOWN, client);
}

/* The stranger who was silent for longest makes room, if it was for a while
 * and has no message on its way to the disk. */
static bool evict_a_stranger(struct receive *r)
{
	list_each(&r->strangers, node, after) {
		struct session *s = CONTAINER_OF(node, struct session,
						 admission.node);
		if (now_of(r) - s->admission.active_ms < EVICT_IDLE_MS)
			return false;
		if (s->state == SESSION_STORING || s->in_input)
			continue;
		counter_add(r->config.counters, COUNTER_sessions_evicted_total,
			    1);
		session_close_with(s, REPLY_BUSY);
		return true;
	}
	return false;
}

static bool enter_or_evict(struct receive *r, uint64_t key, uint64_t max)
{
	return budget_enter(r->config.budgets, key, (uint32_t)max,
			    now_of(r)) ||
	       (evict_a_stranger(r) &&
		budget_enter(r->config.budgets, key, (uint32_t)max,
			     now_of(r)));
}

static bool enter_all(struct receive *r, struct admission *a)
{
	const struct limits *l = r->config.limits;
	if (!enter_or_evict(r, open_all, l->connections_total))
		return false;
	if (!a->is_stranger ||
	    enter_or_evict(r, open_strangers, l->connections_strangers))
		return true;
	budget_leave(r->config.budgets, open_all);
	return false;
}

static bool has_rate(struct receive *r, const struct ip_addr *client,
		     struct admission *a, int64_t *wait_ms)
{
	const struct limits *l = r->config.limits;
	struct budget_rate rate = a->is_stranger ?
					  a_minute(l->connect_rate_stranger) :
					  rate_known(l, 1);
	int64_t ahead_ms = a->is_stranger ? 0 : (int64_t)l->greeting_delay_ms;
	if (!budget_take(r->config.budgets,
			 budget_key_address(BUDGET_CONNECT, client), &rate,
			 ahead_ms, now_of(r), wait_ms))
		return false;
	a->greeting_delay_ms = *wait_ms;
	return true;
}

bool admit_connection(struct receive *r, const struct ip_addr *client,
		      struct admission *a, struct admission_words *words)
{
	const struct limits *l = r->config.limits;
	int64_t wait_ms;
	*a = (struct admission){ .active_ms = now_of(r) };
	list_init(&a->node);
	view_entries_of(r->view, client, first_customer, &a->class_customer);
	a->is_stranger = a->class_customer == 0;
	a->address_key = open_key(client, a->is_stranger);
	if (!has_rate(r, client, a, &wait_ms)) {
		say_when(words, "Too many new connections from your address",
			 wait_ms);
		return false;
	}
	if (!budget_enter(r->config.budgets, a->address_key,
			  (uint32_t)(a->is_stranger ?
					     l->connections_address_stranger :
					     l->connections_address),
			  now_of(r))) {
		say_when(words, "Too many connections from your address at "
				"once", SECOND_MS);
		return false;
	}
	if (enter_all(r, a))
		return true;
	budget_leave(r->config.budgets, a->address_key);
	say_when(words, "Too many connections at once", MINUTE_MS);
	return false;
}

void admission_of_proxy(struct receive *r, struct admission *a)
{
	*a = (struct admission){ .active_ms = now_of(r), .is_none = true };
	list_init(&a->node);
}

void admission_end(struct receive *r, struct admission *a)
{
	if (a->is_none)
		return;
	budget_leave(r->config.budgets, a->address_key);
	budget_leave(r->config.budgets, open_all);
	if (a->is_stranger)
		budget_leave(r->config.budgets, open_strangers);
	list_remove(&a->node);
}

/* It keeps its old place when its address has no other. */
void admission_known(struct session *s)
{
	struct receive *r = s->receive;
	struct admission *a = &s->admission;
	uint64_t key = open_key(&s->client.addr, false);
	if (!a->is_stranger ||
	    !budget_enter(r->config.budgets, key,
			  (uint32_t)r->config.limits->connections_address,
			  now_of(r)))
		return;
	budget_leave(r->config.budgets, a->address_key);
	budget_leave(r->config.budgets, open_strangers);
	a->address_key = key;
	a->is_stranger = false;
	list_remove(&a->node);
}

void admission_active(struct session *s)
{
	struct admission *a = &s->admission;
	a->active_ms = now_of(s->receive);
	if (!a->is_stranger)
		return;
	list_remove(&a->node);
	list_append(&s->receive->strangers, &a->node);
}

/* --- handshakes and names ------------------------------------------------- */

bool admit_handshake(struct session *s, struct admission_words *words)
{
	const struct limits *l = s->receive->config.limits;
	struct budget_rate rate =
		s->admission.is_stranger ? a_minute(l->handshake_rate_stranger) :
					   rate_known(l, 1);
	int64_t wait_ms;
	bool ok = budget_take(s->receive->config.budgets,
			      budget_key_address(BUDGET_HANDSHAKE,
						 &s->client.addr),
			      &rate, 0, now_of(s->receive), &wait_ms);
	if (!ok)
		say_when(words, "Too many TLS handshakes from your address",
			 wait_ms);
	return ok;
}

struct legacy_search {
	int64_t now_ms;
	bool found;
};

static bool is_legacy(void *ctx, const struct ip_entry *entry)
{
	struct legacy_search *search = ctx;
	search->found = search->now_ms < day_end_ms(entry->legacy_tls_until);
	return !search->found;
}

bool admit_legacy_tls(const struct session *s)
{
	const struct receive *r = s->receive;
	struct legacy_search search = {
		.now_ms = loop_wall_ms(r->config.loop),
	};
	view_entries_of(r->view, &s->client.addr, is_legacy, &search);
	return search.found;
}

/* Once a session: EHLO comes again after STARTTLS. */
bool admit_name(struct session *s, slice helo, struct admission_words *words)
{
	struct receive *r = s->receive;
	const struct limits *l = r->config.limits;
	struct admission *a = &s->admission;
	bool generic = policy_helo_generic(helo, r->config.hostname);
	uint32_t share = generic ? GENERIC_SHARE : 1;
	uint64_t strangers = l->helo_rate_stranger;
	if (strangers > 0 && generic)
		strangers = strangers < GENERIC_SHARE ? 1 : strangers / share;
	struct budget_rate rate = a->class_customer == 0 ?
					  a_minute(strangers) :
					  rate_known(l, share);
	int64_t wait_ms;
	if (a->has_name)
		return true;
	a->has_name = true;
	if (budget_take(r->config.budgets,
			budget_key_helo(a->class_customer, helo), &rate, 0,
			now_of(r), &wait_ms))
		return true;
	say_when(words, generic ?
			"Too many sessions under this HELO name, which is not "
			"your server's own: give it its own name" :
			"Too many sessions under this HELO name", wait_ms);
	return false;
}

/* --- AUTH ----------------------------------------------------------------- */

static uint64_t good_key(const struct session *s, slice account)
{
	return budget_key_network(BUDGET_AUTH_GOOD, &s->client.addr, account);
}

/* The three budgets of failures; a place that was right before is not judged
 * by what others do to its account. */
struct auth_budgets {
	uint64_t key[3];
	struct budget_rate rate[3];
};

static struct auth_budgets auth_budgets(const struct session *s, slice account)
{
	const struct limits *l = s->receive->config.limits;
	return (struct auth_budgets){
		.key = { budget_key_address(BUDGET_AUTH_ADDRESS,
					    &s->client.addr),
			 budget_key_network(BUDGET_AUTH_ACCOUNT,
					    &s->client.addr, account),
			 auth_all },
		.rate = { rate_of(l->auth_rate_address, HOUR_MS,
				  l->auth_rate_address),
			  rate_of(l->auth_rate_account, HOUR_MS,
				  l->auth_rate_account),
			  rate_of(l->auth_rate_total, SECOND_MS,
				  10 * l->auth_rate_total) },
	};
}

bool admit_auth(struct session *s, slice account,
		struct admission_words *words)
{
	struct budgets *b = s->receive->config.budgets;
	int64_t now_ms = now_of(s->receive), wait_ms;
	struct auth_budgets of = auth_budgets(s, account);
	if (budget_remembers(b, good_key(s, account), now_ms))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(of.key); i++) {
		if (budget_has_room(b, of.key[i], &of.rate[i], now_ms,
				    &wait_ms))
			continue;
		snprintf(words->text, sizeof(words->text),
			 "Too many failed logins from your network; check the "
			 "password, and try again in %" PRId64 " seconds",
			 (wait_ms + SECOND_MS - 1) / SECOND_MS);
		return false;
	}
	return true;
}

void admission_auth_failed(struct session *s, slice account)
{
	struct auth_budgets of = auth_budgets(s, account);
	for (size_t i = 0; i < ARRAY_LEN(of.key); i++) {
		int64_t wait_ms;
		/* Having none left is what the next look finds. */
		bool taken = budget_take(s->receive->config.budgets, of.key[i],
					 &of.rate[i], 0, now_of(s->receive),
					 &wait_ms);
		(void)taken;
	}
}

void admission_auth_good(struct session *s, slice account)
{
	budget_remember(s->receive->config.budgets, good_key(s, account),
			good_place_ms, now_of(s->receive));
	admission_known(s);
}

/* --- telling --------------------------------------------------------------- */

bool admission_tells(struct receive *r, const struct ip_addr *client)
{
	struct budget_rate rate = rate_of(1, MINUTE_MS, 3);
	int64_t wait_ms;
	return budget_take(r->config.budgets,
			   budget_key_address(BUDGET_TOLD, client), &rate, 0,
			   now_of(r), &wait_ms);
}
