// The limits of users, nearest first.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, place } from '../router.js';
import { t, num, percent, clock } from '../words.js';
import { use_look, Look } from '../look.js';
import { Card } from './card.js';
import { Table } from './table.js';
import { Pager } from './pager.js';

export function UserLimits({ customer }) {
	const cursor = place.value.query.get('cursor');
	const look = use_look(`${customer} ${cursor}`, (signal) => api.get(of(customer, 'limits', 'users'), { signal, query: { cursor } }));
	if (look.problem.value?.status === 404)
		return null;                    // the service doesn't tell them
	return html`<${Card} flush title=${t('limits.per_user')} lead=${t('limits.per_user_lead')}>
		<${Look} of=${look} rows=${4}>${(data) => html`<${Table} name=${t('limits.per_user')} dense cards columns=${columns(customer)}
			rows=${data.items} row_key=${(r) => r.user} empty=${t('limits.nobody')} /><${Pager} next=${data.next} />`}<//><//>`;
}

function used(n, limit) {
	return limit > 0 ? `${num(n)} · ${percent(n, limit)}` : num(n);
}

function columns(customer) {
	return [
		{ key: 'user', title: t('messages.by_from'), head: true, cell: (r) => r.registered === false ? r.user
			: html`<a href=${at(customer, 'users', r.user)}>${r.user}</a>` },
		{ key: 'messages', title: t('queue.messages'), num: true, cell: (r) => used(r.messages_used, r.messages_limit) },
		{ key: 'unique', title: t('limits.unique'), num: true, cell: (r) => r.registered === false ? null : used(r.unique_used, r.unique_limit) },
		{ key: 'opens', title: t('limits.opens_next'), grow: true, cell: (r) => r.registered === false ? t('limits.unregistered')
			: r.opens_at && clock(r.opens_at) },
	];
}
