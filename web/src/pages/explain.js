// "Would this be accepted?": facts on the left, on the right the verdict, whose
// mail it is, setting by setting, and what to do. The address is the test.
// Sends nothing; the function is the relay's.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go, place, set_query } from '../router.js';
import { t, language } from '../words.js';
import { use_look, Look } from '../look.js';
import { may } from '../session.js';
import { attempt } from '../status.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Badge, Mark } from '../parts/badge.js';
import { Icon } from '../parts/icon.js';
import { Reply, Copy } from '../parts/copy.js';
import { TextField, SelectField, Tick } from '../parts/field.js';
import { new_id, plain } from '../settings/draft.js';

const facts = ['client_ip', 'helo', 'from', 'to', 'auth', 'tls', 'draft'];
const tests = ['tls', 'auth', 'address', 'sender'];

export default function Explain({ customer }) {
	const { query } = place.value;
	const asked = Object.fromEntries(facts.map((f) => [f, query.get(f) ?? '']));
	const drafts = use_look(customer, (signal) => Promise.all([
		api.get(of(customer, 'drafts'), { signal }), api.get(of(customer, 'settings'), { signal })]));
	return html`<${Page} title=${t('explain.title')} lead=${t('explain.lead')}>
		<div class="explain"><${Look} of=${drafts} rows=${8}>${([{ items: drafts_there }, { items: settings }]) => html`
			<${Facts} key=${String(query)} asked=${asked} drafts=${drafts_there} settings=${settings} />
			${asked.client_ip ? html`<${Answer} customer=${customer} asked=${asked} settings=${settings} />`
				: html`<${Card}><p class="hint">${t('explain.begin')}</p><//>`}`}<//></div><//>`;
}

function Facts({ asked, drafts, settings }) {
	const [value, set_value] = useState({ ...asked, tls: asked.tls !== '' && asked.tls !== '0' });
	const set = (name) => (v) => set_value({ ...value, [name]: v });
	const submit = (event) => {
		event.preventDefault();
		set_query({ ...value, client_ip: value.client_ip.trim(), tls: value.tls ? '1' : '' });
	};
	const name_of = (d) => settings.find((s) => s.id === d.id)?.description ?? d.setting.description ?? d.id;
	return html`<${Card} class="explain-facts"><form class="form" onSubmit=${submit}>
		${drafts.length > 0 && html`<${SelectField} label=${t('explain.settings_used')} value=${value.draft} onValue=${set('draft')}
			options=${[['', t('explain.in_force')], ...drafts.map((d) => [d.id, t('explain.draft', { name: name_of(d) })])]} />`}
		<${TextField} label=${t('explain.client_ip')} required mono value=${value.client_ip} onValue=${set('client_ip')} spellcheck="false" />
		<${TextField} label=${t('explain.helo')} mono value=${value.helo} onValue=${set('helo')} spellcheck="false" />
		<${TextField} label=${t('explain.from')} mono value=${value.from} onValue=${set('from')} hint=${t('explain.from_hint')} spellcheck="false" />
		<${TextField} label=${t('explain.to')} mono value=${value.to} onValue=${set('to')} spellcheck="false" />
		<${TextField} label=${t('explain.auth')} mono value=${value.auth} onValue=${set('auth')} hint=${t('explain.auth_hint')} spellcheck="false" />
		<${Tick} label=${t('explain.tls')} checked=${value.tls} onPick=${set('tls')} />
		<button class="button primary wide">${t('explain.decide')}</button>
		<p class="hint">${t('explain.sends_nothing')}</p></form><//>`;
}

function Answer({ customer, asked, settings }) {
	const { tls, draft, ...rest } = asked;
	const look = use_look(JSON.stringify(asked), (signal) => api.get(of(customer, 'explain'), { signal,
		query: { ...rest, tls: tls && tls !== '0' ? 'true' : 'false', draft } }));
	return html`<div class="stack"><${Look} of=${look} rows=${8}>${(d) => html`
		<${Verdict} answer=${d} asked=${asked} />
		<${Whose} answer=${d} />
		<${BySetting} answer=${d} settings=${settings} />
		${d.verdict === 'accept' ? html`<${Else} answer=${d} />` : html`<${Fixes} customer=${customer} answer=${d} asked=${asked} />`}
		<${AsCommand} asked=${asked} />`}<//></div>`;
}

const why = (step) => language.value === 'ja' ? step.why_ja ?? step.why : step.why;

function Verdict({ answer: d, asked }) {
	const ok = d.verdict === 'accept';
	const fails = d.steps.filter((s) => !s.held);
	const last = fails.find((s) => s.setting !== null && s.setting === d.setting) ?? fails.at(-1);
	return html`<section class=${`card explain-verdict edge-${ok ? 'ok' : 'bad'}`} aria-live="polite"><div class="verdict-head">
		<${Icon} name=${ok ? 'ok' : 'octagon'} class=${`verdict-icon tone-${ok ? 'ok' : 'bad'}`} />
		<h2 class=${`verdict-title tone-${ok ? 'ok' : 'bad'}`}>${t(ok ? 'explain.accepted' : d.verdict === 'defer' ? 'explain.deferred' : 'explain.refused')}</h2></div>
		${!ok && last && html`<p>${why(last)}</p>`}
		<${Reply} text=${d.reply} />
		${asked.draft && html`<p><${Badge} kind="draft">${t('explain.on_draft')}<//></p>`}</section>`;
}

function Whose({ answer: d }) {
	const steps = d.steps.filter((s) => s.setting === null);
	return html`<${Card} title=${t('explain.whose')}>
		<p>${d.customer ? t('explain.belongs', { customer: d.customer, by: t(`explain.by.${d.identified_by}`) }) : t('explain.nobody')}</p>
		${steps.map((s, i) => html`<p key=${i} class="hint">${why(s)}</p>`)}<//>`;
}

// Steps by setting: what each test said.
function rows_of(d, settings) {
	return settings.map((s) => ({ setting: s, steps: d.steps.filter((x) => x.setting === s.id) }));
}

function BySetting({ answer: d, settings }) {
	const rows = rows_of(d, settings);
	if (rows.every((r) => r.steps.length === 0))
		return null;
	return html`<${Card} flush title=${t('explain.by_setting')}><div class="table-box" role="group" tabindex="0" aria-label=${t('explain.by_setting')}>
		<table><thead><tr><th scope="col">${t('explain.setting')}</th>${tests.map((x) => html`<th scope="col" key=${x}>${t(`explain.test.${x}`)}</th>`)}</tr></thead>
		<tbody>${rows.map(({ setting, steps }, i) => html`<${SettingRow} key=${setting.id} setting=${setting} steps=${steps} i=${i} answer=${d} />`)}</tbody></table></div><//>`;
}

function SettingRow({ setting, steps, i, answer: d }) {
	const taken = d.verdict === 'accept' && d.setting === setting.id;
	const closest = d.verdict !== 'accept' && d.setting === setting.id;
	const off = steps.some((s) => s.test === 'enabled' && !s.held) || (!setting.enabled && steps.length === 0);
	return html`<tr class=${closest ? 'tinted' : ''}><th scope="row">${i + 1} · ${setting.description}
		${taken && html` <${Badge} kind="ok">${t('explain.taken')}<//>`}${closest && html` <${Badge} kind="warn">${t('explain.closest')}<//>`}</th>
		${steps.length === 0 || off ? html`<td colspan=${tests.length}><${Mark} kind="off">${t(off ? 'explain.off' : 'explain.not_reached')}<//></td>`
		: tests.map((x) => html`<td key=${x}><${Test} step=${steps.find((s) => s.test === x)} /></td>`)}</tr>`;
}

function Test({ step }) {
	if (!step)
		return html`<span class="hint">${t('explain.not_asked')}</span>`;
	return html`<${Mark} kind=${step.held ? 'ok' : 'failed'}>${t(step.held ? 'explain.holds' : 'explain.fails')}<//>
		<div class="hint">${why(step)}</div>`;
}

function Else({ answer: d }) {
	if (!d.rewritten && !d.single_recipient && !d.user)
		return null;
	return html`<${Card} title=${t('explain.else')}>
		${d.rewritten && html`<p>${t('explain.rewritten', { sender: d.sender })}</p>`}
		${d.user && html`<p>${t('explain.user', { user: d.user })}</p>`}
		${d.single_recipient && html`<p>${t('explain.single')}</p>`}<//>`;
}

function Fixes({ customer, answer: d, asked }) {
	if (!d.fixes.length)
		return null;
	return html`<${Card} title=${t('explain.fixes')}><ul class="fix-list">${d.fixes.map((fix) => html`<li key=${fix.code}>
		<span>${language.value === 'ja' ? fix.ja : fix.en}</span>
		<${FixButton} customer=${customer} fix=${fix} answer=${d} asked=${asked} /></li>`)}</ul><//>`;
}

// Fixes that begin with one press; the others are said in words.
function FixButton({ customer, fix, answer: d, asked }) {
	if (!may('settings'))
		return null;
	const add_address = () => attempt(() => draft_with_address(customer, d.setting, asked),
		{ then: (id) => go(at(customer, 'settings', id)) });
	if (/address/i.test(fix.code))
		return html`<button class="button primary" onClick=${add_address}>${t('explain.add_to_draft')}</button>`;
	if (/auth|login|user/i.test(fix.code))
		return html`<a class="button" href=${at(customer, 'users')}>${t('explain.to_users')}</a>`;
	if (/tls/i.test(fix.code))
		return html`<a class="button" href=${at(customer, 'connect')}>${t('explain.to_connect')}</a>`;
	return null;
}

// Puts the address into the draft of the closest setting, or of a new one;
// the id of the draft.
async function draft_with_address(customer, setting_id, { client_ip, helo }) {
	const id = setting_id ?? new_id();
	const [draft, setting] = await Promise.all([
		api.get(of(customer, 'drafts', id)).catch(() => null),
		setting_id ? api.get(of(customer, 'settings', id)) : null]);
	const from = plain(draft?.setting ?? setting ?? {});
	if (!from.ip_entries.some((e) => e.range === client_ip))
		from.ip_entries.push({ range: client_ip, description: helo || client_ip, enabled: true });
	await api.put(of(customer, 'drafts', id), { setting: { ...from, ip_only: true } });
	return id;
}

// The same question on the command line.
function AsCommand({ asked }) {
	const options = [['client_ip', '--client-ip'], ['helo', '--helo'], ['from', '--from'], ['to', '--to'], ['auth', '--auth']]
		.filter(([f]) => asked[f]).map(([f, o]) => `${o} ${quoted(asked[f])}`);
	const command = ['postrider explain', ...options, asked.tls && asked.tls !== '0' ? '--tls' : ''].filter(Boolean).join(' ');
	return html`<p class="actions"><code>${command}</code> <${Copy} text=${command} /></p>`;
}

function quoted(text) {
	return /^[\w@.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
