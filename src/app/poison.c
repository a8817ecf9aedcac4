/* Book-keeping of crashes; see poison.h. */
#include "app/poison.h"

static void add_message(struct poison *p, struct id id, int64_t wall_ms)
{
	size_t at = 0, oldest = 0;
	for (; at < p->message_count; at++) {
		if (id_eq(p->messages[at].id, id))
			break;
		if (p->messages[at].last_ms < p->messages[oldest].last_ms)
			oldest = at;
	}
	if (at == p->message_count) {
		at = p->message_count < START_POISON_MAX ? p->message_count++
							 : oldest;
		p->messages[at].id = id;
		p->messages[at].crashes = 0;
	}
	p->messages[at].crashes++;
	p->messages[at].last_ms = wall_ms;
}

static size_t address_row(struct poison *p, const struct ip_addr *address)
{
	size_t oldest = 0, at = 0;
	for (; at < p->address_count; at++) {
		if (ip_addr_eq(&p->addresses[at].address, address))
			return at;
		if (p->addresses[at].crashed_ms[0] <
		    p->addresses[oldest].crashed_ms[0])
			oldest = at;
	}
	at = p->address_count < START_REFUSED_MAX ? p->address_count++
						  : oldest;
	memset(&p->addresses[at], 0, sizeof(p->addresses[at]));
	p->addresses[at].address = *address;
	return at;
}

static void add_address(struct poison *p, const struct ip_addr *address,
			int64_t wall_ms)
{
	size_t at = address_row(p, address);
	int64_t *crashed = p->addresses[at].crashed_ms;
	for (unsigned i = POISON_ADDRESS_CRASHES - 1; i > 0; i--)
		crashed[i] = crashed[i - 1];
	crashed[0] = wall_ms;
	int64_t first = crashed[POISON_ADDRESS_CRASHES - 1];
	if (first > 0 && wall_ms - first <= POISON_ADDRESS_WINDOW_MS)
		p->addresses[at].refused_until_ms = wall_ms + POISON_REFUSED_MS;
}

/* One crash counts once for an id or address, however many shards note it. */
static bool noted_before(const struct notes *n, uint32_t shard, bool message)
{
	const struct note *this = &n->shard[shard];
	for (uint32_t i = 0; i < shard; i++) {
		const struct note *o = &n->shard[i];
		if (message ? id_eq(o->message, this->message)
			    : o->has_client && ip_addr_eq(&o->client,
							  &this->client))
			return true;
	}
	return false;
}

void poison_crash(struct poison *p, const struct notes *notes, int64_t wall_ms)
{
	for (uint32_t i = 0; i < notes->shards; i++) {
		const struct note *note = &notes->shard[i];
		if (!id_is_zero(note->message) && !noted_before(notes, i, true))
			add_message(p, note->message, wall_ms);
		if (note->has_client && !noted_before(notes, i, false))
			add_address(p, &note->client, wall_ms);
	}
	invariant(p->message_count <= START_POISON_MAX);
	invariant(p->address_count <= START_REFUSED_MAX);
}

size_t poison_messages(const struct poison *p, struct id *out)
{
	size_t count = 0;
	for (size_t i = 0; i < p->message_count; i++)
		if (p->messages[i].crashes >= POISON_MESSAGE_CRASHES)
			out[count++] = p->messages[i].id;
	return count;
}

size_t poison_refused(const struct poison *p, int64_t wall_ms,
		      struct start_refused *out)
{
	size_t count = 0;
	for (size_t i = 0; i < p->address_count; i++)
		if (p->addresses[i].refused_until_ms > wall_ms)
			out[count++] = (struct start_refused){
				.address = p->addresses[i].address,
				.left_ms = p->addresses[i].refused_until_ms -
					   wall_ms,
			};
	return count;
}
