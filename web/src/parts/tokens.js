// API tokens: name, scopes, expiry; the secret is shown once, in a dialog that
// Esc does not close.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { is_operator } from '../session.js';
import { Card } from './card.js';
import { Table } from './table.js';
import { Dialog } from './dialog.js';
import { Code } from './copy.js';
import { Once } from './once.js';
import { TextField, Tick } from './field.js';
import { Time } from './time.js';
import { Icon } from './icon.js';
import { Note } from './note.js';

const scopes = ['look', 'settings', 'users', 'queue'];

export function Tokens() {
	const [making, set_making] = useState(false);
	const [made, set_made] = useState(null);
	const look = use_look('tokens', (signal) => api.get('/account/tokens', { signal }));
	const remove = (token) => attempt(() => api.remove(`/account/tokens/${encodeURIComponent(token.id)}`),
		{ said: t('tokens.revoked', { name: token.name }), then: look.reload });
	const columns = [
		{ key: 'name', title: t('tokens.name'), head: true },
		{ key: 'scopes', title: t('tokens.scopes'), cell: (k) => k.scopes.map((s) => t(`scope.${s}`)).join(', ') },
		{ key: 'expires_at', title: t('tokens.expires'), cell: (k) => html`<${Time} at=${k.expires_at} form="full_day" />` },
		{ key: 'used', title: t('tokens.used'), cell: (k) => html`<${Time} at=${k.last_used_at} />` },
		{ key: 'act', title: t('queue.acts'), unseen: true, class: 'num', cell: (k) => html`<button class="button small danger"
			aria-label=${`${t('tokens.revoke')}: ${k.name}`} onClick=${() => remove(k)}>${t('tokens.revoke')}</button>` },
	];
	return html`<${Card} flush title=${t('tokens.title')} lead=${t('tokens.lead')} aside=${html`<button class="button small"
			onClick=${() => set_making(true)}><${Icon} name="plus" />${t('tokens.make')}</button>`}>
		<${Look} of=${look} rows=${2}>${({ items }) => html`<${Table} name=${t('tokens.title')} cards columns=${columns} rows=${items}
			row_key=${(k) => k.id} empty=${t('tokens.none')} />`}<//>
		${making && html`<${Make} cancel=${() => set_making(false)}
			done=${(token) => { set_making(false); set_made(token); look.reload(); }} />`}
		${made && html`<${Once} title=${t('tokens.made', { name: made.name })} close=${() => set_made(null)}>
			<${Code} name=${t('tokens.token')} text=${made.token} /><//>`}<//>`;
}

function Make({ cancel, done }) {
	const [name, set_name] = useState('');
	const [days, set_days] = useState('90');
	const [chosen, set_chosen] = useState(new Set(['look']));
	const [problem, set_problem] = useState(null);
	const all = is_operator.value ? [...scopes, 'operate'] : scopes;
	const pick = (scope) => (on) => { const next = new Set(chosen); on ? next.add(scope) : next.delete(scope); set_chosen(next); };
	const submit = async (event) => {
		event.preventDefault();
		const expires_at = new Date(Date.now() + Number(days) * 86400e3).toISOString();
		try {
			done(await api.post('/account/tokens', { name, scopes: [...chosen], expires_at }));
		} catch (bad) {
			set_problem(bad);
		}
	};
	return html`<${Dialog} title=${t('tokens.make')} onClose=${cancel}><form class="form" onSubmit=${submit}>
		${problem && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		<${TextField} label=${t('tokens.name')} hint=${t('tokens.name_hint')} required value=${name} onValue=${set_name} />
		<fieldset class="plain"><legend>${t('tokens.scopes')}</legend>${all.map((s) => html`<${Tick} key=${s}
			label=${t(`scope.${s}`)} checked=${chosen.has(s)} onPick=${pick(s)} />`)}</fieldset>
		<${TextField} label=${t('tokens.days')} type="number" min="1" max="365" required value=${days} onValue=${set_days} />
		<p class="actions"><button class="button primary">${t('tokens.make')}</button>
			<button type="button" class="button" onClick=${cancel}>${t('act.cancel')}</button></p></form><//>`;
}
