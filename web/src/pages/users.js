// The users of a customer: search by prefix, 50 a page, and a new one.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go, place, set_query } from '../router.js';
import { may } from '../session.js';
import { tell } from '../status.js';
import { t, list } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Pager } from '../parts/pager.js';
import { Mark } from '../parts/badge.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icon.js';
import { TextField, error_of } from '../parts/field.js';
import { Note } from '../parts/note.js';

export default function Users({ customer }) {
	const { query } = place.value;
	const [adding, set_adding] = useState(query.has('add'));
	const asked = { prefix: query.get('prefix') ?? '', cursor: query.get('cursor') ?? '', limit: 50 };
	const look = use_look(`${customer}?${query}`, (signal) => api.get(of(customer, 'users'), { signal, query: asked }));
	const close = () => { set_adding(false); set_query({ add: null }, { step: false }); };
	return html`<${Page} title=${t('users.title')} lead=${t('users.lead')} actions=${may('users') && html`<button class="button primary"
			onClick=${() => set_adding(true)}><${Icon} name="plus" />${t('users.add')}</button>`}>
		<${Card} flush><${Filter} query=${query} />
		<${Look} of=${look} rows=${8}>${(data) => html`<${Table} name=${t('users.title')} cards columns=${columns(customer)}
			rows=${data.items} row_key=${(u) => u.address} empty=${t(query.get('prefix') ? 'users.no_match' : 'users.none')} />
			<${Pager} next=${data.next} />`}<//><//>
		${adding && html`<${Add} customer=${customer} first=${query.get('add') ?? ''} close=${close} />`}<//>`;
}

function Filter({ query }) {
	const [prefix, set_prefix] = useState(query.get('prefix') ?? '');
	const submit = (event) => { event.preventDefault(); set_query({ prefix: prefix.trim(), cursor: null }); };
	return html`<form class="filters" role="search" aria-label=${t('messages.filter')} onSubmit=${submit}>
		<${TextField} grow label=${t('users.prefix')} type="search" value=${prefix} onValue=${set_prefix} onChange=${submit} /></form>`;
}

export function user_state(user) {
	return user.suspended ? html`<${Mark} kind="held">${t('users.suspended')}<//>` : html`<${Mark} kind="ok">${t('users.active')}<//>`;
}

function columns(customer) {
	return [
		{ key: 'address', title: t('users.address'), head: true, cell: (u) => html`<a href=${at(customer, 'users', u.address)}>${u.address}</a>` },
		{ key: 'role', title: t('users.role'), cell: (u) => t(`role.${u.role}`) },
		{ key: 'org_unit', title: t('users.unit') },
		{ key: 'state', title: t('messages.state'), cell: user_state },
		{ key: 'aliases', title: t('users.aliases'), cell: (u) => u.aliases?.length > 0 && list(u.aliases.slice(0, 3)) },
	];
}

function Add({ customer, first, close }) {
	const [address, set_address] = useState(first);
	const [problem, set_problem] = useState(null);
	const submit = async (event) => {
		event.preventDefault();
		try {
			await api.post(of(customer, 'users'), { address: address.trim() });
			go(at(customer, 'users', address.trim()));
			tell(t('users.added', { address: address.trim() }));
		} catch (bad) {
			set_problem(bad);
		}
	};
	const own = error_of(problem?.errors, 'address');
	return html`<${Dialog} title=${t('users.add')} onClose=${close}><form class="form" onSubmit=${submit}>
		${problem && !own && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		<${TextField} label=${t('users.address')} type="email" required mono value=${address} onValue=${set_address} error=${own}
			onFix=${(fix) => set_address(fix.value)} />
		<p class="actions"><button class="button primary">${t('users.add')}</button>
			<button type="button" class="button" onClick=${close}>${t('act.cancel')}</button></p></form><//>`;
}
