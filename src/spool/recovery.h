/*
 * What the three files of the recovery share; see recover.c.
 */
#pragma once

#include "spool/spool_private.h"

enum { CHECKPOINTS_SEEN = 16, TEMPORARIES_MAX = 64 };

struct recovery {
	struct spool *s;
	const struct spool_visitor *v;
	uint64_t from;			/* the checkpoint's position */
	uint64_t journal_from;
	uint64_t checkpoints[CHECKPOINTS_SEEN];	/* newest first */
	unsigned checkpoint_count;
	char temporaries[TEMPORARIES_MAX][NAME_MAX_BYTES];
	unsigned temporary_count;
	bool no_memory;
	bool foreign;
	struct id *orphans;
	size_t orphan_count, orphan_cap;
};

/* replay.c */
void recovery_note_number(struct spool *s, uint32_t number);
void recovery_note_end(struct spool *s, uint32_t number, uint32_t end);
bool replay_checkpoint(struct recovery *r, struct err *err) MUST_USE;
bool replay_segments(struct recovery *r, struct err *err) MUST_USE;

/* orphans.c */
void orphans_set_headless_aside(struct spool *s);
bool orphans_clear(struct recovery *r, struct err *err) MUST_USE;
