// The operator's overview: what needs him, numbers and refusals of all
// customers, how the service stands.
import { html } from '../html.js';
import { api } from '../api.js';
import { place } from '../router.js';
import { t, num } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Badge } from '../parts/badge.js';
import { Numbers } from '../parts/numbers.js';
import { Needs } from '../parts/needs.js';
import { ranges, AsOf, Range, Series } from '../pages/overview.js';

export default function OperatorOverview() {
	const range = ranges.includes(place.value.query.get('range')) ? place.value.query.get('range') : '24h';
	const moved = live.value.overview_at;
	const look = use_look(range, (signal) => api.get('/operator/overview', { signal, query: { range } }), [moved]);
	const needs = use_look('needs', (signal) => api.get('/operator/needs', { signal }), [moved]);
	const status = use_look('status', (signal) => api.get('/operator/status', { signal }), [moved]);
	const data = look.data.value;
	return html`<${Page} title=${t('overview.title')} badges=${data && html`<${AsOf} data=${data} />`} actions=${html`<${Range} range=${range} />`}>
		<${Look} of=${needs} rows=${3} optional>${({ items }) => html`<${Needs} items=${items} />`}<//>
		<${Look} of=${look} rows=${8}>${(overview) => html`<${Numbers} numbers=${overview.numbers} range=${range} />
			<${Series} overview=${overview} />`}<//>
		<${Look} of=${status} rows=${4}>${(s) => html`<${Service} status=${s} />`}<//><//>`;
}

function Service({ status: s }) {
	return html`<${Card} title=${t('operator.service')} aside=${html`<${Badge} kind=${s.relay ? 'live' : 'warn'}>
			${t(s.relay ? 'operator.relay_up' : 'operator.relay_down')}<//>`}><${Facts} rows=${[
		[t('operator.version'), s.version],
		[t('operator.revision'), num(s.revision)],
		[t('operator.customers'), num(s.customers)],
		[t('domains.title'), num(s.domains)],
		[t('users.title'), num(s.users)],
		[t('passwords.title'), num(s.app_passwords)],
		[t('operator.settings'), num(s.settings)],
		[t('operator.entries'), num(s.entries)],
	]} /><//>`;
}
