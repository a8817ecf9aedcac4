// The frame of one page: title (the document's too), where it belongs, lead,
// acts at the right, and an aside that stands beside the body on wide screens.
// The heading takes the focus when a page opens by a link.
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { place } from '../router.js';
import { StatusLine } from './status_line.js';

let first = true;

export function Page({ title, name, up, lead, badges, actions, aside, aside_first, children }) {
	const heading = useRef();
	useEffect(() => {
		document.title = `${name ?? title} · Postrider`;
	}, [title, name]);
	useEffect(() => {
		if (!first)
			heading.current?.focus({ preventScroll: true });
		first = false;
	}, [place.value.path]);
	return html`
		<header class="page-head">
			<div class="page-title">
				${up && html`<p class="up"><a href=${up.href}>${up.title}</a> ›</p>`}
				<h1 tabindex="-1" ref=${heading}>${title}</h1>
				${badges && html`<div class="badges">${badges}</div>`}
				${lead && html`<p class="lead">${lead}</p>`}
			</div>
			${actions && html`<div class="actions">${actions}</div>`}
		</header>
		<${StatusLine} />
		${aside ? html`<div class=${`columns ${aside_first ? 'aside-first' : ''}`}>
			<div class="stack">${children}</div>
			<div class="stack aside">${aside}</div></div>`
		: html`<div class="stack">${children}</div>`}`;
}
