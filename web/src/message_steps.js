// The way of one message as steps of a timeline, from the row of message.show:
// connection, encryption, decision, acceptance, each try; repeated tries with
// one reply fold into one step; the next try stands dotted at the end.
import { html } from './html.js';
import { at } from './router.js';
import { t, num } from './words.js';

// How the steps of a recipient's states look.
const states = {
	delivered: { icon: 'ok', tone: 'ok' }, deferred: { icon: 'clock', tone: 'warn' },
	failed: { icon: 'cross', tone: 'bad' }, expired: { icon: 'cross', tone: 'bad' }, held: { icon: 'pause', tone: 'held' },
};

export function message_steps(customer, message) {
	const steps = [...first_steps(customer, message)];
	for (const event of message.events ?? [])
		steps.push(...event_steps(message, event));
	return [...fold(steps), ...next_steps(message)];
}

// What is known from the message itself: how it came in.
function* first_steps(customer, m) {
	const at_time = m.accepted_at;
	if (m.client)
		yield { at: at_time, icon: 'plug', title: t('step.connected', { client: m.client }),
			text: m.client_name && t('step.entry', { name: m.client_name }) };
	if (m.client)
		yield { at: at_time, icon: m.tls ? 'lock' : 'info', tone: m.tls ? 'ok' : 'warn',
			title: m.tls ? t('step.tls', { version: tls_name(m.tls) }) : t('step.no_tls'),
			text: [m.cipher, m.helo && `EHLO ${m.helo}`].filter(Boolean).join(' · ') };
	if (m.login)
		yield { at: at_time, icon: 'user', tone: 'ok', title: t('step.login', { login: m.login }) };
	if (m.setting)
		yield { at: at_time, icon: 'ok', tone: 'ok', title: t('step.allowed', { setting: m.setting.description }),
			text: html`<a href=${explain_address(customer, m)}>${t('step.decision')}</a>` };
	if (m.original_from && m.original_from !== m.from)
		yield { at: at_time, icon: 'pencil', title: t('step.rewritten', { to: m.from }),
			text: t('step.rewritten_why', { from: m.original_from }) };
}

export function tls_name(text) {
	return text.replace(/^TLSv/, 'TLS ');
}

export function explain_address(customer, m) {
	const query = new URLSearchParams();
	const facts = { client_ip: m.client, helo: m.helo, from: m.original_from ?? m.from, auth: m.login, tls: m.tls ? '1' : '' };
	for (const [name, value] of Object.entries(facts))
		if (value)
			query.set(name, value);
	return `${at(customer, 'explain')}?${query}`;
}

function event_steps(m, event) {
	switch (event.event) {
	case 'accepted':
		return [{ at: event.at, icon: 'box', tone: 'ok', title: t('step.accepted'),
			text: t('step.accepted_text', { n: m.recipients.length }), reply: event.reply }];
	case 'delivery':
		return (event.recipients ?? []).map((r) => try_step(event, r));
	case 'queue.held':
		return [{ at: event.at, icon: 'pause', tone: 'held', title: t('step.held'), text: event.why }];
	case 'queue.released':
		return [{ at: event.at, icon: 'ok', tone: 'ok', title: t('step.released'), text: event.by }];
	case 'queue.removed':
		return [{ at: event.at, icon: 'trash', title: t('step.removed'), text: event.by }];
	default:
		return [{ at: event.at, icon: 'info', title: event.event, reply: event.reply }];
	}
}

function try_step(event, r) {
	const { icon, tone } = states[r.state] ?? { icon: 'info' };
	const where = [event.host && (event.address ? `${event.host} (${event.address})` : event.host),
		event.tls && tls_name(event.tls)].filter(Boolean).join(' · ');
	const key = { delivered: 'step.delivered', deferred: 'step.deferred', held: 'step.held_for' }[r.state] ?? 'step.failed';
	return { at: event.at, icon, tone, title: t(key, { to: r.to }), text: where || event.destination,
		reply: with_code(r), fold: `${r.to} ${r.state} ${r.reply}`, to: r.to, state: r.state };
}

function with_code(r) {
	return r.code && !String(r.reply).startsWith(String(r.code)) ? `${r.code} ${r.reply ?? ''}`.trim() : r.reply;
}

// Tries of one recipient with one reply become one step: "5 tries".
function fold(steps) {
	const out = [];
	for (const step of steps) {
		const same = step.state === 'deferred' && out.find((s) => s.fold === step.fold);
		if (!same) {
			out.push({ ...step, times: 1 });
			continue;
		}
		same.times++;
		same.until = step.at;
		same.title = t('step.deferred_times', { to: step.to, n: same.times });
	}
	return out;
}

function* next_steps(message) {
	const waiting = message.recipients.filter((r) => r.next_at);
	if (waiting.length === 0)
		return;
	const next = waiting.reduce((a, b) => a.next_at < b.next_at ? a : b);
	yield { at: next.next_at, form: 'clock', icon: 'dotted', tone: 'off', title: t('step.next', { n: (next.tries ?? 0) + 1 }),
		text: t('step.next_text', { n: num(waiting.length) }) };
}
