/* What world.c and process.c share: the world, and the process in it. */
#pragma once

#include <setjmp.h>

#include "app/relay_clock.h"
#include "app/relay_core.h"
#include "sim/people.h"
#include "sim/world.h"
#include "sim/zone.h"

enum { SHARDS_MAX = 3, STEPS_MAX = 400000, HOP_COUNT = 6, ROUTES_COUNT = 7, DOWN_MAX_MS = 300000,
       STOP_MAX_MS = 700000, HOME_DOMAIN = 99 };

struct world {
	struct world_options options;
	struct sim_random draw;
	struct oracle oracle;
	struct list clients;
	struct hop_server hops[HOP_COUNT];
	struct zone_name names[2];
	struct sim_event mood_event, space_event, operator_event, wall_event,
		directory_event, reader_event;
	struct log log;
	/* what this world is like */
	struct limits limits;
	struct retry_plan retry;
	uint64_t segment_bytes, checkpoint_min_bytes;
	bool has_tls, faulty_disk, faulty_net, moody, crashes, busy_people;
	bool wall_jumps, wall_smears, has_logins, has_maildir;
	unsigned domains;
	/* the life under way */
	sigjmp_buf death;
	uint64_t calls, die_at;		/* at this call of the program */
	struct relay_core *core;
	struct os_thread *control;
	struct relay_clock clock;
	bool accept_clock;		/* the operator is about to */
	struct resolver *resolver;
	struct tls_context *tls_server, *tls_client;
	const struct view *view;
	struct route routes[ROUTES_COUNT];
	int root, spool, journal, maildir;
	int listening[SHARDS_MAX];
	uint32_t shards, listening_count;
	bool is_stopped, running, trouble, power_cut;
	/* what people do with the queue and the routes */
	struct relay_job acts[SHARDS_MAX];
	uint64_t act_draw;
	unsigned acts_waiting;
	bool other_routes;
	struct world_result *result;
};

/* One at a time, as `sim`. */
extern struct world *the_world;

struct ip_port world_place(const char *text);

/* --- world.c: a life, step by step. False: something is wrong. */
void life_begin(struct world *w);
bool life_start(struct world *w) MUST_USE;
bool life_until(struct world *w, int64_t until_ns) MUST_USE;
/* Clients that come within the next span_ms. */
void life_clients(struct world *w, unsigned count, int64_t span_ms);
/* As SIGTERM does it. */
bool life_stop(struct world *w) MUST_USE;
/* All that the kernel and the machine do when a process is no more. */
void life_end(struct world *w, enum life_end end);
/* Liveness: the queue empties within twice the longest wait there is. */
void life_drain(struct world *w);
/* Another life finds nothing that would come back. */
void life_look_again(struct world *w);

/* --- failing.c: a world in which the n-th call fails */
void failing_run(struct world *w);

/* --- clock_world.c: a world with a clock that can't be believed */
void clock_run(struct world *w);

/* --- process.c */
/* Where mail goes; two ways, that differ for some domains. */
void process_routes(struct world *w, bool other);
/* Master's listening sockets, one a shard: they outlive a relay that is
 * killed. */
void process_listen(struct world *w);
/* Opens what is outside of it, recovers, listens, runs. */
bool process_begin(struct world *w, struct err *err) MUST_USE;
/* After it has stopped. */
void process_end(struct world *w);
/* Who has the Maildir takes what is new in it. */
void process_read_maildir(struct world *w);
/* An app password is taken away or made anew. */
void process_change(struct world *w, unsigned slot);
/* Somebody looks at the queue of each shard and holds, releases or retries
 * this and that; with release_all what is held goes on. */
void process_act(struct world *w, bool release_all);
