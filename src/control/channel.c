/* A channel of frames; see channel.h. */
#include "control/channel.h"

#include "os/net_fd.h"

enum { RECEIVE_BYTES = 65536 };

void channel_init(struct channel *c, int fd, uint32_t allowed, size_t out_max)
{
	*c = (struct channel){ .fd = fd, .allowed = allowed };
	buf_init(&c->in, CHANNEL_IN_MAX);
	buf_init(&c->out, out_max);
}

void channel_close(struct channel *c)
{
	os_socket_close(&c->fd);
	while (c->passed_count > 0)
		os_socket_close(&c->passed[--c->passed_count]);
	buf_clear(&c->in);
	buf_clear(&c->out);
	c->unread = c->sent = 0;
}

void channel_open(struct channel *c, int fd)
{
	channel_close(c);
	c->fd = fd;
}

void channel_fini(struct channel *c)
{
	channel_close(c);
	buf_fini(&c->in);
	buf_fini(&c->out);
}

int channel_take_passed(struct channel *c)
{
	if (c->passed_count == 0)
		return -1;
	int fd = c->passed[0];
	c->passed_count--;
	memmove(c->passed, c->passed + 1,
		c->passed_count * sizeof(c->passed[0]));
	return fd;
}

enum channel_result channel_receive(struct channel *c, struct err *err)
{
	char *room = buf_room(&c->in, RECEIVE_BYTES);
	int passed;
	size_t n;
	invariant(c->fd >= 0);
	if (room == NULL) {
		err_set_memory(err, "channel_receive");
		return CHANNEL_BROKEN;
	}
	enum os_net_result r = os_recv_with_fd(c->fd, room, RECEIVE_BYTES, &n,
					       &passed, err);
	if (passed >= 0 && c->passed_count == CHANNEL_PASSED_MAX)
		os_socket_close(&passed);	/* nobody's frame asks for it */
	else if (passed >= 0)
		c->passed[c->passed_count++] = passed;
	switch (r) {
	case OS_NET_DONE:
		buf_added(&c->in, n);
		c->unread += n;
		return CHANNEL_OPEN;
	case OS_NET_AGAIN:
		return CHANNEL_OPEN;
	case OS_NET_EOF:
		return CHANNEL_ENDED;
	case OS_NET_FAILED:
		return CHANNEL_BROKEN;
	}
	unreachable_state("every result is listed");
}

bool channel_next(struct channel *c, bool *got, struct frame *out,
		  struct err *err)
{
	slice rest = slice_skip(buf_slice(&c->in), c->in.n - c->unread);
	invariant(c->unread <= c->in.n);
	if (!frame_read(&rest, c->allowed, got, out, err))
		return false;
	c->unread = rest.n;
	return true;
}

void channel_taken(struct channel *c)
{
	buf_consume(&c->in, c->in.n - c->unread);
}

enum channel_result channel_flush(struct channel *c, struct err *err)
{
	invariant(c->sent <= c->out.n);
	while (c->fd >= 0 && c->sent < c->out.n) {
		struct iovec piece = { c->out.p + c->sent,
				       c->out.n - c->sent };
		size_t n;
		switch (os_send(c->fd, &piece, 1, &n, err)) {
		case OS_NET_DONE:
			c->sent += n;
			continue;
		case OS_NET_AGAIN:
			/* Keep the front from growing without end. */
			if (c->sent > c->out.n / 2) {
				buf_consume(&c->out, c->sent);
				c->sent = 0;
			}
			return CHANNEL_OPEN;
		case OS_NET_EOF:
			return CHANNEL_ENDED;
		case OS_NET_FAILED:
			return CHANNEL_BROKEN;
		}
	}
	buf_clear(&c->out);
	c->sent = 0;
	return CHANNEL_OPEN;
}
