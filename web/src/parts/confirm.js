// Asks before what can't be undone: the act's own word on the button, or Cancel.
import { html } from '../html.js';
import { t } from '../words.js';
import { Dialog } from './dialog.js';

export function Confirm({ title, act, run, close, children }) {
	return html`<${Dialog} title=${title} onClose=${close} actions=${html`<button class="button danger" onClick=${run}>${act}</button>
		<button class="button" onClick=${close}>${t('act.cancel')}</button>`}><p>${children}</p><//>`;
}
