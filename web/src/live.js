// What the server tells while a page is open: one event stream says when
// something new can be looked at. `live` holds the last event, `stale` whether
// nothing came for 15 s. Pages pass live.value.queue_at and the like to
// use_look as what asks again.
import { signal } from '@preact/signals';

export const live = signal({});
export const last_event_at = signal(null);
export const stale = signal(false);

const stale_ms = 15000;
let source = null;
let watch = null;

export function start_live() {
	stop_live();
	heard();
	open_stream();
	watch = setInterval(look_at_clock, 1000);
}

function open_stream() {
	source?.close();
	source = new EventSource('/api/v1/events');
	source.onmessage = take;
	source.addEventListener('tick', take);
}

export function stop_live() {
	source?.close();
	source = null;
	clearInterval(watch);
	stale.value = false;
}

function heard() {
	last_event_at.value = Date.now();
	stale.value = false;
}

function take(event) {
	heard();
	try {
		live.value = { ...live.value, ...JSON.parse(event.data) };
	} catch {
		// A line that is no JSON tells only that the server is there.
	}
}

function look_at_clock() {
	stale.value = Date.now() - last_event_at.value > stale_ms;
	if (stale.value && source?.readyState === EventSource.CLOSED)
		open_stream();
}
