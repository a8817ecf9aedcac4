/*
 * A disk in memory with two images: what programs see (the kernel's cache)
 * and what is on the medium. A write is on the medium only after a sync of
 * its file, a name only after a sync of its directory; before, a power cut
 * keeps each write whole, in part (sectors of 512 bytes) or not at all.
 *
 * A failed sync is the kernel's: what could not be written counts as clean,
 * is still seen by readers, and will never be on the medium. A directory's
 * names stay as they were, to be synced later. Any call may be made to fail
 * by sim_fail_at(&sim->files): a write that does has its first pieces done.
 */
#pragma once

#include "base/slice.h"

struct disk;

struct disk *disk_new(void);
void disk_free(struct disk **d);

struct disk_faults {
	uint64_t die_at;	/* at this call (counted from 1) and behind it
				 * everything fails; 0: never */
	uint64_t fail_sync_at;	/* this file sync fails with EIO; 0: none */
	unsigned fail_syncs;	/* and so many in a row, at least 1 */
	uint64_t fail_write_at;	/* this write fails with EIO */
	uint64_t capacity;	/* bytes; 0: endless */
};
/* Counters start again. */
void disk_set_faults(struct disk *d, const struct disk_faults *f);
bool disk_is_dead(const struct disk *d);
uint64_t disk_calls(const struct disk *d);
/* A sync has failed since disk_set_faults. */
bool disk_sync_failed(const struct disk *d);
/* A handle whose sync had failed was synced again: what the kernel says then
 * is worth nothing. */
bool disk_trusted_failed_sync(const struct disk *d);
/* Open ones. */
unsigned disk_handles(const struct disk *d);

/* The process dies with files open. */
void disk_drop_handles(struct disk *d);
/* Power goes and comes back: what was not synced is drawn. */
void disk_power_cut(struct disk *d);
/* Only the program dies: the kernel keeps what it has. */
void disk_process_killed(struct disk *d);

/* Somebody else's program takes a file out of this directory (path from the
 * root) for good: it is gone from both images. bytes as readers see them, and
 * when it got its name. False when there is none. */
bool disk_take(struct disk *d, const char *const *path, size_t count,
	       void (*taken)(void *ctx, slice bytes, int64_t renamed_ns),
	       void *ctx);

/* For tests that damage files: both images. False when there is no such
 * file. n bytes at offset are XORed with x. */
bool disk_damage(struct disk *d, const char *dir, const char *name,
		 uint64_t offset, uint64_t n, uint8_t x);
