// The app passwords of a user. A new one is bound to a sender and an address
// range if wanted, and shown once in a dialog that Esc does not close.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { may } from '../session.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Card } from './card.js';
import { Table } from './table.js';
import { Dialog } from './dialog.js';
import { Code } from './copy.js';
import { Once } from './once.js';
import { Icon } from './icon.js';
import { Note } from './note.js';
import { TextField, error_of } from './field.js';
import { Time } from './time.js';

export function AppPasswords({ customer, address }) {
	const path = of(customer, 'users', address, 'app-passwords');
	const look = use_look(path, (signal) => api.get(path, { signal }));
	const [making, set_making] = useState(false);
	const [made, set_made] = useState(null);
	const revoke = (p) => attempt(() => api.remove(of(customer, 'app-passwords', p.id)),
		{ said: t('passwords.revoked', { id: p.id }), then: look.reload });
	return html`<${Card} flush title=${t('passwords.title')} lead=${t('passwords.lead')} aside=${may('users') && html`<button
			class="button small" onClick=${() => set_making(true)}><${Icon} name="plus" />${t('passwords.make')}</button>`}>
		<${Look} of=${look} rows=${3}>${({ items }) => html`<${Table} name=${t('passwords.title')} cards columns=${columns(revoke)}
			rows=${items} row_key=${(p) => p.id} empty=${t('passwords.none')} />`}<//>
		${making && html`<${Make} path=${path} address=${address} cancel=${() => set_making(false)}
			done=${(password) => { set_making(false); set_made(password); look.reload(); }} />`}
		${made && html`<${Once} title=${t('passwords.made_title')} close=${() => set_made(null)}>
			<${Code} name=${t('passwords.user_name')} text=${made.address} />
			<${Code} name=${t('sign_in.password')} text=${made.password} /><//>`}<//>`;
}

function columns(revoke) {
	return [
		{ key: 'id', title: t('passwords.id'), head: true, cell: (p) => html`<code>${p.id}</code>` },
		{ key: 'sender', title: t('passwords.sender'), cell: (p) => p.sender ?? t('passwords.any_own') },
		{ key: 'range', title: t('passwords.range'), cell: (p) => p.range ? html`<code>${p.range}</code>` : t('passwords.anywhere') },
		{ key: 'created_at', title: t('passwords.made'), cell: (p) => html`<${Time} at=${p.created_at} form="full_day" />` },
		{ key: 'used', title: t('tokens.used'), cell: (p) => p.last_used_at && html`<${Time} at=${p.last_used_at} />
			${p.last_used_client && html` <code>${p.last_used_client}</code>`}` },
		...(may('users') ? [{ key: 'act', title: t('queue.acts'), unseen: true, class: 'num', cell: (p) => html`<button
			class="button small danger" aria-label=${`${t('tokens.revoke')}: ${p.id}`} onClick=${() => revoke(p)}>${t('tokens.revoke')}</button>` }] : []),
	];
}

function Make({ path, address, cancel, done }) {
	const [sender, set_sender] = useState(address);
	const [range, set_range] = useState('');
	const [problem, set_problem] = useState(null);
	const submit = async (event) => {
		event.preventDefault();
		const body = Object.fromEntries([['sender', sender.trim()], ['range', range.trim()]].filter(([, v]) => v));
		try {
			done(await api.post(path, body));
		} catch (bad) {
			set_problem(bad);
		}
	};
	const error = (name) => error_of(problem?.errors, name);
	return html`<${Dialog} title=${t('passwords.make')} onClose=${cancel}><form class="form" onSubmit=${submit}>
		${problem && !error('sender') && !error('range') && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		<${TextField} label=${t('passwords.sender')} hint=${t('passwords.sender_hint')} mono value=${sender} onValue=${set_sender} error=${error('sender')} />
		<${TextField} label=${t('passwords.range')} hint=${t('passwords.range_hint')} mono value=${range} onValue=${set_range} error=${error('range')}
			onFix=${(fix) => set_range(fix.value)} />
		<p class="actions"><button class="button primary">${t('passwords.make')}</button>
			<button type="button" class="button" onClick=${cancel}>${t('act.cancel')}</button></p></form><//>`;
}
