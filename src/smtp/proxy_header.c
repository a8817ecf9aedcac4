/*
 * PROXY v2; see proxy_header.h. All numbers are big-endian:
 *
 *	12	signature: CR LF CR LF NUL CR LF "QUIT" LF
 *	1	version 2 in the high four bits; command: 0 LOCAL, 1 PROXY
 *	1	family in the high four bits: 1 IPv4, 2 IPv6; low: 1 stream
 *	2	length of what follows
 *	12, 36	source, destination, source port, destination port
 *	…	records: type (1), length (2), value
 */
#include "smtp/proxy_header.h"

#include "base/crc32c.h"

enum {
	AT_VERSION = 12, AT_FAMILY = 13, AT_LENGTH = 14,
	COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21,
	IPV4_STREAM = 0x11, IPV6_STREAM = 0x21,
	IPV4_LEN = 12, IPV6_LEN = 36,
	RECORD_HEAD = 3, RECORD_CRC32C = 3, CRC32C_LEN = 4,
};

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
_Static_assert(sizeof(signature) - 1 == AT_VERSION, "twelve bytes");

static uint8_t byte(slice s, size_t i)
{
	invariant(i < s.n);
	return (uint8_t)s.p[i];
}

static uint16_t number(slice s, size_t i)
{
	return (uint16_t)(byte(s, i) << 8 | byte(s, i + 1));
}

static void take_address(slice from, struct ip_addr *to)
{
	*to = (struct ip_addr){ 0 };
	if (from.n == 4)
		to->bytes[10] = to->bytes[11] = 0xff;
	invariant(from.n == 4 || from.n == sizeof(to->bytes));
	memcpy(to->bytes + sizeof(to->bytes) - from.n, from.p, from.n);
}

/* The client may be anybody that can open a TCP connection. */
static bool is_somebody(const struct ip_addr *a)
{
	static const struct ip_addr none_v6;
	struct ip_addr none_v4 = { 0 };
	none_v4.bytes[10] = none_v4.bytes[11] = 0xff;
	return !ip_addr_eq(a, &none_v6) && !ip_addr_eq(a, &none_v4) &&
	       ip_addr_class(a) != IP_MULTICAST;
}

static bool take_addresses(slice body, size_t n, struct proxy_header *out)
{
	take_address(slice_sub(body, 0, n), &out->client.addr);
	take_address(slice_sub(body, n, n), &out->local.addr);
	out->client.port = number(body, 2 * n);
	out->local.port = number(body, 2 * n + 2);
	return is_somebody(&out->client.addr);
}

/* Of the whole header, with zeros where the checksum stands. */
static bool checksum_fits(slice header, size_t at)
{
	static const char zeros[CRC32C_LEN];
	uint32_t crc = crc32c(0, header.p, at);
	crc = crc32c(crc, zeros, sizeof(zeros));
	slice rest = slice_skip(header, at + CRC32C_LEN);
	if (rest.n > 0)
		crc = crc32c(crc, rest.p, rest.n);
	return crc == ((uint32_t)number(header, at) << 16 |
		       number(header, at + 2));
}

/* They fill the rest exactly; only the checksum says something to us. */
static bool records_fine(slice header, size_t at)
{
	while (at < header.n) {
		if (header.n - at < RECORD_HEAD)
			return false;
		size_t n = number(header, at + 1);
		uint8_t type = byte(header, at);
		at += RECORD_HEAD;
		if (n > header.n - at)
			return false;
		if (type == RECORD_CRC32C &&
		    (n != CRC32C_LEN || !checksum_fits(header, at)))
			return false;
		at += n;
	}
	return true;
}

static enum proxy_result read_client(slice header, struct proxy_header *out)
{
	slice body = slice_skip(header, PROXY_HEADER_MIN);
	uint8_t family = byte(header, AT_FAMILY);
	size_t n = family == IPV4_STREAM ? IPV4_LEN :
		   family == IPV6_STREAM ? IPV6_LEN : 0;
	if (n == 0 || body.n < n ||
	    !take_addresses(body, n == IPV4_LEN ? 4 : 16, out) ||
	    !records_fine(header, PROXY_HEADER_MIN + n))
		return PROXY_BAD;
	return PROXY_CLIENT;
}

enum proxy_result proxy_header_read(slice in, struct proxy_header *out)
{
	slice expected = { signature, AT_VERSION };
	slice front = slice_sub(in, 0, AT_VERSION);
	*out = (struct proxy_header){ 0 };
	if (!slice_eq(front, slice_sub(expected, 0, front.n)))
		return PROXY_BAD;
	if (in.n > AT_VERSION && byte(in, AT_VERSION) != COMMAND_LOCAL &&
	    byte(in, AT_VERSION) != COMMAND_PROXY)
		return PROXY_BAD;
	if (in.n < PROXY_HEADER_MIN)
		return PROXY_MORE;
	out->length = PROXY_HEADER_MIN + (size_t)number(in, AT_LENGTH);
	if (out->length > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (in.n < out->length)
		return PROXY_MORE;
	/* What LOCAL says besides is skipped (2.2: "discard"). */
	return byte(in, AT_VERSION) == COMMAND_LOCAL ?
		       PROXY_LOCAL :
		       read_client(slice_sub(in, 0, out->length), out);
}
