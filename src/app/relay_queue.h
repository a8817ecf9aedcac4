/*
 * A call about the queue and its parts, one a shard: what relay_queue.c (the
 * control thread: arguments, answers) and relay_queue_walk.c (the shards)
 * share.
 */
#pragma once

#include "app/relay_calls_private.h"

#include "base/arena.h"

enum act { ACT_LIST, ACT_RETRY, ACT_HOLD, ACT_RELEASE, ACT_REMOVE };

struct filter {
	bool has_id, has_from;
	struct id id;
	struct address from;		/* null: the null sender */
	uint32_t customer;		/* 0: all */
	char destination[DESTINATION_NAME_MAX];	/* empty: all */
	int state;			/* recipient_state, -1: all */
	uint32_t limit;			/* of a list */
};

enum walk_state { WALK_ON, WALK_READING, WALK_FULL, WALK_WAITING };

struct call;
struct part_of_call;
struct act_wait {
	struct queue_wait wait;
	struct part_of_call *part;
	struct act_wait *next;		/* free ones */
	struct queue_release_ask ask;	/* of what a limit held */
	uint32_t changed;		/* besides it */
};
struct part_of_call {			/* one shard's */
	struct relay_job job;
	struct call *call;
	struct shard *shard;
	enum walk_state state;
	struct os_post again;		/* the next slice */
	struct queue_walk walk;
	bool looked_up;			/* by id: no walk */
	struct spool_read read;
	struct act_wait *waits, *free;
	uint32_t unsynced;		/* acts that are not on the disk yet */
	bool unwritten;			/* one of them can't be */
	bool unread;			/* an envelope could not be */
	uint64_t kept;			/* recipients over a limit */
	struct ledger_refusal why;	/* of the first of them */
	uint32_t listed;		/* rows */
	uint64_t messages, recipients;	/* changed */
	struct buf rows;		/* JSON objects, a line each */
};

struct call {
	struct relay_ask ask;		/* without its arguments */
	enum act act;
	struct filter filter;
	bool by_customer;		/* a super admin's act */
	bool within_limit;		/* of a release */
	struct arena arena;		/* of the filter */
	uint32_t waits, shards;
	uint32_t rows;
	uint64_t messages, recipients, kept;
	struct ledger_refusal why;
	bool failed, unwritten, unread;
	struct part_of_call parts[];
};

/* On its shard: walks, acts, makes rows; ends the job. */
void relay_queue_work(struct relay_job *job, struct shard *s);
