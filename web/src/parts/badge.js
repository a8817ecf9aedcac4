// Status in three ways at once: shape, word, colour. `kinds` is the list of
// CONSOLE.md section 16.
import { html } from '../html.js';
import { Icon } from './icon.js';

export const kinds = {
	ok: { icon: 'ok', tone: 'ok' },
	deferred: { icon: 'clock', tone: 'warn' },
	failed: { icon: 'cross', tone: 'bad' },
	refused: { icon: 'octagon', tone: 'bad' },
	warn: { icon: 'triangle', tone: 'warn' },
	held: { icon: 'pause', tone: 'held' },
	draft: { icon: 'pencil', tone: 'held' },
	off: { icon: 'dotted', tone: 'off' },
	live: { icon: 'live', tone: 'ok' },
	note: { icon: 'info', tone: 'info' },
};

// States of messages and recipients by the names the API gives them.
export const state_kind = {
	accepted: 'ok', delivered: 'ok', relayed: 'ok', deferred: 'deferred', queued: 'deferred',
	failed: 'failed', expired: 'failed', held: 'held', refused: 'refused',
	removed: 'off', returned: 'failed', waiting: 'deferred',
};

export function Badge({ kind, children }) {
	const { icon, tone } = kinds[kind] ?? kinds.note;
	return html`<span class=${`badge tone-${tone}`}><${Icon} name=${icon} />
		<span>${children}</span></span>`;
}

// The same without the pill, for rows.
export function Mark({ kind, children }) {
	const { icon, tone } = kinds[kind] ?? kinds.note;
	return html`<span class=${`mark tone-${tone}`}><${Icon} name=${icon} />
		<span>${children}</span></span>`;
}
