// What is shown once (a password, a token, a link): a dialog that Esc does not
// close, with one button that says it was copied.
import { html } from '../html.js';
import { t } from '../words.js';
import { Dialog } from './dialog.js';
import { Note } from './note.js';

export function Once({ title, close, children }) {
	return html`<${Dialog} title=${title} locked onClose=${() => {}} actions=${html`<button class="button primary"
		onClick=${close}>${t('once.copied')}</button>`}><${Note} kind="warn">${t('once.only')}<//>${children}<//>`;
}
