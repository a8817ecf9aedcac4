/*
 * Random lives of sessions against a plain model: a list of bookings with
 * their times and a list of reservations, counted from the start each time.
 * Each answer must be the model's: what it refuses is refused, what it
 * allows is allowed (SPEC 6.8). And by the exact times, without buckets, no
 * window ever holds more than its limit.
 */
#include <stdio.h>

#include "unit/limits/ledger_test.h"

enum {
	CUSTOMERS = 2,
	USERS = 3,		/* of each; 0 is nobody's */
	RECIPIENTS = 40,
	SESSIONS = 8,
	EACH_MAX = 6,		/* recipients of a message */
	BOOKINGS = 60000,
	STEPS = 12000,
};

struct message {
	int64_t at;
	uint32_t customer, user, count;
	uint8_t to[EACH_MAX];
};
struct session {
	struct reservation *r;
	struct message m;	/* at: last progress */
	int64_t noted;
	bool lapsed, due;
};
struct model {
	struct message booked[BOOKINGS];
	uint32_t first, count;	/* those before first are older than 2 days */
	struct session sessions[SESSIONS];
	struct allowance allowed;
	int64_t now;
	uint64_t seed;
	bool shared;
	uint32_t refused[LEDGER_VERDICTS];
};

static uint32_t chance(struct model *m, uint32_t n)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(m->seed >> 33) % n;
}

static bool in_window(int64_t at, int64_t now, int64_t bucket, int64_t n)
{
	return now / bucket - at / bucket <= n;
}

struct counted {
	uint64_t day, peak, reserved, messages, unique;
	bool known[RECIPIENTS];
};

static void count_message(struct counted *c, const struct message *x,
			  uint32_t user)
{
	if (user == 0 || x->user != user)
		return;
	c->messages++;
	for (uint32_t i = 0; i < x->count; i++) {
		c->unique += !c->known[x->to[i]];
		c->known[x->to[i]] = true;
	}
}

static struct counted count(const struct model *m, uint32_t customer,
			    uint32_t user)
{
	struct counted c = { 0 };
	for (uint32_t i = m->first; i < m->count; i++) {
		const struct message *x = &m->booked[i];
		if (x->customer != customer)
			continue;
		if (in_window(x->at, m->now, 10 * SECOND, 60))
			c.peak += x->count;
		if (!in_window(x->at, m->now, 10 * MINUTE, 144))
			continue;
		c.day += x->count;
		count_message(&c, x, user);
	}
	for (uint32_t i = 0; i < SESSIONS; i++) {
		const struct session *s = &m->sessions[i];
		if (s->r == NULL || s->lapsed || s->m.customer != customer)
			continue;
		c.reserved += s->m.count;
		count_message(&c, &s->m, user);
	}
	return c;
}

/* The others' that are due. */
static void lapse(struct model *m, const struct session *own)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session *s = &m->sessions[i];
		if (s != own && s->r != NULL && !s->due &&
		    s->m.customer == own->m.customer &&
		    s->m.at + 301 * SECOND <= m->now)
			s->lapsed = true;
	}
}

/* n recipients more of a session that holds `own`. */
static enum ledger_verdict judge(const struct model *m,
				 const struct counted *c, uint32_t own,
				 uint32_t n, bool user_message)
{
	if (c->day + c->reserved + n > m->allowed.customer_day)
		return LEDGER_CUSTOMER_DAY;
	if (c->peak + c->reserved + n > m->allowed.customer_peak)
		return LEDGER_CUSTOMER_PEAK;
	if (user_message && c->messages + 1 > m->allowed.user_messages)
		return LEDGER_USER_MESSAGES;
	uint64_t left_day = m->allowed.customer_day - c->day - c->reserved +
			    own;
	uint64_t left_peak = m->allowed.customer_peak - c->peak -
			     c->reserved + own;
	if (m->shared && (own + n > (left_day + 1) / 2 ||
			  own + n > (left_peak + 1) / 2))
		return LEDGER_SESSION;
	return LEDGER_OK;
}

static enum ledger_verdict model_again(struct model *m, struct session *s)
{
	if (!s->lapsed)
		return LEDGER_OK;
	struct counted c = count(m, s->m.customer, s->m.user);
	enum ledger_verdict v = judge(m, &c, 0, s->m.count, s->m.user != 0);
	if (v == LEDGER_OK && s->m.user != 0) {
		uint64_t before = c.unique;
		count_message(&c, &s->m, s->m.user);
		/* Known ones are fine, also when the limit fell. */
		if (c.unique > before && c.unique > m->allowed.user_unique)
			v = LEDGER_USER_UNIQUE;
	}
	s->lapsed = v != LEDGER_OK;
	return v;
}

static enum ledger_verdict model_rcpt(struct model *m, struct session *s,
				      uint8_t to)
{
	struct counted c = count(m, s->m.customer, s->m.user);
	enum ledger_verdict v = judge(m, &c, s->m.count, 1,
				      s->m.user != 0 && s->m.count == 0);
	if (v == LEDGER_OK && s->m.user != 0 && !c.known[to] &&
	    c.unique + 1 > m->allowed.user_unique)
		v = LEDGER_USER_UNIQUE;
	return v;
}

static struct ledger_ask ask_of(const struct model *m,
				const struct session *s)
{
	return (struct ledger_ask){
		.customer = s->m.customer, .user = s->m.user,
		.shared_address = m->shared, .allowed = m->allowed };
}

static void step_reserve(struct ledger *l, struct model *m,
			 struct session *s)
{
	uint64_t hashes[EACH_MAX];
	uint8_t to[EACH_MAX];
	enum ledger_verdict got[EACH_MAX];
	bool fresh = s->r == NULL;
	if (fresh)
		s->m = (struct message){
			.customer = 1 + chance(m, CUSTOMERS),
			.user = chance(m, USERS) };
	uint32_t n = 1 + chance(m, EACH_MAX);
	if (n > EACH_MAX - s->m.count)
		n = EACH_MAX - s->m.count;
	for (uint32_t i = 0; i < n; i++) {
		/* Some recipients are known to all, most are not. */
		to[i] = (uint8_t)chance(m, chance(m, 2) ? 5 : RECIPIENTS);
		hashes[i] = hash_of(to[i]);
	}
	if (n == 0)
		return;
	struct ledger_ask ask = ask_of(m, s);
	ask.hashes = hashes;
	ask.count = n;
	lapse(m, s);
	enum ledger_verdict all = fresh ? LEDGER_OK : model_again(m, s);
	ledger_reserve(l, &s->r, &ask, m->now, got, NULL);
	s->noted = m->now;
	if (!s->lapsed)
		s->m.at = m->now;
	for (uint32_t i = 0; i < n; i++) {
		enum ledger_verdict v = all;
		/* The model counts it only when there is one. */
		struct reservation *r = s->r;
		if (v == LEDGER_OK) {
			s->r = s->m.count > 0 ? r : NULL;
			v = model_rcpt(m, s, to[i]);
			s->r = r;
		}
		assert_int_equal(got[i], v);
		m->refused[v]++;
		if (v == LEDGER_OK)
			s->m.to[s->m.count++] = to[i];
	}
	assert_int_equal(s->r != NULL, s->m.count > 0);
}

/* By the exact times: no more than the limit in any window. */
static void never_over(const struct model *m, uint32_t customer)
{
	uint64_t day = 0, peak = 0;
	for (uint32_t i = m->first; i < m->count; i++) {
		const struct message *x = &m->booked[i];
		if (x->customer != customer)
			continue;
		day += m->now - x->at < DAY ? x->count : 0;
		peak += m->now - x->at < 10 * MINUTE ? x->count : 0;
	}
	assert_true(day <= m->allowed.customer_day);
	assert_true(peak <= m->allowed.customer_peak);
}

static void step_end(struct ledger *l, struct model *m, struct session *s,
		     bool fixed)
{
	if (!s->due && chance(m, 4) == 0) {
		ledger_release(l, &s->r);
		*s = (struct session){ 0 };
		return;
	}
	if (!s->due) {
		struct ledger_refusal why;
		lapse(m, s);
		enum ledger_verdict v = model_again(m, s);
		assert_int_equal(ledger_renew(l, s->r, &m->allowed, m->now,
					      &why), v == LEDGER_OK);
		assert_int_equal(why.verdict, v);
		m->refused[v]++;
		s->due = v == LEDGER_OK;
		return;
	}
	int64_t framed = m->now - chance(m, 20000);
	ledger_book(l, &s->r, &m->allowed, framed, m->now, NULL);
	assert_true(m->count < BOOKINGS);
	s->m.at = framed;
	m->booked[m->count++] = s->m;
	*s = (struct session){ 0 };
	if (fixed)
		never_over(m, m->booked[m->count - 1].customer);
}

static void compare_shown(struct ledger *l, struct model *m)
{
	for (uint32_t customer = 1; customer <= CUSTOMERS; customer++)
		for (uint32_t user = 0; user < USERS; user++) {
			struct ledger_view v;
			struct counted c = count(m, customer, user);
			ledger_show(l, customer, user, &m->allowed, m->now, &v);
			assert_int_equal(v.rows[0].used, c.day);
			assert_int_equal(v.rows[1].used, c.peak);
			assert_int_equal(v.rows[0].reserved, c.reserved);
			if (user == 0)
				continue;
			assert_int_equal(v.rows[2].used + v.rows[2].reserved,
					 c.messages);
			assert_int_equal(v.rows[3].used + v.rows[3].reserved,
					 c.unique);
		}
}

static void advance(struct model *m)
{
	uint32_t how = chance(m, 1000);
	m->now += chance(m, how < 900 ? 4000 : 200000);
	if (how == 999)
		m->now += chance(m, 20) * HOUR;
	while (m->first < m->count && m->booked[m->first].at < m->now - 2 * DAY)
		m->first++;
}

static void live(uint64_t seed, struct allowance allowed, bool fixed,
		 bool shared)
{
	static struct model m;
	struct ledger *l = a_ledger();
	memset(&m, 0, sizeof(m));
	m.seed = seed;
	m.allowed = allowed;
	m.shared = shared;
	m.now = MIDNIGHT - HOUR;
	for (uint32_t step = 0; step < STEPS; step++) {
		struct session *s = &m.sessions[chance(&m, SESSIONS)];
		advance(&m);
		if (!fixed && chance(&m, 50) == 0) {
			m.allowed.customer_day = 50 + chance(&m, 200);
			m.allowed.user_unique = 1 + chance(&m, 20);
		}
		uint32_t what = chance(&m, 8);
		if (s->r == NULL || (what < 2 && !s->due)) {
			step_reserve(l, &m, s);
		} else if (what < 3 && !s->due) {
			/* Anybody's call may let others lapse; this one's
			 * doesn't. */
			bool noted = m.now - s->noted >= 1000;
			ledger_progress(l, s->r, m.now);
			if (noted) {
				s->noted = m.now;
				s->m.at = s->lapsed ? s->m.at : m.now;
			}
		} else if (what < 7) {
			step_end(l, &m, s, fixed);
		}
		if (step % 50 == 0)
			compare_shown(l, &m);
	}
	for (uint32_t i = 0; i < SESSIONS; i++)
		ledger_release(l, &m.sessions[i].r);
	/* It was about something. */
	assert_true(m.count > STEPS / 60);
	assert_true(m.refused[LEDGER_OK] > 500);
	assert_int_equal(m.refused[LEDGER_BUSY], 0);
	printf("%u booked; ok %u, day %u, peak %u, messages %u, unique %u, "
	       "session %u\n", m.count, m.refused[LEDGER_OK],
	       m.refused[LEDGER_CUSTOMER_DAY],
	       m.refused[LEDGER_CUSTOMER_PEAK],
	       m.refused[LEDGER_USER_MESSAGES],
	       m.refused[LEDGER_USER_UNIQUE], m.refused[LEDGER_SESSION]);
	ledger_free(&l);
}

static void s6_8_answers_are_those_of_a_plain_list(void **state)
{
	(void)state;
	live(1, (struct allowance){ 150, 25, 1000, 1000, 0, 0 }, true, false);
	live(2, (struct allowance){ 100000, 40, 30, 1000, 0, 0 }, true, false);
	live(3, (struct allowance){ 2000, 60, 1000, 12, 0, 0 }, true, false);
	live(4, (struct allowance){ 400, 40, 60, 25, 0, 0 }, true, false);
}

static void s6_8_the_same_while_limits_change(void **state)
{
	(void)state;
	for (uint64_t seed = 10; seed < 13; seed++)
		live(seed, (struct allowance){ 150, 40, 60, 25, 0, 0 }, false,
		     false);
}

static void s6_8_the_same_on_a_shared_address(void **state)
{
	(void)state;
	live(20, (struct allowance){ 400, 30, 1000, 30, 0, 0 }, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_8_answers_are_those_of_a_plain_list),
		cmocka_unit_test(s6_8_the_same_while_limits_change),
		cmocka_unit_test(s6_8_the_same_on_a_shared_address),
	};
	return cmocka_run_group_tests_name("limits/ledger_model", tests, NULL,
					   NULL);
}
