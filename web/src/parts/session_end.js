// Two minutes before the session ends for want of use, asks whether to stay.
// Any call to the API keeps it; what counts here is the last one.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { answered_at } from '../api.js';
import { session, load_session, sign_out } from '../session.js';
import { t } from '../words.js';
import { Dialog } from './dialog.js';

const warn_ms = 2 * 60000;

export function SessionEnd() {
	const [ending, set_ending] = useState(false);
	const now = session.value;
	useEffect(() => {
		if (!now?.idle_ms)
			return;
		const look = () => {
			const left = answered_at.peek() + now.idle_ms - Date.now();
			set_ending(left < warn_ms);
			if (left < 0)
				session.value = { state: 'out', ended: true };
		};
		look();
		const timer = setInterval(look, 5000);
		return () => clearInterval(timer);
	}, [now]);
	if (!ending)
		return null;
	return html`<${Dialog} title=${t('session.ending')} onClose=${load_session}
		actions=${html`<button class="button primary" onClick=${load_session}>${t('session.stay')}</button>
			<button class="button" onClick=${sign_out}>${t('frame.sign_out')}</button>`}>
		<p>${t('session.ending_why')}</p><//>`;
}
