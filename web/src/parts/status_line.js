// Where status.js's line is shown.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { told, clear_told } from '../status.js';
import { t } from '../words.js';
import { Icon } from './icon.js';
import { kinds } from './badge.js';

export function StatusLine() {
	const line = told.value;
	const { icon, tone } = kinds[line?.kind] ?? kinds.ok;
	const bad = line?.kind === 'refused';
	return html`<div class="status-line" role=${bad ? 'alert' : 'status'}>
		${line && html`<div class=${`note edge-${tone}`}>
			<${Icon} name=${icon} class=${`tone-${tone}`} />
			<p class="note-body"><strong class=${`tone-${tone}`}>${line.text}</strong></p>
			${line.undo && html`<button class="button small" onClick=${() => undo(line)}>
				<${Icon} name="undo" /> ${line.label ?? t('act.undo')}</button>
				<${Left} ends_at=${line.ends_at} />`}
			<button class="icon-button" aria-label=${t('act.close')} onClick=${clear_told}>
				<${Icon} name="close" /></button>
		</div>`}</div>`;
}

function undo(line) {
	clear_told();
	line.undo();
}

// Seconds left, not read out each second.
function Left({ ends_at }) {
	const [now, set_now] = useState(Date.now());
	useEffect(() => {
		const timer = setInterval(() => set_now(Date.now()), 1000);
		return () => clearInterval(timer);
	}, []);
	const n = Math.max(0, Math.ceil((ends_at - now) / 1000));
	return html`<span class="hint" aria-hidden="true">${t('act.seconds_left', { n })}</span>`;
}
