/* What all shards know of mail that is held over limits (SPEC 6.10): how much
 * there may be, and who goes first. */
#include "queue/held.h"
#include "base/buf.h"
#include "unit/unit.h"

#include <stdlib.h>

static struct held *a_held(uint32_t shards)
{
	struct err err;
	struct held *h = held_new(shards, &err);
	assert_non_null(h);
	return h;
}

static struct held_message a_message(uint64_t ms, uint32_t shard,
				     uint32_t user, uint32_t recipients)
{
	return (struct held_message){
		.id = { ms, ms }, .shard = shard, .user = user,
		.user_known = true, .recipients = recipients, .bytes = 100,
	};
}

static void add(struct held *h, struct held_message *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(held_add(h, &m[i], 7));
}

static void drop(struct held *h, struct held_message *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		held_less(h, &m[i], m[i].recipients);
}

struct ledger_played {
	uint64_t room;
	uint32_t full_user;		/* no message more */
	uint32_t known_only;		/* no other recipients */
	unsigned asked;
};
static uint64_t room(void *ctx, uint32_t customer)
{
	struct ledger_played *p = ctx;
	p->asked++;
	return customer == 7 ? p->room : 0;
}
static struct held_user_room user_room(void *ctx, uint32_t customer,
				       uint32_t user)
{
	const struct ledger_played *p = ctx;
	assert_int_equal(customer, 7);
	return (struct held_user_room){ .message = user != p->full_user,
					.recipient = user != p->known_only };
}

static void look(struct held *h, uint32_t shard, struct ledger_played *p,
		 int64_t expired_ms)
{
	struct held_keeper k = { .ctx = p, .room = room,
				 .user_room = user_room,
				 .expired_ms = expired_ms };
	assert_true(held_look(h, shard, &k));
}

/* Grants of a shard as "id:recipients", an expired one with '!'. */
static void assert_granted(struct held *h, uint32_t shard, const char *want)
{
	struct held_grant g;
	struct buf got;
	buf_init(&got, 4096);
	while (held_granted(h, shard, &g))
		buf_printf(&got, "%s%u:%u%s", got.n ? " " : "",
			   (unsigned)g.id.time_ms, g.recipients,
			   g.expired ? "!" : "");
	assert_slice_eq(buf_slice(&got), want);
	buf_fini(&got);
}

static void s6_10_at_most_a_days_limit_and_a_gibibyte(void **state)
{
	(void)state;
	struct held *h = a_held(2);
	struct held_message m = a_message(1, 0, 0, 3);
	for (int i = 0; i < 5; i++)
		assert_true(held_take(h, 7, 5, 1, 0));
	assert_false(held_take(h, 7, 5, 1, 0));
	assert_true(held_take(h, 8, 5, 1, 0));		/* somebody else */
	held_give(h, 8, 1, 0);
	held_give(h, 7, 3, 0);
	add(h, &m, 1);					/* they are that */
	assert_false(held_take(h, 7, 5, 1, 0));
	held_give(h, 7, 2, 0);
	assert_true(held_take(h, 7, 5, 1, HELD_BYTES_MAX - 100));
	assert_false(held_take(h, 7, 5, 1, 1));
	assert_true(held_take(h, 7, 5, 1, 0));
	held_give(h, 7, 2, HELD_BYTES_MAX - 100);
	/* A limit that fell below. */
	assert_false(held_take(h, 7, 2, 1, 0));
	struct held_figures f;
	held_figures(h, 7, &f);
	assert_int_equal(f.messages, 1);
	assert_int_equal(f.recipients, 3);
	assert_int_equal(f.bytes, 100);
	drop(h, &m, 1);
	held_figures(h, 7, &f);
	assert_int_equal(f.recipients, 0);
	held_free(&h);
}

static void s6_10_the_oldest_go_first_whatever_their_shard(void **state)
{
	(void)state;
	struct held *h = a_held(3);
	struct ledger_played p = { .room = 6 };
	struct held_message m[] = {
		a_message(50, 2, 0, 2), a_message(10, 0, 0, 2),
		a_message(30, 1, 0, 2), a_message(20, 2, 0, 1),
		a_message(40, 0, 0, 3),
	};
	add(h, m, ARRAY_LEN(m));
	look(h, 0, &p, 0);		/* 7 % 3: not its keeper */
	assert_int_equal(p.asked, 0);
	look(h, 1, &p, 0);
	assert_int_equal(p.asked, 1);
	/* 10, 20, 30 whole, one of 40. */
	assert_granted(h, 0, "10:2 40:1");
	assert_granted(h, 1, "30:2");
	assert_granted(h, 2, "20:1");
	held_less(h, &m[1], 2);
	held_less(h, &m[4], 1);
	p.room = 3;
	look(h, 1, &p, 0);
	assert_granted(h, 2, "20:1");
	assert_granted(h, 1, "30:2");
	assert_granted(h, 0, "");
	drop(h, m + 2, 3);
	drop(h, m, 1);
	held_free(&h);
}

/* Given, and not used yet: it isn't given twice. */
static void s6_10_a_grant_takes_its_room(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 3 };
	struct held_message m[] = { a_message(1, 0, 0, 2),
				    a_message(2, 0, 0, 2) };
	add(h, m, 2);
	look(h, 0, &p, 0);
	look(h, 0, &p, 0);
	assert_granted(h, 0, "1:2 2:1");
	drop(h, m, 2);
	held_free(&h);
}

static void s6_10_a_user_without_room_lets_others_pass(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 5, .full_user = 9 };
	struct held_message m[] = {
		a_message(1, 0, 9, 1), a_message(2, 0, 8, 1),
		a_message(3, 0, 9, 1), a_message(4, 0, 0, 1),
		a_message(5, 0, 9, 1), a_message(6, 0, 9, 1),
	};
	m[5].message_booked = true;	/* it needs no message more */
	add(h, m, ARRAY_LEN(m));
	look(h, 0, &p, 0);
	assert_granted(h, 0, "2:1 4:1 6:1");
	drop(h, m, ARRAY_LEN(m));
	held_free(&h);
}

/* After a start nobody knows whose they are: that is asked first, of many at a
 * time, and takes no room. Else a user without any would take what there is
 * once for each of his messages. */
static void s6_10_whose_they_are_is_asked_first_after_a_start(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 2, .full_user = 9 };
	struct held_keeper k = { .ctx = &p, .room = room,
				 .user_room = user_room };
	struct held_message m[] = {
		a_message(1, 0, 0, 1), a_message(2, 0, 0, 1),
		a_message(3, 0, 0, 1), a_message(4, 0, 0, 1),
		a_message(5, 0, 8, 1), a_message(6, 0, 8, 1),
	};
	for (size_t i = 0; i < 4; i++)
		m[i].user_known = false;
	add(h, m, ARRAY_LEN(m));
	assert_false(held_look(h, 0, &k));	/* to be called again soon */
	assert_granted(h, 0, "1:0 2:0 3:0 4:0");
	for (size_t i = 0; i < 3; i++)
		held_know_user(h, &m[i], 9, false);
	/* One still is not known: nobody passes it. */
	assert_false(held_look(h, 0, &k));
	assert_granted(h, 0, "4:0");
	held_know_user(h, &m[3], 8, false);
	look(h, 0, &p, 0);
	assert_granted(h, 0, "4:1 5:1");
	/* Without room nothing is read. */
	m[5].user_known = false;
	p.room = 0;
	look(h, 0, &p, 0);
	assert_granted(h, 0, "");
	drop(h, m, ARRAY_LEN(m));
	held_free(&h);
}

static void s6_10_how_much_is_held_over_each_limit(void **state)
{
	(void)state;
	struct held *h = a_held(2);
	struct held_figures f;
	struct held_over of_user[LEDGER_LIMITS + 1];
	struct held_message m[] = { a_message(1, 0, 5, 4),
				    a_message(2, 1, 5, 2),
				    a_message(3, 1, 6, 1) };
	static const uint16_t fewer[LEDGER_LIMITS + 1] = {
		[LEDGER_USER_UNIQUE] = 1 };
	m[0].over[LEDGER_CUSTOMER_DAY] = 1;
	m[0].over[LEDGER_USER_UNIQUE] = 3;
	m[1].over[LEDGER_USER_UNIQUE] = 2;
	m[2].over[LEDGER_USER_UNIQUE] = 1;
	add(h, m, ARRAY_LEN(m));
	held_figures(h, 7, &f);
	assert_int_equal(f.over[LEDGER_CUSTOMER_DAY].messages, 1);
	assert_int_equal(f.over[LEDGER_CUSTOMER_DAY].recipients, 1);
	assert_int_equal(f.over[LEDGER_USER_UNIQUE].messages, 3);
	assert_int_equal(f.over[LEDGER_USER_UNIQUE].recipients, 6);
	assert_true(held_over_of_user(h, 7, 5, of_user));
	assert_int_equal(of_user[LEDGER_USER_UNIQUE].messages, 2);
	assert_int_equal(of_user[LEDGER_USER_UNIQUE].recipients, 5);
	/* Three went, and then all of the second. */
	held_less(h, &m[0], 3);
	held_recount(h, &m[0], 0, fewer);
	held_less(h, &m[1], 2);
	held_figures(h, 7, &f);
	assert_int_equal(f.over[LEDGER_CUSTOMER_DAY].messages, 0);
	assert_int_equal(f.over[LEDGER_USER_UNIQUE].messages, 2);
	assert_int_equal(f.over[LEDGER_USER_UNIQUE].recipients, 2);
	m[2].user_known = false;
	assert_false(held_over_of_user(h, 7, 5, of_user));
	held_less(h, &m[0], 1);
	held_less(h, &m[2], 1);
	assert_true(held_over_of_user(h, 7, 5, of_user));
	held_free(&h);
}

static void s9_4_what_a_hand_holds_gets_no_room(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 9 };
	struct held_figures f;
	struct held_message m[] = { a_message(1, 0, 0, 4),
				    a_message(2, 0, 0, 2) };
	add(h, m, 2);
	held_recount(h, &m[0], 3, m[0].over);
	held_recount(h, &m[1], 2, m[1].over);
	look(h, 0, &p, 0);
	assert_granted(h, 0, "1:1");
	held_less(h, &m[0], 2);
	assert_int_equal(m[0].by_hand, 2);
	held_figures(h, 7, &f);
	assert_int_equal(f.recipients, 4);
	look(h, 0, &p, 2);
	assert_granted(h, 0, "1:2!");
	drop(h, m, 2);
	held_free(&h);
}

/* What can't go for its user's sake, booked or not, takes no room from those
 * behind it once that was found out. */
static void s6_10_a_user_without_recipients_lets_others_pass(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 2, .known_only = 9 };
	struct held_message m[] = {
		a_message(1, 0, 9, 1), a_message(2, 0, 9, 1),
		a_message(3, 0, 8, 1), a_message(4, 0, 8, 1),
	};
	m[1].message_booked = true;
	add(h, m, ARRAY_LEN(m));
	look(h, 0, &p, 0);
	assert_granted(h, 0, "1:1 2:1");	/* perhaps old recipients */
	held_tried(h, &m[0], true);
	held_tried(h, &m[1], true);
	look(h, 0, &p, 0);
	assert_granted(h, 0, "3:1 4:1");
	p.known_only = 0;
	look(h, 0, &p, 0);
	assert_granted(h, 0, "1:1 2:1");
	held_tried(h, &m[0], false);
	p.known_only = 9;
	look(h, 0, &p, 0);
	assert_granted(h, 0, "1:1 3:1");
	drop(h, m, ARRAY_LEN(m));
	held_free(&h);
}

static void s6_10_whose_time_is_over_needs_no_room(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 0 };
	struct held_message m[] = { a_message(1, 0, 0, 2),
				    a_message(2, 0, 0, 2) };
	add(h, m, 2);
	look(h, 0, &p, 2);
	assert_granted(h, 0, "1:2!");
	drop(h, m, 2);
	held_free(&h);
}

/* Customers whose look takes long: not all in one turn, each in its own. */
static uint64_t ample_room(void *ctx, uint32_t customer)
{
	(void)customer;
	++*(unsigned *)ctx;
	return 1000;
}
static struct held_user_room no_user_room(void *ctx, uint32_t customer,
					  uint32_t user)
{
	(void)ctx, (void)customer, (void)user;
	return (struct held_user_room){ false, false };
}

static void s6_10_a_look_at_many_ends_in_time(void **state)
{
	(void)state;
	enum { CUSTOMERS = 12, EACH = 5000 };
	struct held *h = a_held(1);
	struct held_message *m = calloc(CUSTOMERS * EACH, sizeof(*m));
	unsigned asked = 0;
	struct held_keeper k = { .ctx = &asked, .room = ample_room,
				 .user_room = no_user_room };
	assert_non_null(m);
	for (uint32_t i = 0; i < CUSTOMERS * EACH; i++) {
		m[i] = a_message(i + 1, 0, 1 + i % 3, 1);
		assert_true(held_add(h, &m[i], 1 + i % CUSTOMERS));
	}
	assert_false(held_look(h, 0, &k));
	assert_int_equal(asked, 5);		/* 4,096 messages each */
	assert_false(held_look(h, 0, &k));
	assert_int_equal(asked, 10);
	for (uint32_t i = 0; i < CUSTOMERS * EACH; i++)
		held_less(h, &m[i], 1);
	assert_true(held_look(h, 0, &k));
	held_free(&h);
	free(m);
}

static void a_grant_goes_with_its_message(void **state)
{
	(void)state;
	struct held *h = a_held(1);
	struct ledger_played p = { .room = 9 };
	struct held_message m[] = { a_message(1, 0, 0, 2),
				    a_message(2, 0, 0, 2) };
	add(h, m, 2);
	look(h, 0, &p, 0);
	drop(h, m, 1);
	assert_granted(h, 0, "2:2");
	drop(h, m + 1, 1);
	held_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s6_10_at_most_a_days_limit_and_a_gibibyte),
		cmocka_unit_test(
			s6_10_the_oldest_go_first_whatever_their_shard),
		cmocka_unit_test(s6_10_a_grant_takes_its_room),
		cmocka_unit_test(s6_10_a_user_without_room_lets_others_pass),
		cmocka_unit_test(
			s6_10_whose_they_are_is_asked_first_after_a_start),
		cmocka_unit_test(s6_10_how_much_is_held_over_each_limit),
		cmocka_unit_test(s9_4_what_a_hand_holds_gets_no_room),
		cmocka_unit_test(
			s6_10_a_user_without_recipients_lets_others_pass),
		cmocka_unit_test(s6_10_whose_time_is_over_needs_no_room),
		cmocka_unit_test(s6_10_a_look_at_many_ends_in_time),
		cmocka_unit_test(a_grant_goes_with_its_message),
	};
	return cmocka_run_group_tests_name("queue/held", tests, NULL, NULL);
}
