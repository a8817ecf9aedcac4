/* What the files of this folder share. */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "net/loop.h"
#include "os/net.h"

enum {
	LOOP_INPUT = 65536,	/* bytes taken from a socket at once */
	LOOP_PLAIN = 65536,	/* bytes decrypted at once */
	LOOP_SPARE_MAX = 131072,	/* bytes of output memory kept */
};

/* Taken when it is first asked for in a turn: a turn that began by waking up
 * must not see the time of falling asleep. */
struct loop_time {
	bool known;
	int64_t monotonic_ns;
	int64_t wall_ms;
};

struct loop {
	struct os_thread *thread;	/* freed by who joins it */
	struct timerwheel wheel;
	struct loop_time *time;		/* here; so that readers can take it */
	struct loop_time time_here;
	struct list tasks;
	struct list lingering;		/* connections without a user */
	_Atomic uint64_t turns;
	struct buf spare;		/* memory for output, empty */
	struct buf plain;		/* what is decrypted in this event */
	char input[LOOP_INPUT];		/* what was received in this event */
	char scratch[LOOP_SCRATCH];	/* the users' */
};

/* Frees those that linger, after the thread's end. */
void conn_forget_lingering(struct loop *l);
