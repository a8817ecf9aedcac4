// How much room is there, what fills first, when does room open. Asked again when
// there was mail, and every 30 s, for room opens without any.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { t, tx, num, percent, clock, clock_seconds, t_or } from '../words.js';
import { use_look, Look } from '../look.js';
import { live, stale } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Note } from '../parts/note.js';
import { Badge } from '../parts/badge.js';
import { Meter } from '../parts/meter.js';
import { UserLimits } from '../parts/user_limits.js';
import { OverLimit } from '../parts/over_limit.js';

const again_ms = 30000;
const near = 0.8;

function use_ticks(ms) {
	const [n, set_n] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden) set_n((x) => x + 1); }, ms);
		return () => clearInterval(timer);
	}, [ms]);
	return n;
}

export default function Limits({ customer }) {
	const ticks = use_ticks(again_ms);
	const [changing, set_changing] = useState(false);
	const look = use_look(customer, (signal) => api.get(of(customer, 'limits'), { signal }), [ticks, live.value.queue_at]);
	const about = use_look(customer, (signal) => api.get(of(customer), { signal }));
	return html`<${Page} title=${t('limits.title')}
		lead=${look.at.value && t('limits.as_of', { time: clock_seconds(look.at.value) })}
		actions=${html`<button class="button" onClick=${() => set_changing(true)}>${t('limits.over')}</button>`}>
		<div class=${`stack ${stale.value ? 'greyed' : ''}`}>
		<${Look} of=${look} rows=${8}>${({ items }) => html`<${Body} customer=${customer} about=${about.data.value}
			rows=${items.filter((r) => !r.user)} />`}<//>
		<${UserLimits} customer=${customer} /></div>
		${changing && about.data.value && html`<${OverLimit} customer=${customer} about=${about.data.value}
			close=${() => set_changing(false)} reload=${about.reload} />`}<//>`;
}

function Body({ customer, about, rows }) {
	const first = rows.find((r) => r.binds_first && r.used > 0);
	return html`${about && about.billing !== 'paid' && html`<${Note} kind="note">${t(`limits.billing_${about.billing}`)}<//>`}
		${first?.full_at && html`<${FullSoon} row=${first} about=${about} />`}
		<${Card} flush title=${t('limits.per_customer')} lead=${[about && t('limits.licences', { n: about.licences }),
			about && t(`billing.${about.billing}`), t('limits.rolling')].filter(Boolean).join(' · ')}>
			${[...rows].sort((a, b) => Number(b.binds_first) - Number(a.binds_first)).map((row) => html`<${Limit}
				key=${row.name} row=${row} binds=${row === first} />`)}<//>`;
}

function short_name(row) {
	return t_or(`limits.window_${row.name}`, row.name);
}

// What comes after the limit is full depends on the customer's choice.
function FullSoon({ row, about }) {
	const over = about?.[`over_${row.name}`] ?? 'refuse';
	const kind = over === 'hold' ? 'hold' : row.name === 'customer_peak' || over === 'defer' ? 'temporary' : 'permanent';
	return html`<${Note} kind="warn" title=${t('limits.full_soon', { time: clock(row.full_at), window: short_name(row) })}>
		${tx(`limits.then_${kind}`, { reply: html`<code>${kind === 'permanent' ? '550 5.4.5' : '450 4.2.1'}</code>` })}<//>`;
}

// A limit that isn't counted (null) only tells what is held over it.
function Limit({ row, binds }) {
	const title = t_or(`limits.name_${row.name}`, row.name);
	if (row.limit === null)
		return row.held_messages > 0 && html`<div class="limit-row"><div class="limit-main"><h3>${title}</h3>
			<p>${t('numbers.held', { n: row.held_messages })}</p></div></div>`;
	const hot = binds && row.used >= row.limit * near;
	return html`<div class=${`limit-row ${hot ? 'hot' : ''}`}>
		<div class="limit-main"><h3 class="badges">${title} ${binds && html`<${Badge} kind=${hot ? 'warn' : 'note'}>${t('limit.binds_first')}<//>`}</h3>
			<p><span class="limit-number">${num(row.used)}</span> ${t('limits.of', { limit: row.limit, share: percent(row.used, row.limit) })}
				${row.reserved > 0 && html` <span class="hint">${t('limits.in_progress', { n: row.reserved })}</span>`}</p>
			<${Meter} label=${title} used=${row.used} reserved=${row.reserved} limit=${row.limit} tall />
			<p class="hint alert-mark">${t('limits.alert_mark')}</p>
			${row.held_messages > 0 && html`<p class="hint">${t('numbers.held', { n: row.held_messages })}</p>`}</div>
		<dl class="limit-room"><dt>${t('limits.headroom')}</dt><dd><strong>${num(row.headroom)}</strong></dd>
			<dd class="hint">${row.opens_at && t('limits.opens_at', { time: clock(row.opens_at) })}</dd></dl></div>`;
}
