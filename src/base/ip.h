/*
 * IP addresses, ports and ranges as values. An IPv4 address is kept as
 * ::ffff:a.b.c.d, so one radix tree and one comparison serve both families;
 * the text form is always the short one of RFC 5952 (or dotted IPv4).
 */
#pragma once

#include "base/slice.h"

struct ip_addr {
	uint8_t bytes[16];
};

struct ip_port {
	struct ip_addr addr;
	uint16_t port;
};

/* bits counts in the 128-bit form: an IPv4 /24 has 120. */
struct ip_range {
	struct ip_addr first;
	uint8_t bits;
};

enum { IP_TEXT_MAX = 46, IP_PORT_TEXT_MAX = 54, IP_RANGE_TEXT_MAX = 50 };

bool ip_is_v4(const struct ip_addr *a);
bool ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b);

/* "192.0.2.1", "2001:db8::1"; no brackets, no zone, no leading zeros. */
bool ip_addr_parse(slice s, struct ip_addr *out) MUST_USE;
/* "192.0.2.1:25", "[2001:db8::1]:25". */
bool ip_port_parse(slice s, struct ip_port *out) MUST_USE;
/* "192.0.2.0/24", "2001:db8::/32", or a bare address. Host bits may be set:
 * ip_range_has_host_bits tells, ip_range_network clears them. */
bool ip_range_parse(slice s, struct ip_range *out) MUST_USE;

/* NUL-terminated text into `to` (IP_TEXT_MAX etc.); returns `to`. */
const char *ip_addr_text(const struct ip_addr *a, char to[IP_TEXT_MAX]);
const char *ip_port_text(const struct ip_port *a, char to[IP_PORT_TEXT_MAX]);
const char *ip_range_text(const struct ip_range *r,
			  char to[IP_RANGE_TEXT_MAX]);

bool ip_range_holds(const struct ip_range *r, const struct ip_addr *a);
bool ip_range_has_host_bits(const struct ip_range *r);
struct ip_range ip_range_network(const struct ip_range *r);

/* What kind of address it is (RFC 6890), for entries and for connects. */
enum ip_class {
	IP_PUBLIC,
	IP_PRIVATE,		/* RFC 1918, fc00::/7 */
	IP_LOOPBACK,		/* 127/8, ::1 */
	IP_LINK_LOCAL,
	IP_SHARED,		/* 100.64/10 */
	IP_MULTICAST,
	IP_DOCUMENTATION,
	IP_RESERVED,		/* 0/8, 240/4, 64:ff9b::/96 of those, … */
};
enum ip_class ip_addr_class(const struct ip_addr *a);
