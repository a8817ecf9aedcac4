// Relay settings: ordered cards with what each accepts. A tick, on/off and the
// order act at once and can be undone; what a setting says is edited as a
// draft (setting_editor.js).
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go } from '../router.js';
import { t, tx, num, clock_seconds, moment } from '../words.js';
import { use_look, Look } from '../look.js';
import { live } from '../live.js';
import { may } from '../session.js';
import { attempt } from '../status.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Note } from '../parts/note.js';
import { Badge } from '../parts/badge.js';
import { Icon } from '../parts/icon.js';
import { Menu } from '../parts/menu.js';
import { Confirm } from '../parts/confirm.js';
import { new_id, plain } from '../settings/draft.js';
import { senders, authentication, encryption, addresses_in, shown_range } from '../settings/facts.js';

const shown_entries = 10;
const many_entries = 20;

export default function Settings({ customer }) {
	const look = use_look(customer, (signal) => Promise.all([
		api.get(of(customer, 'settings'), { signal }),
		api.get(of(customer, 'drafts'), { signal })]), [live.value.revision]);
	const add = may('settings') && html`<a class="button primary" href=${at(customer, 'settings', new_id())}>
		<${Icon} name="plus" /> ${t('settings.add')}</a>`;
	return html`<${Page} title=${t('settings.title')} lead=${t('settings.top_level', { customer })} actions=${add}>
		<${Look} of=${look} rows=${8}>${([settings, drafts]) => html`
			${!may('settings') && html`<${LookOnly} />`}
			${drafts.items.map((d) => html`<${DraftNote} key=${d.id} customer=${customer} draft=${d}
				settings=${settings.items} reload=${look.reload} />`)}
			${settings.items.length > 0 && html`<p class="lead">${t('settings.order')}</p>`}
			${settings.items.map((s, i) => html`<${Setting} key=${s.id} customer=${customer} setting=${s} i=${i}
				all=${settings.items} reload=${look.reload} />`)}
			${settings.items.length === 0 && html`<${Card}><div class="empty"><p>${t('settings.none')}</p>${add}</div><//>`}`}<//><//>`;
}

function LookOnly() {
	return html`<${Note} kind="off">${t('settings.look_only')}<//>`;
}

function DraftNote({ customer, draft, settings, reload }) {
	const setting = settings.find((s) => s.id === draft.id);
	const name = setting?.description ?? (draft.setting.description || t('settings.new'));
	const path = of(customer, 'drafts', draft.id);
	const discard = () => attempt(() => api.remove(path), { said: t('setting.discarded', { name }), then: reload,
		undo: () => attempt(() => api.put(path, { setting: draft.setting }), { then: reload }) });
	return html`<${Note} kind="draft" title=${t('settings.draft_there', { name })}
		actions=${may('settings') && html`<a class="button" href=${at(customer, 'settings', draft.id)}>${t('settings.draft_go_on')}</a>
			<button class="button quiet" onClick=${discard}>${t('setting.discard')}</button>`}>
		${t('settings.draft_by', { name: draft.by, time: moment(draft.at) })}<//>`;
}

// Makes a change that acts at once, tells since when it is live, offers Undo.
async function act({ change, back, said, reload }) {
	await attempt(change, { said: t('settings.live_now', { what: said, time: clock_seconds(new Date()) }),
		undo: back && (() => attempt(back, { then: reload })) });
	reload();
}

function Setting({ customer, setting: s, i, all, reload }) {
	const path = of(customer, 'settings', s.id);
	const switch_to = (on) => act({ reload, said: t(on ? 'settings.switched_on' : 'settings.switched_off', { name: s.description }),
		change: () => api.patch(path, { enabled: on }), back: () => api.patch(path, { enabled: !on }) });
	return html`<${Card} flush class="setting">
		<div class="setting-head">
			<span class="setting-number" aria-hidden="true">${num(i + 1)}</span>
			<h2>${s.description}</h2>
			<${State} setting=${s} />
			${may('settings') && html`<div class="actions setting-acts">
				<a class="button" href=${at(customer, 'settings', s.id)}><${Icon} name="pencil" /> ${t('settings.edit')}
					<span class="unseen"> ${s.description}</span></a>
				<${More} customer=${customer} setting=${s} i=${i} all=${all} reload=${reload} switch_to=${switch_to} /></div>`}
		</div>
		<dl class="setting-facts">
			<div><dt>${t('setting.allowed_senders')}</dt><dd><b>${senders(s)}</b></dd></div>
			<div><dt>${t('setting.authentication')}</dt><dd><b>${authentication(s)}</b>
				${s.ip_only && html`<span class="hint">${t('settings.entries_on', { on: s.ip_entries?.filter((e) => e.enabled).length ?? 0, n: s.entries })}</span>`}</dd></div>
			<div><dt>${t('setting.encryption')}</dt><dd><b>${encryption(s)}</b>
				${s.require_auth && !s.require_tls && html`<span class="hint">${t('settings.auth_needs_tls')}</span>`}</dd></div>
		</dl>
		${s.ip_entries?.length > 0 && html`<${EntryTable} customer=${customer} setting=${s} reload=${reload} />`}
		<div class="card-foot">
			${s.enabled ? html`<span>${s.changed_at && t('settings.changed', { time: moment(s.changed_at), name: s.changed_by })}</span>`
				: html`<span>${t('settings.off_accepts_nothing')}</span>`}
			<span class="actions">${!s.enabled && may('settings')
				? html`<button class="button small" onClick=${() => switch_to(true)}>${t('settings.switch_on')}</button>`
				: html`<a href=${at(customer, 'explain')}>${t('settings.explain')}</a>
				<a href=${at(customer, 'connect') + `?setting=${encodeURIComponent(s.id)}`}>${t('settings.connect')}</a>`}</span>
		</div><//>`;
}

function State({ setting: s }) {
	return html`${s.allowed_senders === 'any' && html`<${Badge} kind="warn">${t('setting.senders.any')}<//>`}
		${s.enabled ? html`<${Badge} kind="live">${t('setting.in_force')}<//>` : html`<${Badge} kind="off">${t('setting.off')}<//>`}`;
}

function More({ customer, setting: s, i, all, reload, switch_to }) {
	const [asked, set_asked] = useState(false);
	const ids = all.map((x) => x.id);
	const order = (to) => {
		const next = ids.filter((id) => id !== s.id);
		next.splice(to, 0, s.id);
		return act({ reload, said: t('settings.moved', { name: s.description, n: to + 1 }),
			change: () => api.put(of(customer, 'settings', 'order'), { ids: next }),
			back: () => api.put(of(customer, 'settings', 'order'), { ids }) });
	};
	const duplicate = () => {
		const id = new_id();
		const copy = { ...plain(s), description: t('settings.copy_of', { name: s.description }), ip_entries: [] };
		return attempt(() => api.put(of(customer, 'drafts', id), { setting: copy }), { then: () => go(at(customer, 'settings', id)) });
	};
	return html`<${Menu} label=${html`${t('settings.more')} <span aria-hidden="true">▾</span><span class="unseen"> ${s.description}</span>`}>
			<button disabled=${i === 0} onClick=${() => order(i - 1)}><${Icon} name="up" /> ${t('settings.up')}</button>
			<button disabled=${i === all.length - 1} onClick=${() => order(i + 1)}><${Icon} name="down" /> ${t('settings.down')}</button>
			<button onClick=${() => switch_to(!s.enabled)}><${Icon} name="dotted" /> ${t(s.enabled ? 'settings.switch_off' : 'settings.switch_on')}</button>
			<button onClick=${duplicate}><${Icon} name="copy" /> ${t('settings.duplicate')}</button>
			<a href=${at(customer, 'settings', s.id, 'history')}><${Icon} name="history" /> ${t('setting.history')}</a>
			<button class="danger" onClick=${() => set_asked(true)}><${Icon} name="trash" /> ${t('settings.delete')}</button><//>
		${asked && html`<${Delete} customer=${customer} setting=${s} reload=${reload} close=${() => set_asked(false)} />`}`;
}

function Delete({ customer, setting: s, reload, close }) {
	const remove = async () => {
		close();
		await attempt(() => api.remove(of(customer, 'settings', s.id)), { said: t('settings.deleted', { name: s.description }) });
		reload();
	};
	return html`<${Confirm} title=${t('settings.delete_title', { name: s.description })} close=${close} run=${remove}
		act=${t('settings.delete_now', { name: s.description })}>${t('settings.delete_why')}<//>`;
}

// --- IP entries ----------------------------------------------------------------
function EntryTable({ customer, setting: s, reload }) {
	const [all, set_all] = useState(false);
	const [search, set_search] = useState('');
	const many = s.ip_entries.length > many_entries;
	const found = s.ip_entries.filter((e) => !search || e.range.includes(search) || e.description.includes(search));
	const shown = many && !all ? found.slice(0, shown_entries) : found;
	return html`${many && html`<div class="filters"><div class="field grow"><label for=${`search-${s.id}`}>${t('settings.search_entries')}</label>
			<input id=${`search-${s.id}`} type="search" value=${search} onInput=${(e) => set_search(e.currentTarget.value)} /></div></div>`}
		<div class="table-box" role="group" tabindex="0" aria-label=${t('settings.entries_of', { name: s.description })}><table><thead><tr>
		<th scope="col">${t('setting.enabled')}</th><th scope="col">${t('setting.description')}</th>
		<th scope="col">${t('setting.range')}</th><th scope="col" class="num">${t('settings.addresses')}</th></tr></thead>
		<tbody>${shown.map((e) => html`<${EntryRow} key=${e.range} customer=${customer} setting=${s} entry=${e} reload=${reload} />`)}</tbody></table></div>
		${many && !all && found.length > shown.length && html`<p class="card-foot"><button class="button small" onClick=${() => set_all(true)}>
			${t('settings.show_all', { n: found.length })}</button></p>`}`;
}

function EntryRow({ customer, setting: s, entry: e, reload }) {
	const [waiting, set_waiting] = useState(false);
	const path = of(customer, 'settings', s.id, 'ip', e.range);
	const put = async (on) => {
		set_waiting(true);
		await act({ reload, said: t(on ? 'settings.entry_on' : 'settings.entry_off', { name: e.description }),
			change: () => api.patch(path, { enabled: on }), back: () => api.patch(path, { enabled: !on }) });
		set_waiting(false);
	};
	const ask = () => act({ reload, said: t('settings.sharing_asked', { range: shown_range(e.range) }),
		change: () => api.post(`${path}/request-sharing`) });
	return html`<tr>
		<td>${may('settings') ? html`<input type="checkbox" checked=${e.enabled} disabled=${waiting}
			aria-label=${t('settings.entry_tick', { name: e.description })} onChange=${(event) => put(event.currentTarget.checked)} />`
		: html`<${Icon} name=${e.enabled ? 'check' : 'dash'} label=${t(e.enabled ? 'setting.on' : 'setting.off')} />`}</td>
		<th scope="row">${e.description}
			${e.inert && html` <${Badge} kind="warn">${t('settings.awaiting_sharing')}<//>
				<span class="hint">${tx('settings.inert')}</span>
				${may('settings') && (e.sharing_requested ? html` <span class="hint">${t('settings.sharing_waits')}</span>`
				: html` <button class="button small" onClick=${ask}>${t('settings.ask_operator')}</button>`)}`}
			${e.legacy_tls_until && html` <${Badge} kind="warn">${t('settings.legacy_tls', { date: e.legacy_tls_until })}<//>`}</th>
		<td class="mono">${shown_range(e.range)}</td><td class="num">${num(addresses_in(e.range))}</td></tr>`;
}
