// Alerts: which limit, since when, how much of it was used; open ones first, then
// those whose window is over. /alerts/ID marks the one opened.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, place } from '../router.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Note } from '../parts/note.js';
import { Badge } from '../parts/badge.js';
import { Pager } from '../parts/pager.js';
import { Time } from '../parts/time.js';
import { need_words } from '../needs_words.js';

export default function Alerts({ customer, id }) {
	const cursor = place.value.query.get('cursor');
	const look = use_look(`${customer} ${cursor}`, (signal) => api.get(of(customer, 'alerts'), { signal, query: { cursor } }),
		[live.value.overview_at]);
	return html`<${Page} title=${t('alerts.title')} lead=${t('alerts.lead')}>
		<${Look} of=${look} rows=${6}>${(data) => html`<${Lists} customer=${customer} items=${data.items} opened=${id} />
			<${Pager} next=${data.next} />`}<//><//>`;
}

function Lists({ customer, items, opened }) {
	const open = items.filter((a) => a.open);
	const closed = items.filter((a) => !a.open);
	const card = (a) => html`<${Alert} key=${a.id} customer=${customer} alert=${a} opened=${a.id === opened} />`;
	return html`${open.length === 0 && html`<${Note} kind="ok">${t('alerts.none')}<//>`}
		${open.map(card)}
		${closed.length > 0 && html`<h2>${t('alerts.closed')}</h2>`}
		${closed.map(card)}`;
}

function Alert({ customer, alert: a, opened }) {
	const words = need_words(customer, { kind: a.kind,
		values: { limit: a.limit, user: a.user, percent: a.percent, used: a.used, max: a.allowed } });
	const badge = a.open ? html`<${Badge} kind=${a.kind === 'limit_full' ? 'refused' : 'warn'}>${t('alerts.open')}<//>`
		: html`<${Badge} kind="ok">${t('alerts.settled')}<//>`;
	return html`<${Card} edge=${opened ? 'accent' : null} aside=${badge}
		title=${html`<a class="quiet-link" href=${at(customer, 'alerts', a.id)}>${words.title}</a>`}>
		<p>${words.detail}</p>
		<p class="hint">${t('alerts.since')} <${Time} at=${a.at} />${a.user && ` · ${a.user}`}</p>
		${a.open && html`<p><a class="button" href=${words.href}>${words.act}</a></p>`}<//>`;
}
