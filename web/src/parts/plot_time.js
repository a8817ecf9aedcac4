// Where the labels of a time axis stand: at most seven, on round times of the
// customer's zone; the first of a day shows the date.
import { clock, day, same_day, zone_offset_ms } from '../words.js';

const minute = 60000;
const hour = 60 * minute;
const steps = [minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour,
	3 * hour, 4 * hour, 6 * hour, 12 * hour, 24 * hour, 48 * hour, 7 * 24 * hour];
const labels_max = 7;

// Times (ms) of the labels between two times.
export function label_times(from, to) {
	const step = steps.find((s) => (to - from) / s < labels_max) ?? steps.at(-1);
	const offset = zone_offset_ms(from);
	const out = [];
	for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step)
		out.push(at);
	return out;
}

export function label_texts(times) {
	return times.map((at, i) => i > 0 && !same_day(at, times[i - 1]) ? day(at)
		: times.length > 1 && times[1] - times[0] >= 24 * hour ? day(at) : clock(at));
}
