/* The journal, and a checkpoint that is given up, of one test program that
 * plays the disk itself: nothing comes of them. Included once. */
#pragma once

#include "queue/queue_private.h"

void spool_checkpoint_fail(struct spool_checkpoint *ck)
{
	(void)ck;
}

void journal_begin(struct journal_event *e, struct journal *j,
		   const char *event, int64_t wall_ms)
{
	(void)j, (void)event, (void)wall_ms;
	buf_init(&e->line, 65536);
	json_init(&e->json, &e->line);
	json_object(&e->json);
}

void journal_end(struct journal_event *e, enum journal_weight weight,
		 uint64_t position)
{
	(void)weight, (void)position;
	buf_fini(&e->line);
}
