/* A large directory for benches; see big_directory.h. */
#include "bench/big_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint32_t next_random(struct random *r)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33);
}

uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

_Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

/* --- the directory --- */

struct ip_addr entry_address(uint32_t customer, uint32_t i)
{
	uint32_t n = (customer * ENTRIES_EACH + i) * 2654435761u;
	struct ip_addr a = { 0 };
	a.bytes[10] = a.bytes[11] = 0xff;
	for (int k = 0; k < 4; k++)
		a.bytes[12 + k] = (uint8_t)(n >> (24 - 8 * k));
	return a;
}

struct loader {
	struct buf change;
	const struct view *v;
};

static void flush(struct loader *l, bool last)
{
	struct err err = { 0 };
	change_end(&l->change);
	if (l->change.failed)
		die("change failed");
	l->change.p[5] = last ? 1 : 0;
	change_end(&l->change);
	if (!view_apply_onto(&l->v, buf_slice(&l->change), &err)) {
		fprintf(stderr, "%s (%s)\n", err.text, err.detail);
		exit(1);
	}
	buf_clear(&l->change);
	change_begin(&l->change, 1, false);
}

static void flush_if_full(struct loader *l)
{
	if (l->change.n > CHANGE_MAX - CHANGE_RECORD_MAX)
		flush(l, false);
}

static void load_setting(struct loader *l, uint32_t id, uint32_t customer,
			 bool ip_only)
{
	struct setting s = {
		.id = id, .customer = customer, .position = id,
		.key = SLICE("head-office"),
		.description = SLICE("Head office, outgoing mail"),
		.allowed_senders = ip_only ? SENDERS_OWN_DOMAINS :
					     SENDERS_ANY,
		.ip_only = ip_only, .require_auth = !ip_only, .enabled = true,
	};
	change_put_setting(&l->change, &s);
}

static void load_domains(struct loader *l, uint32_t customer)
{
	char name[64];
	for (uint32_t i = 0; i < DOMAINS_EACH; i++) {
		int n = snprintf(name, sizeof(name), "dom%u.cust%u.example",
				 i, customer);
		struct domain d = { .name = { name, (size_t)n },
				    .customer = customer, .verified = true };
		change_put_domain(&l->change, &d);
		flush_if_full(l);
	}
}

static void load_entries(struct loader *l, uint32_t customer)
{
	for (uint32_t i = 0; i < ENTRIES_EACH; i++) {
		struct ip_entry e = {
			.id = customer * ENTRIES_EACH + i + 1,
			.customer = customer, .setting = 2 * customer,
			.range = { entry_address(customer, i), 128 },
			.description = SLICE("mail server"), .enabled = true,
		};
		change_put_entry(&l->change, &e);
		flush_if_full(l);
	}
}

static void load_users(struct loader *l, uint32_t customer, uint32_t count)
{
	char address[80];
	for (uint32_t i = 0; i < count; i++) {
		int n = snprintf(address, sizeof(address),
				 "user%u@dom0.cust%u.example", i, customer);
		struct user u = { .id = customer * count + i + 1,
				  .customer = customer,
				  .address = { address, (size_t)n } };
		change_put_user(&l->change, &u, NULL, 0);
		flush_if_full(l);
	}
}

const struct view *load_directory(struct shape shape)
{
	struct loader l = { .v = view_new() };
	struct named_plan standard = { .id = VIEW_PLAN_STANDARD,
				       .name = SLICE("standard"),
				       .plan = plan_standard() };
	char name[32];
	buf_init(&l.change, CHANGE_MAX);
	change_begin(&l.change, 1, false);
	change_put_plan(&l.change, &standard);
	for (uint32_t c = 1; c <= shape.customers; c++) {
		int n = snprintf(name, sizeof(name), "customer %u", c);
		struct customer row = { .id = c, .name = { name, (size_t)n },
					.licences = 100,
					.billing = BILLING_PAID,
					.plan = VIEW_PLAN_STANDARD };
		change_put_customer(&l.change, &row);
		load_setting(&l, 2 * c, c, true);
		load_setting(&l, 2 * c + 1, c, false);
		load_domains(&l, c);
		load_entries(&l, c);
		load_users(&l, c, shape.users_each);
		flush_if_full(&l);
	}
	flush(&l, true);
	buf_fini(&l.change);
	return l.v;
}

void change_entry(struct buf *change, const struct view *v,
		  uint32_t customer, bool enabled)
{
	struct ip_entry e = {
		.id = customer * ENTRIES_EACH + 1, .customer = customer,
		.setting = 2 * customer,
		.range = { entry_address(customer, 0), 128 },
		.description = SLICE("mail server"), .enabled = enabled,
	};
	buf_clear(change);
	change_begin(change, view_revision(v) + 1, true);
	change_put_entry(change, &e);
	change_end(change);
}
