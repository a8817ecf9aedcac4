// The overview on two tabs: a plot of results, and refusals by cause.
import { useMemo, useState } from 'preact/hooks';
import { html } from '../html.js';
import { at } from '../router.js';
import { t, num, percent, language } from '../words.js';
import { Plot } from './plot.js';
import { Table } from './table.js';
import { Tabs } from './tabs.js';
import { cause_title } from '../refusal_words.js';

const lines = ['delivered', 'deferred', 'failed', 'refused'];

// Failures are drawn when there were any: as refusals, with a dash of their own.
function chosen(series) {
	return lines.filter((key) => key !== 'failed' || series.failed.some((v) => v > 0))
		.map((key) => ({ key, label: t(`plot.${key}`), values: series[key],
			tone: key === 'failed' ? 'refused' : key, dash: key === 'failed' ? 'limit' : key }));
}

export function Results({ customer, times, series, causes, span, pick }) {
	const tabs = causes.length > 0 ? ['results', 'causes'] : ['results'];
	const [tab, set_tab] = useState('results');
	const title = t(tab === 'results' ? `overview.by_${step_name(series.step_s)}` : 'overview.tab_causes');
	const shown = useMemo(() => chosen(series), [series, language.value]);
	return html`<div class="card-head"><h2>${title}</h2><span class="hint">${span}</span></div>
		<${Tabs} label=${t('overview.plots')} tabs=${tabs.map((k) => [k, t(`overview.tab_${k}`)])}
			value=${tab} onValue=${set_tab} />
		${tab === 'causes' ? html`<${Causes} customer=${customer} causes=${causes} />`
		: html`<${Plot} name=${title} times=${times} series=${shown} onPick=${pick} />`}`;
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
