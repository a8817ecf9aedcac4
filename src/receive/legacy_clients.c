/* The table of old clients; see legacy_clients.h. A handshake costs more than
 * a walk over all rows, and legacy listeners have few clients. */
#include "receive/legacy_clients.h"

#include <stdlib.h>

#include "os/thread.h"

struct legacy_clients {
	struct os_mutex *mutex;
	size_t count;
	uint64_t lost;
	struct legacy_client rows[LEGACY_CLIENTS_MAX];
};

bool legacy_clients_new(struct legacy_clients **out, struct err *err)
{
	struct legacy_clients *t = calloc(1, sizeof(*t));
	*out = NULL;
	if (t == NULL)
		return err_set_memory(err, "legacy_clients");
	if (!os_mutex_new(&t->mutex, err)) {
		free(t);
		return false;
	}
	*out = t;
	return true;
}

void legacy_clients_free(struct legacy_clients **tp)
{
	struct legacy_clients *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	os_mutex_free(&t->mutex);
	free(t);
}

/* Its row, the next free one, or the one that was silent for longest. */
static struct legacy_client *row_of(struct legacy_clients *t,
				    const struct ip_addr *address)
{
	struct legacy_client *oldest = &t->rows[0];
	invariant(t->count <= LEGACY_CLIENTS_MAX);
	for (size_t i = 0; i < t->count; i++) {
		if (ip_addr_eq(&t->rows[i].address, address))
			return &t->rows[i];
		if (t->rows[i].last_ms < oldest->last_ms)
			oldest = &t->rows[i];
	}
	if (t->count < LEGACY_CLIENTS_MAX)
		oldest = &t->rows[t->count++];
	else
		t->lost += oldest->handshakes;
	*oldest = (struct legacy_client){ .address = *address };
	return oldest;
}

bool legacy_clients_note(struct legacy_clients *t,
			 const struct legacy_client *seen, int64_t now_ms,
			 struct legacy_client *out)
{
	os_mutex_lock(t->mutex);
	struct legacy_client *row = row_of(t, &seen->address);
	bool is_new = row->handshakes == 0;
	bool due = is_new || now_ms - row->told_ms >= LEGACY_TOLD_EVERY_MS;
	if (is_new)
		row->first_ms = now_ms;
	if (due)
		row->told_ms = now_ms;
	if (seen->customer != 0)
		row->customer = seen->customer;
	memcpy(row->version, seen->version, sizeof(row->version));
	memcpy(row->cipher, seen->cipher, sizeof(row->cipher));
	row->handshakes++;
	row->last_ms = now_ms;
	*out = *row;
	os_mutex_unlock(t->mutex);
	return due;
}

size_t legacy_clients_take(struct legacy_clients *t,
			   struct legacy_client *rows, uint64_t *lost)
{
	os_mutex_lock(t->mutex);
	size_t count = t->count;
	memcpy(rows, t->rows, count * sizeof(*rows));
	*lost = t->lost;
	t->count = 0;
	t->lost = 0;
	os_mutex_unlock(t->mutex);
	return count;
}
