/* What the tests of the ledger share. */
#pragma once

#include "limits/ledger.h"
#include "limits/window.h"
#include "unit/unit.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* 2026-01-01 00:00 UTC: a midnight. */
#define MIDNIGHT INT64_C(1767225600000)

static const struct ledger_locks no_locks;

static inline struct ledger *a_ledger(void)
{
	struct ledger *l = ledger_new(no_locks, UINT64_C(1) << 30);
	assert_non_null(l);
	return l;
}

static inline struct allowance an_allowance(uint32_t licences)
{
	struct plan p = plan_standard();
	return plan_allowance(&p, licences, true);
}

/* Keyed hashes look like this. */
static inline uint64_t hash_of(uint64_t n)
{
	n = (n + 1) * 0x9e3779b97f4a7c15u;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

struct asked {
	struct ledger *l;
	struct ledger_ask ask;
	int64_t now;
	struct ledger_refusal refusal;
	struct ledger_alert alerts[LEDGER_LIMITS];
	unsigned alert_count;
};

static inline struct asked an_asker(struct ledger *l, uint32_t customer,
				    uint32_t user, struct allowance allowed)
{
	return (struct asked){ .l = l, .now = MIDNIGHT,
			       .ask = { .customer = customer, .user = user,
					.allowed = allowed } };
}

/* One recipient. */
static inline enum ledger_verdict rcpt(struct asked *a, struct reservation **r,
				       uint64_t n)
{
	uint64_t hash = hash_of(n);
	enum ledger_verdict v = LEDGER_VERDICTS;
	a->ask.hashes = &hash;
	a->ask.count = 1;
	uint32_t ok = ledger_reserve(a->l, r, &a->ask, a->now, &v,
				     &a->refusal);
	assert_int_equal(ok, v == LEDGER_OK);
	assert_int_equal(a->refusal.verdict, v);
	return v;
}

/* n recipients in one call, from `from` on; returns how many are OK. */
static inline uint32_t batch(struct asked *a, struct reservation **r,
			     uint64_t from, uint32_t n)
{
	static uint64_t hashes[50001];
	static enum ledger_verdict verdicts[50001];
	assert_true(n <= 50001);
	for (uint32_t i = 0; i < n; i++)
		hashes[i] = hash_of(from + i);
	a->ask.hashes = hashes;
	a->ask.count = n;
	return ledger_reserve(a->l, r, &a->ask, a->now, verdicts,
			      &a->refusal);
}

static inline bool renew(struct asked *a, struct reservation *r)
{
	return ledger_renew(a->l, r, &a->ask.allowed, a->now, &a->refusal);
}

static inline void book(struct asked *a, struct reservation **r)
{
	assert_true(ledger_renew(a->l, *r, &a->ask.allowed, a->now, NULL));
	a->alert_count = ledger_book(a->l, r, &a->ask.allowed, a->now, a->now,
				     a->alerts);
	assert_null(*r);
}

/* A whole message to n recipients; returns how many were accepted. */
static inline uint32_t send_to(struct asked *a, uint64_t from, uint32_t n)
{
	struct reservation *r = NULL;
	uint32_t ok = batch(a, &r, from, n);
	assert_int_equal(r != NULL, ok > 0);
	if (r != NULL)
		book(a, &r);
	return ok;
}

static inline struct ledger_row row_of(const struct asked *a,
				       enum ledger_verdict limit)
{
	struct ledger_view v;
	ledger_show(a->l, a->ask.customer, a->ask.user, &a->ask.allowed,
		    a->now, &v);
	assert_int_equal(v.count, a->ask.user ? 4 : 2);
	assert_true(limit >= 1 && limit <= v.count);
	assert_int_equal(v.rows[limit - 1].limit, limit);
	return v.rows[limit - 1];
}
