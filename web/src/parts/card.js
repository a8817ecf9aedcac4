// A white sheet with a heading; `flush` lets a table reach its edges.
import { useId } from 'preact/hooks';
import { html } from '../html.js';

export function Card({ title, lead, aside, flush, edge, class: more = '', children }) {
	const id = useId();
	return html`<section class=${`card ${flush ? 'flush' : ''} ${edge ? `edge-${edge}` : ''} ${more}`}
		aria-labelledby=${title ? id : undefined}>
		${title && html`<div class="card-head"><h2 id=${id}>${title}</h2>${aside}</div>`}
		${lead && html`<p class="lead">${lead}</p>`}
		${children}</section>`;
}

// Facts as label and value: rows of [label, value].
export function Facts({ rows }) {
	return html`<dl class="facts">${rows.filter(Boolean).map(([label, value]) => html`
		<div><dt>${label}</dt><dd>${value ?? '–'}</dd></div>`)}</dl>`;
}
