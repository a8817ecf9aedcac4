// Alerts: what, since when, who was mailed, one button; open ones first, then
// closed ones. /alerts/ID shows the one opened.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Note } from '../parts/note.js';
import { Badge } from '../parts/badge.js';
import { Time } from '../parts/time.js';
import { need_words, need_kind } from '../needs_words.js';

export default function Alerts({ customer, id }) {
	const look = use_look(customer, (signal) => api.get(of(customer, 'alerts'), { signal }), [live.value.alerts]);
	return html`<${Page} title=${t('alerts.title')} lead=${t('alerts.lead')}>
		<${Look} of=${look} rows=${6}>${({ items }) => html`<${Lists} customer=${customer} items=${items} opened=${id} />`}<//><//>`;
}

function Lists({ customer, items, opened }) {
	const open = items.filter((a) => !a.closed_at);
	const closed = items.filter((a) => a.closed_at);
	return html`${open.length === 0 && html`<${Note} kind="ok">${t('alerts.none')}<//>`}
		${open.map((a) => html`<${Alert} key=${a.id} customer=${customer} alert=${a} opened=${a.id === opened} />`)}
		${closed.length > 0 && html`<h2>${t('alerts.closed')}</h2>`}
		${closed.map((a) => html`<${Alert} key=${a.id} customer=${customer} alert=${a} opened=${a.id === opened} />`)}`;
}

function Alert({ customer, alert, opened }) {
	const words = need_words(customer, alert);
	const badge = alert.closed_at ? html`<${Badge} kind="ok">${t('alerts.settled')}<//>`
		: html`<${Badge} kind=${need_kind[alert.severity] ?? 'note'}>${t('alerts.open')}<//>`;
	return html`<${Card} title=${html`<a class="quiet-link" href=${at(customer, 'alerts', alert.id)}>${words.title}</a>`} aside=${badge}>
		<p>${words.detail}</p>
		<p class="hint">${t('alerts.since')} <${Time} at=${alert.since} />
			${alert.closed_at && html` · ${t('alerts.settled')} <${Time} at=${alert.closed_at} />`}
			${alert.mailed?.length > 0 && html` · ${t('alerts.mailed', { who: alert.mailed.map((m) => m.to).join(', ') })}`}</p>
		${!alert.closed_at && html`<p><a class="button" href=${words.href}>${words.act}</a></p>`}
		${alert.mail && html`<details open=${opened}><summary>${t('alerts.mail_text')}</summary>
			<pre class="dialogue" tabindex="0" role="group" aria-label=${t('alerts.mail_text')}>${alert.mail}</pre></details>`}<//>`;
}
