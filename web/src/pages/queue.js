// What is stuck where, and acting on it: the matrix and, once cells are chosen,
// the bulk panel. While a selection stands the numbers don't move.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { may } from '../session.js';
import { t, num, clock_seconds, duration } from '../words.js';
import { use_look, Look } from '../look.js';
import { live, stale } from '../live.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Note } from '../parts/note.js';
import { Matrix, HeatLegend, row_name } from '../parts/queue_matrix.js';
import { BulkPanel } from '../parts/bulk_panel.js';
import { cells_of, rows_of, selection_body, sum_of } from '../queue_selection.js';

export default function Queue({ customer }) {
	const [paused, set_paused] = useState(false);
	const [selection, set_selection] = useState(new Set());
	const moved = use_frozen(live.value.queue_at, paused || selection.size > 0);
	const look = use_look(customer, (signal) => api.get(of(customer, 'queue'), { signal }), [moved]);
	const queue = look.data.value;
	const done = () => { set_selection(new Set()); look.reload(); };
	return html`<${Page} title=${t('queue.title')} lead=${queue && summary(queue)}
		actions=${html`<a class="button" href=${at(customer, 'queue', 'list')}>${t('queue.list')}</a>
			<button class="button" aria-pressed=${paused} onClick=${() => set_paused(!paused)}>
				${t(paused ? 'queue.go_on' : 'queue.pause')}</button>`}>
		<${Look} of=${look} rows=${8}>${() => queue.rows.length === 0
			? html`<${Note} kind="ok">${t('queue.empty')}<//>`
			: html`<${Body} customer=${customer} queue=${queue} selection=${selection} select=${set_selection} done=${done} />`}<//><//>`;
}

// The value, or while frozen the one from before.
function use_frozen(value, frozen) {
	const [kept, set_kept] = useState(value);
	if (!frozen && kept !== value)
		set_kept(value);
	return frozen ? kept : value;
}

function summary(queue) {
	return [t('queue.count', { n: queue.total }),
		queue.oldest_at && t('numbers.oldest', { time: duration(Date.now() - Date.parse(queue.oldest_at)) }),
		t('queue.as_of', { time: clock_seconds(queue.as_of) })].filter(Boolean).join(' · ');
}

function Body({ customer, queue, selection, select, done }) {
	const rows = rows_of(queue);
	const counts = rows.map((r) => r.counts);
	return html`<div class=${stale.value ? 'greyed' : ''}><${Card} flush title=${t('queue.by_age_title')} aside=${html`<${HeatLegend} />`}>
		<${Matrix} queue=${queue} rows=${rows} selection=${may('queue') ? selection : new Set()}
			onSelect=${may('queue') ? select : () => {}} /><//></div>
		${selection.size > 0 && html`<${BulkPanel} customer=${customer}
			selection=${selection_body(queue, selection)} count=${sum_of(counts, selection)}
			what=${words_of(queue, rows, selection)} done=${done} clear=${() => select(new Set())}
			aside=${html`<${AsList} customer=${customer} queue=${queue} rows=${rows} selection=${selection} />`} />`}`;
}

// "outlook.example, 15 – 60 min, 1 – 4 h"; of many only how many.
function words_of(queue, rows, selection) {
	const cells = cells_of(selection);
	const names = [...new Set(cells.map(([r]) => r))].sort((a, b) => a - b).map((r) => row_name(rows[r]));
	const ages = [...new Set(cells.map(([, c]) => c))].sort((a, b) => a - b).map((c) => t(`age_of.${queue.ages[c]}`));
	const some = names.length > 3 ? t('queue.destinations', { n: num(names.length) }) : names.join(', ');
	return ages.length === queue.ages.length ? some : `${some}, ${ages.join(', ')}`;
}

function AsList({ customer, queue, rows, selection }) {
	const cells = cells_of(selection);
	const names = [...new Set(cells.map(([r]) => rows[r].destination))];
	if (names.length !== 1 || names[0] === null)
		return null;
	const ages = [...new Set(cells.map(([, c]) => queue.ages[c]))];
	const query = new URLSearchParams({ destination: names[0], ...(ages.length === 1 && { age: ages[0] }) });
	return html`<a href=${`${at(customer, 'queue', 'list')}?${query}`}>${t('queue.see_list')}</a>`;
}
