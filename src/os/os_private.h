/* What the files of this folder share: a thread's inside, and errno. */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "base/list.h"
#include "os/net.h"
#include "os/thread.h"

enum {
	OS_EVENTS = 128,		/* ready sockets told in one round */
	OS_NAME_MAX = 16,		/* of a thread, with NUL: the kernel's */
	OS_STACK_BYTES = 1 << 20,
	OS_CACHE_LINE = 64,
};

struct os_thread {
	/* Written by every poster: a cache line of its own. */
	_Alignas(OS_CACHE_LINE) _Atomic(struct os_post *) inbox;
	_Atomic unsigned posting;	/* who is inside os_thread_post */
	_Atomic bool asleep;		/* a post must write to `wake` */
	_Atomic bool stop;
	_Atomic bool running;

	_Alignas(OS_CACHE_LINE) int epoll;
	int wake;			/* eventfd, edge-triggered: never read */
	int reserve;			/* for os_accept_and_drop, or -1 */
	bool coarse;			/* no epoll_pwait2 here */
	bool started;			/* has a pthread */
	int batch_n, batch_at;		/* events[batch_at..batch_n) to come */
	os_turn *turn;
	void *ctx;
	pthread_t pthread;
	char name[OS_NAME_MAX];
	struct epoll_event events[OS_EVENTS];
};

/* Only the thread itself touches its poller, or anybody before it runs. */
static inline void os_check_owner(struct os_thread *t)
{
	invariant(os_thread_self() == t || !atomic_load(&t->running));
}

/* Tells the watches of the batch that os_poll_wait brought. */
void os_poll_dispatch(struct os_thread *t);
/* Waits at most timeout_ns (0: only looks; OS_NEVER: for ever). */
void os_poll_wait(struct os_thread *t, int64_t timeout_ns);

/* Starts a joinable thread with all signals blocked (they go to the main
 * thread) and our stack size. */
bool os_pthread_start(pthread_t *out, void *(*run)(void *), void *arg,
		      struct err *err) MUST_USE;
/* Names the calling thread, at most OS_NAME_MAX - 1 bytes. */
void os_thread_name(const char *name);

/* err_set_os with the name of a file added in detail (log only). */
bool os_err(struct err *err, int os_error, const char *where,
	    const char *operation, const char *name);
