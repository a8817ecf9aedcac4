/*
 * Seal, write, queue: see door.h. A submission becomes a `pending` object
 * that lives until its accept frame is synced; the queue entry is made
 * before the write, so after the sync nothing can fail any more.
 */
#include "accept/door.h"

#include "os/random.h"

#include <stdlib.h>

struct door {
	struct door_config config;
	uint32_t open_count;
};

struct pending {
	struct door *door;
	struct spool_commit spool;
	struct queue_entry *entry;
	struct queue_entry *ends;
	struct queue_memory *memory;	/* envelope bytes and body */
	struct spool_big *big;
	struct buf marks;		/* booking and archive, copied */
	struct buf ends_state;
	struct buf state;		/* the first one, where some are held */
	struct journal_event event;
	uint32_t recipients;
	uint64_t bytes;
	void (*done)(void *ctx, bool ok, bool unknown, const struct err *err);
	void *ctx;
};

enum { MARKS_MAX = 4194304, ENVELOPE_BYTES_MAX = 67108864,
       TOLD_RECIPIENTS = 1000 };

bool door_new(const struct door_config *config, struct door **out,
	      struct err *err)
{
	struct door *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return err_set_memory(err, "door");
	d->config = *config;
	*out = d;
	return true;
}

void door_free(struct door **d)
{
	if (*d == NULL)
		return;
	invariant((*d)->open_count == 0);
	free(*d);
	*d = NULL;
}

uint32_t door_open_count(const struct door *d)
{
	return d->open_count;
}

const struct door_config *door_settings(const struct door *d)
{
	return &d->config;
}

static int64_t now_ms(const struct door *d)
{
	return d->config.wall_ms(d->config.clock);
}

struct id door_id(struct door *d)
{
	return id_make(now_ms(d), os_random_u64());
}

/* --- the ends of a submission --------------------------------------------- */

static void free_memory(struct queue_memory **memory)
{
	if (*memory == NULL)
		return;
	buf_fini(&(*memory)->envelope);
	body_unref(&(*memory)->body);
	free(*memory);
	*memory = NULL;
}

static void free_pending(struct pending *p)
{
	free_memory(&p->memory);
	spool_big_drop(&p->big);
	buf_fini(&p->marks);
	buf_fini(&p->ends_state);
	buf_fini(&p->state);
	buf_fini(&p->event.line);
	p->door->open_count--;
	free(p);
}

/* Nothing was stored: tells the caller, and the entry that the report was
 * about. */
static void refuse(struct pending *p, bool unknown, const struct err *why)
{
	void (*done)(void *, bool, bool, const struct err *) = p->done;
	void *ctx = p->ctx;
	struct err err = *why;
	if (p->entry != NULL)
		queue_drop(&p->entry);
	if (p->ends != NULL)
		queue_report_later(p->ends);
	free_pending(p);
	done(ctx, false, unknown, &err);
}

static void count(const struct pending *p)
{
	struct counters *c = p->door->config.counters;
	counter_add(c, COUNTER_messages_accepted_total, 1);
	counter_add(c, COUNTER_recipients_accepted_total, p->recipients);
	counter_add(c, COUNTER_accepted_bytes_total, p->bytes);
}

/* The accept frame is on stable storage: the message lives. */
static void stored(struct spool_commit *spool)
{
	struct pending *p = CONTAINER_OF(spool, struct pending, spool);
	if (!spool->ok) {
		refuse(p, spool->unknown, &spool->err);
		return;
	}
	void (*done)(void *, bool, bool, const struct err *) = p->done;
	void *ctx = p->ctx;
	count(p);
	journal_end(&p->event, JOURNAL_KEEP, spool->position);
	if (p->ends != NULL)
		queue_reported(p->ends);
	queue_live(p->entry, p->memory);
	p->memory = NULL;
	p->big = NULL;		/* the spool took it */
	free_pending(p);
	done(ctx, true, false, NULL);
}

/* --- journal -------------------------------------------------------------- */

static void tell_address(struct json *j, const char *key,
			 const struct address *a)
{
	struct buf text;
	buf_init(&text, ADDRESS_TEXT_MAX);
	address_write(&text, a);
	if (key != NULL)
		json_key(j, key);
	json_string(j, buf_slice(&text));
	buf_fini(&text);
}

static void tell_entry(struct json *j, const struct ip_entry *e)
{
	char range[IP_RANGE_TEXT_MAX];
	json_member_cstr(j, "entry", ip_range_text(&e->range, range));
	json_member_string(j, "entry_name", e->description);
}

static void tell_origin(struct json *j, const struct submission *s)
{
	const struct envelope *e = s->envelope;
	char address[IP_TEXT_MAX];
	json_key(j, "session");
	json_id(j, e->session);
	json_member_cstr(j, "client", ip_addr_text(&e->client, address));
	json_member_string(j, "helo", e->helo);
	json_member_u64(j, "setting", e->setting);
	if (e->user != 0)
		json_member_u64(j, "user", e->user);
	json_member_string(j, "listener", s->listener);
	if (s->login.n > 0)
		json_member_string(j, "login", s->login);
	if (s->entry != NULL)
		tell_entry(j, s->entry);
}

/* Which recipients wait for room: their places in `recipients`. */
static void tell_held(struct json *j, const struct submission *s)
{
	if (s->held == NULL)
		return;
	json_member_cstr(j, "held", held_reason_name(HELD_LIMIT));
	json_key(j, "held_recipients");
	json_array(j);
	for (uint32_t i = 0; i < s->envelope->recipient_count &&
			     i < TOLD_RECIPIENTS; i++)
		if (s->held[i])
			json_u64(j, i);
	json_array_end(j);
}

/* "accepted": what `trace` begins a message with. Ends with the sync. */
static void tell(struct pending *p, const struct submission *s)
{
	const struct envelope *e = s->envelope;
	journal_begin(&p->event, p->door->config.journal, "accepted",
		      e->accepted_ms);
	struct json *j = &p->event.json;
	json_key(j, "id");
	json_id(j, e->id);
	json_member_u64(j, "customer", e->customer);
	tell_address(j, "from", &e->sender);
	if (!address_is_null(&e->original_sender))
		tell_address(j, "original_from", &e->original_sender);
	if (s->trace.from_client)
		tell_origin(j, s);
	if (s->trace.tls_version != NULL)
		json_member_cstr(j, "tls", s->trace.tls_version);
	if (s->trace.tls_cipher != NULL)
		json_member_cstr(j, "cipher", s->trace.tls_cipher);
	if (s->ends != NULL) {
		json_key(j, "report_about");
		json_id(j, s->ends->id);
	}
	json_member_u64(j, "size", e->body_bytes);
	json_member_string(j, "message_id", e->message_id);
	if (e->recipient_count > TOLD_RECIPIENTS)
		json_member_u64(j, "recipient_count", e->recipient_count);
	json_key(j, "recipients");
	json_array(j);
	for (uint32_t i = 0;
	     i < e->recipient_count && i < TOLD_RECIPIENTS; i++)
		tell_address(j, NULL, &e->recipients[i].address);
	json_array_end(j);
	tell_held(j, s);
}

/* --- seal ----------------------------------------------------------------- */

/* The Received: field; for a big body it goes into the file's prefix. */
static bool seal_trace(struct pending *p, const struct submission *s,
		       struct buf *trace, struct err *err)
{
	struct envelope *e = s->envelope;
	trace_write(trace, &s->trace, p->door->config.hostname, e->id,
		    e->accepted_ms);
	if (trace->failed)
		return err_set_memory(err, "door");
	e->trace_bytes = (uint32_t)trace->n;
	if (p->big != NULL) {
		e->body_bytes = spool_big_size(p->big) + trace->n;
		return true;
	}
	if (!body_prepend(p->memory->body, buf_slice(trace), err))
		return false;
	body_seal(p->memory->body);
	e->body_bytes = p->memory->body->size;
	return true;
}

static bool copy_marks(struct pending *p, const struct submission *s,
		       struct err *err)
{
	buf_append(&p->marks, s->booking);
	buf_append(&p->marks, s->archive);
	if (p->marks.failed)
		return err_set_memory(err, "door");
	slice all = buf_slice(&p->marks);
	p->spool.booking = slice_sub(all, 0, s->booking.n);
	p->spool.archive = slice_skip(all, s->booking.n);
	return true;
}

static bool seal_ends(struct pending *p, struct err *err)
{
	if (p->ends == NULL)
		return true;
	p->spool.ends_id = p->ends->id;
	p->spool.ends_done = queue_state_when_reported(p->ends,
						       &p->ends_state);
	if (p->ends_state.failed)
		return err_set_memory(err, "door");
	p->spool.ends_state = buf_slice(&p->ends_state);
	return true;
}

/* What a limit holds is held from the accept frame on. */
static bool keep_held(struct pending *p, const struct submission *s,
		      struct err *err)
{
	if (!queue_keep_held(p->entry, s->held, s->envelope->user,
			     s->booking.n > 0))
		return err_set_memory(err, "door");
	entry_state_write(&p->state, p->entry);
	p->spool.state = buf_slice(&p->state);
	return !p->state.failed || err_set_memory(err, "door");
}

/* Everything that can fail, before anything is written. */
static bool seal(struct pending *p, const struct submission *s,
		 struct buf *trace, struct err *err)
{
	struct envelope *e = s->envelope;
	struct door *d = p->door;
	e->accepted_ms = now_ms(d);
	if (!seal_trace(p, s, trace, err) || !copy_marks(p, s, err) ||
	    !seal_ends(p, err))
		return false;
	envelope_write(&p->memory->envelope, e);
	if (p->memory->envelope.failed)
		return err_set_memory(err, "door");
	p->entry = queue_prepare(d->config.queue, e);
	if (p->entry == NULL)
		return err_set(err, ERR_TEMPORARY, SCOPE_SELF, "door",
			       "no memory or no route");
	p->entry->big = p->big != NULL;
	if (s->held != NULL && !keep_held(p, s, err))
		return false;
	p->recipients = e->recipient_count;
	p->bytes = e->body_bytes;
	p->spool.id = e->id;
	p->spool.wall_ms = e->accepted_ms;
	p->spool.envelope = buf_slice(&p->memory->envelope);
	p->spool.body = p->memory->body;
	p->spool.big = p->big;
	tell(p, s);
	p->spool.journal = buf_slice(&p->event.line);
	return true;
}

/* The file of a big body is synced: now the record that makes it real. */
static void big_finished(void *ctx, bool ok, const struct err *err)
{
	struct pending *p = ctx;
	if (!ok) {
		refuse(p, false, err);
		return;
	}
	spool_commit(p->door->config.spool, &p->spool);
}

static struct pending *make_pending(struct door *d, struct submission *s)
{
	struct pending *p = calloc(1, sizeof(*p));
	struct queue_memory *memory = calloc(1, sizeof(*memory));
	if (p == NULL || memory == NULL) {
		free(p);
		free(memory);
		return NULL;
	}
	p->door = d;
	p->memory = memory;
	buf_init(&memory->envelope, ENVELOPE_BYTES_MAX);
	memory->body = s->body;
	p->big = s->big;
	p->ends = s->ends;
	p->done = s->done;
	p->ctx = s->ctx;
	buf_init(&p->marks, MARKS_MAX);
	buf_init(&p->ends_state, ENVELOPE_BYTES_MAX);
	buf_init(&p->state, ENVELOPE_BYTES_MAX);
	p->spool.kind = SPOOL_ACCEPT;
	p->spool.done = stored;
	d->open_count++;
	s->body = NULL;
	s->big = NULL;
	return p;
}

void door_submit(struct door *d, struct submission *s)
{
	invariant((s->body != NULL) != (s->big != NULL));
	invariant(!id_is_zero(s->envelope->id));
	struct err err;
	struct pending *p = make_pending(d, s);
	if (p == NULL) {
		body_unref(&s->body);
		spool_big_drop(&s->big);
		if (s->ends != NULL)
			queue_report_later(s->ends);
		err_set_memory(&err, "door");
		s->done(s->ctx, false, false, &err);
		return;
	}
	struct buf trace;
	buf_init(&trace, TRACE_MAX);
	if (!seal(p, s, &trace, &err))
		refuse(p, false, &err);
	else if (p->big != NULL)
		spool_big_finish(p->big, buf_slice(&trace), big_finished, p);
	else
		spool_commit(d->config.spool, &p->spool);
	buf_fini(&trace);
}
