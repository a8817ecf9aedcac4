/*
 * What net.c and sockets.c share: net.c has the wires and the world's ends,
 * sockets.c what the program calls.
 */
#pragma once

#include "base/list.h"
#include "os/net.h"
#include "sim/net.h"
#include "sim/sim.h"

enum { SOCKETS_MAX = 2048, FIRST_SOCKET = 100000, LISTENERS_MAX = 64,
       WINDOW = 32768, NEWS_OF_DEATH_MS = 5000, MS_NS = 1000000 };

enum end_state {
	END_CALLING,		/* the answer is not here yet */
	END_OPEN,
	END_DEAD,		/* reset or refused */
};

/* One end of a connection. It lives as long as somebody holds it (a socket
 * or a user) or a packet is on its way to it. */
struct net_end {
	struct list node;		/* all ends */
	struct net_end *peer;		/* NULL: nobody is there any more */
	struct ip_port local, remote;
	enum end_state state;
	unsigned packets;		/* on their way here */
	size_t flying;			/* bytes in them */
	char *in;			/* arrived, not read */
	size_t in_n, in_cap;
	bool eof;			/* behind `in` */
	bool shut;			/* we have closed our side */
	bool gone;			/* nobody holds it */
	int why;			/* errno of a dead one */
	int64_t last_ns;		/* the last packet sent arrives then */
	uint64_t said, read, heard;	/* bytes; heard: read by the peer */
	/* a socket of the program */
	int fd;				/* -1: the world's */
	struct os_thread *thread;
	struct os_watch *watch;
	struct list ready;		/* in its thread's list */
	bool accepted;			/* or still in the backlog */
	/* the world's */
	const struct net_user *user;
	void *ctx;
	bool paused;
};

enum packet_kind { PACKET_BYTES, PACKET_FIN, PACKET_RESET, PACKET_OPENED,
		   PACKET_REFUSED, PACKET_CALL };
struct packet {
	struct sim_event event;
	struct list node;
	enum packet_kind kind;
	struct net_end *to;
	struct ip_port at;		/* CALL: who is meant */
	size_t n;
	char bytes[];
};

struct listening {
	int fd;				/* -1: free */
	struct ip_port at;
	struct os_thread *thread;
	struct os_watch *watch;
	struct list ready;
	struct net_end *backlog[256];
	unsigned waiting;
};

struct net {
	struct sim_random draw;
	struct net_faults faults;
	struct list ends, packets;
	struct net_end *sockets[SOCKETS_MAX];
	struct listening listeners[LISTENERS_MAX];
	struct net_server *servers;
	int next_socket;
	uint16_t next_port;
};

/* One world at a time, as `sim`. */
extern struct net *net;

/* --- net.c */
struct net_end *net_begin_call(const struct ip_addr *from,
			       const struct ip_port *to);
void net_send_bytes(struct net_end *from, slice bytes);
void net_send_fin(struct net_end *from);
/* The last of it is said; the other side may read on. */
/* As when a reset has come, in the middle of a call of the program. */
void net_break(struct net_end *e, int why);
void net_let_go(struct net_end *e, bool reset);

/* --- sockets.c */
void sockets_begin(void);
/* Bytes that may be sent before the peer reads some. */
size_t net_room(const struct net_end *e);
/* Whether it is in its thread's list of ready sockets. */
void socket_settle(struct net_end *e);
void listener_settle(struct listening *l);
