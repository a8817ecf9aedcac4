/* Reading a run of changes from a file, and names; for view_*.c. */
#pragma once

#include "control/view_file.h"

#define VIEW_LOG "view.log"
#define VIEW_LOG_OLD "view.log.old"

enum { VIEW_NAME_TEXT_MAX = 32 };
/* "view-00000000000000000812": sorts by revision. */
const char *view_file_name(uint64_t revision, char to[VIEW_NAME_TEXT_MAX]);
bool view_file_revision(const char *name, uint64_t *revision);

struct change_reader {
	int fd;
	struct buf bytes;	/* read and not yet taken */
	size_t taken;		/* of them */
	uint64_t offset;	/* in the file, of the next change */
	bool at_end;		/* all of the file was read */
};
bool change_reader_open(struct change_reader *r, int dir, const char *name,
			struct err *err) MUST_USE;
void change_reader_close(struct change_reader *r);

struct stored_change {
	slice bytes;		/* lends until the next call */
	uint64_t revision;
	bool last;
};
/* *got false at the end of what is whole and right. */
bool change_reader_next(struct change_reader *r, bool *got,
			struct stored_change *out, struct err *err) MUST_USE;
