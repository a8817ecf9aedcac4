/*
 * One seed, one world: a machine with a disk, on it the relay's own code in
 * several lives that end by a stop, a kill or a power cut; around it clients
 * with mail and next hops with moods. At the end all faults stop, and what is
 * queued must leave in time.
 */
#pragma once

#include "sim/oracle.h"

struct world_options {
	uint64_t seed;
	bool trace;
	bool quiet;			/* no crashes, no faults */
	/* n-th failure of memory: in the first life, at this allocation */
	uint64_t fail_at;
	bool fail_for_ever;
	const char *scenario;		/* of that: "accept" or "deliver" */
};

struct world_result {
	bool failed;
	char verdict[200];
	uint64_t hash;
	uint64_t steps, messages;
	uint64_t lives, kills, cuts, stops, disk_faults, memory_faults;
	uint64_t acked, refused, unknown, delivered, reported, explained;
	uint64_t allocations;
	bool allocation_failed;
};

void world_run(const struct world_options *options,
	       struct world_result *result);
