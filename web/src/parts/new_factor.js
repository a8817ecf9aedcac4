// Replacing the second factor: the password first, then as at enrolment.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { tell } from '../status.js';
import { load_session } from '../session.js';
import { t } from '../words.js';
import { Card } from './card.js';
import { Dialog } from './dialog.js';
import { Note } from './note.js';
import { TextField } from './field.js';
import { ShowFactor, Recovery } from './factor.js';

export default function NewFactor() {
	const [step, set_step] = useState(null);        // null, password, {factor}, {recovery}
	const [password, set_password] = useState('');
	const [said, set_said] = useState(null);
	const close = () => { set_step(null); set_password(''); set_said(null); };
	const begin = async (event) => {
		event.preventDefault();
		try {
			set_step({ factor: await api.post('/account/factor', { password }) });
			set_said(null);
		} catch (problem) {
			set_said(problem.detail);
		}
	};
	const finish = async () => { close(); await load_session(); tell(t('account.factor_changed')); };
	return html`<${Card} title=${t('account.factor')} lead=${t('account.factor_lead')}>
		<p><button class="button" onClick=${() => set_step('password')}>${t('account.factor_change')}</button></p>
		${step && html`<${Dialog} title=${t('account.factor_change')} locked=${Boolean(step.recovery)} onClose=${close}>
			${said && html`<${Note} kind="refused" alert>${said}<//>`}
			${step === 'password' && html`<form class="form" onSubmit=${begin}>
				<${TextField} label=${t('account.password_old')} type="password" autocomplete="current-password" required
					value=${password} onValue=${set_password} />
				<p class="actions"><button class="button primary">${t('enrol.next')}</button>
					<button type="button" class="button" onClick=${close}>${t('act.cancel')}</button></p></form>`}
			${step.factor && html`<${ShowFactor} factor=${step.factor} say=${set_said}
				done=${(recovery) => set_step({ recovery })} />`}
			${step.recovery && html`<${Recovery} codes=${step.recovery} done=${finish} />`}<//>`}<//>`;
}
