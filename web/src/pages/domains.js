// The domains of a customer: in force or waiting for proof; a new one.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go, place } from '../router.js';
import { may } from '../session.js';
import { tell } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Badge } from '../parts/badge.js';
import { Note } from '../parts/note.js';
import { TextField, error_of } from '../parts/field.js';

export default function Domains({ customer }) {
	const look = use_look(customer, (signal) => api.get(of(customer, 'domains'), { signal }));
	return html`<${Page} title=${t('domains.title')} lead=${t('domains.lead')}>
		<${Look} of=${look} rows=${4}>${({ items }) => html`
			${items.length > 0 && html`<${Card} flush><${Table} name=${t('domains.title')} cards columns=${columns(customer)} rows=${items}
				row_key=${(d) => d.name} /><//>`}
			${may('domains') && html`<${Add} customer=${customer} first=${place.value.query.get('add') ?? ''} none=${items.length === 0} />`}`}<//><//>`;
}

export function domain_state(d) {
	if (d.verified === 'pending')
		return html`<${Badge} kind="deferred">${t('domains.waiting')}<//>`;
	return html`<${Badge} kind="ok">${t('domains.in_force')}<//>`;
}

function columns(customer) {
	return [
		{ key: 'name', title: t('domains.name'), head: true, cell: (d) => html`<a href=${at(customer, 'domains', d.name)}>${d.name}</a>` },
		{ key: 'kind', title: t('domains.kind'), cell: (d) => t(`domains.kind_${d.kind}`) },
		{ key: 'state', title: t('messages.state'), cell: domain_state },
		{ key: 'of', title: t('domains.alias_of'), cell: (d) => d.of },
	];
}

function Add({ customer, first, none }) {
	const [name, set_name] = useState(first);
	const [problem, set_problem] = useState(null);
	const submit = async (event) => {
		event.preventDefault();
		try {
			await api.post(of(customer, 'domains'), { name: name.trim(), ...(none && { kind: 'primary' }) });
			go(at(customer, 'domains', name.trim()));
			tell(t('domains.added', { name: name.trim() }));
		} catch (bad) {
			set_problem(bad);
		}
	};
	const own = error_of(problem?.errors, 'name');
	return html`<${Card} title=${t(none ? 'domains.add_first' : 'domains.add')}><form class="form" onSubmit=${submit}>
		${problem && !own && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		<${TextField} label=${t('domains.name')} hint=${t('domains.name_hint')} required mono value=${name} onValue=${set_name} error=${own}
			onFix=${(fix) => set_name(fix.value)} />
		<p><button class="button primary">${t('domains.add')}</button></p></form><//>`;
}
