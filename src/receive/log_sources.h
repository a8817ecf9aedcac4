/*
 * How many log lines a second one client may cause (RELIABILITY 4.8): past
 * its rate they are counted instead, and one line says how many were left out.
 * One table for all shards, of a fixed size; its mutex is held for one look and
 * one line.
 * When it is full, the address of which the longest nothing was logged gives
 * way. IPv6 counts by /64.
 *
 * Time is the caller's monotonic clock.
 */
#pragma once

#include "base/ip.h"
#include "base/log.h"

enum { LOG_SOURCES_MAX = 256 };

struct log_sources;
bool log_sources_new(struct log_sources **out, struct err *err) MUST_USE;
void log_sources_free(struct log_sources **t);

/* May a line about the client be written now? a_second: its rate, 0 for no
 * bound. False: it is counted. What gives way is told in `log`. */
bool log_sources_take(struct log_sources *t, struct log *log,
		      const struct ip_addr *client, uint64_t a_second,
		      int64_t now_ms) MUST_USE;
/* Tells what was left out in seconds that are over ("log.left_out", a line a
 * client); to be called once a second. at_end: in this one as well. */
void log_sources_tell(struct log_sources *t, struct log *log, int64_t now_ms,
		      bool at_end);
