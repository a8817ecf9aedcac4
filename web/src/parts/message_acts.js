// What can be done with one message: only what applies. Retry, hold and release
// can be undone; deleting asks, returning too.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { may } from '../session.js';
import { tell, tell_problem } from '../status.js';
import { t } from '../words.js';
import { Dialog } from './dialog.js';

const open_states = ['deferred', 'held', 'queued', 'accepted'];

export function MessageActs({ customer, message, reload }) {
	const [asking, set_asking] = useState(null);
	const states = new Set(message.recipients.map((r) => r.state));
	const open = open_states.some((s) => states.has(s));
	if (!open || !may('queue'))
		return null;
	const act = async (name) => {
		set_asking(null);
		try {
			await api.post(of(customer, 'queue', 'acts'), { act: name, selection: { ids: [message.id] } });
			tell(t(`queue.done_${name}`, { n: 1 }), undo_of(name) && { undo: () => act(undo_of(name)) });
			reload();
		} catch (problem) {
			tell_problem(problem);
		}
	};
	return html`
		${states.has('deferred') && html`<button class="button" onClick=${() => act('retry')}>${t('queue.act_retry')}</button>`}
		${states.has('held') ? html`<button class="button" onClick=${() => act('release')}>${t('queue.act_release')}</button>`
		: html`<button class="button" onClick=${() => act('hold')}>${t('queue.act_hold')}</button>`}
		<button class="button danger" onClick=${() => set_asking('remove')}>${t('queue.act_remove')}…</button>
		${asking && html`<${Dialog} title=${t('message.remove_title')} onClose=${() => set_asking(null)}
			actions=${html`<button class="button danger" onClick=${() => act('remove')}>${t('queue.act_remove')}</button>
				<button class="button" onClick=${() => set_asking(null)}>${t('act.cancel')}</button>`}>
			<p>${t('queue.remove_final')}</p><//>`}`;
}

function undo_of(act) {
	return { hold: 'release', release: 'hold' }[act];
}
