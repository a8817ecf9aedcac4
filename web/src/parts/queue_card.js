// The five worst destinations of the queue by age, for the overview.
import { html } from '../html.js';
import { at } from '../router.js';
import { t, num } from '../words.js';
import { Look } from '../look.js';
import { Card } from './card.js';
import { Icon } from './icon.js';
import { Table } from './table.js';
import { heat, fold_ages } from '../queue_words.js';

const worst = 5;

export function QueueCard({ customer, look }) {
	const open = html`<a href=${at(customer, 'queue')}>${t('queue.open')}</a>`;
	return html`<${Card} flush title=${t('queue.by_age')} aside=${open}>
		<${Look} of=${look} rows=${4}>${(queue) => html`<${Rows} queue=${queue} />`}<//><//>`;
}

function Rows({ queue }) {
	if (queue.rows.length === 0)
		return html`<p class="row-line"><${Icon} name="ok" class="tone-ok" /><span>${t('queue.empty')}</span></p>`;
	const ages = ['5m', '15m', '1h', '4h', 'older'];
	const rest = fold_ages(rest_of(queue));
	const rows = [...queue.rows.slice(0, worst).map((r) => ({ name: r.destination, counts: fold_ages(r.counts) })),
		...(rest.some((n) => n > 0) ? [{ name: t('queue.others', { n: others_count(queue) }), counts: rest }] : [])];
	const columns = [
		{ key: 'name', title: t('queue.destination'), head: true, cell: (r) => r.name },
		...ages.map((age, i) => ({ key: age, title: t(`age.${age}`), num: true,
			cell: (r) => html`<span class=${`heat ${heat(r.counts[i])}`}>${r.counts[i] ? num(r.counts[i]) : '·'}</span>`,
			class: 'heat-cell' })),
	];
	return html`<${Table} name=${t('queue.by_age')} dense columns=${columns} rows=${rows} />`;
}

function others_count(queue) {
	return (queue.others?.destinations ?? 0) + Math.max(0, queue.rows.length - worst);
}

function rest_of(queue) {
	const out = [...(queue.others?.counts ?? [0, 0, 0, 0, 0, 0])];
	for (const row of queue.rows.slice(worst))
		row.counts.forEach((n, i) => { out[i] += n; });
	return out;
}
