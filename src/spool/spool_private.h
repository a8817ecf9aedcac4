/*
 * What the files of the spool share. See README.md for the way of a commit,
 * docs/formats/spool.md for the bytes.
 *
 * Owners: the commit thread owns everything here but the atomics, `lock`
 * and the index under it: the index is changed by the commit thread only,
 * with the lock held, and looked into by disk workers with the lock held.
 * A chore is a job of the disk pool; while one is busy its fields belong to
 * the worker.
 */
#pragma once

#include "spool/frame.h"

/* --- segments (segment.c) ------------------------------------------------- */

struct segment {
	uint32_t number;
	bool active;
	bool leaving;			/* being unlinked */
	bool end_known;			/* something durable says where it ends */
	bool summary_durable;
	bool bookings_lost;		/* out of memory: no summary before the
					 * next start reads them again */
	bool evacuated;			/* walked once; what is left stays */
	bool headless;			/* recovery: its head can't be read */
	bool used;			/* recovery: has frames */
	int fd;				/* active or spare; else -1 */
	uint64_t salt;
	uint32_t file_bytes;
	uint32_t end;			/* the next batch starts here */
	uint32_t synced;		/* surely on the disk up to here */
	uint64_t live_bytes;
	int64_t closed_ns;
	struct buf bookings;		/* of frames in it: as in a summary */
	uint32_t booking_count;
	int64_t newest_ms;		/* of its bookings */
};

struct segments {
	struct segment **at;		/* by number */
	size_t count, cap;
};
struct segment *segment_new(uint32_t number);
void segment_free(struct segment **seg);
bool segments_add(struct segments *t, struct segment *seg) MUST_USE;
/* Room for so many more, so that segments_add can't fail. */
bool segments_reserve(struct segments *t, size_t more) MUST_USE;
void segments_remove(struct segments *t, struct segment *seg);
struct segment *segments_get(const struct segments *t, uint32_t number);
void segments_fini(struct segments *t);
const char *segment_name(uint32_t number, char to[NAME_MAX_BYTES]);
const char *summary_name(uint32_t number, char to[NAME_MAX_BYTES]);
/* "seg-00000012.log" with that end -> 12. */
bool name_number(slice name, slice start, slice end, uint32_t *out) MUST_USE;
/* Creates, allocates, writes the head, syncs file and directory: blocks. */
bool segment_make(int dir, uint32_t number, uint64_t bytes,
		  struct segment **out, struct err *err) MUST_USE;
enum head_result { HEAD_GOOD, HEAD_BAD, HEAD_FOREIGN, HEAD_FAILED };
/* Reads the salt; FOREIGN: a version of the future; FAILED: err. */
enum head_result segment_read_head(int fd, uint32_t number, uint64_t *salt,
				   struct err *err);
/* A booking of a frame in it, as a summary holds it. */
void segment_book(struct segment *seg, int64_t wall_ms, slice booking);

/* --- summaries (summary.c) ------------------------------------------------ */

struct summary {
	uint32_t number;
	int64_t newest_ms;
};
struct summaries {
	struct summary *at;		/* by number */
	size_t count, cap;
};
bool summaries_add(struct summaries *t, uint32_t number, int64_t newest_ms)
	MUST_USE;
void summaries_remove(struct summaries *t, size_t i);
bool summary_write(int dir, uint32_t number, uint32_t end, int64_t newest_ms,
		   uint32_t count, slice entries, struct err *err) MUST_USE;
/* Checks all of it; entries is the caller's to free. False with ERR_PROTOCOL
 * for a bad one. */
bool summary_read(int dir, uint32_t number, uint32_t *end,
		  int64_t *newest_ms, struct buf *entries,
		  struct err *err) MUST_USE;
/* Tells entries of a summary or of a segment to the visitor. */
bool bookings_tell(slice entries, const struct spool_visitor *v,
		   struct err *err) MUST_USE;

/* --- chores: jobs on the disk pool ---------------------------------------- */

struct chore {
	struct os_job job;
	struct spool *spool;
	bool busy;
	bool ok;
	struct err err;
	void (*work)(struct chore *c);	/* on a disk worker */
	void (*done)(struct chore *c);	/* on the commit thread */
};
void chore_submit(struct spool *s, struct chore *c,
		  void (*work)(struct chore *), void (*done)(struct chore *));

struct space_chore {
	struct chore chore;
	uint32_t number;		/* of the segment to make, 0: none */
	bool give_reserve;		/* unlink the reserve first */
	bool want_reserve;
	uint64_t reserve_bytes;
	bool reserve_whole;
	struct segment *made;
	uint64_t free_bytes, free_inodes;
	uint64_t big_allocated;		/* before it was looked */
	bool free_known;
};

struct summary_chore {
	struct chore chore;
	uint32_t number, end, count;
	int64_t newest_ms;
	struct buf entries;
};

struct removal_chore {
	struct chore chore;
	unsigned count;
	struct {
		bool big;
		char name[NAME_MAX_BYTES];
	} names[REMOVALS_MAX];
};

struct trim_chore {
	struct chore chore;
	uint32_t number, end;
};

/* --- evacuation (evacuate.c) ---------------------------------------------- */

struct move {
	struct place from;
	struct buf raw;			/* body frame and moved frame */
	bool bad;			/* damaged: stays */
	bool in_batch;
	uint32_t to;			/* offset in the active segment */
	uint32_t accept_bytes;		/* payload of the moved frame */
};

enum evacuate_step { EVACUATE_IDLE, EVACUATE_WALK, EVACUATE_READ,
		     EVACUATE_COMMIT };
struct evacuation {
	struct chore chore;
	enum evacuate_step step;
	uint32_t segment;
	uint32_t walk;
	uint64_t bytes;
	struct move moves[EVACUATE_MOVES];
	unsigned count;
	unsigned in_batch;		/* so many are in the batch */
};

/* --- checkpoints (checkpoint.c) ------------------------------------------- */

enum block_kind { BLOCK_STATES = 1, BLOCK_PLACES, BLOCK_SEGMENTS, BLOCK_END };
enum checkpoint_step { CHECKPOINT_IDLE, CHECKPOINT_STATES, CHECKPOINT_PLACES,
		       CHECKPOINT_WRITE, CHECKPOINT_FRAME };
struct block {
	struct block *next;
	enum block_kind kind;
	uint64_t count;
	struct buf payload;
};

struct spool_checkpoint {
	struct chore chore;
	struct spool *spool;
	enum checkpoint_step step;
	uint64_t number, position;
	uint64_t since;			/* log since the one before */
	uint64_t barrier;		/* commits that must be answered first */
	bool all_told;
	uint32_t walk;
	/* under lock: */
	struct os_mutex *lock;
	struct block *first, *last;	/* full ones, to be written */
	struct block *open_states;	/* being filled */
	unsigned parts, parts_done;
	bool parts_said, failed, wake_out;
	struct os_post wake, told;
	/* the worker's while the chore is busy: */
	bool give_reserve;		/* unlink the reserve first */
	bool broken;			/* the commit thread's: gives up */
	bool last_call;			/* write the end, sync, rename */
	int fd;				/* -1: not created yet */
	uint64_t at;			/* bytes written */
	uint64_t places_at;
	uint64_t states, places, segments;
	struct block *places_open;	/* the commit thread's */
};

/* One that is durable. */
struct checkpoint_known {
	uint64_t number, position, bytes;
};

/* --- commit (commit.c) ---------------------------------------------------- */

struct commit_queue {
	struct spool_commit *first, *last;
	uint32_t count;
	uint32_t urgent;		/* ACCEPT and RELEASE */
};

struct batch {
	char head[BATCH_HEAD_MAX];
	uint32_t head_bytes;
	uint32_t start;			/* in the active segment */
	uint32_t bytes;			/* of all */
	bool open;
	struct iovec iov[BATCH_IOV_MAX];
	unsigned iov_count, iov_done;
	uint32_t written;
	struct commit_queue commits;
	bool has_checkpoint;
	bool has_cut;
	struct err err;
};

enum step {
	STEP_COLLECT,	/* -> WRITE when something is due */
	STEP_WRITE,	/* -> SYNC when all is written, -> CUT on failure */
	STEP_SYNC,	/* -> RELEASE, -> CUT on failure */
	STEP_RELEASE,	/* -> COLLECT */
	STEP_CUT,	/* -> CUT_SYNC, -> CLOSE on failure */
	STEP_CUT_SYNC,	/* -> CUT_TELL, -> CLOSE on failure */
	STEP_CUT_TELL,	/* -> COLLECT, or CLOSED after too many */
	STEP_CLOSE,	/* the batch's outcome is unknown; -> CLOSED */
	STEP_CLOSED,	/* answers every commit with a failure */
	STEP_ENDED,	/* the thread stops */
};

struct spool {
	struct spool_config config;
	int dir, big_dir, quarantine_dir, lost_dir, lock_fd;
	struct os_thread *thread;
	bool started;
	uint32_t segment_bytes;

	struct os_mutex *lock;
	struct index index;		/* changed under lock */

	struct segments segments;	/* closed and active ones */
	struct segment *active;
	struct segment *spares[SPARES];
	unsigned spare_count;
	uint32_t next_number;
	struct summaries summaries;

	enum step step;
	struct batch *batch;
	struct commit_queue pending, retry;
	int64_t lazy_since_ns;
	uint64_t arrived, answered;	/* commits, in all; in order */
	bool unmarked;			/* no batch frame behind the last sync */
	int64_t failures_ns[FAILURES_MAX];

	struct space_chore space;
	bool space_failed;
	bool reserve_whole;
	int64_t space_next_ns;		/* not before */
	struct summary_chore summary;
	struct removal_chore removal;
	struct trim_chore trim;
	uint32_t trims[CUTS_MAX];	/* numbers of segments to trim */
	unsigned trim_count;
	struct id *big_gone;		/* big files to remove */
	size_t big_gone_count, big_gone_cap;
	struct evacuation evacuation;
	_Atomic uint32_t bigs;		/* bodies of big.c that are not freed yet */
	unsigned chores_out;
	bool dirty;			/* look at the segments */
	int64_t tick_ns;

	struct spool_checkpoint checkpoint;
	struct checkpoint_known checkpoints[2];	/* older, newer; number 0: none */
	uint64_t next_checkpoint;
	uint64_t checkpoint_gone;	/* file to remove, 0: none */
	int64_t checkpoint_next_ns;	/* not before, after a failure */
	uint64_t log_since;		/* bytes of log since the newest */
	bool checkpoint_wanted;
	void (*checkpoint_ask)(void *ctx, struct spool_checkpoint *ck);
	void *checkpoint_ctx;

	bool stop_wanted, stop_checkpoint;
	struct os_post stop_post;
	struct os_post *stopped;
	struct os_thread *stop_home;

	_Atomic bool closed, low_space;
	uint64_t room_free;		/* above keep_free; when last looked */
	bool few_inodes;
	/* what spool_room_take goes by */
	_Atomic uint64_t room_log;	/* left for mail in segments there */
	_Atomic uint64_t room_disk;	/* for segments to come and big files */
	_Atomic uint64_t room_taken, room_taken_big;
	_Atomic uint64_t big_allocated;	/* on the disk, by all big files ever */
	_Atomic uint64_t big_seen;	/* of them room_disk knows */
	struct {
		_Atomic uint64_t messages, live_bytes, segments, log_bytes,
			free_bytes, syncs, commits, frames, quarantined, cuts,
			evacuated, checkpoints, position;
	} figures;
};

void spool_check(const struct spool *s);
int64_t commit_turn(void *ctx);
static inline bool has_body_frame(const struct spool_commit *c)
{
	return c->kind == SPOOL_ACCEPT && c->big == NULL;
}
void commit_queue_push(struct commit_queue *q, struct spool_commit *c);
struct spool_commit *commit_queue_pop(struct commit_queue *q);
/* On the commit thread: answers one that had arrived. */
void commit_answer(struct spool *s, struct spool_commit *c, bool ok,
		   bool unknown, const struct err *err);
/* Answers one commit to its home. */
void commit_tell(struct spool_commit *c, bool ok, bool unknown,
		 const struct err *err);
/* A message's place appears, moves or goes: index, live bytes, figures.
 * Call with no lock held. place_set needs reserved room. */
struct place *place_set(struct spool *s, const struct place *p);
void place_drop(struct spool *s, struct id id);
/* Composes a cut frame for all closed segments that have no summary yet, as
 * the first frame of seg. Returns its bytes. */
uint32_t cut_compose(struct spool *s, const struct segment *seg, char *to,
		     size_t cap);
/* The cut is durable. */
void cut_settled(struct spool *s);
uint32_t batch_frame_compose(const struct segment *seg, uint32_t offset,
			     char *to);
uint32_t checkpoint_frame_compose(const struct spool *s, uint32_t offset,
				  char *to);
/* Makes the next batch of what waits; batch->open stays false when it has
 * to wait for a segment, or nothing could be taken. */
void batch_fill(struct spool *s);
/* What a durable commit means for index and segments. */
void place_apply(struct spool *s, struct spool_commit *c);
/* Ends the active segment; `failed` ends it at its synced offset. */
void segment_close(struct spool *s, bool failed);
void segment_activate(struct spool *s);

/* --- space.c -------------------------------------------------------------- */

enum room { ROOM_THERE, ROOM_WAIT, ROOM_NONE };
/* What spool_room_take goes by; after anything that changes it. */
void space_note(struct spool *s);
/* A place for so many bytes in the active segment, rolling it when it is
 * full. for_mail: not with the last spare, which is for states and cuts. */
enum room room_for(struct spool *s, uint32_t bytes, bool for_mail);
/* A spare for the cut after a failure. */
enum room room_for_cut(struct spool *s);
void chores_look(struct spool *s, int64_t now_ns);
bool space_chore_now(struct spool *s, struct space_chore *c) MUST_USE;
void space_settled(struct spool *s, struct space_chore *c);
uint64_t reserve_bytes(const struct spool *s);
/* While the spool opens: gives back what old segments don't use, so that
 * starts on a full disk don't eat it up. A failure only leaves it. */
void trim_now(struct spool *s);
void big_gone(struct spool *s, struct id id);
/* Whether only a newer checkpoint keeps a segment from going. */
bool segment_waits_for_checkpoint(const struct spool *s,
				  const struct segment *seg);

/* --- checkpoint.c --------------------------------------------------------- */

bool checkpoint_init(struct spool *s, struct err *err) MUST_USE;
void checkpoint_fini(struct spool *s);
void checkpoint_look(struct spool *s);
/* True while the next turn should come at once. */
bool checkpoint_walks(const struct spool *s);
void checkpoint_committed(struct spool *s);
/* Nothing of a checkpoint is under way or posted. */
bool checkpoint_quiet(struct spool *s);
const char *checkpoint_name(uint64_t number, bool temporary,
			    char to[NAME_MAX_BYTES]);
/* Reads and checks a file, all of it or only that it has a head and an end;
 * then tells its parts. */
struct checkpoint_reader {
	int fd;
	uint64_t number, position, bytes;
	uint64_t places_at, places;
	struct buf block;
};
bool checkpoint_open(int dir, uint64_t number, bool whole,
		     struct checkpoint_reader *r, struct err *err) MUST_USE;
void checkpoint_close(struct checkpoint_reader *r);
bool checkpoint_each(struct checkpoint_reader *r, enum block_kind kind,
		     bool (*each)(void *ctx, struct cursor *record,
				  struct err *err),
		     void *ctx, struct err *err) MUST_USE;

/* --- evacuate.c ----------------------------------------------------------- */

void evacuate_look(struct spool *s, int64_t now_ns);
bool evacuate_walks(const struct spool *s);
/* The batch with the first n moves is durable. */
void evacuate_committed(struct spool *s, uint32_t segment);
/* Still where it was read: not done, not moved. */
bool evacuate_current(struct spool *s, const struct move *m);
void evacuate_drop(struct spool *s);

/* --- scan.c --------------------------------------------------------------- */

enum scan_event { SCAN_FRAME, SCAN_END, SCAN_FAILED };
struct scan {
	struct spool *s;
	struct segment *seg;
	int fd;
	uint32_t offset;		/* of the next frame */
	uint32_t limit;			/* nothing counts from here on */
	uint32_t body_at;		/* of a body frame right before offset */
	bool end_known;
	bool evidence_known;
	uint32_t evidence;		/* synced up to here, says a frame */
	char *window;
	size_t window_cap, window_n;
	uint64_t window_at;
	bool skipped;			/* the last step jumped over bytes */
	bool check_bodies;
	/* the frame */
	struct frame frame;
	uint32_t at;			/* where it stands */
	uint32_t before;		/* body frame right before it, or at */
	slice payload;			/* empty for a body that was skipped */
};
bool scan_open(struct scan *c, struct spool *s, struct segment *seg,
	       struct err *err) MUST_USE;
enum scan_event scan_next(struct scan *c, struct err *err);
void scan_close(struct scan *c);
/* Copies damaged bytes to quarantine/, reports, counts. Any thread. */
void quarantine(struct spool *s, uint32_t segment, uint32_t offset,
		uint32_t bytes, struct id id, const char *why);

/* --- recover.c ------------------------------------------------------------ */

/* Fills segments, summaries, index and checkpoints; tells the visitor. */
bool spool_recover(struct spool *s, const struct spool_visitor *visitor,
		   struct err *err) MUST_USE;

/* --- read.c --------------------------------------------------------------- */

/* The frames of a place as they stand in the log. ERR_PROTOCOL when they
 * are damaged; ERR_IO with ENOENT when the segment is gone. */
bool place_read(struct spool *s, const struct place *p, bool want_body,
		struct buf *raw, struct frame_accept *accept, slice *body,
		struct err *err) MUST_USE;
bool place_find(struct spool *s, struct id id, struct place *out) MUST_USE;
/* Says once that the message is damaged. */
void place_damaged(struct spool *s, const struct place *p,
		   const struct err *err);

/* --- big.c ---------------------------------------------------------------- */

void big_describe(const struct spool_big *b, struct frame_accept *a);
/* It is, or may be, committed: the file stays when the object goes. */
void big_keep(struct spool_big *b);
