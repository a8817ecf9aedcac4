/*
 * Threads that hammer one stripe (SPEC 6.8: concurrent sessions never book
 * over a limit). Also meant for -fsanitize=thread.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "unit/limits/ledger_test.h"

enum { THREADS = 4, ROUNDS = 3000, EACH = 90, LIMIT = 40000, UNIQUE = 700 };

struct world {
	struct ledger *l;
	pthread_mutex_t locks[LEDGER_STRIPES];
	struct allowance allowed;
	_Atomic int64_t now;
	_Atomic uint64_t booked;
};

static void lock(void *ctx, unsigned i)
{
	struct world *w = ctx;
	pthread_mutex_lock(&w->locks[i]);
}

static void unlock(void *ctx, unsigned i)
{
	struct world *w = ctx;
	pthread_mutex_unlock(&w->locks[i]);
}

struct hand {
	struct world *w;
	uint64_t seed;
	pthread_t thread;
	uint32_t refused;
};

static uint32_t chance(struct hand *h, uint32_t n)
{
	h->seed = h->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(h->seed >> 33) % n;
}

/* What is used never exceeds the limit, whenever one looks. */
static void look(struct world *w, int64_t now)
{
	struct ledger_view v;
	ledger_show(w->l, 1, 5, &w->allowed, now, &v);
	for (uint32_t i = 0; i < v.count; i++)
		invariant(v.rows[i].used + v.rows[i].reserved <=
			  v.rows[i].allowed);
}

static void one_message(struct hand *h, struct reservation **kept)
{
	struct world *w = h->w;
	uint64_t hashes[EACH];
	enum ledger_verdict verdicts[EACH];
	struct ledger_alert alerts[LEDGER_LIMITS];
	struct reservation *r = *kept;
	/* Threads come with times that are some ms old. */
	int64_t now = atomic_fetch_add(&w->now, 3) - chance(h, 20);
	struct ledger_ask ask = { .customer = 1, .user = 5,
				  .allowed = w->allowed, .hashes = hashes,
				  .count = 1 + chance(h, EACH) };
	for (uint32_t i = 0; i < ask.count; i++)
		hashes[i] = hash_of(chance(h, 900));
	uint32_t ok = ledger_reserve(w->l, &r, &ask, now, verdicts, NULL);
	h->refused += ask.count - ok;
	*kept = NULL;
	if (r == NULL)
		return;
	uint32_t what = chance(h, 16);
	if (what == 0) {
		*kept = r;	/* for the next round */
	} else if (what < 4 ||
		   !ledger_renew(w->l, r, &w->allowed, now, NULL)) {
		ledger_release(w->l, &r);
	} else {
		uint32_t n = ledger_count(r);
		ledger_book(w->l, &r, &w->allowed, now, now, alerts);
		atomic_fetch_add(&w->booked, n);
	}
	if (what == 5)
		look(w, now);
	if (what == 6)
		ledger_tidy(w->l, now);
}

static void *hammer(void *ctx)
{
	struct hand *h = ctx;
	struct reservation *kept = NULL;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (kept != NULL) {
			ledger_progress(h->w->l, kept,
					atomic_load(&h->w->now));
			/* A session holds 1,000 at most; start anew. */
			if (ledger_count(kept) > 500)
				ledger_release(h->w->l, &kept);
		}
		one_message(h, &kept);
	}
	ledger_release(h->w->l, &kept);
	return NULL;
}

static void s6_8_concurrent_sessions_never_book_over_a_limit(void **state)
{
	(void)state;
	static struct world w;
	struct hand hands[THREADS];
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		assert_int_equal(pthread_mutex_init(&w.locks[i], NULL), 0);
	w.l = ledger_new((struct ledger_locks){ lock, unlock, &w },
			 UINT64_C(1) << 30);
	assert_non_null(w.l);
	w.allowed = (struct allowance){ LIMIT, LIMIT, 1000000, UNIQUE, 0, 0 };
	w.now = MIDNIGHT;
	for (unsigned i = 0; i < THREADS; i++) {
		hands[i] = (struct hand){ .w = &w, .seed = i + 1 };
		assert_int_equal(pthread_create(&hands[i].thread, NULL,
						hammer, &hands[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(hands[i].thread, NULL), 0);
		assert_true(hands[i].refused > 0);
	}
	struct ledger_view v;
	ledger_show(w.l, 1, 5, &w.allowed, w.now, &v);
	assert_int_equal(v.rows[0].used, w.booked);
	assert_int_equal(v.rows[0].used, LIMIT);
	assert_int_equal(v.rows[0].reserved, 0);
	assert_int_equal(v.rows[2].reserved, 0);
	assert_int_equal(v.rows[3].reserved, 0);
	assert_true(v.rows[3].used <= UNIQUE && v.rows[3].used > UNIQUE / 2);
	ledger_free(&w.l);
	for (unsigned i = 0; i < LEDGER_STRIPES; i++)
		pthread_mutex_destroy(&w.locks[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			s6_8_concurrent_sessions_never_book_over_a_limit),
	};
	return cmocka_run_group_tests_name("limits/ledger_threads", tests,
					   NULL, NULL);
}
