// The list of what needs a person: each can be hidden until it changes.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { may } from '../session.js';
import { tell, tell_problem } from '../status.js';
import { t } from '../words.js';
import { Icon } from './icon.js';
import { Card } from './card.js';
import { kinds } from './badge.js';
import { need_words, need_kind } from '../needs_words.js';

export function Needs({ customer, items, reload }) {
	return html`<${Card} flush title=${t('overview.needs', { n: items.length })}>
		${items.length === 0 && html`<p class="row-line"><${Icon} name="ok" class="tone-ok" />
			<span>${t('overview.no_needs')}</span></p>`}
		${items.map((need) => html`<${Need} key=${need.id} customer=${customer} need=${need} reload=${reload} />`)}<//>`;
}

function Need({ customer, need, reload }) {
	const words = need_words(customer, need);
	const { icon, tone } = kinds[need_kind[need.severity] ?? 'note'];
	return html`<div class="row-line"><${Icon} name=${icon} class=${`tone-${tone}`} />
		<div class="grow"><p><strong>${words.title}</strong></p><p class="hint">${words.detail}</p></div>
		${words.href && html`<a class="button small" href=${words.href}>${words.act}</a>`}
		${customer && may('settings') && html`<button class="icon-button" onClick=${() => hide(customer, need, words.title, reload)}
			aria-label=${t('overview.hide', { what: words.title })}><${Icon} name="close" /></button>`}</div>`;
}

async function hide(customer, need, title, reload) {
	const put = (hidden) => api.put(of(customer, 'needs', need.id, 'hidden'), { hidden }).then(reload);
	try {
		await put(true);
		tell(t('overview.hidden', { what: title }), { undo: () => put(false).catch(tell_problem) });
	} catch (problem) {
		tell_problem(problem);
	}
}
