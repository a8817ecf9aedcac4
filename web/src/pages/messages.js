// Messages and refused sessions: filter bar, one row each, 50 a page. All
// filters live in the address.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, place, set_query } from '../router.js';
import { t, num, size, t_or } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Pager } from '../parts/pager.js';
import { Mark, state_kind } from '../parts/badge.js';
import { TextField, SelectField } from '../parts/field.js';
import { Time } from '../parts/time.js';
import { cause_words } from '../refusal_words.js';

const states = ['delivered', 'deferred', 'failed', 'held', 'refused'];
const filters = ['text', 'state', 'cause', 'from', 'to', 'destination', 'setting', 'range', 'since', 'until'];
const ranges = { '1h': 3600e3, '24h': 86400e3, '7d': 7 * 86400e3, '30d': 30 * 86400e3 };

// The filter as the API takes it: a range becomes the moment it begins.
function asked(query) {
	const out = {};
	for (const name of filters)
		if (query.get(name))
			out[name] = query.get(name);
	if (out.range && ranges[out.range])
		out.since ??= new Date(Math.floor((Date.now() - ranges[out.range]) / 60000) * 60000).toISOString();
	delete out.range;
	if (out.cause)                          // a cause is one of refusals only
		for (const name of ['state', 'to', 'destination'])
			delete out[name];
	return out;
}

export default function Messages({ customer }) {
	const { query } = place.value;
	const [seen, set_seen] = useState(0);
	const path = of(customer, query.get('cause') ? 'refusals' : 'messages');
	const look = use_look(`${customer}?${query}#${seen}`, (signal) =>
		api.get(path, { signal, query: { ...asked(query), cursor: query.get('cursor') } }));
	return html`<${Page} title=${t('messages.title')} lead=${t('messages.lead')}>
		<${Card} flush>
			<${Filters} query=${query} />
			<${NewRows} data=${look.data.value} show=${() => set_seen(seen + 1)} />
			<${Look} of=${look} rows=${8}>${(data) => html`<${Rows} customer=${customer} data=${data} />`}<//>
		<//><//>`;
}

// Rows that came since are offered, never put in under the pointer.
function NewRows({ data, show }) {
	if (!data?.as_of || !(live.value.overview_at > Date.parse(data.as_of)))
		return null;
	return html`<div class="new-rows"><button class="button small" onClick=${show}>
		${t('messages.show_new')}</button></div>`;
}

function Filters({ query }) {
	const [text, set_text] = useState(query.get('text') ?? '');
	const set = (name) => (value) => set_query({ [name]: value, cursor: null });
	const submit = (event) => { event.preventDefault(); set('text')(text.trim()); };
	const kept = ['from', 'to', 'destination', 'setting', 'cause'].filter((name) => query.get(name));
	return html`<form class="filters" role="search" aria-label=${t('messages.filter')} onSubmit=${submit}>
		<${TextField} grow label=${t('messages.text')} type="search" value=${text}
			onValue=${set_text} onChange=${submit} placeholder=${t('frame.search_hint')} />
		<${SelectField} label=${t('messages.state')} value=${query.get('state') ?? ''} onValue=${set('state')}
			options=${[['', t('messages.any')], ...states.map((s) => [s, t(`state.${s}`)])]} />
		<${SelectField} label=${t('messages.time')} value=${query.get('range') ?? ''} onValue=${set('range')}
			options=${[['', t('messages.any')], ...Object.keys(ranges).map((r) => [r, t(`range.${r}`)])]} />
		${kept.map((name) => html`<button type="button" class="button small" key=${name}
			aria-label=${t('messages.drop_filter', { what: t(`messages.by_${name}`) })}
			onClick=${() => set(name)(null)}>${t(`messages.by_${name}`)}: ${query.get(name)} ×</button>`)}
	</form>`;
}

function Rows({ customer, data }) {
	const clear = () => set_query(Object.fromEntries([...filters, 'cursor'].map((f) => [f, null])));
	return html`
		<${Table} name=${t('messages.title')} dense cards two_line columns=${columns(customer)} rows=${data.items}
			row_key=${(row) => row.id ?? row.reference}
			empty=${html`<p>${t('messages.none')}</p>
				<button class="button" onClick=${clear}>${t('messages.clear')}</button>`} />
		<${Pager} next=${data.next} />`;
}

function columns(customer) {
	return [
		{ key: 'at', title: t('messages.time'), cell: (r) => html`<${Time} at=${r.at} />`, class: 'nowrap line-1-end' },
		{ key: 'state', title: t('messages.state'), cell: (r) => html`<${State} row=${r} />`, class: 'line-1' },
		{ key: 'from', title: t('messages.who'), head: true, grow: true, class: 'line-2', cell: (r) => who(customer, r) },
		{ key: 'size', title: t('messages.size'), num: true, cell: (r) => size(r.size) },
		{ key: 'client', title: t('messages.client'), cell: (r) => r.client_name ?? r.login ?? r.client },
		{ key: 'reply', title: t('messages.reply'), class: 'line-3', cell: (r) => r.reference ? cause_words(r)
			: html`<code>${r.reply ?? '–'}</code>` },
	];
}

function State({ row }) {
	const state = row.reference ? 'refused' : row.state;
	return html`<${Mark} kind=${state_kind[state] ?? 'note'}>${t_or(`state.${state}`, state)}<//>`;
}

function who(customer, r) {
	const href = r.reference ? at(customer, 'sessions', r.reference) : at(customer, 'messages', r.id);
	const from = r.from || '<>';
	return html`<a href=${href}>${from}${r.to && html` → ${r.to}`}${r.more > 0 && ` +${num(r.more)}`}</a>
		${r.count > 1 && html` <span class="hint">×${num(r.count)}</span>`}`;
}
