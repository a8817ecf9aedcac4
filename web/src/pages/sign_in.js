// Signing in, in the steps that the session is in: address and password (or an
// invitation), second factor or recovery code, enrolment. All failures have
// one text; the address of the page stays, so the reader lands where he wanted.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { session, load_session } from '../session.js';
import { t } from '../words.js';
import { Language } from '../frame.js';
import { Icon } from '../parts/icon.js';
import { Note } from '../parts/note.js';
import { TextField } from '../parts/field.js';
import { Lazy } from '../parts/lazy.js';

const enrol = () => import('./enrol.js');

export function SignIn() {
	const state = session.value?.state;
	useEffect(() => { document.title = `${t('sign_in.title')} · Postrider`; });
	return html`
		<header class="bare-top"><span class="brand"><${Icon} name="horn" /><span>Postrider</span></span>
			<${Language} /></header>
		<main class="bare" id="main">
			${state === 'code' ? html`<${Code} />`
			: state === 'enrol' ? html`<${Lazy} load=${enrol} />`
			: html`<${Begin} />`}
		</main>`;
}

// What a refused try says: one text, or how long to wait.
function failure(problem) {
	if (problem.status === 429)
		return t('sign_in.wait', { n: problem.retry_after ?? 30 });
	if (problem.status === 401)
		return t('sign_in.wrong');
	return problem.detail ?? t('error.not_shown');
}

// run(what): does it, then reads the session anew; said: what went wrong.
function use_step() {
	const [said, set_said] = useState(null);
	const [busy, set_busy] = useState(false);
	const run = async (what) => {
		set_busy(true);
		set_said(null);
		try {
			await what();
			await load_session();
		} catch (problem) {
			set_said(failure(problem));
		}
		set_busy(false);
	};
	return { said, busy, run };
}

function Said({ text }) {
	return text && html`<${Note} kind="refused" alert>${text}<//>`;
}

function invitation() {
	return new URLSearchParams(location.hash.slice(1)).get('invite') ??
		new URLSearchParams(location.search).get('invite');
}

function Begin() {
	const [address, set_address] = useState('');
	const [password, set_password] = useState('');
	const { said, busy, run } = use_step();
	const invite = invitation();
	const accept = () => run(async () => {
		await api.post('/session', { invite }, { quiet: true });
		history.replaceState(null, '', '/');
	});
	const submit = (event) => {
		event.preventDefault();
		run(() => api.post('/session', { address, password }, { quiet: true }));
	};
	if (invite)
		return html`<h1>${t('sign_in.invite_title')}</h1>
			<div class="form"><p>${t('sign_in.invite_lead')}</p><${Said} text=${said} />
			<button class="button primary wide" disabled=${busy} onClick=${accept}>
				${t('sign_in.invite_accept')}</button></div>`;
	return html`<h1>${t('sign_in.title')}</h1>
		${session.value?.ended && html`<${Note} kind="note">${t('session.ended')}<//>`}
		${session.value?.failed && html`<${Note} kind="warn">${t('frame.admin_down')}<//>`}
		<form class="form" onSubmit=${submit}>
			<${Said} text=${said} />
			<${TextField} label=${t('sign_in.address')} type="email" autocomplete="username" required
				hint=${t('sign_in.address_hint')} value=${address} onValue=${set_address} />
			<${TextField} label=${t('sign_in.password')} type="password" autocomplete="current-password"
				required value=${password} onValue=${set_password} />
			<button class="button primary wide" disabled=${busy}>${t('sign_in.submit')}</button>
		</form>`;
}

function Code() {
	const [code, set_code] = useState('');
	const [recovery, set_recovery] = useState(false);
	const { said, busy, run } = use_step();
	const submit = (event) => {
		event.preventDefault();
		const typed = code.replace(/[\s-]/g, '');
		run(() => api.post('/session/code', recovery ? { recovery: code.trim() } : { code: typed },
			{ quiet: true }));
	};
	const other = () => { set_recovery(!recovery); set_code(''); };
	return html`<h1>${recovery ? t('sign_in.recovery_title') : t('sign_in.code_title')}</h1>
		<form class="form" onSubmit=${submit}>
			<${Said} text=${said} />
			<${TextField} key=${recovery} label=${recovery ? t('sign_in.recovery') : t('sign_in.code')}
				mono required value=${code} onValue=${set_code} autocomplete=${recovery ? 'off' : 'one-time-code'}
				inputmode=${recovery ? 'text' : 'numeric'} />
			<button class="button primary wide" disabled=${busy}>${t('sign_in.submit')}</button>
			<button type="button" class="button quiet" onClick=${other}>
				${recovery ? t('sign_in.use_code') : t('sign_in.use_recovery')}</button>
		</form>`;
}
