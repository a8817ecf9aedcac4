/*
 * Relay's end of the channels to admin and master: changes of the directory
 * come in and are made live in every shard; calls about the queue and live
 * figures are answered. Runs on a loop of its own (the control thread).
 */
#pragma once

#include "base/log.h"
#include "net/loop.h"
#include "policy/view.h"

struct control_serve;
struct control_answer;			/* one call being answered */

struct control_handlers {
	void *ctx;
	/* A new view is complete: give it to every shard (takes a reference
	 * each), and call control_serve_live when all have it. */
	void (*view)(void *ctx, const struct view *v);
	/* A call; args is a JSON object. Rows and one end by the functions
	 * below, now or later, on the control thread. */
	void (*call)(void *ctx, slice name, slice args,
		     struct control_answer *a);
	/* From master. */
	void (*reload)(void *ctx, slice config_text);
	void (*drain)(void *ctx);
	/* Master is gone (its end of the channel closed): this process ends
	 * at once. NULL: control ends it. */
	void (*master_gone)(void *ctx);
	/* A listening socket from master; takes fd. NULL: it is closed. */
	void (*listen)(void *ctx, uint32_t number, int fd);
};

struct control_serve_config {
	struct loop *loop;
	struct log *log;
	int view_dir;			/* view.log, view-<revision> */
	int admin_fd, master_fd;	/* -1: none */
};
/* Loads the last view from view_dir (an empty one at the very first start)
 * and begins to serve. The view is given to handlers.view once from here.
 * Takes over both descriptors, also when it fails. On the loop's thread, or
 * before that runs. Files are read here and on frame VIEW: this loop is
 * nobody else's. */
bool control_serve_open(const struct control_serve_config *config,
			const struct control_handlers *handlers,
			struct control_serve **out, struct err *err) MUST_USE;
/* Answers not ended yet stay valid; their ends go nowhere. On the loop's
 * thread (a post), or before that ever ran; not from inside a handler. */
void control_serve_close(struct control_serve **c);
/* All shards use this revision now. */
void control_serve_live(struct control_serve *c, uint64_t revision);
/* Is there a channel to admin now? On the loop's thread. */
bool control_serve_admin_up(const struct control_serve *c);
/* To master: this process serves. */
void control_serve_ready(struct control_serve *c);

/* Rows that wait to be read by admin, in bytes: a long answer pauses above
 * CONTROL_ANSWER_HIGH; far beyond it rows are dropped and the end says so. */
enum { CONTROL_ANSWER_HIGH = 1048576, CONTROL_OUT_MAX = 67108864,
       CONTROL_ANSWERS_MAX = 64 };
size_t control_answer_pending(const struct control_answer *a);
void control_answer_row(struct control_answer *a, slice json_object);
/* Frees it. code: sysexits; text: for people, may be empty. */
void control_answer_end(struct control_answer *a, int code, slice text);
