/* The way out of what a limit held (SPEC 6.10): reserved, one frame with its
 * booking, synced, and only then waiting. The spool is played by this file: a
 * commit is done when the test says so, and what its frame holds is what a
 * start would find. */
#include "queue/queue_private.h"
#include "queue_test.h"
#include "played_journal.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECIPIENTS = 6, EXPIRE_MS = 5 * 86400000 };

static struct {
	struct spool_commit *commits[16];
	unsigned count;
	struct buf frames[16];		/* states */
	struct buf bookings[16];
	struct spool_read *read;
	slice envelope;
	struct buf checkpoint;
	uint32_t told_alerts;
} disk;

void spool_commit(struct spool *s, struct spool_commit *c)
{
	(void)s;
	assert_true(disk.count < ARRAY_LEN(disk.commits));
	buf_init(&disk.frames[disk.count], 65536);
	buf_append(&disk.frames[disk.count], c->state);
	buf_init(&disk.bookings[disk.count], 65536);
	buf_append(&disk.bookings[disk.count], c->booking);
	disk.commits[disk.count++] = c;
}

void spool_read(struct spool *s, struct spool_read *r)
{
	(void)s;
	assert_null(disk.read);
	disk.read = r;
}

void spool_checkpoint_add(struct spool_checkpoint *ck, struct id id,
			  slice state)
{
	(void)ck, (void)id;
	buf_clear(&disk.checkpoint);
	buf_append(&disk.checkpoint, state);
}

/* --- a queue with one message, four of whose six recipients are held ------ */

struct place {
	struct test_router router;
	struct queue *q;
	struct queue_entry *e;
	struct held *held;
	struct ledger *ledger;
	struct allowance allowed;
	struct counters counters;
	struct log log;
	struct buf envelope;
	int64_t now;
	unsigned reports;
	bool unknown_customer;
};

static int64_t some_time(void *clock)
{
	return ((struct place *)clock)->now;
}
static void report(void *ctx, struct queue_entry *e)
{
	(void)e;
	((struct place *)ctx)->reports++;
}
static bool allowed(void *ctx, uint32_t customer, struct allowance *out)
{
	const struct place *p = ctx;
	assert_int_equal(customer, 1);
	*out = p->allowed;
	return !p->unknown_customer;
}
static void alert(void *ctx, const struct ledger_alert *a, slice domain)
{
	(void)ctx;
	assert_int_equal(a->customer, 1);
	assert_slice_eq(domain, "example.com");
	disk.told_alerts++;
}

static const uint8_t key[BOOKING_KEY] = "0123456789abcde";
static const struct ledger_locks no_locks;

static void open_queue(struct place *p)
{
	struct err err;
	struct queue_config config = {
		.router = &p->router.router, .destinations = &p->router.all,
		.counters = &p->counters, .log = &p->log,
		.retry = { .after_ms = { 60000 }, .steps = 1,
			   .expire_ms = EXPIRE_MS, .expire_own_ms = EXPIRE_MS },
		.wall_ms = some_time, .wake_at = nobody_wakes, .clock = p,
		.held = p->held, .held_look_ms = 10000,
		.ledger = p->ledger, .booking_key = key };
	struct queue_hooks hooks = { .ctx = p, .ready = nobody_sends,
				     .report = report, .allowed = allowed,
				     .alert = alert };
	assert_true(queue_new(&config, &hooks, &p->q, &err));
}

static struct envelope an_envelope(struct recipient to[RECIPIENTS])
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	for (int i = 0; i < RECIPIENTS; i++)
		to[i] = (struct recipient){
			.address = { slice_of(names[i]),
				     i % 2 ? SLICE("two.example") :
					     SLICE("one.example"), false },
		};
	return (struct envelope){
		.id = { 1000000, 1 }, .customer = 1, .user = 5,
		.sender = { SLICE("u"), SLICE("example.com"), false },
		.recipients = to, .recipient_count = RECIPIENTS,
		.body_bytes = 77,
	};
}

static int setup(void **state)
{
	struct place *p = aligned_alloc(_Alignof(struct place), sizeof(*p));
	struct recipient to[RECIPIENTS];
	struct envelope env = an_envelope(to);
	static const uint8_t held[RECIPIENTS] = {
		[2] = LEDGER_CUSTOMER_PEAK, LEDGER_CUSTOMER_PEAK,
		LEDGER_USER_UNIQUE, LEDGER_CUSTOMER_PEAK };
	struct err err;
	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	memset(&disk, 0, sizeof(disk));
	buf_init(&disk.checkpoint, 65536);
	p->now = 1005000;
	p->allowed = (struct allowance){ 100, 100, 100, 100, 0, 0 };
	test_router_init(&p->router);
	p->log = (struct log){ .level = LOG_ALARM };
	p->held = held_new(1, &err);
	p->ledger = ledger_new(no_locks, 1 << 26);
	open_queue(p);
	buf_init(&p->envelope, 65536);
	envelope_write(&p->envelope, &env);
	disk.envelope = buf_slice(&p->envelope);
	p->e = queue_prepare(p->q, &env);
	assert_non_null(p->e);
	assert_true(queue_keep_held(p->e, held, 5, true));
	queue_live(p->e, NULL);
	*state = p;
	return 0;
}

static void forget_disk(void)
{
	for (unsigned i = 0; i < disk.count; i++) {
		buf_fini(&disk.frames[i]);
		buf_fini(&disk.bookings[i]);
	}
	disk.count = 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	queue_free(&p->q);
	held_free(&p->held);
	ledger_free(&p->ledger);
	destinations_fini(&p->router.all);
	buf_fini(&p->envelope);
	forget_disk();
	buf_fini(&disk.checkpoint);
	free(p);
	return 0;
}

static void end_commit(unsigned number, bool ok)
{
	struct spool_commit *c = disk.commits[number];
	c->ok = ok;
	c->done(c);
}

static void end_read(void)
{
	struct spool_read *r = disk.read;
	assert_non_null(r);
	disk.read = NULL;
	buf_init(&r->envelope, 65536);
	buf_append(&r->envelope, disk.envelope);
	r->ok = true;
	r->done(r);
}

static uint64_t used(struct place *p, enum ledger_verdict limit)
{
	struct ledger_view v;
	ledger_show(p->ledger, 1, 5, &p->allowed, p->now, &v);
	return v.rows[limit - 1].used + v.rows[limit - 1].reserved;
}

/* Recipients in a state, as bytes of the spool say it. */
static unsigned count(struct place *p, slice state, enum recipient_state s,
		      bool unbooked)
{
	struct err err;
	unsigned n = 0;
	struct queue_entry *e = entry_from_state(NULL, (struct id){ 1, 1 },
						 &p->router.all, state, &err);
	assert_non_null(e);
	for (unsigned i = 0; i < e->recipient_count; i++)
		n += e->recipients[i].state == s &&
		     e->recipients[i].unbooked == unbooked;
	entry_free(&e);
	return n;
}

static uint64_t held_now(struct place *p)
{
	struct held_figures f;
	held_figures(p->held, 1, &f);
	return f.recipients;
}

static unsigned ready(const struct queue_entry *e)
{
	unsigned n = 0;
	for (unsigned i = 0; i < e->part_count; i++)
		if (e->parts[i].state == PART_READY)
			n += part_waiting(&e->parts[i]);
	return n;
}

/* The look of a shard, 10 s later; the envelope is read. */
static void look(struct place *p)
{
	p->now += 10000;
	queue_look_at_held(p->q);
	if (disk.read != NULL)
		end_read();
}

/* As the process after this one finds it. */
static void start_again(struct place *p)
{
	struct id id = { 1000000, 1 };
	struct buf bytes;
	struct err err;
	buf_init(&bytes, 65536);
	entry_state_write(&bytes, p->e);
	queue_free(&p->q);
	assert_int_equal(held_now(p), 0);
	open_queue(p);
	assert_true(queue_recover(p->q, id, NULL, buf_slice(&bytes), &err));
	queue_recover_end(p->q);
	buf_fini(&bytes);
	p->e = queue_find(p->q, id);
}

static void s6_10_waiting_only_when_the_booking_is_synced(void **state)
{
	struct place *p = *state;
	struct booking b;
	struct err err;
	assert_int_equal(held_now(p), 4);
	assert_int_equal(ready(p->e), 2);
	look(p);
	assert_int_equal(disk.count, 1);
	assert_int_equal(disk.commits[0]->kind, SPOOL_RELEASE);
	/* In the frame they are free and booked ... */
	slice frame = buf_slice(&disk.frames[0]);
	assert_int_equal(count(p, frame, RECIPIENT_WAITING, false), 6);
	assert_true(booking_read(buf_slice(&disk.bookings[0]), &b, &err));
	assert_int_equal(b.recipients, 4);
	assert_int_equal(b.user, 5);
	assert_true(b.message_booked);
	/* ... in memory and in a checkpoint still held, and in no lane. */
	assert_true(queue_checkpoint(p->q, NULL, true));
	assert_int_equal(count(p, buf_slice(&disk.checkpoint), RECIPIENT_HELD,
			       true), 4);
	assert_int_equal(ready(p->e), 0);
	look(p);			/* the next look finds it busy */
	assert_int_equal(disk.count, 1);
	end_commit(0, true);
	assert_int_equal(ready(p->e), 6);
	assert_int_equal(held_now(p), 0);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
	assert_int_equal(used(p, LEDGER_USER_MESSAGES), 0);
	assert_int_equal(disk.count, 1);
}

static void s6_10_what_was_not_written_is_written_with_its_booking(void **st)
{
	struct place *p = *st;
	look(p);
	end_commit(0, false);
	assert_int_equal(ready(p->e), 0);
	queue_tick(p->q);
	assert_int_equal(disk.count, 2);
	assert_true(buf_slice(&disk.bookings[1]).n > 0);
	end_commit(1, true);
	assert_int_equal(ready(p->e), 6);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
}

/* What changes while a release is on its way is written behind it, and its
 * booking isn't written again. */
static void s6_10_no_booking_stands_in_two_frames(void **state)
{
	struct place *p = *state;
	look(p);
	struct queue_part *part = &p->e->parts[0];
	assert_int_equal(queue_hold(p->e, HELD_OPERATOR), 0);
	queue_write(p->q, p->e, NULL);
	assert_int_equal(part->state, PART_HELD);
	end_commit(0, true);
	assert_int_equal(disk.count, 2);
	assert_int_equal(buf_slice(&disk.bookings[1]).n, 0);
	assert_int_equal(count(p, buf_slice(&disk.frames[1]),
			       RECIPIENT_WAITING, false), 6);
	end_commit(1, true);
	assert_int_equal(ready(p->e), 6);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
}

static void s6_10_as_many_as_there_is_room_for(void **state)
{
	struct place *p = *state;
	p->allowed.customer_day = 3;
	look(p);
	end_commit(0, true);
	assert_int_equal(held_now(p), 1);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 3);
	assert_int_equal(disk.told_alerts, 1);
	look(p);
	assert_int_equal(disk.count, 1);	/* full */
	p->now += 25 * 3600000;
	look(p);
	end_commit(1, true);
	assert_int_equal(held_now(p), 0);
	assert_int_equal(ready(p->e), 6);
}

static void s6_10_no_room_while_the_customer_may_not_relay(void **state)
{
	struct place *p = *state;
	p->unknown_customer = true;
	look(p);
	assert_int_equal(disk.count, 0);
	assert_int_equal(held_now(p), 4);
}

struct asked {
	struct queue_release_ask ask;
	unsigned done;
};
static void asked_done(struct queue_release_ask *ask)
{
	CONTAINER_OF(ask, struct asked, ask)->done++;
}

static struct asked ask(struct place *p, bool over_limit)
{
	return (struct asked){ { .id = p->e->id, .over_limit = over_limit,
				 .done = asked_done }, 0 };
}

static void s6_10_by_hand_within_the_limit_and_over_it(void **state)
{
	struct place *p = *state;
	p->allowed.customer_peak = 1;
	struct asked a = ask(p, false), b = ask(p, false), c = ask(p, true);
	queue_release_unbooked(p->q, &a.ask);
	end_read();
	assert_int_equal(a.done, 0);
	end_commit(0, true);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.ask.released, 1);
	assert_int_equal(a.ask.kept, 3);
	assert_int_equal(a.ask.why.verdict, LEDGER_CUSTOMER_PEAK);
	queue_release_unbooked(p->q, &b.ask);
	end_read();
	assert_int_equal(b.done, 1);
	assert_int_equal(b.ask.released, 0);
	assert_int_equal(b.ask.kept, 3);
	assert_int_equal(b.ask.why.used, 1);
	queue_release_unbooked(p->q, &c.ask);
	end_read();
	end_commit(1, true);
	assert_int_equal(c.done, 1);
	assert_int_equal(c.ask.released, 3);
	assert_int_equal(used(p, LEDGER_CUSTOMER_PEAK), 4);
	assert_int_equal(ready(p->e), 6);
}

static void s9_4_what_a_hand_holds_no_room_releases(void **state)
{
	struct place *p = *state;
	assert_int_equal(queue_hold(p->e, HELD_OPERATOR), 6);
	end_commit(0, true);
	assert_int_equal(held_now(p), 0);
	look(p);
	assert_int_equal(disk.count, 1);
	/* Two are booked already, four are not. */
	assert_int_equal(queue_release(p->e), 2);
	end_commit(1, true);
	assert_true(queue_has_unbooked(p->e));
	struct asked a = ask(p, true);
	queue_release_unbooked(p->q, &a.ask);
	end_read();
	end_commit(2, true);
	assert_int_equal(a.ask.released, 4);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
}

/* Else a super admin could keep any amount of mail, for ever: sent over the
 * limit, held by hand, and the next as much. */
static void s6_10_a_super_admins_hold_frees_no_room_to_hold(void **state)
{
	struct place *p = *state;
	assert_int_equal(queue_hold(p->e, HELD_CUSTOMER), 6);
	end_commit(0, true);
	assert_int_equal(queue_hold(p->e, HELD_CUSTOMER), 0);
	assert_int_equal(held_now(p), 4);
	assert_false(held_take(p->held, 1, 4, 1, 0));
	/* No room releases it, not even behind a start. */
	look(p);
	assert_int_equal(disk.count, 1);
	start_again(p);
	assert_int_equal(held_now(p), 4);
	look(p);
	look(p);
	assert_int_equal(disk.count, 1);
	/* Its time ends like that of all that is held over a limit. */
	p->now += EXPIRE_MS;
	look(p);
	assert_int_equal(held_now(p), 0);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 0);
	assert_int_equal(p->reports, 1);
}

static void s9_4_a_super_admins_hold_he_lifts_within_the_limit(void **state)
{
	struct place *p = *state;
	assert_int_equal(queue_hold(p->e, HELD_CUSTOMER), 6);
	end_commit(0, true);
	struct asked a = ask(p, false);
	a.ask.by_customer = true;
	queue_release_unbooked(p->q, &a.ask);
	end_read();
	end_commit(1, true);
	assert_int_equal(a.ask.released, 4);
	assert_int_equal(held_now(p), 0);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
}

static struct destination *new_route(const struct router *r, slice domain)
{
	(void)domain;
	return test_route(r, SLICE("new.example"));
}

/* A release that could not be written keeps its parts back, also when new
 * routes come for another part. */
static void s9_4_new_routes_let_nothing_go_before_its_release(void **state)
{
	struct place *p = *state;
	struct recipient to[RECIPIENTS];
	struct envelope env = an_envelope(to);
	struct queue_part *part = &p->e->parts[0];
	bool expired;
	assert_int_equal(part_waiting(&p->e->parts[1]), 1);
	part_unlink(p->q, &p->e->parts[1]);
	p->e->parts[1].state = PART_HELD;	/* as queue_release does it */
	p->e->releasing = true;
	queue_write(p->q, p->e, NULL);
	end_commit(0, false);
	assert_ptr_equal(queue_take(p->q, part->destination, &expired), part);
	p->router.router.route = new_route;
	assert_false(queue_still_routed(part, &env));
	p->e = queue_find(p->q, (struct id){ 1000000, 1 });
	assert_int_equal(ready(p->e), 0);
	p->now += 10000;
	queue_tick(p->q);
	end_commit(1, true);
	assert_true(ready(p->e) >= 1);
}

static void s9_4_an_operators_hold_only_he_lifts(void **state)
{
	struct place *p = *state;
	assert_int_equal(queue_hold(p->e, HELD_OPERATOR), 6);
	end_commit(0, true);
	assert_int_equal(queue_release_by_customer(p->e), 0);
	struct asked a = ask(p, false);
	a.ask.by_customer = true;
	queue_release_unbooked(p->q, &a.ask);
	end_read();
	assert_int_equal(a.done, 1);
	assert_int_equal(a.ask.released, 0);
	assert_int_equal(disk.count, 1);
	/* His own he lifts. */
	assert_int_equal(queue_release(p->e), 2);
	end_commit(1, true);
	assert_int_equal(queue_hold(p->e, HELD_CUSTOMER), 2);
	end_commit(2, true);
	assert_int_equal(queue_release_by_customer(p->e), 2);
	end_commit(3, true);
	assert_int_equal(ready(p->e), 2);
}

static void s6_10_removed_ones_are_in_no_booking(void **state)
{
	struct place *p = *state;
	look(p);
	assert_int_equal(queue_remove(p->e), 6);
	assert_int_equal(held_now(p), 0);
	end_commit(0, true);		/* it was on its way */
	end_commit(1, true);
	assert_int_equal(queue_count(p->q), 0);
}

static void s6_10_reported_when_its_time_is_over(void **state)
{
	struct place *p = *state;
	p->now += EXPIRE_MS;
	look(p);
	assert_int_equal(held_now(p), 0);
	for (unsigned i = 0; i < p->e->recipient_count; i++) {
		const struct queue_recipient *r = &p->e->recipients[i];
		if (r->number < 2)
			continue;
		assert_int_equal(r->state, RECIPIENT_FAILED);
		assert_int_equal(r->held, HELD_LIMIT);
		assert_int_equal(r->enhanced[1], 4);
		assert_int_equal(r->enhanced[2], 5);
	}
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 0);
	assert_int_equal(p->reports, 1);
}

/* A start finds them as the last frame has them, and counts them. */
static void s9_4_held_stays_held_at_a_start(void **state)
{
	struct place *p = *state;
	struct held_figures f;
	start_again(p);
	assert_int_equal(held_now(p), 4);
	held_figures(p->held, 1, &f);
	assert_int_equal(f.over[LEDGER_CUSTOMER_PEAK].recipients, 3);
	assert_int_equal(f.over[LEDGER_USER_UNIQUE].recipients, 1);
	assert_int_equal(ready(p->e), 2);
	look(p);			/* whose it is */
	assert_int_equal(disk.count, 0);
	look(p);
	end_commit(0, true);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
	assert_int_equal(used(p, LEDGER_USER_MESSAGES), 0);
	assert_int_equal(ready(p->e), 6);
}

/* A part that is being delivered is left alone. */
static void s6_10_never_behind_the_back_of_an_attempt(void **state)
{
	struct place *p = *state;
	bool expired;
	struct queue_part *part =
		queue_take(p->q, p->e->parts[0].destination, &expired);
	assert_non_null(part);
	look(p);
	end_commit(0, true);
	assert_int_equal(part->state, PART_LEASED);
	assert_int_equal(part_held(part), 2);
	assert_int_equal(held_now(p), 2);
	queue_untake(part, 0);
	look(p);
	end_commit(1, true);
	assert_int_equal(held_now(p), 0);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 4);
}

/* Its user has no room for two of them: they are tried once, and neither read
 * again nor in others' way until the user has some. */
static void s6_10_a_user_without_room_is_not_tried_again(void **state)
{
	struct place *p = *state;
	p->allowed.user_unique = 2;
	look(p);
	end_commit(0, true);
	assert_int_equal(held_now(p), 2);
	look(p);			/* found out now at the latest */
	p->now += 10000;
	queue_look_at_held(p->q);
	assert_null(disk.read);
	assert_int_equal(disk.count, 1);
	p->now += 25 * 3600000;
	look(p);
	end_commit(1, true);
	assert_int_equal(held_now(p), 0);
}

/* A report began while the envelope was read: the release waits for it. */
static void s6_10_by_hand_after_a_report_under_way(void **state)
{
	struct place *p = *state;
	struct asked a = ask(p, true);
	queue_release_unbooked(p->q, &a.ask);
	p->e->reporting = true;
	end_read();
	assert_int_equal(a.done, 0);
	p->e->reporting = false;
	queue_tick(p->q);
	end_read();
	end_commit(0, true);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.ask.released, 4);
}

enum { MANY = 1000 };

static void add_many(struct place *p, uint64_t number)
{
	static struct recipient to[MANY];
	static char names[MANY][8];
	static uint8_t held[MANY];
	struct queue_memory *memory = calloc(1, sizeof(*memory));
	for (unsigned i = 0; i < MANY; i++) {
		int n = snprintf(names[i], sizeof(names[i]), "u%u", i);
		to[i] = (struct recipient){
			.address = { { names[i], (size_t)n },
				     SLICE("one.example"), false } };
		held[i] = LEDGER_CUSTOMER_DAY;
	}
	struct envelope env = an_envelope(to);
	env.id.time_ms += number;
	env.recipient_count = MANY;
	struct queue_entry *e = queue_prepare(p->q, &env);
	assert_true(e != NULL && memory != NULL);
	assert_true(queue_keep_held(e, held, 5, false));
	buf_init(&memory->envelope, 1 << 20);
	envelope_write(&memory->envelope, &env);
	queue_live(e, memory);
}

/* All that is in memory, but not all in one turn. */
static void s6_10_other_mail_has_its_turn_meanwhile(void **state)
{
	struct place *p = *state;
	p->allowed = (struct allowance){ 10000, 10000, 10000, 10000, 0, 0 };
	queue_remove(p->e);
	end_commit(0, true);
	for (uint64_t i = 1; i <= 5; i++)
		add_many(p, i);
	p->now += 10000;
	queue_look_at_held(p->q);
	assert_int_equal(disk.count, 1 + 2);
	queue_tick(p->q);
	assert_int_equal(disk.count, 1 + 4);
	queue_tick(p->q);
	assert_int_equal(disk.count, 1 + 5);
	queue_tick(p->q);
	for (unsigned i = 1; i <= 5; i++)
		end_commit(i, true);
	assert_int_equal(disk.count, 1 + 5);
	assert_int_equal(held_now(p), 0);
	assert_int_equal(used(p, LEDGER_CUSTOMER_DAY), 5 * MANY);
}

static void stopped(void *ctx)
{
	++*(unsigned *)ctx;
}

static void a_stop_waits_for_the_envelope_under_way(void **state)
{
	struct place *p = *state;
	unsigned times = 0;
	struct asked a = ask(p, true), b = ask(p, true);
	queue_release_unbooked(p->q, &a.ask);
	queue_release_unbooked(p->q, &b.ask);
	queue_stop_releases(p->q, stopped, &times);
	assert_true(b.done == 1 && b.ask.failed);
	assert_int_equal(times, 0);
	end_read();
	assert_int_equal(times, 1);
	assert_true(a.done == 1 && a.ask.failed && disk.count == 0);
	look(p);
	assert_int_equal(disk.count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s6_10_waiting_only_when_the_booking_is_synced),
		TEST(s6_10_what_was_not_written_is_written_with_its_booking),
		TEST(s6_10_no_booking_stands_in_two_frames),
		TEST(s6_10_as_many_as_there_is_room_for),
		TEST(s6_10_no_room_while_the_customer_may_not_relay),
		TEST(s6_10_by_hand_within_the_limit_and_over_it),
		TEST(s9_4_what_a_hand_holds_no_room_releases),
		TEST(s6_10_a_super_admins_hold_frees_no_room_to_hold),
		TEST(s9_4_a_super_admins_hold_he_lifts_within_the_limit),
		TEST(s9_4_new_routes_let_nothing_go_before_its_release),
		TEST(s9_4_an_operators_hold_only_he_lifts),
		TEST(s6_10_removed_ones_are_in_no_booking),
		TEST(s6_10_reported_when_its_time_is_over),
		TEST(s9_4_held_stays_held_at_a_start),
		TEST(s6_10_never_behind_the_back_of_an_attempt),
		TEST(s6_10_a_user_without_room_is_not_tried_again),
		TEST(s6_10_by_hand_after_a_report_under_way),
		TEST(s6_10_other_mail_has_its_turn_meanwhile),
		TEST(a_stop_waits_for_the_envelope_under_way),
	};
	return cmocka_run_group_tests_name("queue/release", tests, NULL,
					   NULL);
}
