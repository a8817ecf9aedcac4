/*
 * What kind of address (RFC 6890 and the IANA special-purpose registries).
 * Addresses that carry an IPv4 address inside (NAT64, 6to4) are of its kind,
 * so that a name in public DNS can't lead to loopback by a detour.
 */
#include "base/ip.h"

struct class_row {
	uint8_t first[16];
	uint8_t bits;
	enum ip_class class;
};

#define V4(a, b, c, d, n, class) \
	{ { [10] = 0xff, 0xff, a, b, c, d }, 96 + (n), class }

/* First match holds. */
static const struct class_row rows[] = {
	V4(0, 0, 0, 0, 8, IP_RESERVED),
	V4(10, 0, 0, 0, 8, IP_PRIVATE),
	V4(100, 64, 0, 0, 10, IP_SHARED),
	V4(127, 0, 0, 0, 8, IP_LOOPBACK),
	V4(169, 254, 0, 0, 16, IP_LINK_LOCAL),
	V4(172, 16, 0, 0, 12, IP_PRIVATE),
	V4(192, 0, 0, 0, 24, IP_RESERVED),
	V4(192, 0, 2, 0, 24, IP_DOCUMENTATION),
	V4(192, 88, 99, 0, 24, IP_RESERVED),	/* RFC 7526 */
	V4(192, 168, 0, 0, 16, IP_PRIVATE),
	V4(198, 18, 0, 0, 15, IP_RESERVED),	/* benchmarks */
	V4(198, 51, 100, 0, 24, IP_DOCUMENTATION),
	V4(203, 0, 113, 0, 24, IP_DOCUMENTATION),
	V4(224, 0, 0, 0, 4, IP_MULTICAST),
	V4(240, 0, 0, 0, 4, IP_RESERVED),
	V4(0, 0, 0, 0, 0, IP_PUBLIC),
	{ { [15] = 1 }, 128, IP_LOOPBACK },
	{ { 0xfc }, 7, IP_PRIVATE },
	{ { 0xfe, 0x80 }, 10, IP_LINK_LOCAL },
	{ { 0xfe, 0xc0 }, 10, IP_PRIVATE },	/* site-local, RFC 3879 */
	{ { 0xff }, 8, IP_MULTICAST },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, IP_DOCUMENTATION },
	{ { 0x3f, 0xff }, 20, IP_DOCUMENTATION },	/* RFC 9637 */
	{ { 0x20, 0x01 }, 23, IP_RESERVED },	/* Teredo, ORCHID, … */
	{ { 0x20 }, 3, IP_PUBLIC },		/* 2000::/3 */
	{ { 0 }, 0, IP_RESERVED },
};

static struct ip_addr inner_v4(const struct ip_addr *a, size_t at)
{
	struct ip_addr v4 = { { [10] = 0xff, 0xff } };
	memcpy(v4.bytes + 12, a->bytes + at, 4);
	return v4;
}

/* The IPv4 address inside, or *a itself. */
static struct ip_addr unwrapped(const struct ip_addr *a)
{
	static const struct ip_range nat64 = {
		{ { 0x00, 0x64, 0xff, 0x9b } }, 96
	};
	static const struct ip_range six_to_four = { { { 0x20, 0x02 } }, 16 };
	if (ip_range_holds(&nat64, a))
		return inner_v4(a, 12);
	if (ip_range_holds(&six_to_four, a))
		return inner_v4(a, 2);
	return *a;
}

enum ip_class ip_addr_class(const struct ip_addr *a)
{
	struct ip_addr what = unwrapped(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_range r = { .bits = rows[i].bits };
		memcpy(r.first.bytes, rows[i].first, sizeof(rows[i].first));
		if (ip_range_holds(&r, &what))
			return rows[i].class;
	}
	unreachable_state("the last row holds everything");
}
