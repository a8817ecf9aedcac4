// Plots of the overview on tabs: results, refusals by cause, and what else the
// API gives a series for.
import { useMemo, useState } from 'preact/hooks';
import { html } from '../html.js';
import { at } from '../router.js';
import { t, num, percent, duration, language } from '../words.js';
import { Plot } from './plot.js';
import { Table } from './table.js';
import { Tabs } from './tabs.js';
import { cause_title } from '../refusal_words.js';

const lines = {
	results: ['delivered', 'deferred', 'failed', 'refused', 'held'],
	queue: ['queued'],
	time: ['p50_ms', 'p95_ms'],
};
const tones = { failed: 'refused', queued: 'accepted', p50_ms: 'delivered', p95_ms: 'deferred' };
const dashes = { failed: 'limit' };

function chosen(series, tab) {
	return lines[tab].filter((key) => series[key]?.some((v) => v !== null) &&
		(key !== 'held' && key !== 'failed' || series[key].some((v) => v > 0)))
		.map((key) => ({ key, label: t(`plot.${key}`), values: series[key], tone: tones[key] ?? key,
			dash: dashes[key] ?? tones[key] ?? key }));
}

export function Results({ customer, times, series, causes, span, pick }) {
	const tabs = ['results', 'causes', 'queue', 'time'].filter((tab) =>
		tab === 'causes' ? causes?.length > 0 : chosen(series, tab).length > 0);
	const [tab, set_tab] = useState('results');
	const title = t(tab === 'results' ? `overview.by_${step_name(series.step_s)}` : `overview.tab_${tab}`);
	const shown = useMemo(() => tab === 'causes' ? [] : chosen(series, tab), [series, tab, language.value]);
	return html`<div class="card-head"><h2>${title}</h2><span class="hint">${span}</span></div>
		<${Tabs} label=${t('overview.plots')} tabs=${tabs.map((k) => [k, t(`overview.tab_${k}`)])}
			value=${tab} onValue=${set_tab} />
		${tab === 'causes' ? html`<${Causes} customer=${customer} causes=${causes} />`
		: html`<${Plot} key=${tab} name=${title} times=${times} series=${shown} onPick=${pick}
			totals=${tab === 'results'} show=${tab === 'time' ? duration : num} />`}`;
}

function step_name(step_s) {
	return step_s >= 86400 ? 'day' : step_s >= 3600 ? 'hour' : 'minutes';
}

function Causes({ customer, causes }) {
	const total = causes.reduce((n, c) => n + c.count, 0);
	const columns = [
		{ key: 'cause', title: t('overview.cause'), head: true, cell: (c) => customer ? html`<a
			href=${`${at(customer, 'messages')}?cause=${c.cause}`}>${cause_title(c.cause)}</a>` : cause_title(c.cause) },
		{ key: 'count', title: t('overview.count'), num: true, cell: (c) => num(c.count) },
		{ key: 'share', title: t('overview.share'), num: true, cell: (c) => percent(c.count, total) },
	];
	return html`<${Table} name=${t('overview.tab_causes')} columns=${columns} rows=${causes} row_key=${(c) => c.cause} />`;
}
