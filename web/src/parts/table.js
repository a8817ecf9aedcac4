// A real table. columns: [{key, title, cell(row), num, mono, head, grow, unseen}];
// `head` marks the column that names the row, `unseen` a title for the voice alone. cards: below 900 px each row becomes a
// card of label and value, or with two_line of the cells whose class is line-1,
// line-1-end, line-2, line-3; other tables scroll sideways in a named group.
import { useId } from 'preact/hooks';
import { html } from '../html.js';

export function Table({ name, columns, rows, row_key, row_class, cards, two_line, dense, foot, empty }) {
	const id = useId();
	if (!rows.length && empty)
		return html`<div class="empty">${empty}</div>`;
	return html`<div class=${`table-box ${cards ? 'cards' : ''} ${two_line ? 'two-line' : ''}`} role="group" aria-label=${name}
		tabindex=${cards ? undefined : 0}>
		<table class=${dense ? 'dense' : ''} role="table">
			<thead role="rowgroup"><tr role="row">${columns.map((c) => html`<th id=${`${id}-${c.key}`}
				scope="col" role="columnheader" class=${cell_class(c)}>${c.unseen ? html`<span class="unseen">${c.title}</span>` : c.title}</th>`)}</tr></thead>
			<tbody role="rowgroup">${rows.map((row, i) => html`<${Row} key=${row_key ? row_key(row) : i}
				row=${row} columns=${columns} class=${row_class?.(row)} />`)}</tbody>
			${foot && html`<tfoot role="rowgroup">${foot}</tfoot>`}
		</table></div>`;
}

function Row({ row, columns, class: more = '' }) {
	return html`<tr class=${more} role="row">${columns.map((c) => {
		const label = c.unseen ? undefined : c.title;
		const value = c.cell ? c.cell(row) : row[c.key];
		const shown = value === null || value === undefined || value === '' ? '–' : value;
		return c.head
			? html`<th scope="row" role="rowheader" class=${cell_class(c)} data-label=${label}>${shown}</th>`
			: html`<td role="cell" class=${cell_class(c)} data-label=${label}>${shown}</td>`;
	})}</tr>`;
}

function cell_class(c) {
	return [c.num && 'num', c.mono && 'mono', c.grow && 'grow', c.class].filter(Boolean).join(' ');
}
