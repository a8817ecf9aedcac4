// The matrix destination × age: cells are toggle buttons, number and heat; heads
// select a row or a column; arrows move, Shift extends. Below 600 px each
// destination is a card with its filled ages as chips (the same buttons).
import { useRef } from 'preact/hooks';
import { html } from '../html.js';
import { t, num } from '../words.js';
import { heat, heat_steps, destination_kind } from '../queue_words.js';
import { key_of, toggled, rectangle, totals_of } from '../queue_selection.js';
import { Icon } from './icon.js';
import { Mark } from './badge.js';

const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export function row_name(row) {
	return row.destination ?? t('queue.others', { n: row.destinations ?? 0 });
}

export function Matrix({ queue, rows, selection, onSelect }) {
	const anchor = useRef(null);
	const counts = rows.map((r) => r.counts);
	const filled_row = (r) => queue.ages.map((_, c) => c).filter((c) => counts[r][c] > 0).map((c) => key_of(r, c));
	const filled_column = (c) => rows.map((_, r) => r).filter((r) => counts[r][c] > 0).map((r) => key_of(r, c));
	const pick = (event, r, c) => {
		if (event.shiftKey && anchor.current)
			onSelect(new Set([...selection, ...rectangle(counts, anchor.current, [r, c])]));
		else
			onSelect(toggled(selection, [key_of(r, c)]));
		anchor.current = [r, c];
	};
	return html`<div class="table-box matrix-box" role="group" aria-label=${t('queue.by_age')} tabindex="0">
		<table class="matrix" onKeyDown=${move}>
		<thead><tr><th scope="col">${t('queue.destination')}</th>
			${queue.ages.map((age, c) => html`<th scope="col" key=${age} class="num">
				<${Head} text=${t(`age_of.${age}`)} keys=${filled_column(c)} selection=${selection} onSelect=${onSelect} /></th>`)}
			<th scope="col" class="num">${t('plot.total')}</th><th scope="col">${t('messages.reply')}</th></tr></thead>
		<tbody>${rows.map((row, r) => html`<tr key=${row.destination ?? ''}>
			<th scope="row"><${Head} text=${row_name(row)} keys=${filled_row(r)} selection=${selection} onSelect=${onSelect} />
				<${State} row=${row} /></th>
			${row.counts.map((n, c) => html`<td key=${c} class=${`num ${n > 0 ? '' : 'none'}`}>${n > 0 ? html`<${Cell} n=${n} r=${r} c=${c}
				label=${t('queue.cell', { destination: row_name(row), age: t(`age_of.${queue.ages[c]}`) })}
				age=${t(`age_of.${queue.ages[c]}`)}
				on=${selection.has(key_of(r, c))} pick=${pick} />` : html`<span aria-hidden="true">·</span>`}</td>`)}
			<td class="num"><strong>${num(row.counts.reduce((a, b) => a + b, 0))}</strong></td>
			<td class=${`reply-cell ${row.reply ? '' : 'unknown'}`}><code>${row.reply ?? '–'}</code></td></tr>`)}</tbody>
		<tfoot><tr><th scope="row">${t('plot.total')}</th>${totals_of(queue).map((n, c) => html`<td key=${c} class="num">
			<strong>${num(n)}</strong></td>`)}<td class="num"><strong>${num(totals_of(queue).reduce((a, b) => a + b, 0))}</strong></td><td></td></tr></tfoot>
		</table></div>`;
}

function Head({ text, keys, selection, onSelect }) {
	if (keys.length === 0)
		return text;
	return html`<button type="button" class="matrix-head" aria-pressed=${keys.every((k) => selection.has(k))}
		onClick=${() => onSelect(toggled(selection, keys))}>${text}</button>`;
}

function Cell({ n, r, c, label, age, on, pick }) {
	return html`<button type="button" class=${`cell ${heat(n)}`} aria-pressed=${on}
		data-row=${r} data-column=${c} onClick=${(e) => pick(e, r, c)}>
		${on && html`<${Icon} name="check" />`}<span class="unseen">${label}</span>
		<span class="chip-age" aria-hidden="true">${age}</span><span>${num(n)}</span></button>`;
}

// To the next filled cell in the direction of the arrow.
function move(event) {
	const step = moves[event.key];
	const { row, column } = event.target.dataset;
	if (!step || row === undefined)
		return;
	event.preventDefault();
	let [r, c] = [Number(row) + step[0], Number(column) + step[1]];
	for (let i = 0; i < 32; i++, r += step[0], c += step[1]) {
		const next = event.currentTarget.querySelector(`[data-row="${r}"][data-column="${c}"]`);
		if (next)
			return next.focus();
	}
}

function State({ row }) {
	if (!row.state)
		return null;
	const parts = [row.state === 'held' && row.held > 0 ? null : t(`destination.${row.state}`), row.connections > 0 && t('queue.connections', { n: row.connections }),
		row.held > 0 && t('numbers.held', { n: row.held })].filter(Boolean);
	return html`<span class="matrix-state"><${Mark} kind=${destination_kind[row.state] ?? 'note'}>${parts.join(' · ')}<//></span>`;
}

export function HeatLegend() {
	return html`<p class="heat-legend hint">${[...heat_steps].reverse().map(([least, step]) => html`<span key=${step}>
		<i class=${`heat-${step}`}></i> ${num(least)}+</span>`)}</p>`;
}
