/*
 * A large directory for benches: so many customers, each with ten domains,
 * ten address entries (spread over the address space, as customers' networks
 * are), two relay settings, and so many users.
 */
#pragma once

#include "policy/change.h"

enum {
	DOMAINS_EACH = 10,
	ENTRIES_EACH = 10,
};

struct shape {
	uint32_t customers, users_each;
};

struct random {
	uint64_t state;
};
uint32_t next_random(struct random *r);

uint64_t now_ns(void);
int by_number(const void *a, const void *b);	/* for qsort of uint64_t */
_Noreturn void die(const char *what);

/* The address of a customer's entry number i; of its domain number i the name
 * is "domI.custN.example", users are "userI@dom0.custN.example". The setting
 * of the entries has the id 2 * customer. */
struct ip_addr entry_address(uint32_t customer, uint32_t i);
const struct view *load_directory(struct shape shape);
/* The tick of an address entry of some customer: off or on. */
void change_entry(struct buf *change, const struct view *v,
		  uint32_t customer, bool enabled);
