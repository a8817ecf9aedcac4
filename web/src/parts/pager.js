// "Next 50" for lists by cursor; the way back is the browser's.
import { html } from '../html.js';
import { place } from '../router.js';
import { t } from '../words.js';

export function Pager({ next, limit = 50 }) {
	const { path, query } = place.value;
	const first = new URLSearchParams(query);
	first.delete('cursor');
	const further = new URLSearchParams(query);
	further.set('cursor', next ?? '');
	if (!next && !query.get('cursor'))
		return null;
	return html`<nav class="pager" aria-label=${t('list.pages')}>
		${query.get('cursor') && html`<a class="button" href=${`${path}?${first}`}>${t('list.first')}</a>`}
		${next && html`<a class="button" href=${`${path}?${further}`}>${t('list.next', { n: limit })}</a>`}
	</nav>`;
}
