/*
 * One seed, one world: a machine with a disk, on it the relay's own code in
 * several lives that end by a stop, a kill or a power cut; around it clients
 * with mail and next hops with moods. At the end all faults stop, and what is
 * queued must leave in time.
 */
#pragma once

#include "sim/oracle.h"

/* What fails, and when it is counted: while mail is accepted, while it is
 * delivered, while the process stops, while it starts again. */
enum failing_what { FAILING_MEMORY, FAILING_FILES, FAILING_SOCKETS };
enum failing_phase { FAILING_ACCEPT, FAILING_DELIVER, FAILING_STOP,
		     FAILING_START, FAILING_PHASES };
struct world_failing {
	uint64_t at;			/* the n-th call; 0: none */
	enum failing_what what;
	enum failing_phase phase;
	bool for_ever;			/* and all behind it */
	bool power_cut;			/* ends it; else the same process must
					 * go on, when it still can */
};

struct world_options {
	uint64_t seed;
	bool trace;
	bool quiet;			/* no crashes, no faults */
	/* Instead of all that a machine whose clock can't be believed. */
	bool clock;
	/* Or a life in which something fails. */
	struct world_failing failing;
};

struct world_result {
	bool failed;
	char verdict[200];
	uint64_t hash;
	uint64_t steps, messages;
	uint64_t lives, kills, cuts, stops, disk_faults;
	uint64_t checkpoints, log_cuts, evacuated, quarantined;
	uint64_t filed, logins, logins_refused;
	uint64_t acked, refused, unknown, delivered, reported, told, explained;
	const char *call_failed;	/* NULL: nothing has; life was over */
};

void world_run(const struct world_options *options,
	       struct world_result *result);
