// A moment as <time>: at full length on hover, in the form asked for.
import { html } from '../html.js';
import { clock, clock_seconds, clock_ms, day, full_day, moment } from '../words.js';

const forms = { clock, seconds: clock_seconds, ms: clock_ms, day, full_day, moment };

export function Time({ at, form = 'moment' }) {
	if (!at)
		return html`<span>–</span>`;
	return html`<time datetime=${at} title=${`${full_day(at)} ${clock_seconds(at)}`}>
		${forms[form](at)}</time>`;
}
