/*
 * A shard's event loop: one thread (os/thread.h), a timer wheel, scratch
 * memory, and things to do at the end of a turn. All sessions and lanes of a
 * shard live on its loop and never move; nothing here may block.
 */
#pragma once

#include "base/err.h"
#include "base/timerwheel.h"
#include "os/thread.h"

struct loop;

bool loop_new(struct loop **out, const char *name, struct err *err) MUST_USE;
/* Its thread must have ended (os_thread_wait; also one that never ran),
 * connections, listeners and timers on it be gone. Frees no thread. */
void loop_free(struct loop **l);
/* Start, stop and join it by os/thread.h. */
struct os_thread *loop_thread(struct loop *l);

/* Monotonic and wall milliseconds as of the start of this turn (a turn here
 * is posts, sockets, timers, tasks). */
int64_t loop_now_ms(const struct loop *l);
int64_t loop_wall_ms(const struct loop *l);

/* Fires on the loop's thread after_ms from now, not earlier. Setting again
 * moves it. These and the calls below: on the loop's thread, or before it
 * runs. */
void loop_timer_set(struct loop *l, struct timer *t, int64_t after_ms);
void loop_timer_cancel(struct loop *l, struct timer *t);

/* Runs once at the end of the current turn (asking twice is asking once):
 * flushing, dispatching. Asked for by a task, it runs in the next turn, which
 * comes at once. Owner's node; cancel before freeing it. */
struct loop_task {
	struct list node;
	void (*run)(struct loop_task *task);
};
void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *));
void loop_task_post(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/* Heartbeat for master: turns so far (relaxed atomic, any thread). */
uint64_t loop_turns(const struct loop *l);

enum { LOOP_SCRATCH = 65536 };
/* Memory for one event (a callback, a timer, a task), on the loop's thread:
 * what the next one leaves there is another's. */
char *loop_scratch(struct loop *l);
