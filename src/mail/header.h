/*
 * Looks at a header section as it streams past (RFC 5322 2.2, 3.6): counts,
 * bounds, and the few fields that the way of a message needs. Changes
 * nothing, keeps at most one field name and what is asked for.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

enum { HEADER_MESSAGE_ID_MAX = 255, HEADER_NAME_MAX = 80 };

struct header_scan {
	/* results */
	bool ended;			/* the empty line (or a line that is no
					 * field) was seen */
	uint32_t fields;
	uint32_t received;		/* Received: fields */
	uint32_t own_received;		/* of them with "by HOSTNAME" */
	uint32_t from;			/* From: fields */
	uint64_t bytes;
	bool eight_bit;			/* anywhere fed so far, body included */
	bool auto_submitted;		/* Auto-Submitted: other than no */
	bool multipart_report;		/* Content-Type: multipart/report */
	char message_id[HEADER_MESSAGE_ID_MAX];
	uint16_t message_id_n;
	/* private */
	slice hostname;
	uint64_t max_bytes;
	uint32_t max_fields;
	uint8_t state;
	uint8_t field;
	uint8_t comment_depth;
	bool after_by, by_done;
	char name[HEADER_NAME_MAX];
	uint8_t name_n;
	char value[512];		/* of Received: the word at hand */
	uint16_t value_n;
	bool too_big;
};

/* hostname (ours, for loops) must outlive the scan. */
void header_scan_init(struct header_scan *h, slice hostname,
		      uint64_t max_bytes, uint32_t max_fields);
/* Any pieces of the message, in order; once ended only eight_bit is kept. */
void header_scan_feed(struct header_scan *h, slice piece);
/* The verdict at the end of data: 552 5.3.4 header too big, 554 5.4.6 too
 * many hops or a loop, 550 5.6.0 two From: fields. */
bool header_scan_verdict(const struct header_scan *h, uint32_t hops_max,
			 uint32_t own_hops_max, struct err *err) MUST_USE;
