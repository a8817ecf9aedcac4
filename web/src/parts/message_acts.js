// What can be done with one message: only what applies. Retry, hold and release
// can be undone; deleting asks, returning too.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { may } from '../session.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { Confirm } from './confirm.js';

const open_states = ['deferred', 'held', 'queued', 'accepted'];

export function MessageActs({ customer, message, reload }) {
	const [asking, set_asking] = useState(false);
	const states = new Set(message.recipients.map((r) => r.state));
	const open = open_states.some((s) => states.has(s));
	if (!open || !may('queue'))
		return null;
	const act = (name) => {
		set_asking(false);
		const back = undo_of(name);
		attempt(() => api.post(of(customer, 'queue', 'acts'), { act: name, selection: { ids: [message.id] } }),
			{ said: t(`queue.done_${name}`, { n: 1 }), then: reload, undo: back && (() => act(back)) });
	};
	return html`
		${states.has('deferred') && html`<button class="button" onClick=${() => act('retry')}>${t('queue.act_retry')}</button>`}
		${states.has('held') ? html`<button class="button" onClick=${() => act('release')}>${t('queue.act_release')}</button>`
		: html`<button class="button" onClick=${() => act('hold')}>${t('queue.act_hold')}</button>`}
		<button class="button danger" onClick=${() => set_asking(true)}>${t('queue.act_remove')}…</button>
		${asking && html`<${Confirm} title=${t('message.remove_title')} act=${t('queue.act_remove')} run=${() => act('remove')}
			close=${() => set_asking(false)}>${t('queue.remove_final')}<//>`}`;
}

function undo_of(act) {
	return { hold: 'release', release: 'hold' }[act];
}
