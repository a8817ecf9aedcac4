// The queue message by message: filter in the address, tick boxes, the same acts
// on the ticked ones or on all of the filter.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, place, set_query } from '../router.js';
import { may } from '../session.js';
import { t, clock, duration, num } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Pager } from '../parts/pager.js';
import { Mark, state_kind } from '../parts/badge.js';
import { SelectField, TextField } from '../parts/field.js';
import { BulkPanel } from '../parts/bulk_panel.js';
import { state_words } from './message.js';

const ages = ['5m', '15m', '1h', '4h', '1d', '5d'];
const filters = ['destination', 'age', 'state', 'from'];

export default function QueueList({ customer }) {
	const { query } = place.value;
	const [ticked, set_ticked] = useState(new Set());
	const asked = Object.fromEntries(filters.filter((f) => query.get(f)).map((f) => [f, query.get(f)]));
	const look = use_look(`${customer}?${query}`, (signal) => api.get(of(customer, 'queue', 'messages'),
		{ signal, query: { ...asked, cursor: query.get('cursor') } }));
	const tick = (id, on) => { const next = new Set(ticked); on ? next.add(id) : next.delete(id); set_ticked(next); };
	const done = () => { set_ticked(new Set()); look.reload(); };
	return html`<${Page} title=${t('queue.list_title')} up=${{ href: at(customer, 'queue'), title: t('queue.title') }}>
		<${Card} flush><${Filters} query=${query} />
		<${Look} of=${look} rows=${8}>${(data) => html`
			<${Table} name=${t('queue.list_title')} dense cards columns=${columns(customer, ticked, tick)} rows=${data.items.map(shown)}
				row_key=${(r) => r.id} empty=${html`<p>${t('queue.none')}</p>`} />
			<${Pager} next=${data.next} />`}<//><//>
		${ticked.size > 0 && html`<${BulkPanel} customer=${customer} selection=${{ ids: [...ticked] }} count=${ticked.size}
			what=${t('queue.ticked')} done=${done} clear=${() => set_ticked(new Set())} />`}<//>`;
}

function Filters({ query }) {
	const [from, set_from] = useState(query.get('from') ?? '');
	const [destination, set_destination] = useState(query.get('destination') ?? '');
	const set = (name) => (value) => set_query({ [name]: value, cursor: null });
	const submit = (event) => { event.preventDefault(); set_query({ from, destination, cursor: null }); };
	return html`<form class="filters" role="search" aria-label=${t('messages.filter')} onSubmit=${submit}>
		<${TextField} label=${t('queue.destination')} value=${destination} onValue=${set_destination} onChange=${submit} />
		<${TextField} label=${t('messages.by_from')} value=${from} onValue=${set_from} onChange=${submit} />
		<${SelectField} label=${t('queue.age')} value=${query.get('age') ?? ''} onValue=${set('age')}
			options=${[['', t('messages.any')], ...ages.map((a) => [a, t(`age_of.${a}`)])]} />
		<${SelectField} label=${t('messages.state')} value=${query.get('state') ?? ''} onValue=${set('state')}
			options=${[['', t('messages.any')], ...['deferred', 'held'].map((s) => [s, t(`state.${s}`)])]} /></form>`;
}

const worst = ['held', 'deferred', 'waiting'];
const by_state = (a, b) => worst.indexOf(a.state) - worst.indexOf(b.state);

// A row as it is shown: of several recipients the first that is held, else that
// was tried; when the next try of any is.
function shown(row) {
	const [first] = [...row.recipients].sort(by_state);
	const next = row.recipients.map((r) => r.next_at).filter(Boolean).sort()[0];
	return { ...row, to: row.recipients[0]?.to, more: row.recipients.length - 1, state: first?.state,
		destination: first?.destination, reply: first?.reply, next_at: next };
}

function columns(customer, ticked, tick) {
	const box = { key: 'tick', title: t('queue.choose'), unseen: true, cell: (r) => html`<input type="checkbox"
		checked=${ticked.has(r.id)} aria-label=${t('queue.choose_one', { from: r.from || '<>', to: r.to })}
		onChange=${(e) => tick(r.id, e.currentTarget.checked)} />` };
	return [
		...(may('queue') ? [box] : []),
		{ key: 'who', title: t('messages.who'), head: true, grow: true, cell: (r) => html`<a
			href=${at(customer, 'messages', r.id)}>${r.from || '<>'}${r.to && ` → ${r.to}`}${r.more > 0 && ` +${num(r.more)}`}</a>` },
		{ key: 'state', title: t('messages.state'), cell: (r) => html`<${Mark} kind=${state_kind[r.state] ?? 'note'}>${state_words(r.state)}<//>` },
		{ key: 'age', title: t('queue.age'), num: true, cell: (r) => r.accepted_at && duration(Date.now() - Date.parse(r.accepted_at)) },
		{ key: 'destination', title: t('queue.destination') },
		{ key: 'next', title: t('message.next'), cell: (r) => r.next_at && clock(r.next_at) },
		{ key: 'reply', title: t('messages.reply'), cell: (r) => html`<code>${r.reply ?? '–'}</code>` },
	];
}
