/*
 * The poller of a thread: epoll, level-triggered; see net.h (os_watch). An
 * event names its watch by address, so a watch that is removed while others
 * of the same batch are told is taken out of the rest of the batch. A watch
 * without interest stays registered, edge-triggered for nothing: a hang-up,
 * which epoll always tells, then costs one look and not one a round.
 */
#include "os/net.h"

#include <limits.h>
#include <time.h>

#include "os/clock.h"
#include "os/os_private.h"

static uint32_t epoll_bits(unsigned interest)
{
	uint32_t bits = 0;
	invariant((interest & ~(unsigned)(OS_READABLE | OS_WRITABLE)) == 0);
	if (interest & OS_READABLE)
		bits |= EPOLLIN;
	if (interest & OS_WRITABLE)
		bits |= EPOLLOUT;
	return bits ? bits : EPOLLET;
}

bool os_watch_add(struct os_thread *t, struct os_watch *w, int fd,
		  unsigned interest, void (*ready)(struct os_watch *, unsigned),
		  struct err *err)
{
	os_check_owner(t);
	invariant(fd >= 0);
	*w = (struct os_watch){ .fd = fd, .interest = interest,
				.ready = ready };
	struct epoll_event e = { .events = epoll_bits(interest),
				 .data.ptr = w };
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
		return true;
	w->fd = -1;
	return err_set_os(err, errno, "os_watch_add", "epoll_ctl");
}

void os_watch_change(struct os_thread *t, struct os_watch *w,
		     unsigned interest)
{
	os_check_owner(t);
	invariant(w->fd >= 0);
	if (w->interest == interest)
		return;
	w->interest = interest;
	struct epoll_event e = { .events = epoll_bits(interest),
				 .data.ptr = w };
	/* Changing allocates nothing, so it can't fail for a known fd. */
	invariant(epoll_ctl(t->epoll, EPOLL_CTL_MOD, w->fd, &e) == 0);
}

void os_watch_remove(struct os_thread *t, struct os_watch *w)
{
	os_check_owner(t);
	if (w->fd < 0)
		return;
	invariant(epoll_ctl(t->epoll, EPOLL_CTL_DEL, w->fd, NULL) == 0);
	for (int i = t->batch_at; i < t->batch_n; i++)
		if (t->events[i].data.ptr == w)
			t->events[i].data.ptr = NULL;
	w->fd = -1;
	w->interest = 0;
}

static unsigned told(const struct os_watch *w, uint32_t bits)
{
	unsigned events = 0;
	if (bits & (EPOLLERR | EPOLLHUP))
		return OS_READABLE | OS_WRITABLE;
	if (bits & EPOLLIN)
		events |= OS_READABLE;
	if (bits & EPOLLOUT)
		events |= OS_WRITABLE;
	/* Somebody told before us may have changed the interest. */
	return events & w->interest;
}

void os_poll_dispatch(struct os_thread *t)
{
	for (t->batch_at = 0; t->batch_at < t->batch_n; ) {
		const struct epoll_event *e = &t->events[t->batch_at++];
		struct os_watch *w = e->data.ptr;
		if (w == NULL || w->interest == 0)
			continue;
		unsigned events = told(w, e->events);
		if (events != 0)
			w->ready(w, events);
	}
	t->batch_n = t->batch_at = 0;
}

/* Where epoll_pwait2 is missing (Linux < 5.11, some sandboxes): whole
 * milliseconds, rounded up, so that nothing fires early and spins. */
static int wait_coarse(struct os_thread *t, int64_t timeout_ns)
{
	int ms = -1;
	if (timeout_ns != OS_NEVER) {
		int64_t up = timeout_ns / MS + (timeout_ns % MS != 0);
		ms = up > INT_MAX ? INT_MAX : (int)up;
	}
	return epoll_wait(t->epoll, t->events, OS_EVENTS, ms);
}

static int wait_fine(struct os_thread *t, int64_t timeout_ns)
{
	struct timespec ts = { .tv_sec = timeout_ns / (1000 * MS),
			       .tv_nsec = timeout_ns % (1000 * MS) };
	int n = epoll_pwait2(t->epoll, t->events, OS_EVENTS,
			     timeout_ns == OS_NEVER ? NULL : &ts, NULL);
	if (n >= 0 || errno == EINTR)
		return n;
	t->coarse = true;
	return wait_coarse(t, timeout_ns);
}

void os_poll_wait(struct os_thread *t, int64_t timeout_ns)
{
	invariant(t->batch_n == 0);
	int n = t->coarse || timeout_ns == 0 ? wait_coarse(t, timeout_ns)
					     : wait_fine(t, timeout_ns);
	/* Interrupted: a round too many does no harm. */
	invariant(n >= 0 || errno == EINTR);
	t->batch_n = n < 0 ? 0 : n;
}
