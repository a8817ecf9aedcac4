/* Master's listening sockets: bound at the start, and again when a reload
 * brings other addresses. Master keeps them open through the deaths of
 * children. */
#include <errno.h>
#include <stdlib.h>

#include "app/master_private.h"
#include "os/clock.h"
#include "os/net.h"

bool master_listen_patiently(const struct ip_port *at, int *fd,
			     struct err *err)
{
	/* Children of a master that was killed keep its sockets until their
	 * last thread is out of the disk: a moment longer than its lock. */
	enum { WAIT_MS = 1000, LOOK_MS = 20 };
	for (int waited = 0;; waited += LOOK_MS) {
		if (os_listen(at, false, fd, err))
			return true;
		if (err->os_error != EADDRINUSE || waited >= WAIT_MS)
			return false;
		os_sleep_ms(LOOK_MS);
	}
}

/* --- sets of sockets ------------------------------------------------------ */

bool master_has_socket(const struct master_sockets *s, uint32_t number)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].number == number)
			return true;
	return false;
}

void master_sockets_close(struct master_sockets *s,
			  const struct master_sockets *but)
{
	for (size_t i = 0; i < s->count; i++)
		if (but == NULL || !master_has_socket(but, s->rows[i].number))
			os_socket_close(&s->rows[i].fd);
	free(s->rows);
	*s = (struct master_sockets){ 0 };
}

static const struct start_listener *at_of(const struct master_sockets *s,
					  uint32_t shard,
					  const struct ip_port *at)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].shard == shard &&
		    s->rows[i].at.port == at->port &&
		    ip_addr_eq(&s->rows[i].at.addr, &at->addr))
			return &s->rows[i];
	return NULL;
}

static bool has_port(const struct master_sockets *s, uint16_t port)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].at.port == port)
			return true;
	return false;
}

/* --- binding -------------------------------------------------------------- */

/* Nobody else has it: SO_REUSEPORT would let two services share a port. One
 * that we have on another address is ours already. */
static bool probe(const struct master *m, const struct master_sockets *next,
		  const struct ip_port *at, struct err *err)
{
	int fd;
	if (has_port(&m->sockets, at->port) || has_port(next, at->port))
		return true;
	if (!master_listen_patiently(at, &fd, err))
		return false;
	os_socket_close(&fd);
	return true;
}

/* SO_REUSEPORT with one shard, too: "*:25" and "192.0.2.1:25" are both open
 * for the moment in which a reload goes from one to the other. */
static bool listen_at(struct master *m, struct master_sockets *next,
		      uint32_t listener, const struct ip_port *at,
		      struct err *err)
{
	for (uint32_t shard = 0; shard < m->shards; shard++) {
		const struct start_listener *had = at_of(&m->sockets, shard,
							 at);
		if (next->count >= MASTER_LISTENERS_MAX)
			return err_set(err, ERR_PERMANENT, SCOPE_SELF,
				       "serve.listen", "more than %d listening "
				       "sockets: fewer shards or listeners",
				       MASTER_LISTENERS_MAX);
		struct start_listener *l = &next->rows[next->count];
		*l = (struct start_listener){ .shard = shard,
					      .listener = listener,
					      .at = *at };
		if (had != NULL) {
			l->number = had->number;
			l->fd = had->fd;
		} else if (os_listen(at, true, &l->fd, err)) {
			l->number = ++m->last_socket;
		} else {
			return false;
		}
		next->count++;
	}
	return true;
}

static bool family_missing(const struct err *err)
{
	return err->os_error == EAFNOSUPPORT || err->os_error == EADDRNOTAVAIL;
}

static bool bind_listener(struct master *m, const struct config *c, uint32_t i,
			  struct master_sockets *next, struct err *err)
{
	const struct config_listener *l = &c->listeners[i];
	char text[IP_PORT_TEXT_MAX];
	unsigned bound = 0;
	for (unsigned k = 0; k < l->at_count; k++) {
		*err = (struct err){ 0 };
		if ((at_of(&m->sockets, 0, &l->at[k]) != NULL ||
		     probe(m, next, &l->at[k], err)) &&
		    listen_at(m, next, i, &l->at[k], err)) {
			bound++;
			continue;
		}
		if (l->any_address && family_missing(err))
			continue;	/* a machine without IPv6, or IPv4 */
		ip_port_text(&l->at[k], text);
		err_detail(err, err->os_error == EADDRINUSE
				   ? "%s: another program has this port"
			   : err->os_error == EACCES
				   ? "%s: ports below 1024 are for root"
				   : "%s", text);
		return false;
	}
	return bound > 0;
}

bool master_listen(struct master *m, const struct config *c,
		   struct master_sockets *out, struct err *err)
{
	struct master_sockets next = {
		.rows = calloc(MASTER_LISTENERS_MAX, sizeof(*next.rows)),
	};
	if (next.rows == NULL)
		return err_set_memory(err, "serve.listen");
	for (uint32_t i = 0; i < c->listener_count; i++) {
		if (bind_listener(m, c, i, &next, err))
			continue;
		master_sockets_close(&next, &m->sockets);
		return false;
	}
	*out = next;
	return true;
}
