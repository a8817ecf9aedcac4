// Requests to share an address that another customer listed first: allow.
// Neither customer is told of the other.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';

export default function Sharing() {
	const look = use_look('sharing', (signal) => api.get('/operator/sharing-requests', { signal }));
	const allow = (r) => attempt(() => api.post(of(r.customer, 'settings', r.setting, 'ip', r.range, 'share')),
		{ said: t('operator.shared', { range: r.range, customer: r.customer }), then: look.reload });
	const columns = [
		{ key: 'range', title: t('passwords.range'), head: true, cell: (r) => html`<code>${r.range}</code>` },
		{ key: 'customer', title: t('operator.asks') },
		{ key: 'setting', title: t('messages.by_setting') },
		{ key: 'act', title: t('queue.acts'), unseen: true, class: 'num', cell: (r) => html`<button class="button small"
			aria-label=${`${t('operator.allow')}: ${r.range}, ${r.customer}`} onClick=${() => allow(r)}>${t('operator.allow')}</button>` },
	];
	return html`<${Page} title=${t('operator.sharing')} lead=${t('operator.sharing_lead')}><${Card} flush>
		<${Look} of=${look} rows=${4}>${({ items }) => html`<${Table} name=${t('operator.sharing')} cards columns=${columns} rows=${items}
			empty=${t('operator.no_sharing')} />`}<//><//><//>`;
}
