// The limits in three bars, for the overview: who binds first is said.
import { html } from '../html.js';
import { at } from '../router.js';
import { t, t_or, num } from '../words.js';
import { Look } from '../look.js';
import { Card } from './card.js';
import { Meter } from './meter.js';
import { Mark } from './badge.js';

function limit_title(row) {
	const name = t_or(`limit.${row.name}`, row.name);
	return row.user ? t('limit.of_user', { user: row.user, name }) : name;
}

export function LimitsCard({ customer, look }) {
	const more = html`<a href=${at(customer, 'limits')}>${t('limit.details')}</a>`;
	return html`<${Card} title=${t('limit.title')} aside=${more}>
		<${Look} of=${look} rows=${4}>${({ items }) => items.filter((r) => r.limit !== null).slice(0, 3).map((row) =>
			html`<${Bar} key=${`${row.user} ${row.name}`} row=${row} />`)}<//><//>`;
}

function Bar({ row }) {
	const title = limit_title(row);
	return html`<div class="limit-bar"><p class="limit-line"><strong>${title}</strong>
		<span>${num(row.used)} / ${num(row.limit)}</span></p>
		<${Meter} label=${title} used=${row.used} reserved=${row.reserved} limit=${row.limit} />
		${row.binds_first && row.used > 0 && html`<p><${Mark} kind=${row.used >= row.limit * 0.8 ? 'warn' : 'note'}>
			${t('limit.binds_first')}<//></p>`}</div>`;
}
