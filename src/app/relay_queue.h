/*
 * A call about the queue and its parts, one a shard: what relay_queue.c (the
 * control thread: arguments, answers) and relay_queue_walk.c (the shards)
 * share.
 */
#pragma once

#include "app/relay_calls_private.h"

#include "base/arena.h"

enum { QUEUE_AGES = 6, QUEUE_ROWS = 20, QUEUE_CELLS_MAX = 240,
       QUEUE_IDS_MAX = 1000 };

/* --- relay_queue_matrix.c -------------------------------------------------- */

/* Which of "5m", "15m", "1h", "4h", "1d", "5d": younger than that, and not than
 * the one before; the last: any that is older. */
unsigned queue_age(int64_t age_ms);
bool queue_age_named(slice name, unsigned *out) MUST_USE;

struct queue_matrix_row {		/* of a destination; in messages */
	uint64_t counts[QUEUE_AGES];
	uint64_t messages, held;
	char reply[ENTRY_REPLY_MAX + 24];	/* the first one met */
	bool given;
};
struct queue_matrix {
	uint64_t messages, recipients, held;	/* held: recipients */
	int64_t oldest_ms;		/* 0: empty */
	uint32_t count;
	struct queue_matrix_row rows[];	/* by the destination's index */
};
/* NULL: no memory. free() ends it. */
struct queue_matrix *queue_matrix_new(const struct destinations *all);
void queue_matrix_add(struct queue_matrix *m, const struct queue_entry *e,
		      int64_t now_ms);
void queue_matrix_merge(struct queue_matrix *to,
			const struct queue_matrix *from);
/* One object: the QUEUE_ROWS worst, the others together, totals. */
void queue_matrix_write(struct buf *out, struct queue_matrix *m,
			const struct destinations *all, int64_t now_ms);

/* --- calls ----------------------------------------------------------------- */

enum act { ACT_LIST, ACT_MATRIX, ACT_RETRY, ACT_HOLD, ACT_RELEASE, ACT_REMOVE };

struct filter_cell {
	slice destination;
	unsigned age;
};
struct filter {
	bool has_id, has_from;		/* has_id: `id` was said, that one's
					 * answer is a row of its own */
	struct address from;		/* null: the null sender */
	uint32_t customer;		/* 0: all */
	char destination[DESTINATION_NAME_MAX];	/* empty: all */
	int state;			/* recipient_state, -1: all */
	uint32_t limit;			/* of a list */
	int age;			/* of queue_age, -1: all */
	/* One of these cells; none: no matter. In the call's arena. */
	struct filter_cell *cells;
	uint32_t cell_count;
	/* Only these, each once: looked up, no walk; NULL: no matter. `id` is
	 * a list of one. In the call's arena. */
	struct id *ids;
	uint32_t id_count;
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
	uint32_t looked_up;		/* of the filter's ids */
	struct spool_read read;
	struct act_wait *waits, *free;
	uint32_t unsynced;		/* acts that are not on the disk yet */
	bool unwritten;			/* one of them can't be */
	bool unread;			/* an envelope could not be */
	uint64_t kept;			/* recipients over a limit */
	struct ledger_refusal why;	/* of the first of them */
	uint32_t listed;		/* rows */
	uint64_t messages, recipients;	/* changed */
	struct queue_matrix *matrix;	/* of ACT_MATRIX */
	struct buf rows;		/* JSON objects, a line each */
};

struct call {
	struct relay_ask ask;		/* without its arguments */
	enum act act;
	struct filter filter;
	bool by_customer;		/* a super admin's act */
	bool within_limit;		/* of a release */
	struct arena arena;		/* of the filter */
	int64_t now_ms;			/* for ages */
	uint32_t waits, shards;
	uint32_t rows;
	uint64_t messages, recipients, kept;
	struct ledger_refusal why;
	bool failed, unwritten, unread;
	struct part_of_call parts[];
};

/* On its shard: walks, acts, makes rows; ends the job. */
void relay_queue_work(struct relay_job *job, struct shard *s);
