// Proving an authentication app (QR, secret as text, one code), and the ten
// recovery codes that are shown once.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { t } from '../words.js';
import { Copy } from './copy.js';
import { TextField, Tick } from './field.js';
import { Qr } from './qr.js';

export function ShowFactor({ factor, say, done }) {
	const [code, set_code] = useState('');
	const submit = async (event) => {
		event.preventDefault();
		say(null);
		try {
			done((await api.put('/account/factor', { code: code.replace(/\s/g, '') })).recovery);
		} catch (problem) {
			say(problem.detail);
		}
	};
	return html`<form class="form" onSubmit=${submit}>
		<p>${t('enrol.scan')}</p>
		<${Qr} text=${factor.uri} label=${t('enrol.qr')} />
		<p class="hint">${t('enrol.secret')} <code>${factor.secret}</code> <${Copy} text=${factor.secret} /></p>
		<${TextField} label=${t('sign_in.code')} mono required autocomplete="one-time-code"
			inputmode="numeric" value=${code} onValue=${set_code} />
		<button class="button primary wide">${t('enrol.next')}</button></form>`;
}

export function Recovery({ codes, done }) {
	const [kept, set_kept] = useState(false);
	return html`<div class="form">
		<p>${t('enrol.recovery_lead')}</p>
		<ul class="recovery mono">${codes.map((c) => html`<li key=${c}>${c}</li>`)}</ul>
		<div class="actions"><${Copy} text=${codes.join('\n')} />
			<button type="button" class="button small" onClick=${() => print()}>${t('enrol.print')}</button></div>
		<${Tick} label=${t('enrol.kept')} checked=${kept} onPick=${set_kept} />
		<button class="button primary wide" disabled=${!kept} onClick=${done}>${t('enrol.finish')}</button></div>`;
}
