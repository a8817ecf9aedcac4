/*
 * The PROXY protocol, version 2 (HAProxy's doc/proxy-protocol.txt, 2.2): what
 * a load balancer says in front of everything else about the client it
 * speaks for. Version 1, the text form, is not read.
 */
#pragma once

#include "base/ip.h"

enum {
	PROXY_HEADER_MIN = 16,
	PROXY_HEADER_MAX = 4096,	/* with all it says besides; those of
					 * HAProxy and clouds stay below 1 KiB */
};

enum proxy_result {
	PROXY_MORE,	/* nothing wrong so far */
	PROXY_LOCAL,	/* the proxy speaks for itself (health checks) */
	PROXY_CLIENT,	/* client and local are there */
	PROXY_BAD,
};

struct proxy_header {
	size_t length;			/* of LOCAL and CLIENT: all of it */
	struct ip_port client, local;	/* of CLIENT */
};

/*
 * Looks at the front of what came; takes nothing. A client without an address
 * (UNSPEC, a Unix socket, a datagram, 0.0.0.0, multicast) is BAD: the proxy's
 * own address must never stand for it. So is a checksum that is there and
 * wrong, and whatever doesn't fill the length that was said.
 */
enum proxy_result proxy_header_read(slice in, struct proxy_header *out);
