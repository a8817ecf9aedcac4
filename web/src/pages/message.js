// One message, one page: the answer in the badges, the result for each
// recipient, its way from connection to delivery, what it is, what can be done.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t, bytes, full_day, clock_seconds, clock, t_or } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Badge, state_kind } from '../parts/badge.js';
import { Timeline } from '../parts/timeline.js';
import { MessageActs } from '../parts/message_acts.js';
import { message_steps } from '../message_steps.js';
import { meaning_words } from '../reply_words.js';

const grouped_from = 20;        // recipients; more are shown by state and reply

export default function Message({ customer, id }) {
	const look = use_look(`${customer} ${id}`, (signal) => api.get(of(customer, 'messages', id), { signal }),
		[live.value.queue_at]);
	const up = { href: at(customer, 'messages'), title: t('messages.title') };
	const message = look.data.value;
	if (!message)
		return html`<${Page} title=${t('message.title_unknown')} name=${id} up=${up}>
			<${Look} of=${look} rows=${8} /><//>`;
	return html`<${Page} up=${up} name=${id} badges=${html`<${States} message=${message} />`}
		title=${t('message.title', { from: message.from || '<>', n: message.recipients.length })}
		actions=${html`<${MessageActs} customer=${customer} message=${message} reload=${look.reload} />`}
		aside=${html`<${About} message=${message} /><${More} customer=${customer} message=${message} />`}>
		<${Results} message=${message} />
		<${Way} customer=${customer} message=${message} /><//>`;
}

function count_states(message) {
	const counts = new Map();
	for (const r of message.recipients)
		counts.set(r.state, (counts.get(r.state) ?? 0) + 1);
	return [...counts];
}

export function state_words(state) {
	return t_or(`state.${state}`, state);
}

function States({ message }) {
	return count_states(message).map(([state, n]) => html`<${Badge} key=${state} kind=${state_kind[state] ?? 'note'}>
		${t('message.state_count', { state: state_words(state), n })}<//>`);
}

// Many recipients are one row for each state and reply.
function grouped(recipients) {
	if (recipients.length <= grouped_from)
		return recipients;
	const groups = new Map();
	for (const r of recipients) {
		const key = `${r.state} ${r.reply}`;
		const group = groups.get(key) ?? { ...r, n: 0, first: r.to };
		group.n++;
		groups.set(key, group);
	}
	return [...groups.values()].map((g) => g.n === 1 ? g
		: { ...g, to: t('message.and_more', { to: g.first, n: g.n - 1 }) });
}

function Results({ message }) {
	const columns = [
		{ key: 'to', title: t('message.recipient'), head: true, cell: (r) => r.to },
		{ key: 'state', title: t('messages.state'), cell: (r) => html`<${Badge} kind=${state_kind[r.state] ?? 'note'}>
			${state_words(r.state)}<//>` },
		{ key: 'reply', title: t('message.remote'), grow: true, cell: (r) => html`<code>${r.reply ?? '–'}</code>
			${meaning_words(r) && html`<p>${meaning_words(r)}</p>`}` },
		{ key: 'next', title: t('message.next'), cell: (r) => r.next_at && html`<span class="nowrap">${clock(r.next_at)}
			</span> <span class="nowrap">${t('message.nth_try', { n: (r.tries ?? 0) + 1 })}</span>` },
	];
	return html`<${Card} flush title=${t('message.results')}>
		<${Table} name=${t('message.results')} cards columns=${columns} rows=${grouped(message.recipients)}
			row_key=${(r) => `${r.to} ${r.state}`} /><//>`;
}

function Way({ customer, message }) {
	return html`<${Card} title=${t('message.way')}><${Timeline} steps=${message_steps(customer, message)} /><//>`;
}

function About({ message: m }) {
	return html`<${Card} title=${t('message.about')}><${Facts} rows=${[
		[t('message.queue_id'), html`<code>${m.id}</code>`],
		['Message-ID', m.message_id && html`<code>${m.message_id}</code>`],
		[t('message.envelope_sender'), m.from || '<>'],
		m.original_from && m.original_from !== m.from && [t('message.original_sender'), m.original_from],
		[t('messages.size'), bytes(m.size)],
		[t('message.accepted'), m.accepted_at && `${full_day(m.accepted_at)} ${clock_seconds(m.accepted_at)}`],
		[t('message.client'), m.client && html`<code>${m.client}</code>`],
		m.report_about && [t('message.report_about'), html`<code>${m.report_about}</code>`],
	]} /><//>`;
}

function More({ customer, message: m }) {
	const list = (query) => `${at(customer, 'messages')}?${new URLSearchParams(query)}`;
	const destinations = [...new Set(m.recipients.filter((r) => r.next_at || r.state === 'deferred')
		.map((r) => r.destination).filter(Boolean))].slice(0, 3);
	return html`<${Card} title=${t('message.more')}><ul class="links">
		${m.client && html`<li><a href=${list({ text: m.client, range: '24h' })}>${t('message.from_client', { client: m.client })}</a></li>`}
		${m.from && html`<li><a href=${list({ from: m.from, range: '24h' })}>${t('message.from_sender', { from: m.from })}</a></li>`}
		${destinations.map((d) => html`<li key=${d}><a href=${`${at(customer, 'queue', 'list')}?destination=${encodeURIComponent(d)}`}>
			${t('message.waiting_for', { destination: d })}</a></li>`)}</ul><//>`;
}
