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
	/* Instead of all that one life, in which this allocation fails (0: no
	 * such life), while mail is accepted or while it is delivered. */
	uint64_t fail_at;
	bool fail_for_ever;
	bool fail_in_delivery;
};

struct world_result {
	bool failed;
	char verdict[200];
	uint64_t hash;
	uint64_t steps, messages;
	uint64_t lives, kills, cuts, stops, disk_faults;
	uint64_t checkpoints, log_cuts, evacuated, quarantined;
	uint64_t acked, refused, unknown, delivered, reported, explained;
	bool allocation_failed;
};

void world_run(const struct world_options *options,
	       struct world_result *result);
