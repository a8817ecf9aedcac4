// Where mail goes: each destination with its state, connections and what waits.
import { html } from '../html.js';
import { api } from '../api.js';
import { t, num, has_word, clock } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Mark } from '../parts/badge.js';
import { destination_kind } from '../queue_words.js';

export default function Destinations() {
	const look = use_look('destinations', (signal) => api.get('/operator/destinations', { signal }), [live.value.queue_at]);
	return html`<${Page} title=${t('operator.destinations')}><${Card} flush>
		<${Look} of=${look} rows=${8}>${({ items }) => html`<${Table} name=${t('operator.destinations')} columns=${columns(items)} rows=${items}
			empty=${t('queue.empty')} />`}<//><//><//>`;
}

// Known members get a column when any row has them.
function columns(items) {
	const has = (key) => items.some((r) => r[key] !== undefined);
	return [
		{ key: 'name', title: t('queue.destination'), head: true, cell: (r) => r.destination ?? r.name },
		has('state') && { key: 'state', title: t('messages.state'), cell: (r) => html`<${Mark} kind=${destination_kind[r.state] ?? 'note'}>
			${has_word(`destination.${r.state}`) ? t(`destination.${r.state}`) : r.state}<//>` },
		has('connections') && { key: 'connections', title: t('operator.connections'), num: true, cell: (r) => num(r.connections) },
		has('waiting') && { key: 'waiting', title: t('state.waiting'), num: true, cell: (r) => num(r.waiting) },
		has('messages') && { key: 'messages', title: t('queue.messages'), num: true, cell: (r) => num(r.messages) },
		has('recipients') && { key: 'recipients', title: t('numbers.recipients'), num: true, cell: (r) => num(r.recipients) },
		has('paused_until') && { key: 'paused_until', title: t('operator.paused_until'), cell: (r) => r.paused_until && clock(r.paused_until) },
		has('reply') && { key: 'reply', title: t('messages.reply'), cell: (r) => html`<code>${r.reply ?? '–'}</code>` },
	].filter(Boolean);
}
