// A plot of lines over time, its legend as a table (value at the cursor, peak,
// total) and its twin: all values as a table. The canvas is mute; the box
// around it is a slider: arrows move the time, the legend and the reader's
// voice say the values. uPlot is loaded with the first plot.
//
// series: [{key, label, values, tone, dash}]; tone and dash name
// the tokens --plot-TONE and --plot-dash-DASH. times: ms, one for each value.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t, num, clock, day, full_day, language, same_day } from '../words.js';
import { label_times, label_texts } from './plot_time.js';
import { Table } from './table.js';
import { Copy } from './copy.js';

function token(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function dash_of(name) {
	const text = token(`--plot-dash-${name}`);
	return text === 'none' || text === '' ? undefined : text.split(' ').map(Number);
}

function line_options(series, fill) {
	const colour = token(`--plot-${series.tone}`);
	return {
		label: series.label, stroke: colour, width: 2, dash: dash_of(series.dash ?? series.tone),
		points: { show: false }, spanGaps: false,
		fill: fill ? `color-mix(in srgb, ${colour} ${token('--plot-fill')}, transparent)` : undefined,
	};
}

function axes(times) {
	const labels = label_times(times[0], times.at(-1));
	const font = `12px ${token('--font-ui')}`;
	const common = { stroke: token('--plot-axis'), font, ticks: { show: false } };
	return [
		{ ...common, grid: { show: false }, size: 28, splits: () => labels, values: () => label_texts(labels) },
		{ ...common, size: 56, grid: { stroke: token('--plot-grid'), width: 1 },
			values: (_, splits) => splits.map((v) => Number.isInteger(v) ? num(v) : '') },
	];
}

// The top of the y axis: the next round number.
function round_top(max) {
	const power = 10 ** Math.floor(Math.log10(Math.max(max, 4)));
	return [1, 1.5, 2, 3, 4, 5, 8, 10].find((n) => n * power >= max * 1.02) * power || 10 * power;
}

function options({ times, series, width, move }) {
	return {
		width, height: 220, legend: { show: false }, padding: [10, 12, 0, 0],
		scales: { x: { time: false }, y: { range: (_, __, max) => [0, round_top(max)] } },
		axes: axes(times),
		series: [{}, ...series.map((s, i) => line_options(s, i === 0))],
		cursor: {
			drag: { x: false, y: false }, y: false,
			points: { size: 7, width: 2, fill: token('--surface') },
		},
		hooks: { setCursor: [(u) => { if (Number.isInteger(u.cursor.idx)) move(u.cursor.idx); }] },
	};
}

// Draws again when the scheme, the language or the data change.
function use_canvas(box, times, series, index, move) {
	const plot = useRef(null);
	const at = useRef(index);
	at.current = index;
	useEffect(() => {
		const element = box.current;
		let gone = false;
		let watch = null;
		const draw = async () => {
			const { default: uPlot } = await import('uplot');
			if (gone)
				return;
			plot.current?.destroy();
			const width = element.clientWidth;
			plot.current = new uPlot(options({ times, series, width, move }),
				[times, ...series.map((s) => s.values)], element);
			put_cursor(plot.current, times, at.current);
		};
		draw();
		const scheme = matchMedia('(prefers-color-scheme: dark)');
		scheme.addEventListener('change', draw);
		const theme = new MutationObserver(draw);
		theme.observe(document.documentElement, { attributeFilter: ['data-theme', 'lang'] });
		watch = new ResizeObserver(() => plot.current?.setSize({
			width: element.clientWidth, height: 220 }));
		watch.observe(element);
		return () => {
			gone = true;
			scheme.removeEventListener('change', draw);
			theme.disconnect();
			watch.disconnect();
			plot.current?.destroy();
			plot.current = null;
		};
	}, [times, series]);
	useEffect(() => put_cursor(plot.current, times, index), [index]);
}

function put_cursor(plot, times, index) {
	if (plot && plot.cursor.idx !== index)
		plot.setCursor({ left: plot.valToPos(times[index], 'x'), top: 10 });
}

function time_words(times, i) {
	if (times.length > 1 && times[1] - times[0] >= 86400e3)
		return day(times[i]);
	return same_day(times[i], times.at(-1)) ? clock(times[i]) : `${day(times[i])} ${clock(times[i])}`;
}

export function Plot({ name, times, series, onPick }) {
	const box = useRef();
	const last = times.length - 1;
	const [index, set_index] = useState(last);
	const shown = Math.min(index, last);
	use_canvas(box, times, series, shown, set_index);
	const key = (event) => {
		const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: last }[event.key];
		if (to !== undefined) {
			event.preventDefault();
			set_index(Math.max(0, Math.min(last, to)));
		} else if (event.key === 'Enter') {
			onPick?.(shown);
		}
	};
	const said = series.map((s) => `${s.label} ${num(s.values[shown])}`).join(', ');
	return html`<div class="plot-box">
		<div class="plot" ref=${box} tabindex="0" role="slider" aria-label=${name} aria-valuemin="0"
			aria-valuemax=${last} aria-valuenow=${shown}
			aria-valuetext=${`${time_words(times, shown)}: ${said}`} onKeyDown=${key}></div>
		<div class="stack">
			<${Legend} times=${times} series=${series} index=${shown} />
			<p class="hint">${t('plot.keys')}</p>
			<${Twin} name=${name} times=${times} series=${series} />
		</div></div>`;
}

function known(values) {
	return values.filter((v) => v !== null && v !== undefined);
}

function Legend({ times, series, index }) {
	return html`<table class="plot-legend"><thead><tr><th scope="col">${t('plot.result')}</th>
		<th scope="col" class="num">${time_words(times, index)}</th>
		<th scope="col" class="num">${t('plot.peak')}</th>
		<th scope="col" class="num">${t('plot.total')}</th></tr></thead>
		<tbody>${series.map((s) => html`<tr key=${s.key}><th scope="row"><${Line} series=${s} />${s.label}</th>
			<td class="num">${num(s.values[index])}</td>
			<td class="num">${num(known(s.values).length ? Math.max(...known(s.values)) : null)}</td>
			<td class="num">${num(known(s.values).reduce((a, b) => a + b, 0))}</td>
		</tr>`)}</tbody></table>`;
}

// The line as it is drawn, so that it is told by more than its colour.
function Line({ series }) {
	return html`<svg viewBox="0 0 24 10" aria-hidden="true"><line x1="1" x2="23" y1="5" y2="5"
		class=${`plot-line tone-${series.tone} dash-${series.dash ?? series.tone}`} /></svg>`;
}

function Twin({ name, times, series }) {
	language.value;
	const rows = useMemo(() => times.map((at, i) => ({ at, i })).reverse(), [times]);
	const columns = [
		{ key: 'at', title: t('plot.time'), head: true, cell: (r) => `${day(r.at)} ${clock(r.at)}` },
		...series.map((s) => ({ key: s.key, title: s.label, num: true, cell: (r) => num(s.values[r.i]) })),
	];
	const tsv = [[t('plot.time'), ...series.map((s) => s.label)].join('\t'), ...times.map((at, i) =>
		[`${full_day(at)} ${clock(at)}`, ...series.map((s) => s.values[i] ?? '')].join('\t'))].join('\n');
	const [open, set_open] = useState(false);
	return html`<details onToggle=${(e) => set_open(e.currentTarget.open)}>
		<summary>${t('plot.as_table')}</summary>
		${open && html`<div class="stack"><div class="plot-twin"><${Table} name=${name} dense columns=${columns} rows=${rows}
			row_key=${(r) => r.at} /></div><div><${Copy} text=${tsv} label=${t('plot.copy')} /></div></div>`}</details>`;
}
