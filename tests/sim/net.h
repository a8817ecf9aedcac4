/*
 * The virtual network: sockets for the program (src/os/net.h is implemented
 * by net.c) and ends of connections for clients and next hops, which are
 * called when something arrives. Bytes take time, come in other pieces than
 * they were sent in, and stop at a window; connections are refused, time out
 * or are reset by chance.
 */
#pragma once

#include "base/ip.h"
#include "base/slice.h"

struct net_end;

/* Somebody of the world at an end of a connection. Each may close the end. */
struct net_user {
	void (*opened)(void *ctx);		/* of net_call */
	void (*input)(void *ctx, slice bytes);
	/* The peer has closed its side; or all is over (reset, refused). */
	void (*closed)(void *ctx, bool reset);
};

struct net_faults {
	int64_t delay_max_ns;
	unsigned cut_sends;	/* percent that take a part only */
	unsigned split;		/* percent of packets that come in two */
	unsigned resets;	/* per 100,000 packets */
	unsigned refuse_local;	/* percent of connects that fail at once */
};

struct net;
void net_begin(const struct net_faults *faults);
void net_end_world(void);
void net_set_faults(const struct net_faults *faults);

/* Who listens there; called gets an end of each connection. Again: another
 * behaviour from now on. */
enum net_answer { NET_ACCEPTS, NET_REFUSES, NET_SILENT };
struct net_server {
	struct net_server *next;
	struct ip_port at;
	enum net_answer answer;
	void (*called)(void *ctx, struct net_end *end);
	void *ctx;
};
void net_serve(struct net_server *s);
struct net_end *net_call(const struct ip_port *from, const struct ip_port *to,
			 const struct net_user *user, void *ctx);
void net_set_user(struct net_end *e, const struct net_user *user, void *ctx);

void net_say(struct net_end *e, slice bytes);
/* Bytes said until now, and how many of them the program has read. */
uint64_t net_said(const struct net_end *e);
uint64_t net_heard(const struct net_end *e);
/* The program holds its side no more: nothing will be heard. */
bool net_is_orphan(const struct net_end *e);
/* Input waits in the network: the program sees its window fill. */
void net_pause(struct net_end *e);
void net_resume(struct net_end *e);
/* Closes and forgets; a reset with abort. */
void net_close(struct net_end **e);
void net_abort(struct net_end **e);

/* The process is gone, its sockets are closed by the kernel. Listening
 * sockets are master's and stay, with who waits there; not without power:
 * then peers hear nothing until much later. */
void net_process_died(bool power_cut);
/* Connections the program has open. */
unsigned net_sockets(void);
/* All listening sockets are closed. */
void net_close_listeners(void);
