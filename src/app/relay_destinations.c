/* queue.destinations, answered inside relay: where mail goes and how it
 * fares. No shard is asked. See relay_calls.h. */
#include "app/relay_calls_private.h"

#include "os/clock.h"

static void row(struct control_answer *a, const struct destination *d)
{
	int64_t until = atomic_load(&d->not_before_ms);
	struct buf text;
	struct json j;
	buf_init(&text, 4096);
	json_init(&j, &text);
	json_object_begin(&j);
	json_member_cstr(&j, "destination", d->name);
	json_member_u64(&j, "connections", atomic_load(&d->active));
	json_member_u64(&j, "connections_max", d->concurrency_max);
	json_member_u64(&j, "failures", atomic_load(&d->failures));
	json_key(&j, "not_before");
	if (until > os_wall_ms())
		json_time_ms(&j, until);
	else
		json_put_null(&j);
	json_object_end(&j);
	control_answer_row(a, buf_slice(&text));
	buf_fini(&text);
}

void relay_call_destinations(const struct relay_ask *ask)
{
	const struct destinations *all = relay_core_destinations(ask->core);
	uint32_t n = atomic_load(&all->count);
	for (uint32_t i = DESTINATION_UNROUTED + 1; i < n; i++)
		row(ask->answer, destinations_at(all, i));
	control_answer_end(ask->answer, EXIT_FINE, (slice){ 0 });
}
