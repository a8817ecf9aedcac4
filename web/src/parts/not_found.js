// Removed, foreign, older than what is kept, or never there: one answer.
import { html } from '../html.js';
import { t } from '../words.js';
import { Note } from './note.js';

export const kept_days = 30;

export function NotFound() {
	return html`<${Note} kind="off" title=${t('error.not_found', { n: kept_days })}>
		${t('error.not_found_search')}<//>`;
}
