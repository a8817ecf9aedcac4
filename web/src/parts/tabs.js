// Tabs: one of a few views of the same place. Arrows move between them.
// tabs: [[value, label]…]
import { useRef } from 'preact/hooks';
import { html } from '../html.js';

export function Tabs({ label, tabs, value, onValue }) {
	const box = useRef();
	if (tabs.length < 2)
		return null;
	const key = (event) => {
		const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
		if (!step)
			return;
		const i = (tabs.findIndex(([v]) => v === value) + step + tabs.length) % tabs.length;
		onValue(tabs[i][0]);
		box.current.children[i].focus();
	};
	return html`<div class="tabs" role="tablist" aria-label=${label} ref=${box} onKeyDown=${key}>
		${tabs.map(([v, text]) => html`<button type="button" role="tab" key=${v} aria-selected=${v === value}
			tabindex=${v === value ? 0 : -1} onClick=${() => onValue(v)}>${text}</button>`)}</div>`;
}
