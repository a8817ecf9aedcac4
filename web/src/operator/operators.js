// Who operates: a new operator gets a link that lets in once.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { person } from '../session.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Once } from '../parts/once.js';
import { Code } from '../parts/copy.js';
import { TextField } from '../parts/field.js';

export default function Operators() {
	const look = use_look('operators', (signal) => api.get('/operator/operators', { signal }));
	const [address, set_address] = useState('');
	const [made, set_made] = useState(null);
	const add = (event) => {
		event.preventDefault();
		attempt(() => api.post('/operator/operators', { address: address.trim() }),
			{ then: (link) => { set_made(link); set_address(''); look.reload(); } });
	};
	const remove = (o) => attempt(() => api.remove(`/operator/operators/${encodeURIComponent(o.address)}`),
		{ said: t('users.removed', { address: o.address }), then: look.reload });
	const columns = [
		{ key: 'address', title: t('users.address'), head: true },
		{ key: 'act', title: t('queue.acts'), unseen: true, class: 'num', cell: (o) => o.address === person.value.address ? ' '
			: html`<button class="button small danger" aria-label=${`${t('domains.remove')}: ${o.address}`} onClick=${() => remove(o)}>${t('domains.remove')}</button>` },
	];
	return html`<${Page} title=${t('operator.operators')} lead=${t('operator.operators_lead')}><${Card} flush>
		<${Look} of=${look} rows=${3}>${({ items }) => html`<${Table} name=${t('operator.operators')} cards columns=${columns} rows=${items} />`}<//><//>
		<${Card} title=${t('operator.add_operator')}><form class="form" onSubmit=${add}><${TextField} label=${t('users.address')} type="email" required
			value=${address} onValue=${set_address} /><p><button class="button primary">${t('operator.add_operator')}</button></p></form><//>
		${made && html`<${Once} title=${t('users.invite_made')} close=${() => set_made(null)}>
			<${Code} name=${t('users.invite_link')} text=${made.link} /><//>`}<//>`;
}
