// Where mail goes: each destination with its connections, failures in a row, and
// until when nothing is tried.
import { html } from '../html.js';
import { api } from '../api.js';
import { t, num, clock } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';

export default function Destinations() {
	const look = use_look('destinations', (signal) => api.get('/operator/destinations', { signal }), [live.value.queue_at]);
	const columns = [
		{ key: 'destination', title: t('queue.destination'), head: true },
		{ key: 'connections', title: t('operator.connections'), num: true, cell: (r) => `${num(r.connections)} / ${num(r.connections_max)}` },
		{ key: 'failures', title: t('operator.failures'), num: true, cell: (r) => num(r.failures) },
		{ key: 'not_before', title: t('operator.paused_until'), cell: (r) => r.not_before && clock(r.not_before) },
	];
	return html`<${Page} title=${t('operator.destinations')}><${Card} flush>
		<${Look} of=${look} rows=${8}>${({ items }) => html`<${Table} name=${t('operator.destinations')} cards columns=${columns} rows=${items}
			row_key=${(r) => r.destination} empty=${t('queue.empty')} />`}<//><//><//>`;
}
