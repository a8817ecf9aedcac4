// One user: state, role, unit, aliases, app passwords, sign-in to the console.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go } from '../router.js';
import { may, person } from '../session.js';
import { attempt, tell } from '../status.js';
import { t, list } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Once } from '../parts/once.js';
import { Code } from '../parts/copy.js';
import { Note } from '../parts/note.js';
import { AppPasswords } from '../parts/app_passwords.js';
import { EditUser } from '../parts/edit_user.js';
import { user_state } from './users.js';

export default function User({ customer, address }) {
	const look = use_look(`${customer} ${address}`, (signal) => api.get(of(customer, 'users', address), { signal }));
	const [editing, set_editing] = useState(false);
	const user = look.data.value;
	const suspend = (suspended, said) => attempt(() => api.patch(of(customer, 'users', address), { suspended }),
		{ said, then: look.reload, undo: () => suspend(!suspended, t('users.undone')) });
	const acts = user && may('users') && html`<button class="button" onClick=${() => set_editing(true)}>${t('act.edit')}</button>
		${user.suspended ? html`<button class="button" onClick=${() => suspend(false, t('users.resumed', { address }))}>
			${t('users.resume')}</button>`
		: html`<button class="button danger" onClick=${() => suspend(true, t('users.suspended_now', { address }))}>
			${t('users.suspend')}</button>`}`;
	return html`<${Page} title=${address} up=${{ href: at(customer, 'users'), title: t('users.title') }} badges=${user && user_state(user)}
		actions=${acts} aside=${user && html`<${About} customer=${customer} user=${user} /><${Console} customer=${customer} user=${user} />`}>
		<${Look} of=${look} rows=${4}>${() => html`
			${user.suspended && html`<${Note} kind="held">${t('users.suspended_means')}<//>`}
			<${AppPasswords} customer=${customer} address=${address} />`}<//>
		${editing && html`<${EditUser} customer=${customer} user=${user} close=${() => set_editing(false)}
			done=${() => { set_editing(false); look.reload(); tell(t('users.saved')); }} removed=${() => {
				go(at(customer, 'users')); tell(t('users.removed', { address })); }} />`}<//>`;
}

function About({ customer, user }) {
	return html`<${Card} title=${t('users.about')}><${Facts} rows=${[
		[t('users.role'), t(`role.${user.role}`)],
		[t('users.unit'), user.org_unit],
		[t('users.aliases'), user.aliases?.length > 0 ? list(user.aliases) : null],
	]} /><p><a href=${`${at(customer, 'messages')}?from=${encodeURIComponent(user.address)}&range=24h`}>
		${t('message.from_sender', { from: user.address })}</a></p><//>`;
}

// The link by which an administrator sets up signing in; shown once.
function Console({ customer, user }) {
	const [made, set_made] = useState(null);
	if (user.role === 'user' || !may('settings') || user.address === person.value.address)
		return null;
	const invite = () => attempt(() => api.post(of(customer, 'users', user.address, 'invite')), { then: set_made });
	return html`<${Card} title=${t('users.console')}><p class="hint">${t('users.console_lead')}</p>
		<p><button class="button" onClick=${invite}>${t('users.invite')}</button></p>
		${made && html`<${Once} title=${t('users.invite_made')} close=${() => set_made(null)}>
			<p>${t('users.invite_send', { address: user.address })}</p><${Code} name=${t('users.invite_link')} text=${made.link} /><//>`}<//>`;
}
