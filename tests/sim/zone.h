/* Names of the virtual network, for the stand-in of net/resolver.h. */
#pragma once

#include "net/resolver.h"

enum zone_answer { ZONE_FOUND, ZONE_NO_NAME, ZONE_FAILS, ZONE_SLOW };
struct zone_name {
	const char *name;
	enum zone_answer answer;
	struct ip_addr addresses[RESOLVER_ADDRESSES_MAX];
	unsigned count;
};
/* The array stays the caller's and may change at any time. */
void zone_set(const struct zone_name *names, unsigned count);
/* Questions of a dead process are forgotten. */
void zone_process_died(void);
