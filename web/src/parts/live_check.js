// Waits for the first message of a sending system and says what is seen of it,
// line by line, for 15 minutes.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t, clock_seconds, duration } from '../words.js';
import { use_look } from '../look.js';
import { live } from '../live.js';
import { check_lines } from '../live_check.js';
import { fix_here } from '../refusal_fixes.js';
import { Card } from './card.js';
import { Code } from './copy.js';
import { Icon } from './icon.js';
import { Rich } from './rich.js';

const longest_ms = 900000;
const nothing = { seen: null, count: 0, connections: 0 };
const icons = { wait: ['dotted', 'off'], run: ['arc', 'info'], ok: ['ok', 'ok'], warn: ['triangle', 'warn'], bad: ['octagon', 'bad'] };

// The newest message or refusal with all its facts, and how many there are.
async function newest(customer, query, signal) {
	const { rows } = await api.get(of(customer, 'watch'), { query, signal });
	const [row] = rows;
	if (!row)
		return nothing;
	const messages = rows.filter((r) => r.id);
	const seen = row.id ? await api.get(of(customer, 'messages', row.id), { signal }) : row;
	const done = seen.events?.filter((e) => e.event === 'delivery').at(-1);
	return { seen: { ...seen, at: row.at, took_ms: done && new Date(done.at) - new Date(row.at) },
		count: messages.length, connections: new Set(messages.map((m) => m.session ?? m.id)).size };
}

// Asks again when there was something new; the clock is only for who reads.
function use_watch(customer, query) {
	const [begun, set_begun] = useState(Date.now());
	const [now, set_now] = useState(begun);
	const [stopped, set_stopped] = useState(false);
	const since = new Date(begun - 60000).toISOString();
	const look = use_look(`${customer} ${JSON.stringify(query)} ${since}`, (signal) => newest(customer, { ...query, since }, signal),
		[stopped || live.value.overview_at]);
	useEffect(() => {
		if (stopped)
			return undefined;
		const timer = setInterval(() => {
			set_now(Date.now());
			set_stopped(Date.now() - begun > longest_ms);
		}, 1000);
		return () => clearInterval(timer);
	}, [begun, stopped]);
	const again = () => { set_begun(Date.now()); set_now(Date.now()); set_stopped(false); };
	return { ...nothing, ...look.data.value, waited_s: Math.max(0, Math.round((now - begun) / 1000)),
		stopped, stop: () => set_stopped(true), again };
}

// query: {setting | client | app_password}; who: what is waited for, as text;
// want: {tls, auth, relay}; checks: three texts of the product; helo_fix: {head, text}.
export function LiveCheck({ customer, query, who, want, checks, helo_fix }) {
	const watch = use_watch(customer, query);
	const lines = check_lines(watch.seen, watch, want);
	const first_waiting = lines.find((l) => l.state === 'run' || l.state === 'warn') ?? lines[0];
	const whole = watch.seen && !watch.seen.cause && lines.at(-1).state === 'ok';
	const minutes = `${Math.floor(watch.waited_s / 60)}:${String(watch.waited_s % 60).padStart(2, '0')}`;
	return html`<${Card} edge="accent" title=${t('check.title')} aside=${html`<span class="hint" aria-hidden="true">${minutes}</span>`} class="live-check">
		<p class="hint" role="status" aria-live="polite">${whole ? t('check.connected')
			: watch.seen ? t(`check.${first_waiting.word}`, spoken(first_waiting.values)) : t('check.waiting', { who })}</p>
		<ol class="check-lines">${lines.map((l) => html`<${Line} key=${l.key} line=${l} customer=${customer} seen=${watch.seen}
			checks=${checks} helo_fix=${helo_fix} />`)}</ol>
		<p class="actions">${watch.stopped ? html`<button class="button small" onClick=${watch.again}>${t('check.again')}</button>`
			: html`<button class="button small" onClick=${watch.stop}>${t('check.stop')}</button>`}</p>
		<details><summary>${t('check.nothing')}</summary><${Checks} checks=${checks} /></details><//>`;
}

function spoken(values) {
	return { ...values, ms: duration(values.ms) };
}

function Checks({ checks }) {
	return html`<ol class="hint">${checks.map((c) => html`<li key=${c}><${Rich} text=${c} /></li>`)}</ol>`;
}

function Line({ line, customer, seen, checks, helo_fix }) {
	const [icon, tone] = icons[line.state];
	const more = detail(line, seen);
	const fix = line.word === 'address_unlisted' ? fix_here(customer, seen) : null;
	return html`<li class=${line.state === 'wait' ? 'waiting' : ''}><${Icon} name=${icon} class=${`tone-${tone}`} />
		<div><strong>${t(`check.${line.word}`, spoken(line.values))}</strong>
		${more && html`<p class="hint">${more}</p>`}
		${line.word === 'connection_none' && html`<${Checks} checks=${checks} />`}
		${fix?.allowed && html`<p><a class="button small" href=${fix.href}>${fix.act}</a></p>`}
		${line.word === 'helo_generic' && helo_fix && html`<${Code} name=${helo_fix.head} text=${helo_fix.text} />`}
		${line.key === 'message' && seen?.reference && html`<p><a href=${at(customer, 'sessions', seen.reference)}>${t('check.why')}</a></p>`}
		${line.key === 'delivery' && seen?.id && html`<p><a href=${at(customer, 'messages', seen.id)}>${t('check.open')}</a></p>`}
		</div></li>`;
}

// The second line: what was seen, or what comes.
function detail(line, seen) {
	switch (line.word) {
	case 'connection_seen': return `${clock_seconds(seen.at)} · ${seen.client}${seen.listener ? ` → ${seen.listener}` : ''}`;
	case 'address_listed': return line.values.setting ? t('check.entry_in', line.values) : line.values.entry;
	case 'helo_generic': return t('check.helo_generic_why', line.values);
	case 'helo_fine': return seen.helo;
	case 'message_refused': return line.values.reply;
	case 'message': return t('check.message_then');
	case 'delivery_later': return line.values.reply;
	default: return null;
	}
}
