// One customer as the operator changes it: licences, billing, plan, private
// addresses; suspending says what it means first.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { attempt, tell } from '../status.js';
import { t, num } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Confirm } from '../parts/confirm.js';
import { Note } from '../parts/note.js';
import { SelectField, TextField, Tick, error_of } from '../parts/field.js';
import { billings, customer_state } from './customers.js';

export default function Customer({ name }) {
	const look = use_look(name, (signal) => api.get(of(name), { signal }));
	const [asking, set_asking] = useState(false);
	const customer = look.data.value;
	const suspend = (suspended) => {
		set_asking(false);
		attempt(() => api.patch(of(name), { suspended }), { then: look.reload, undo: () => suspend(!suspended),
			said: t(suspended ? 'operator.suspended' : 'operator.resumed', { name }) });
	};
	const acts = customer && html`<a class="button" href=${at(name)}>${t('operator.look')}</a>
		${customer.suspended ? html`<button class="button" onClick=${() => suspend(false)}>${t('users.resume')}</button>`
		: html`<button class="button danger" onClick=${() => set_asking(true)}>${t('users.suspend')}…</button>`}`;
	return html`<${Page} title=${name} up=${{ href: '/operator/customers', title: t('operator.customers') }}
		badges=${customer && customer_state(customer)} actions=${acts}>
		<${Look} of=${look} rows=${6}>${() => html`<div class="pair"><${Change} key=${name} customer=${customer} reload=${look.reload} />
			<${About} customer=${customer} /></div>`}<//>
		${asking && html`<${Confirm} title=${t('operator.suspend_ask', { name })} act=${t('users.suspend')} run=${() => suspend(true)}
			close=${() => set_asking(false)}>${t('operator.suspend_means')}<//>`}<//>`;
}

function Change({ customer, reload }) {
	const [licences, set_licences] = useState(String(customer.licences));
	const [billing, set_billing] = useState(customer.billing);
	const [private_ok, set_private] = useState(Boolean(customer.allow_private_addresses));
	const [problem, set_problem] = useState(null);
	const save = async (event) => {
		event.preventDefault();
		set_problem(null);
		try {
			await api.patch(of(customer.name), { licences: Number(licences), billing, allow_private_addresses: private_ok });
			tell(t('users.saved'));
			reload();
		} catch (bad) {
			set_problem(bad);
		}
	};
	return html`<${Card} title=${t('limits.title')}><form class="form" onSubmit=${save}>
		${problem && !problem.errors.length && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		<${TextField} label=${t('operator.licences')} type="number" min="1" required value=${licences} onValue=${set_licences}
			error=${error_of(problem?.errors, 'licences')} />
		<${SelectField} label=${t('operator.billing')} value=${billing} onValue=${set_billing} options=${billings.map((b) => [b, t(`billing.${b}`)])} />
		<${Tick} label=${t('operator.private_ok')} checked=${private_ok} onPick=${set_private} />
		<p><button class="button primary">${t('act.save')}</button></p></form><//>`;
}

function About({ customer: c }) {
	const link = (page, word) => html`<a href=${at(c.name, page)}>${word}</a>`;
	return html`<${Card} title=${t('operator.customer')}><${Facts} rows=${[
		[t('operator.plan'), c.plan],
		[link('domains', t('domains.title')), c.domains != null && num(c.domains)],
		[link('users', t('users.title')), c.users != null && num(c.users)],
		[link('settings', t('operator.settings')), c.settings != null && num(c.settings)],
		[link('limits', t('limits.title')), ''],
		[link('audit', t('audit.title')), ''],
	]} /><//>`;
}
