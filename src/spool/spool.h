/*
 * The spool: where an accepted message lives until it is done. A segmented
 * log with group commit; the only folder that syncs, renames and unlinks
 * mail. Format version 1: docs/formats/spool.md.
 *
 * Threads: one commit thread (its own os_thread) owns the log and the index
 * from id to place; a pool of disk workers does reads, big files, checkpoints
 * and segments to come. Callers on any of our threads post commits and reads
 * and get their result posted back to the thread they asked from. Envelopes,
 * states, bookings and archive marks are opaque bytes here.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"
#include "mail/body.h"
#include "os/thread.h"

struct spool;

struct spool_config {
	int dir;			/* of os_dir_open; the spool's own; stays
					 * the caller's */
	struct log *log;
	struct os_pool *disk;
	struct body_budget *budget;	/* for bodies that are read back */
	uint64_t segment_bytes;		/* 64 MiB */
	uint64_t keep_free_bytes;	/* of the disk */
	uint64_t body_log_max_bytes;	/* larger: a file of its own */
	uint64_t summary_keep_ms;	/* 24 h 10 min */
	uint64_t checkpoint_min_bytes;	/* 256 MiB of log */
	bool read_only;			/* for `postrider spool ls|cat|check`:
					 * takes no lock, writes nothing */
	/* Any thread: up to which position the journal is synced; a segment
	 * waits for it, and recovery tells what lies behind. NULL: no journal
	 * is waited for and everything found is told. */
	uint64_t (*journal_synced)(void *ctx);
	void *journal_ctx;
};

/* What recovery found, told in log order while spool_open runs, on the
 * calling thread. A false return ends it with *err. */
struct spool_visitor {
	void *ctx;
	/* A live message: from the checkpoint with the state the queue had
	 * written there, or from its accept frame with state empty. May come
	 * twice for one id (the later one is as good). */
	bool (*message)(void *ctx, struct id id, slice envelope, slice state,
			struct err *err);
	/* A state frame of a live message: apply on top. */
	bool (*state)(void *ctx, struct id id, slice state, struct err *err);
	bool (*done)(void *ctx, struct id id, struct err *err);
	/* Bookings: of summaries and accept frames, oldest first. */
	bool (*booking)(void *ctx, int64_t wall_ms, slice booking,
			struct err *err);
	/* Accept, state and done frames behind the position up to which the
	 * journal is synced (SPEC 11.7; the journal writes what is missing).
	 * May be NULL. */
	bool (*journal)(void *ctx, uint64_t position, struct id id,
			slice journal, struct err *err);
	/* The archive mark of an accept frame, right behind its `message`;
	 * not from a checkpoint (the queue's state says what is owed: it sends
	 * DONE only when the archive has its copy). May be NULL. */
	bool (*archive)(void *ctx, struct id id, slice archive,
			struct err *err);
};

/*
 * Locks the spool (ERR_TEMPORARY while another process holds it: try again
 * up to 10 s), recovers, closes the old segment by `cut`, opens a new one.
 * `envelope` is shown only for frames read anyway: from a checkpoint it may
 * be empty. ERR_PROTOCOL (exit 78) for a version this program can't read.
 */
bool spool_open(const struct spool_config *config,
		const struct spool_visitor *visitor, struct spool **out,
		struct err *err) MUST_USE;
/* What a first look tells, for `postrider check`: heads of segments; also
 * while a service is at work. */
struct spool_looked {
	uint32_t segments;
	uint32_t damaged;	/* a head that can't be read: recovery puts
				 * what lies behind into quarantine */
	uint32_t foreign;	/* of another format version */
};
bool spool_look(int dir, struct spool_looked *out, struct err *err) MUST_USE;

/* The last time that a spool knows (docs/why/clock.md): of its newest batch,
 * or what was noted. */
struct spool_clock {
	int64_t last_ms;	/* wall clock; 0: a new spool */
	uint32_t mark;		/* what was noted with it (enum clock_mark) */
};
/* Reads heads of frames only; locks nothing, writes nothing. */
bool spool_clock_read(int dir, struct spool_clock *out, struct err *err)
	MUST_USE;
/* Notes it in the file `clock`, synced. The lock must be held (spool_open);
 * one thread at a time. */
bool spool_clock_write(int dir, const struct spool_clock *clock,
		       struct err *err) MUST_USE;

/* Starts the commit thread. checkpoint: asked (on the commit thread) for
 * the queue's states when a checkpoint is due; see spool_checkpoint_add. */
struct spool_checkpoint;
bool spool_start(struct spool *s,
		 void (*checkpoint)(void *ctx, struct spool_checkpoint *ck),
		 void *ctx, struct err *err) MUST_USE;
/* The commit thread, for the list of threads that must stop last. */
struct os_thread *spool_thread(struct spool *s);
/* Commits what was posted, writes a checkpoint (when one is wanted), ends
 * the thread. stopped is posted to the asking thread. */
void spool_stop(struct spool *s, bool with_checkpoint,
		struct os_post *stopped);
/* After spool_stop; stops it first when that was forgotten, without a
 * checkpoint. No commit and no read may be outstanding, the disk pool must
 * still run. */
void spool_close(struct spool **s);

/* --- commits -------------------------------------------------------------- */

enum spool_commit_kind {
	SPOOL_ACCEPT,	/* a message comes to life */
	SPOOL_STATE,	/* something of it changed */
	SPOOL_RELEASE,	/* a state with a booking: synced before an attempt */
	SPOOL_DONE,	/* nothing is left to do */
};

/* One per owner, in its object; outstanding from spool_commit to done. All
 * slices and the body must live so long. */
struct spool_commit {
	enum spool_commit_kind kind;
	struct id id;
	int64_t wall_ms;
	slice envelope;			/* ACCEPT */
	struct body *body;		/* ACCEPT, sealed; NULL if big */
	struct spool_big *big;		/* ACCEPT, finished. When done says ok
					 * it was taken (and is NULL); else
					 * drop it: its file goes, unless the
					 * outcome is unknown */
	slice state;			/* STATE, RELEASE; ACCEPT: first state,
					 * may be empty */
	slice booking;			/* ACCEPT, RELEASE; may be empty */
	slice archive;			/* ACCEPT; may be empty */
	slice journal;			/* what the journal must know after a
					 * crash; may be empty */
	/* ACCEPT of a report: the message whose recipients it ends, and that
	 * message's new state (or done) in the same frame. Zero id: none. */
	struct id ends_id;
	slice ends_state;
	bool ends_done;
	/* result, valid in done */
	bool ok;
	bool unknown;			/* not ok, and whether it is on the disk
					 * nobody knows (the spool closed): no
					 * reply, the connection is dropped */
	struct err err;			/* ENOSPC and the like: unless unknown,
					 * nothing of it will ever be found
					 * again */
	uint64_t position;		/* of its frame: segment << 32 | offset;
					 * grows */
	void (*done)(struct spool_commit *c);	/* on the asking thread */
	/* private */
	struct os_post post;
	struct os_thread *home;
	struct spool *spool;
	struct spool_commit *next;
	struct buf frames;		/* head of the body frame, then the
					 * whole other frame */
	uint32_t log_bytes;		/* of all its frames */
	uint32_t body_bytes;
};

/* On one of our threads. Makes the frames here (CRC on the caller's core),
 * then the commit thread gathers all that waits into one write and one sync.
 * STATE and DONE may wait up to 20 ms in an idle log. After a successful
 * sync done is called with ok; order of commits of one thread is kept. */
void spool_commit(struct spool *s, struct spool_commit *c);

/* --- big bodies: a file under the message's id ---------------------------- */

struct spool_big;
/* Appends are queued; at most 256 KiB outstanding, then pause until drained
 * is called. size_hint 0: unknown. All on the asking thread. */
struct spool_big *spool_big_new(struct spool *s, struct id id,
				uint64_t size_hint,
				void (*drained)(void *ctx), void *ctx);
/* Copies the piece. False: the file failed before (err) or no memory. */
bool spool_big_append(struct spool_big *b, slice piece, struct err *err)
	MUST_USE;
uint64_t spool_big_outstanding(const struct spool_big *b);
/* Puts trace fields in front (a prefix of the file is kept free for them,
 * SPOOL_BIG_PREFIX_MAX), syncs file and directory, then finished. */
enum { SPOOL_BIG_PREFIX_MAX = 4096 };
void spool_big_finish(struct spool_big *b, slice prefix,
		      void (*finished)(void *finished_ctx, bool ok,
				       const struct err *err),
		      void *finished_ctx);
uint64_t spool_big_size(const struct spool_big *b);
/* Removes the file unless it was committed. Any time. */
void spool_big_drop(struct spool_big **b);

/* --- reading -------------------------------------------------------------- */

/* One per owner. Result posted to the asking thread. */
struct spool_read {
	struct id id;
	bool want_body;			/* else the envelope only */
	bool ok;
	struct err err;			/* ERR_PERMANENT: no such message;
					 * ERR_IO: the disk; ERR_PROTOCOL: bad
					 * CRC, message is quarantined */
	struct buf envelope;		/* owner frees */
	struct body *body;		/* small: sealed, owner's reference; NULL
					 * for a big one: read it in pieces */
	uint64_t body_bytes;
	void (*done)(struct spool_read *r);
	/* private */
	struct os_post post;
	struct os_job job;
	struct os_thread *home;
	struct spool *spool;
};
void spool_read(struct spool *s, struct spool_read *r);

/* A piece of a body, any size: for big ones. *n short only at its end. */
struct spool_read_piece {
	struct id id;
	uint64_t offset;
	char *to;
	size_t cap;
	size_t n;
	bool ok;
	struct err err;
	void (*done)(struct spool_read_piece *r);
	struct os_post post;
	struct os_job job;
	struct os_thread *home;
	struct spool *spool;
};
void spool_read_piece(struct spool *s, struct spool_read_piece *r);

/* --- room ----------------------------------------------------------------- */

/* Any thread, no wait. May a message of so many bytes come in (0: unknown)?
 * If so they count as used until spool_room_give. False: 452 at MAIL. */
bool spool_room_take(struct spool *s, uint64_t bytes) MUST_USE;
void spool_room_give(struct spool *s, uint64_t bytes);
/* Closed for good after failed syncs: 421 to new connections. */
bool spool_is_closed(const struct spool *s);

struct spool_figures {
	uint64_t messages, live_bytes, segments, log_bytes, free_bytes;
	uint64_t syncs, commits, frames, quarantined, cuts, evacuated;
	uint64_t checkpoints, position;
	bool low_space, closed;
};
/* Any thread. */
void spool_figures(const struct spool *s, struct spool_figures *out);

/* --- checkpoints ---------------------------------------------------------- */

/* Each home shard hands over its entries in slices (any thread): id and the
 * state that spool_visitor.message will show. */
void spool_checkpoint_add(struct spool_checkpoint *ck, struct id id,
			  slice state);
/* A part can't name all of its entries: this checkpoint is given up, and
 * another one is tried later unless the spool stops. */
void spool_checkpoint_fail(struct spool_checkpoint *ck);
/* Called once by each part (the number was said by spool_checkpoint_parts
 * inside the checkpoint callback). */
void spool_checkpoint_parts(struct spool_checkpoint *ck, unsigned parts);
void spool_checkpoint_part_done(struct spool_checkpoint *ck);

/* --- for `postrider spool` ------------------------------------------------ */

/* Calls each for every live message of a spool opened read-only. */
void spool_each(struct spool *s,
		bool (*each)(void *ctx, struct id id, uint64_t body_bytes,
			     slice place_text),
		void *ctx);
/* Reads without threads (read_only). */
bool spool_read_now(struct spool *s, struct id id, struct buf *envelope,
		    bool (*body)(void *ctx, slice piece), void *ctx,
		    struct err *err) MUST_USE;
