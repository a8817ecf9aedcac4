/*
 * A delivery report is a new message at the door: the original is looked at
 * once more (memory or spool), the report composed (mail/report), and its
 * accept frame ends the recipients it is about. Never about a message from
 * the null sender: the queue doesn't ask then.
 */
#include "deliver/deliver_private.h"

#include "mail/report.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPORT_ARENA_MAX = 134217728, WORDS_MAX = ENTRY_REPLY_MAX + 8 };

struct report_job {
	struct deliver *deliver;
	struct queue_entry *entry;	/* stays while it is `reporting` */
	struct arena arena;
	struct spool_read read;
	struct spool_read_piece piece;
	bool was_read;
	struct envelope original;
	char *returned;			/* beginning of the original */
	size_t returned_n;
	/* the report's own envelope */
	struct envelope envelope;
	struct recipient to;
};

static void free_job(struct report_job *j)
{
	struct deliver *d = j->deliver;
	if (j->was_read)
		buf_fini(&j->read.envelope);
	body_unref(&j->read.body);
	arena_fini(&j->arena);
	free(j->returned);
	free(j);
	deliver_attempt_over(d);
}

static void later(struct report_job *j, const struct err *why)
{
	log_failure(j->deliver->config.log, LOG_WARNING, "deliver.report",
		    why);
	queue_report_later(j->entry);
	free_job(j);
}

/* --- composing ------------------------------------------------------------ */

static enum report_action action_of(const struct report_job *j,
				    const struct queue_part *p,
				    const struct queue_recipient *r)
{
	const struct route *route =
		routes_of(j->deliver->config.routes, p->destination);
	if (r->state == RECIPIENT_FAILED)
		return REPORT_FAILED;
	return route != NULL && route->kind == DELIVER_SMTP ? REPORT_RELAYED
							    : REPORT_DELIVERED;
}

/* The last words with their code, as mail/report wants them. */
static slice words_of(struct report_job *j, const struct queue_recipient *r)
{
	slice text = slice_of(r->reply);
	slice out = { 0 };
	char words[WORDS_MAX];
	if (r->code == 0)
		return text;
	int n = snprintf(words, sizeof(words), "%u %.*s", r->code,
			 SLICE_ARG(text));
	if (n < 0 || !arena_copy(&j->arena,
				 slice_sub((slice){ words, sizeof(words) - 1 },
					   0, (size_t)n), &out))
		return text;
	return out;
}

static void fill_recipient(struct report_job *j, const struct queue_part *p,
			   const struct queue_recipient *r,
			   struct report_recipient *out)
{
	const struct route *route =
		routes_of(j->deliver->config.routes, p->destination);
	*out = (struct report_recipient){
		.recipient = &j->original.recipients[r->number],
		.action = action_of(j, p, r),
		.reply = words_of(j, r),
		/* What a limit held was never tried. */
		.tries = r->held != HELD_NOT ? 0 : p->tries + 1u,
		.last_attempt_ms = loop_wall_ms(j->deliver->config.loop),
	};
	memcpy(out->status, r->enhanced, sizeof(out->status));
	/* A failure after the last retry has the class of a temporary one:
	 * told as what it is now (RFC 3463 4.4.7). */
	if (out->action == REPORT_FAILED && out->status[0] == 4)
		out->status[0] = 5;
	if (route != NULL && route->kind != DELIVER_MAILDIR &&
	    r->held == HELD_NOT)
		out->host = route->host;
}

/* Recipients that have ended and were not told yet. */
static uint32_t fill_recipients(struct report_job *j,
				struct report_recipient *out, bool *failure)
{
	const struct queue_entry *e = j->entry;
	uint32_t n = 0;
	for (uint16_t i = 0; i < e->part_count; i++) {
		const struct queue_part *p = &e->parts[i];
		for (uint16_t k = 0; k < p->count; k++) {
			const struct queue_recipient *r =
				&e->recipients[p->first + k];
			bool ended = r->state == RECIPIENT_FAILED ||
				     r->state == RECIPIENT_DELIVERED;
			if (r->reported || !ended ||
			    r->number >= j->original.recipient_count)
				continue;
			*failure = *failure || r->state == RECIPIENT_FAILED;
			fill_recipient(j, p, r, &out[n++]);
		}
	}
	return n;
}

static struct body *compose(struct report_job *j, bool *eight_bit,
			    struct err *err)
{
	const struct deliver_config *c = &j->deliver->config;
	bool failure = false;
	struct report_recipient *list = arena_alloc(
		&j->arena, j->entry->recipient_count * sizeof(*list));
	if (list == NULL) {
		err_set_memory(err, "deliver_report");
		return NULL;
	}
	uint32_t n = fill_recipients(j, list, &failure);
	if (n == 0) {
		err_set(err, ERR_INTERNAL, SCOPE_MESSAGE, "deliver_report",
			"nothing to report");
		return NULL;
	}
	struct report r = {
		.kind = failure ? REPORT_FAILURE : REPORT_SUCCESS,
		.language = c->language(c->language_ctx, j->entry->customer),
		.hostname = c->hostname,
		.id = j->envelope.id,
		.original = &j->original,
		.now_ms = loop_wall_ms(c->loop),
		.recipients = list,
		.count = n,
		.returned = { j->returned, j->returned_n },
		.returned_whole = j->returned_n == j->original.body_bytes,
		.returned_max_bytes = c->limits->report_body_bytes,
	};
	return report_compose(&r, c->budget, eight_bit, err);
}

/* --- submitting ----------------------------------------------------------- */

static void submitted(void *ctx, bool ok, bool unknown, const struct err *err)
{
	struct report_job *j = ctx;
	(void)unknown;
	/* The door has told the entry already. */
	if (ok)
		counter_add(j->deliver->config.counters,
			    COUNTER_reports_total, 1);
	else
		log_failure(j->deliver->config.log, LOG_WARNING,
			    "deliver.report", err);
	free_job(j);
}

static void make_envelope(struct report_job *j)
{
	j->to = (struct recipient){
		.address = j->original.sender,
		.notify = DSN_NEVER,
	};
	j->envelope = (struct envelope){
		.id = door_id(j->deliver->config.door),
		.customer = j->entry->customer,
		.smtputf8 = j->original.sender.utf8,
		.own = true,
		.recipients = &j->to,
		.recipient_count = 1,
	};
}

static void submit(struct report_job *j)
{
	const struct deliver_config *c = &j->deliver->config;
	const struct router *router = queue_router(c->queue);
	struct err err;
	bool eight_bit = false;
	if (router->route(router, j->original.sender.domain) == NULL) {
		/* Nobody can be told; the journal has the outcome. */
		queue_unreportable(j->entry);
		free_job(j);
		return;
	}
	make_envelope(j);
	struct body *body = compose(j, &eight_bit, &err);
	if (body == NULL) {
		later(j, &err);
		return;
	}
	if (eight_bit)
		j->envelope.body_type = BODY_8BITMIME;
	struct submission s = {
		.envelope = &j->envelope,
		.body = body,
		.ends = j->entry,
		.done = submitted,
		.ctx = j,
	};
	door_submit(c->door, &s);
}

/* --- loading -------------------------------------------------------------- */

static bool keep_returned(struct report_job *j, const struct body *body)
{
	size_t max = (size_t)j->deliver->config.limits->report_body_bytes;
	size_t n = body->size < max ? (size_t)body->size : max;
	j->returned = malloc(n + 1);
	if (j->returned == NULL)
		return false;
	struct body_at at = body_start(body);
	slice piece;
	while (j->returned_n < n && body_next(&at, &piece)) {
		piece = slice_sub(piece, 0, n - j->returned_n);
		memcpy(j->returned + j->returned_n, piece.p, piece.n);
		j->returned_n += piece.n;
	}
	return true;
}

static void piece_read(struct spool_read_piece *p)
{
	struct report_job *j = CONTAINER_OF(p, struct report_job, piece);
	if (!p->ok) {
		later(j, &p->err);
		return;
	}
	j->returned_n = p->n;
	submit(j);
}

/* A big body: only its beginning is read. */
static void read_beginning(struct report_job *j)
{
	size_t max = (size_t)j->deliver->config.limits->report_body_bytes;
	struct err err;
	j->returned = malloc(max);
	if (j->returned == NULL) {
		err_set_memory(&err, "deliver_report");
		later(j, &err);
		return;
	}
	j->piece = (struct spool_read_piece){
		.id = j->entry->id,
		.to = j->returned,
		.cap = max,
		.done = piece_read,
	};
	spool_read_piece(j->deliver->config.spool, &j->piece);
}

static void loaded(struct report_job *j, slice envelope,
		   const struct body *body)
{
	struct err err;
	if (!envelope_read(envelope, &j->arena, &j->original, &err)) {
		later(j, &err);
	} else if (body == NULL) {
		read_beginning(j);
	} else if (!keep_returned(j, body)) {
		err_set_memory(&err, "deliver_report");
		later(j, &err);
	} else {
		submit(j);
	}
}

static void was_read(struct spool_read *r)
{
	struct report_job *j = CONTAINER_OF(r, struct report_job, read);
	j->was_read = true;
	if (r->ok)
		loaded(j, buf_slice(&r->envelope), r->body);
	else
		later(j, &r->err);
}

void deliver_report(struct deliver *d, struct queue_entry *e)
{
	struct report_job *j = calloc(1, sizeof(*j));
	if (j == NULL) {
		queue_report_later(e);
		return;
	}
	j->deliver = d;
	j->entry = e;
	d->attempts++;
	arena_init(&j->arena, REPORT_ARENA_MAX);
	if (e->memory != NULL && (e->memory->body != NULL || e->big)) {
		loaded(j, buf_slice(&e->memory->envelope), e->memory->body);
		return;
	}
	j->read = (struct spool_read){
		.id = e->id, .want_body = !e->big, .done = was_read,
	};
	spool_read(d->config.spool, &j->read);
}
