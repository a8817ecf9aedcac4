// A button that opens a short list of links and acts ("More ▾"). Esc or a
// click elsewhere closes it and gives the focus back.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';

export function Menu({ label, button_class = 'button quiet', children }) {
	const [open, set_open] = useState(false);
	const box = useRef();
	const id = useId();
	useEffect(() => {
		if (!open)
			return;
		const away = (e) => { if (!box.current?.contains(e.target)) set_open(false); };
		document.addEventListener('pointerdown', away);
		document.addEventListener('focusin', away);
		return () => {
			document.removeEventListener('pointerdown', away);
			document.removeEventListener('focusin', away);
		};
	}, [open]);
	const key = (e) => {
		if (e.key === 'Escape' && open) {
			set_open(false);
			box.current.querySelector('button').focus();
		}
	};
	return html`<div class="menu" ref=${box} onKeyDown=${key}>
		<button class=${button_class} aria-expanded=${open} aria-controls=${id}
			onClick=${() => set_open(!open)}>${label}</button>
		<div id=${id} class="menu-list" hidden=${!open} onClick=${() => set_open(false)}>
			${children}</div></div>`;
}
