// The list of what needs a person.
import { html } from '../html.js';
import { t } from '../words.js';
import { Icon } from './icon.js';
import { Card } from './card.js';
import { kinds } from './badge.js';
import { need_words, need_kind } from '../needs_words.js';

export function Needs({ customer, items }) {
	return html`<${Card} flush title=${t('overview.needs', { n: items.length })}>
		${items.length === 0 && html`<p class="row-line"><${Icon} name="ok" class="tone-ok" />
			<span>${t('overview.no_needs')}</span></p>`}
		${items.map((need) => html`<${Need} key=${need.id} customer=${customer} need=${need} />`)}<//>`;
}

function Need({ customer, need }) {
	const words = need_words(customer, need);
	const { icon, tone } = kinds[need_kind[need.severity] ?? 'note'];
	return html`<div class="row-line"><${Icon} name=${icon} class=${`tone-${tone}`} />
		<div class="grow"><p><strong>${words.title}</strong></p><p class="hint">${words.detail}</p></div>
		${words.href && html`<a class="button small" href=${words.href}>${words.act}</a>`}</div>`;
}
