// An address that names no page, or a page whose file did not come.
import { html } from '../html.js';
import { t } from '../words.js';
import { Page } from '../parts/page.js';
import { Trouble } from '../look.js';
import { NotFound } from '../parts/not_found.js';

export function NotFoundPage({ failed }) {
	return html`<${Page} title=${t('error.not_found_title')}>
		${failed ? html`<${Trouble} problem=${{}} reload=${() => location.reload()} />`
			: html`<${NotFound} />`}<//>`;
}
