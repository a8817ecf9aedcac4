// Customers: search first, never all of them at once.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { at, go, place, set_query } from '../router.js';
import { tell } from '../status.js';
import { t, t_or, num } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Pager } from '../parts/pager.js';
import { Mark } from '../parts/badge.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icon.js';
import { Note } from '../parts/note.js';
import { SelectField, TextField, error_of } from '../parts/field.js';

export const billings = ['trial', 'unpaid', 'paid'];

export default function Customers() {
	const { query } = place.value;
	const [adding, set_adding] = useState(false);
	const asked = { search: query.get('search'), cursor: query.get('cursor'), limit: 50 };
	const look = use_look(String(query), (signal) => api.get('/customers', { signal, query: asked }));
	return html`<${Page} title=${t('operator.customers')} actions=${html`<button class="button primary"
			onClick=${() => set_adding(true)}><${Icon} name="plus" />${t('operator.add_customer')}</button>`}>
		<${Card} flush><${Filter} query=${query} />
		<${Look} of=${look} rows=${8}>${(data) => html`<${Table} name=${t('operator.customers')} cards columns=${columns()}
			rows=${data.items} row_key=${(c) => c.name} empty=${t('operator.no_customer')} /><${Pager} next=${data.next} />`}<//><//>
		${adding && html`<${Add} close=${() => set_adding(false)} />`}<//>`;
}

function Filter({ query }) {
	const [search, set_search] = useState(query.get('search') ?? '');
	const submit = (event) => { event.preventDefault(); set_query({ search: search.trim(), cursor: null }); };
	return html`<form class="filters" role="search" aria-label=${t('messages.filter')} onSubmit=${submit}>
		<${TextField} grow label=${t('operator.search')} type="search" value=${search} onValue=${set_search} onChange=${submit} /></form>`;
}

export function customer_state(c) {
	if (c.closing)
		return html`<${Mark} kind="off">${t('operator.closing')}<//>`;
	return c.suspended ? html`<${Mark} kind="held">${t('users.suspended')}<//>` : html`<${Mark} kind="ok">${t('users.active')}<//>`;
}

function columns() {
	return [
		{ key: 'name', title: t('operator.customer'), head: true, cell: (c) => html`<a
			href=${`/operator/customers/${encodeURIComponent(c.name)}`}>${c.name}</a>` },
		{ key: 'state', title: t('messages.state'), cell: customer_state },
		{ key: 'billing', title: t('operator.billing'), cell: (c) => t_or(`billing.${c.billing}`, c.billing) },
		{ key: 'licences', title: t('operator.licences'), num: true, cell: (c) => num(c.licences) },
		{ key: 'domains', title: t('domains.title'), num: true, cell: (c) => num(c.domains) },
		{ key: 'users', title: t('users.title'), num: true, cell: (c) => num(c.users) },
		{ key: 'open', title: t('queue.acts'), unseen: true, class: 'num', cell: (c) => html`<a class="button small"
			href=${at(c.name)} aria-label=${`${t('operator.look')}: ${c.name}`}>${t('operator.look')}</a>` },
	];
}

function Add({ close }) {
	const [name, set_name] = useState('');
	const [licences, set_licences] = useState('1');
	const [billing, set_billing] = useState('trial');
	const [problem, set_problem] = useState(null);
	const submit = async (event) => {
		event.preventDefault();
		try {
			await api.post('/customers', { name: name.trim(), licences: Number(licences), billing });
			go(`/operator/customers/${encodeURIComponent(name.trim())}`);
			tell(t('operator.customer_added', { name: name.trim() }));
		} catch (bad) {
			set_problem(bad);
		}
	};
	const error = (field) => error_of(problem?.errors, field);
	return html`<${Dialog} title=${t('operator.add_customer')} onClose=${close}><form class="form" onSubmit=${submit}>
		${problem && !problem.errors.length && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		<${TextField} label=${t('operator.customer')} required value=${name} onValue=${set_name} error=${error('name')} />
		<${TextField} label=${t('operator.licences')} type="number" min="1" required value=${licences} onValue=${set_licences} error=${error('licences')} />
		<${SelectField} label=${t('operator.billing')} value=${billing} onValue=${set_billing} options=${billings.map((b) => [b, t(`billing.${b}`)])} />
		<p class="actions"><button class="button primary">${t('operator.add_customer')}</button>
			<button type="button" class="button" onClick=${close}>${t('act.cancel')}</button></p></form><//>`;
}
