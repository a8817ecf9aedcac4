/* Addresses as values: reading and writing; see ip.h. Classes: ip_class.c. */
#include "base/ip.h"

#include <stdio.h>

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool ip_is_v4(const struct ip_addr *a)
{
	return memcmp(a->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Decimal without leading zeros: "010" is 8 to some and 10 to others. */
static bool plain_number(slice s, uint64_t max, uint64_t *out)
{
	return (s.n == 1 || (s.n > 1 && s.p[0] != '0')) &&
	       slice_u64(s, max, out);
}

/* Four numbers with three dots into bytes[4]. */
static bool parse_v4(slice s, uint8_t *bytes)
{
	for (size_t i = 0; i < 4; i++) {
		size_t dot = slice_find(s, '.');
		uint64_t v;
		if ((dot < s.n) != (i < 3) ||
		    !plain_number(slice_sub(s, 0, dot), 255, &v))
			return false;
		bytes[i] = (uint8_t)v;
		s = slice_skip(s, dot + 1);
	}
	return true;
}

/* One to four hex digits into bytes[2]. */
static bool parse_group(slice s, uint8_t *bytes)
{
	unsigned v = 0;
	if (s.n < 1 || s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = ascii_hex(s.p[i]);
		if (d < 0)
			return false;
		v = v << 4 | (unsigned)d;
	}
	bytes[0] = (uint8_t)(v >> 8);
	bytes[1] = (uint8_t)v;
	return true;
}

/* Groups with ':' between them, the last perhaps a dotted IPv4 address, into
 * at most *n bytes; *n becomes how many. Empty text: none. */
static bool parse_groups(slice s, uint8_t *bytes, size_t *n)
{
	size_t used = 0;
	bool more = s.n > 0;
	while (more) {
		size_t colon = slice_find(s, ':');
		slice group = slice_sub(s, 0, colon);
		more = colon < s.n;
		s = slice_skip(s, colon + 1);
		bool dotted = !more && slice_find(group, '.') < group.n;
		size_t width = dotted ? 4 : 2;
		if (used + width > *n)
			return false;
		if (dotted ? !parse_v4(group, bytes + used) :
			     !parse_group(group, bytes + used))
			return false;
		used += width;
	}
	*n = used;
	return true;
}

static bool parse_v6(slice s, uint8_t bytes[16])
{
	size_t gap = slice_find_slice(s, SLICE("::"));
	size_t head_n = 16;
	if (gap == s.n)
		return parse_groups(s, bytes, &head_n) && head_n == 16;
	slice head = slice_sub(s, 0, gap);
	slice tail = slice_skip(s, gap + 2);
	/* "1.2.3.4::" and the like: dots only at the very end. */
	if (slice_find(head, '.') < head.n || !parse_groups(head, bytes, &head_n))
		return false;
	uint8_t behind[16];
	size_t tail_n = sizeof(behind);
	if (!parse_groups(tail, behind, &tail_n) || head_n + tail_n > 14)
		return false;
	memset(bytes + head_n, 0, 16 - head_n);
	memcpy(bytes + 16 - tail_n, behind, tail_n);
	return true;
}

bool ip_addr_parse(slice s, struct ip_addr *out)
{
	struct ip_addr a = { 0 };
	if (slice_find(s, ':') < s.n) {
		if (!parse_v6(s, a.bytes))
			return false;
	} else {
		memcpy(a.bytes, v4_prefix, sizeof(v4_prefix));
		if (!parse_v4(s, a.bytes + sizeof(v4_prefix)))
			return false;
	}
	*out = a;
	return true;
}

bool ip_port_parse(slice s, struct ip_port *out)
{
	size_t colon = slice_rfind(s, ':');
	slice host = slice_sub(s, 0, colon);
	struct ip_port parsed;
	uint64_t port;
	if (colon == s.n || !plain_number(slice_skip(s, colon + 1), 65535, &port))
		return false;
	bool bracket = host.n >= 2 && host.p[0] == '[' &&
		       host.p[host.n - 1] == ']';
	if (bracket)
		host = slice_sub(host, 1, host.n - 2);
	bool colons = slice_find(host, ':') < host.n;
	if (colons != bracket || !ip_addr_parse(host, &parsed.addr))
		return false;
	parsed.port = (uint16_t)port;
	*out = parsed;
	return true;
}

bool ip_range_parse(slice s, struct ip_range *out)
{
	size_t slash = slice_find(s, '/');
	slice host = slice_sub(s, 0, slash);
	bool colons = slice_find(host, ':') < host.n;
	struct ip_range r;
	uint64_t bits = colons ? 128 : 32;
	if (!ip_addr_parse(host, &r.first))
		return false;
	if (slash < s.n &&
	    !plain_number(slice_skip(s, slash + 1), bits, &bits))
		return false;
	r.bits = (uint8_t)(colons ? bits : bits + 96);
	*out = r;
	return true;
}

static unsigned group_of(const struct ip_addr *a, size_t i)
{
	return (unsigned)a->bytes[2 * i] << 8 | a->bytes[2 * i + 1];
}

/* RFC 5952 4.2: the first longest run of two or more zero groups. */
static size_t longest_gap(const struct ip_addr *a, size_t *length)
{
	size_t best = 0, best_n = 0, run = 0;
	for (size_t i = 0; i < 8; i++) {
		run = group_of(a, i) == 0 ? run + 1 : 0;
		if (run > best_n) {
			best_n = run;
			best = i + 1 - run;
		}
	}
	*length = best_n >= 2 ? best_n : 0;
	return best;
}

static void text_v6(const struct ip_addr *a, char to[IP_TEXT_MAX])
{
	size_t gap_n;
	size_t gap = longest_gap(a, &gap_n);
	size_t n = 0;
	for (size_t i = 0; i < 8; i++) {
		if (gap_n > 0 && i == gap) {
			to[n++] = ':';
			if (gap + gap_n == 8)
				to[n++] = ':';
			i += gap_n - 1;
			continue;
		}
		n += (size_t)snprintf(to + n, IP_TEXT_MAX - n,
				      i > 0 ? ":%x" : "%x", group_of(a, i));
	}
	invariant(n < IP_TEXT_MAX);
	to[n] = '\0';
}

const char *ip_addr_text(const struct ip_addr *a, char to[IP_TEXT_MAX])
{
	const uint8_t *b = a->bytes + 12;
	if (ip_is_v4(a))
		snprintf(to, IP_TEXT_MAX, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else
		text_v6(a, to);
	return to;
}

const char *ip_port_text(const struct ip_port *a, char to[IP_PORT_TEXT_MAX])
{
	char addr[IP_TEXT_MAX];
	ip_addr_text(&a->addr, addr);
	snprintf(to, IP_PORT_TEXT_MAX,
		 ip_is_v4(&a->addr) ? "%s:%u" : "[%s]:%u", addr,
		 (unsigned)a->port);
	return to;
}

const char *ip_range_text(const struct ip_range *r, char to[IP_RANGE_TEXT_MAX])
{
	char addr[IP_TEXT_MAX];
	unsigned bits = r->bits;
	invariant(bits <= 128);
	if (ip_is_v4(&r->first) && bits >= 96) {
		ip_addr_text(&r->first, addr);
		bits -= 96;
	} else {
		/* Wider than all of IPv4: dotted text would mislead. */
		text_v6(&r->first, addr);
	}
	snprintf(to, IP_RANGE_TEXT_MAX, "%s/%u", addr, bits);
	return to;
}

struct ip_range ip_range_network(const struct ip_range *r)
{
	struct ip_range net = *r;
	invariant(r->bits <= 128);
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = r->bits > 8 * i ? r->bits - 8 * i : 0;
		if (kept < 8)
			net.first.bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
	return net;
}

bool ip_range_holds(const struct ip_range *r, const struct ip_addr *a)
{
	struct ip_range other = { *a, r->bits };
	struct ip_range mine = ip_range_network(r);
	struct ip_range theirs = ip_range_network(&other);
	return ip_addr_eq(&mine.first, &theirs.first);
}

bool ip_range_has_host_bits(const struct ip_range *r)
{
	struct ip_range net = ip_range_network(r);
	return !ip_addr_eq(&net.first, &r->first);
}
