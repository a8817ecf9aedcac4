// Is all well? What needs a person, five honest numbers, results by hour, the
// five worst destinations, limits. Range in the address.
import { useMemo } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go, place, set_query } from '../router.js';
import { t, weekday, clock, day, zone_name } from '../words.js';
import { use_look, Look } from '../look.js';
import { live, stale } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Badge } from '../parts/badge.js';
import { SelectField } from '../parts/field.js';
import { Needs } from '../parts/needs.js';
import { Numbers } from '../parts/numbers.js';
import { Results } from '../parts/results.js';
import { QueueCard } from '../parts/queue_card.js';
import { LimitsCard } from '../parts/limits_card.js';
import { FirstDay } from '../parts/first_day.js';

export const ranges = ['1h', '24h', '7d', '30d'];

export default function Overview({ customer }) {
	const range = ranges.includes(place.value.query.get('range')) ? place.value.query.get('range') : '24h';
	const moved = live.value.overview_at;
	const look = use_look(`${customer} ${range}`, (signal) =>
		api.get(of(customer, 'overview'), { signal, query: { range } }), [moved]);
	const needs = use_look(customer, (signal) => api.get(of(customer, 'needs'), { signal }), [moved]);
	const queue = use_look(customer, (signal) => api.get(of(customer, 'queue'), { signal }),
		[live.value.queue_at]);
	const limits = use_look(customer, (signal) => api.get(of(customer, 'limits'), { signal }), [moved]);
	const data = look.data.value;
	return html`<${Page} title=${t('overview.title')} badges=${data && html`<${AsOf} data=${data} />`}
		actions=${html`<${Range} range=${range} />`}>
		<${Look} of=${needs} rows=${3} optional>${({ items }) =>
			html`<${Needs} customer=${customer} items=${items} />`}<//>
		<div class=${`stack ${stale.value ? 'greyed' : ''}`}>
		<${Look} of=${look} rows=${8}>${(overview) => nothing_yet(overview)
			? html`<${FirstDay} customer=${customer} />`
			: html`<${Numbers} customer=${customer} range=${range} numbers=${overview.numbers} />
				<${Series} customer=${customer} overview=${overview} />`}<//>
		<div class="pair">
			<${QueueCard} customer=${customer} look=${queue} />
			<${LimitsCard} customer=${customer} look=${limits} />
		</div></div><//>`;
}

function nothing_yet({ numbers }) {
	return numbers.accepted === 0 && numbers.refused === 0 && !numbers.queued;
}

export function AsOf({ data }) {
	const { relay } = data;
	return html`<span class="lead">${t('overview.as_of', { day: weekday(data.as_of), time: clock(data.as_of) })}</span>
		<${Badge} kind=${relay.state === 'running' ? 'live' : 'warn'}>${t(relay.state === 'running'
			? 'overview.running' : 'overview.not_running', { n: relay.live, m: relay.nodes })}<//>`;
}

export function Range({ range }) {
	return html`<${SelectField} label=${t('overview.range')} hide_label value=${range}
		options=${ranges.map((r) => [r, t(`range.${r}`)])} onValue=${(r) => set_query({ range: r })} />`;
}

export function Series({ customer, overview }) {
	const { series, causes } = overview;
	const times = useMemo(() => series.accepted.map((_, i) =>
		Date.parse(series.start) + i * series.step_s * 1000), [series]);
	const end = times.at(-1) + series.step_s * 1000;
	const span = t('overview.span', {
		from: `${day(times[0])} ${clock(times[0])}`,
		to: `${day(end)} ${clock(end)}`,
		zone: zone_name(times[0]),
	});
	const pick = customer && ((i) => go(`${at(customer, 'messages')}?since=${new Date(times[i]).toISOString()}&until=${
		new Date(times[i] + series.step_s * 1000).toISOString()}`));
	return html`<${Card} class="results"><${Results} times=${times} series=${series} causes=${causes} span=${span}
		pick=${pick} customer=${customer} /><//>`;
}
