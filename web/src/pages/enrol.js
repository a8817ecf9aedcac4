// Enrolment after an invitation, or without a second factor: password, app with
// QR and one code, recovery codes that are shown once.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { session, load_session } from '../session.js';
import { t } from '../words.js';
import { Note } from '../parts/note.js';
import { TextField } from '../parts/field.js';
import { ShowFactor, Recovery } from '../parts/factor.js';

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
		${step === 'recovery' && html`<${Recovery} codes=${codes} done=${load_session} />`}`;
}

function Password({ say, done }) {
	const [password, set_password] = useState('');
	const submit = async (event) => {
		event.preventDefault();
		say(null);
		try {
			await api.post('/session/password', { password });
			await load_session();
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
	useEffect(() => {
		api.post('/account/factor').then(set_factor, (problem) => say(problem.detail));
	}, []);
	return factor && html`<${ShowFactor} factor=${factor} say=${say} done=${done} />`;
}
