// The five numbers, each a link into the list: accepted = delivered + in the
// queue + failed, counted in recipients; refused was never accepted.
import { html } from '../html.js';
import { at } from '../router.js';
import { t, num, duration } from '../words.js';
import { Icon } from './icon.js';

function age(at_time) {
	return at_time ? duration(Date.now() - Date.parse(at_time)) : null;
}

function entries(numbers) {
	const n = numbers;
	return [
		{ key: 'accepted', icon: 'mail', tone: 'text', value: n.accepted, sub: t('numbers.recipients') },
		{ key: 'delivered', icon: 'ok', tone: 'ok', value: n.delivered,
			sub: n.median_ms != null && t('numbers.median', { time: duration(n.median_ms) }) },
		{ key: 'queued', icon: 'clock', tone: 'warn', value: n.queued,
			sub: [n.oldest_queued_at && t('numbers.oldest', { time: age(n.oldest_queued_at) }),
				n.held > 0 && t('numbers.held', { n: n.held })].filter(Boolean).join(' · ') },
		{ key: 'failed', icon: 'cross', tone: 'bad', value: n.failed, sub: t('numbers.reported') },
		{ key: 'refused', icon: 'octagon', tone: 'bad', value: n.refused,
			sub: t('numbers.causes', { n: n.refused_causes ?? 0 }) },
	];
}

function address(customer, key, range) {
	if (key === 'queued')
		return at(customer, 'queue');
	const state = key === 'accepted' ? '' : `&state=${key}`;
	return `${at(customer, 'messages')}?range=${range}${state}`;
}

// Of all customers together there is no list: plain numbers then.
export function Numbers({ customer, range, numbers }) {
	return html`<ul class="numbers card flush">${entries(numbers).map((e) => html`<li key=${e.key}>
		<${customer ? 'a' : 'div'} class="number-box" href=${customer && address(customer, e.key, range)}>
			<span class=${`number-name tone-${e.tone}`}><${Icon} name=${e.icon} /> ${t(`numbers.${e.key}`)}</span>
			<span class="number">${num(e.value)}</span>
			<span class="hint">${e.sub || ' '}</span><//></li>`)}</ul>`;
}
