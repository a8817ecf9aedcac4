/*
 * Fills a spool with so many small messages (queue_fill DIR COUNT [DOMAIN]),
 * through src/spool as the door does: 1,000 commits outstanding, durable. For
 * measuring starts with a full queue (bench/queue.py).
 */
#include "mail/envelope.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>

enum { OUTSTANDING = 1000, BODY_MAX = 1024 };

struct fill;
struct slot {
	struct spool_commit commit;
	struct fill *fill;
	struct buf envelope;
};

struct fill {
	struct spool *spool;
	struct os_thread *thread;
	struct body_budget budget;
	const char *domain;
	uint64_t wanted, begun, done;
	struct slot slots[OUTSTANDING];
	struct os_post stopped, begin;
	bool failed;
};

static bool wall_line(void *ctx, slice line)
{
	(void)ctx;
	return fwrite(line.p, 1, line.n, stderr) == line.n;
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return os_wall_ms();
}

static bool make_message(struct slot *s, uint64_t n)
{
	struct err err;
	char local[32], text[BODY_MAX];
	struct recipient to = {
		.address = { .domain = slice_of(s->fill->domain) },
	};
	int len = snprintf(local, sizeof(local), "r%llu",
			   (unsigned long long)n);
	to.address.local = (slice){ local, (size_t)len };
	struct envelope e = {
		.id = id_make(os_wall_ms(), os_random_u64()),
		.accepted_ms = os_wall_ms(),
		.customer = 1,
		.sender = { SLICE("a"), SLICE("load.test"), false },
		.recipients = &to,
		.recipient_count = 1,
	};
	len = snprintf(text, sizeof(text),
		       "From: a@load.test\r\nMessage-ID: <%llu@load.test>\r\n"
		       "Subject: queued\r\n\r\nA message that waits.\r\n",
		       (unsigned long long)n);
	struct body *body = body_new(&s->fill->budget);
	if (body == NULL ||
	    !body_append(body, (slice){ text, (size_t)len }, &err))
		return false;
	body_seal(body);
	e.body_bytes = body->size;
	buf_clear(&s->envelope);
	envelope_write(&s->envelope, &e);
	s->commit.id = e.id;
	s->commit.wall_ms = e.accepted_ms;
	s->commit.body = body;
	s->commit.envelope = buf_slice(&s->envelope);
	return !s->envelope.failed;
}

static void next(struct slot *s);

static void committed(struct spool_commit *c)
{
	struct slot *s = CONTAINER_OF(c, struct slot, commit);
	struct fill *f = s->fill;
	if (!c->ok) {
		fprintf(stderr, "%s %s\n", c->err.text, c->err.detail);
		f->failed = true;
	}
	body_unref(&c->body);
	f->done++;
	if (f->done == f->wanted || f->failed)
		spool_stop(f->spool, false, &f->stopped);
	else if (f->begun < f->wanted)
		next(s);
}

static void next(struct slot *s)
{
	struct fill *f = s->fill;
	s->commit = (struct spool_commit){ .kind = SPOOL_ACCEPT,
					   .done = committed };
	if (!make_message(s, f->begun++))
		exit(70);
	spool_commit(f->spool, &s->commit);
}

static void begin(struct os_post *post)
{
	struct fill *f = CONTAINER_OF(post, struct fill, begin);
	for (int i = 0; i < OUTSTANDING && f->begun < f->wanted; i++) {
		f->slots[i].fill = f;
		buf_init(&f->slots[i].envelope, 65536);
		next(&f->slots[i]);
	}
}

static void stopped(struct os_post *post)
{
	struct fill *f = CONTAINER_OF(post, struct fill, stopped);
	os_thread_stop(f->thread);
}

static int64_t idle(void *ctx)
{
	(void)ctx;
	return OS_NEVER;
}

static bool nothing(void *ctx, struct id id, slice envelope, slice state,
		    struct err *err)
{
	(void)ctx, (void)id, (void)envelope, (void)state, (void)err;
	return true;
}
static bool no_state(void *ctx, struct id id, slice state, struct err *err)
{
	(void)ctx, (void)id, (void)state, (void)err;
	return true;
}
static bool no_done(void *ctx, struct id id, struct err *err)
{
	(void)ctx, (void)id, (void)err;
	return true;
}
static bool no_booking(void *ctx, int64_t at, slice booking, struct err *err)
{
	(void)ctx, (void)at, (void)booking, (void)err;
	return true;
}
/* No queue: a checkpoint would have no states. */
static void no_checkpoint(void *ctx, struct spool_checkpoint *ck)
{
	(void)ctx, (void)ck;
}

static bool open_all(struct fill *f, const char *dir, struct log *log,
		     struct os_pool **disk, struct err *err)
{
	struct spool_config config = {
		.log = log,
		.budget = &f->budget,
		.segment_bytes = 67108864,
		.body_log_max_bytes = 1048576,
		.summary_keep_ms = 87000000,
		.checkpoint_min_bytes = UINT64_MAX / 8,
	};
	static const struct spool_visitor visitor = {
		.message = nothing, .state = no_state, .done = no_done,
		.booking = no_booking,
	};
	f->budget.max_bytes = 268435456;
	if (!os_dir_open(dir, &config.dir, err) ||
	    !os_pool_open(disk, "disk", 4, err))
		return false;
	config.disk = *disk;
	return os_thread_new(&f->thread, "fill", idle, f, err) &&
	       spool_open(&config, &visitor, &f->spool, err) &&
	       spool_start(f->spool, no_checkpoint, f, err);
}

int main(int argc, char **argv)
{
	struct log log = { .level = LOG_WARNING, .write = wall_line,
			   .wall_ms = wall, .role = "fill" };
	struct fill *f = calloc(1, sizeof(*f));
	struct os_pool *disk = NULL;
	struct err err;
	if (argc < 3 || f == NULL ||
	    !slice_u64(slice_of(argv[2]), 1000000000, &f->wanted)) {
		fprintf(stderr, "usage: queue_fill DIR COUNT [DOMAIN]\n");
		return 64;
	}
	f->domain = argc > 3 ? argv[3] : "dest.example";
	if (!open_all(f, argv[1], &log, &disk, &err)) {
		fprintf(stderr, "%s: %s\n", err.text, err.detail);
		return 74;
	}
	int64_t begun = os_monotonic_ns();
	os_post_init(&f->stopped, stopped);
	os_post_init(&f->begin, begin);
	os_thread_post(f->thread, &f->begin);
	os_thread_run(f->thread);
	double seconds = (double)(os_monotonic_ns() - begun) / 1e9;
	printf("%llu messages in %.1f s\n", (unsigned long long)f->done,
	       seconds);
	spool_close(&f->spool);
	os_pool_close(&disk);
	return f->failed;
}
