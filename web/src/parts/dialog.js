// A modal <dialog>: the browser keeps the focus inside and gives it back.
// locked: Esc does not close it (what it shows is shown once).
import { useEffect, useId, useRef } from 'preact/hooks';
import { html } from '../html.js';

export function Dialog({ title, onClose, locked, actions, class: more = '', children }) {
	const box = useRef();
	const id = useId();
	useEffect(() => {
		const back = document.activeElement;
		box.current.showModal();
		return () => back?.focus?.();
	}, []);
	const cancel = (event) => {
		event.preventDefault();
		if (!locked)
			onClose();
	};
	return html`<dialog ref=${box} class=${`dialog ${more}`} aria-labelledby=${id}
		onCancel=${cancel} onKeyDown=${(e) => { if (locked && e.key === 'Escape') e.preventDefault(); }}>
		<h2 id=${id}>${title}</h2>
		${children}
		${actions && html`<div class="actions">${actions}</div>`}
	</dialog>`;
}
