/*
 * Threads and their mailboxes; see thread.h. The poller is in watch.c, pools
 * and mutexes in pool.c.
 *
 * A mailbox is a stack that senders push to and the receiver takes whole and
 * turns around: no lock, order of each sender kept. Going to sleep: set
 * `asleep`, look into the mailbox again, then wait. Posting: push, then look
 * at `asleep`; who clears it wakes. Sequentially consistent on both sides,
 * so one of the two always sees the other; a post to a thread that is awake
 * costs no system call.
 */
#include "os/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/os_private.h"

/* A file-level variable, one per thread: who am I. */
static _Thread_local struct os_thread *self;

struct os_thread *os_thread_self(void)
{
	return self;
}

/* --- life ----------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void free_thread(struct os_thread *t)
{
	close_fd(&t->epoll);
	close_fd(&t->wake);
	close_fd(&t->reserve);
	free(t);
}

static bool open_poller(struct os_thread *t, struct err *err)
{
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return err_set_os(err, errno, "os_thread_new", "epoll_create");
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0)
		return err_set_os(err, errno, "os_thread_new", "eventfd");
	t->reserve = eventfd(0, EFD_CLOEXEC);
	if (t->reserve < 0)
		return err_set_os(err, errno, "os_thread_new", "eventfd");
	/* Edge-triggered: each write is told once and never read back. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->wake, &e) != 0)
		return err_set_os(err, errno, "os_thread_new", "epoll_ctl");
	return true;
}

bool os_thread_new(struct os_thread **out, const char *name, os_turn *turn,
		   void *ctx, struct err *err)
{
	*out = NULL;
	struct os_thread *t = aligned_alloc(OS_CACHE_LINE, sizeof(*t));
	if (t == NULL)
		return err_set_memory(err, "os_thread_new");
	memset(t, 0, sizeof(*t));
	t->epoll = t->wake = t->reserve = -1;
	t->turn = turn;
	t->ctx = ctx;
	snprintf(t->name, sizeof(t->name), "%s", name);
	if (!open_poller(t, err)) {
		free_thread(t);
		return false;
	}
	*out = t;
	return true;
}

static void *run_thread(void *arg)
{
	struct os_thread *t = arg;
	os_thread_name(t->name);
	os_thread_run(t);
	return NULL;
}

void os_thread_name(const char *name)
{
	/* Of itself only: libc names other threads through /proc, which a
	 * sandbox forbids. */
	pthread_setname_np(pthread_self(), name);
}

bool os_pthread_start(pthread_t *out, void *(*run)(void *), void *arg,
		      struct err *err)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int failed = pthread_attr_init(&attr);
	if (failed != 0)
		return err_set_os(err, failed, "os_thread_start", "pthread");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_attr_setstacksize(&attr, OS_STACK_BYTES);
	if (failed == 0)
		failed = pthread_create(out, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (failed != 0)
		return err_set_os(err, failed, "os_thread_start", "pthread");
	return true;
}

bool os_masked(bool (*call)(void *ctx, struct err *err), void *ctx,
	       struct err *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = call(ctx, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

bool os_thread_start(struct os_thread *t, struct err *err)
{
	invariant(!t->started && !atomic_load(&t->running));
	/* Already true for those who look before its first instruction. */
	atomic_store(&t->running, true);
	if (!os_pthread_start(&t->pthread, run_thread, t, err)) {
		atomic_store(&t->running, false);
		return false;
	}
	t->started = true;
	return true;
}

void os_thread_wait(struct os_thread *t)
{
	invariant(t != self);
	if (t->started)
		invariant(pthread_join(t->pthread, NULL) == 0);
	t->started = false;
	invariant(!atomic_load(&t->running));
}

void os_thread_join(struct os_thread **tp)
{
	struct os_thread *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	os_thread_wait(t);
	/* What ended it may have been the work of a post whose sender has not
	 * yet come back from waking it. */
	while (atomic_load(&t->posting) != 0)
		sched_yield();
	free_thread(t);
}

/* --- posts ---------------------------------------------------------------- */

static void wake_up(struct os_thread *t)
{
	uint64_t one = 1;
	if (atomic_load(&t->asleep) && atomic_exchange(&t->asleep, false))
		invariant(write(t->wake, &one, sizeof(one)) == sizeof(one));
}

void os_post_init(struct os_post *post, void (*run)(struct os_post *))
{
	post->next = NULL;
	post->run = run;
	atomic_init(&post->posted, false);
}

void os_thread_post(struct os_thread *to, struct os_post *post)
{
	invariant(post->run != NULL);
	invariant(!atomic_exchange(&post->posted, true));
	atomic_fetch_add(&to->posting, 1);
	struct os_post *top = atomic_load_explicit(&to->inbox,
						   memory_order_relaxed);
	do
		post->next = top;
	while (!atomic_compare_exchange_weak(&to->inbox, &top, post));
	wake_up(to);
	atomic_fetch_sub(&to->posting, 1);
}

static struct os_post *turn_around(struct os_post *newest)
{
	struct os_post *oldest = NULL;
	while (newest != NULL) {
		struct os_post *older = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = older;
	}
	return oldest;
}

/* Those that are there now; what they post to us comes in the next round. */
static void run_posts(struct os_thread *t)
{
	if (atomic_load_explicit(&t->inbox, memory_order_relaxed) == NULL)
		return;
	struct os_post *p = turn_around(atomic_exchange(&t->inbox, NULL));
	while (p != NULL) {
		struct os_post *after = p->next;
		p->next = NULL;
		/* Its object may post it again, or be freed, in run. */
		invariant(atomic_exchange(&p->posted, false));
		p->run(p);
		p = after;
	}
}

/* --- the driver ----------------------------------------------------------- */

static void park(struct os_thread *t, int64_t until_ns)
{
	int64_t timeout_ns = 0;
	if (until_ns == OS_NEVER)
		timeout_ns = OS_NEVER;
	else if (until_ns != OS_AGAIN)
		timeout_ns = until_ns - os_monotonic_ns();
	if (timeout_ns <= 0) {
		os_poll_wait(t, 0);
		return;
	}
	atomic_store(&t->asleep, true);
	if (atomic_load(&t->inbox) != NULL || atomic_load(&t->stop))
		timeout_ns = 0;
	os_poll_wait(t, timeout_ns);
	atomic_store(&t->asleep, false);
}

void os_thread_run(struct os_thread *t)
{
	invariant(self == NULL);
	self = t;
	atomic_store(&t->running, true);
	for (;;) {
		/* Read first: what was posted before the stop is run. */
		bool last = atomic_load(&t->stop);
		run_posts(t);
		os_poll_dispatch(t);
		int64_t until_ns = t->turn(t->ctx);
		if (last)
			break;
		park(t, until_ns);
	}
	atomic_store(&t->running, false);
	self = NULL;
}

void os_thread_stop(struct os_thread *t)
{
	atomic_fetch_add(&t->posting, 1);
	atomic_store(&t->stop, true);
	wake_up(t);
	atomic_fetch_sub(&t->posting, 1);
}
