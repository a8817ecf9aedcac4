// Who changed what, as what role, from where: a row opens before and after side
// by side. Filters in the address.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { place, set_query } from '../router.js';
import { t, t_or, has_word } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { TextField } from '../parts/field.js';
import { Changed } from '../parts/changed.js';
import { Time } from '../parts/time.js';

const page_rows = 50;

export default function Audit({ customer }) {
	const { query } = place.value;
	const asked = { object: query.get('object'), by: query.get('by'), before: query.get('before'), limit: page_rows };
	const look = use_look(`${customer}?${query}`, (signal) => api.get(customer ? of(customer, 'audit') : '/operator/audit', { signal, query: asked }));
	return html`<${Page} title=${t('audit.title')} lead=${t('audit.lead')}>
		<${Card} flush><${Filters} query=${query} />
		<${Look} of=${look} rows=${8}>${({ items }) => html`<${Entries} items=${items} />
			${items.length === page_rows && html`<nav class="pager" aria-label=${t('list.pages')}><button class="button"
				onClick=${() => set_query({ before: items.at(-1).id })}>${t('list.next', { n: page_rows })}</button></nav>`}`}<//><//><//>`;
}

function Filters({ query }) {
	const [object, set_object] = useState(query.get('object') ?? '');
	const [who, set_who] = useState(query.get('by') ?? '');
	const submit = (event) => { event.preventDefault(); set_query({ object, by: who, before: null }); };
	return html`<form class="filters" role="search" aria-label=${t('messages.filter')} onSubmit=${submit}>
		<${TextField} label=${t('audit.who')} value=${who} onValue=${set_who} onChange=${submit} />
		<${TextField} grow label=${t('audit.object')} value=${object} onValue=${set_object} onChange=${submit} /></form>`;
}

// "setting head-office" → the kind in words and the name.
function object_words(object) {
	const [kind, ...rest] = (object ?? '').split(' ');
	return has_word(`audit.kind_${kind}`) ? `${t(`audit.kind_${kind}`)} ${rest.join(' ')}` : object;
}

function what_words(row) {
	const key = row.before === null ? 'made' : row.after === null ? 'removed' : 'changed';
	const values = { what: object_words(row.object) };
	return t_or(`audit.call_${row.call}`, t(`audit.${key}`, values), values);
}

function Entries({ items }) {
	if (items.length === 0)
		return html`<div class="empty">${t('audit.none')}</div>`;
	return html`<ul class="audit">${items.map((row) => html`<${Entry} key=${row.id} row=${row} />`)}</ul>`;
}

function Entry({ row }) {
	const [open, set_open] = useState(false);
	const who = [row.who, row.role && t_or(`role.${row.role}`, null), row.client].filter(Boolean).join(' · ');
	return html`<li><details onToggle=${(e) => set_open(e.currentTarget.open)}><summary>
		<span class="audit-when"><${Time} at=${row.at} /></span><span class="audit-what">${what_words(row)}</span>
		<span class="hint">${who}</span></summary>
		${open && html`<${Changed} before=${row.before} after=${row.after} />
			${row.revision && html`<p class="hint audit-revision">${t('audit.revision', { n: row.revision })}</p>`}`}</details></li>`;
}
