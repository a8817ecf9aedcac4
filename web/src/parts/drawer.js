// The menu on phones: a dialog at the left edge.
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../words.js';
import { Icon } from './icon.js';

export function Drawer({ onClose, children }) {
	const box = useRef();
	useEffect(() => { box.current.showModal(); }, []);
	const outside = (e) => { if (e.target === box.current) onClose(); };
	return html`<dialog class="drawer" ref=${box} aria-label=${t('frame.menu')} onClose=${onClose}
		onClick=${outside}>
		<div class="drawer-head"><span class="brand"><${Icon} name="horn" /> Postrider</span>
			<button class="icon-button" aria-label=${t('act.close')} onClick=${onClose}>
				<${Icon} name="close" /></button></div>
		${children}</dialog>`;
}
