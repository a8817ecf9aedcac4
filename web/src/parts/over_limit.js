// What happens over a limit: one choice for each, with what the sending systems
// see then. A dialog at the right edge.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { may } from '../session.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { Dialog } from './dialog.js';
import { Choice } from './field.js';

const names = ['customer_peak', 'customer_day', 'user'];
const choices = ['refuse', 'defer', 'hold'];

export function OverLimit({ customer, about, close, reload }) {
	const key = (name) => `over_${name}`;
	const [now, set_now] = useState(Object.fromEntries(names.map((n) => [n, about[key(n)] ?? 'refuse'])));
	const save = () => {
		close();
		attempt(() => api.patch(of(customer), Object.fromEntries(names.map((n) => [key(n), now[n]]))),
			{ said: t('limits.over_saved'), then: reload });
	};
	return html`<${Dialog} class="side-panel" title=${t('limits.over')} onClose=${close} actions=${html`
			${may('limits') && html`<button class="button primary" onClick=${save}>${t('act.save')}</button>`}
			<button class="button" onClick=${close}>${t(may('limits') ? 'act.cancel' : 'act.close')}</button>`}>
		${!may('limits') && html`<p class="hint">${t('limits.over_look_only')}</p>`}
		${names.map((name) => html`<fieldset class="plain" key=${name}><legend>${t(`limits.name_${name}`)}</legend>
			${choices.map((c) => html`<${Choice} key=${c} name=${name} value=${c} checked=${now[name] === c} disabled=${!may('limits')}
				label=${t(`limits.over_${c}`)} hint=${t(`limits.over_${c}_hint`)} onPick=${(v) => set_now({ ...now, [name]: v })} />`)}</fieldset>`)}<//>`;
}
