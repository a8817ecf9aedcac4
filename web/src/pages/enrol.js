// Enrolment after an invitation, or without a second factor: password, app with
// QR and one code, recovery codes that are shown once.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { session, load_session } from '../session.js';
import { t } from '../words.js';
import { Note } from '../parts/note.js';
import { TextField, Tick } from '../parts/field.js';
import { Copy } from '../parts/copy.js';
import { Qr } from '../parts/qr.js';

const password_min = 12;

export default function Enrol() {
	const [step, set_step] = useState(session.value.needs_password === false ? 'factor' : 'password');
	const [codes, set_codes] = useState(null);
	const [said, set_said] = useState(null);
	const confirmed = (recovery) => { set_codes(recovery); set_step('recovery'); };
	const steps = ['password', 'factor', 'recovery'];
	return html`<h1>${t('enrol.title')}</h1>
		<ol class="steps">${steps.map((s, i) => html`<li aria-current=${s === step ? 'step' : undefined}
			class=${steps.indexOf(step) > i ? 'done' : ''}>${t(`enrol.step_${s}`)}</li>`)}</ol>
		${said && html`<${Note} kind="refused" alert>${said}<//>`}
		${step === 'password' && html`<${Password} say=${set_said} done=${() => set_step('factor')} />`}
		${step === 'factor' && html`<${Factor} say=${set_said} done=${confirmed} />`}
		${step === 'recovery' && html`<${Recovery} codes=${codes} />`}`;
}

function Password({ say, done }) {
	const [password, set_password] = useState('');
	const submit = async (event) => {
		event.preventDefault();
		say(null);
		try {
			await api.post('/session/password', { password });
			done();
		} catch (problem) {
			say(problem.detail);
		}
	};
	return html`<form class="form" onSubmit=${submit}>
		<input class="unseen" autocomplete="username" value=${session.value.person?.address} readonly
			tabindex="-1" aria-hidden="true" />
		<${TextField} label=${t('enrol.password')} type="password" autocomplete="new-password" required
			minlength=${password_min} hint=${t('enrol.password_hint', { n: password_min })}
			value=${password} onValue=${set_password} />
		<button class="button primary wide">${t('enrol.next')}</button></form>`;
}

function Factor({ say, done }) {
	const [factor, set_factor] = useState(null);
	const [code, set_code] = useState('');
	useEffect(() => {
		api.post('/account/factor').then(set_factor, (problem) => say(problem.detail));
	}, []);
	const submit = async (event) => {
		event.preventDefault();
		say(null);
		try {
			done((await api.put('/account/factor', { code: code.replace(/\s/g, '') })).recovery);
		} catch (problem) {
			say(problem.detail);
		}
	};
	return factor && html`<form class="form" onSubmit=${submit}>
		<p>${t('enrol.scan')}</p>
		<${Qr} text=${factor.uri} label=${t('enrol.qr')} />
		<p class="hint">${t('enrol.secret')} <code>${factor.secret}</code> <${Copy} text=${factor.secret} /></p>
		<${TextField} label=${t('sign_in.code')} mono required autocomplete="one-time-code"
			inputmode="numeric" value=${code} onValue=${set_code} />
		<button class="button primary wide">${t('enrol.next')}</button></form>`;
}

export function Recovery({ codes, done = load_session }) {
	const [kept, set_kept] = useState(false);
	return html`<div class="form">
		<p>${t('enrol.recovery_lead')}</p>
		<ul class="recovery mono">${codes.map((c) => html`<li>${c}</li>`)}</ul>
		<div class="actions"><${Copy} text=${codes.join('\n')} />
			<button type="button" class="button small" onClick=${() => print()}>${t('enrol.print')}</button></div>
		<${Tick} label=${t('enrol.kept')} checked=${kept} onPick=${set_kept} />
		<button class="button primary wide" disabled=${!kept} onClick=${done}>${t('enrol.finish')}</button></div>`;
}
