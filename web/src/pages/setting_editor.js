// Editor of one relay setting, always of its draft: description, senders,
// authentication with IP entries, encryption, in the order of the reference;
// beside it what is wrong, what Save will change, a trial, what is in force.
import { useEffect, useMemo } from 'preact/hooks';
import { signal } from '@preact/signals';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go, place, set_query } from '../router.js';
import { t, clock } from '../words.js';
import { use_look, Look } from '../look.js';
import { session, may } from '../session.js';
import { attempt, tell, tell_problem } from '../status.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Note } from '../parts/note.js';
import { Badge } from '../parts/badge.js';
import { Icon } from '../parts/icon.js';
import { Choice, FieldError, TextField } from '../parts/field.js';
import { Draft } from '../settings/draft.js';
import { Entries } from '../settings/entries.js';
import { Correct, WillChange, TryDraft, InForce } from '../settings/aside.js';
import { Conflict } from '../settings/conflict.js';
import { problem_text, problem_place } from '../settings/problem_words.js';

export default function SettingEditor({ customer, id }) {
	const draft = useMemo(() => Object.assign(new Draft(customer, id), { refused: signal([]), context: signal(null) }), [customer, id]);
	const look = use_look(`${customer} ${id}`, (abort) => draft.load({ signal: abort }).then(take_address));
	useEffect(() => {
		load_context(draft);
		return () => draft.stop();
	}, [draft]);
	if (look.data.value === undefined)
		return html`<${Page} title=${t('settings.title')}><${Look} of=${look} rows=${8} /><//>`;
	return html`<${Look} of=${look} rows=${8}>${() => html`<${Editor} draft=${draft} />`}<//>`;
}

// ?add=ADDRESS, from a refused session: put into the draft once.
function take_address(draft) {
	const range = place.value.query.get('add');
	if (range && !draft.value.value.ip_entries.some((e) => e.range === range))
		draft.add_entries([{ range }]);
	if (range)
		set_query({ add: null }, { step: false });
	return draft;
}

// What the hints need: how many users, which addresses were refused. The page
// works without.
async function load_context(draft) {
	const day = new Date(Date.now() - 86400e3).toISOString();
	const refused = await api.get(of(draft.customer, 'refusals'), { query: { cause: 'address', since: day } }).catch(() => null);
	draft.refused.value = refused?.items ?? [];
	draft.context.value = await api.get(of(draft.customer)).catch(() => null);
}

function Editor({ draft }) {
	const value = draft.value.value;
	if (!may('settings'))
		return html`<${Note} kind="off">${t('error.no_permission')}<//>`;
	const title = value.description || draft.live.value?.description || t('settings.new');
	const others = draft.kept_by.value && draft.kept_by.value !== session.value?.person?.address;
	return html`<${Page} title=${title} name=${title} up=${{ href: at(draft.customer, 'settings'), title: t('settings.title') }}
		badges=${draft.changed.value ? html`<${Badge} kind="draft">${t('setting.draft_not_in_force')}<//>`
			: html`<${Badge} kind="live">${t('setting.in_force')}<//>`}
		actions=${!draft.fresh && html`<a class="button" href=${at(draft.customer, 'settings', draft.id, 'history')}>${t('setting.history')}</a>`}
		aside_first=${draft.errors.length > 0}
		aside=${html`<${Correct} draft=${draft} /><${WillChange} draft=${draft} /><${TryDraft} draft=${draft} /><${InForce} draft=${draft} />`}>
		${others && html`<${Note} kind="draft">${t('setting.somebody_edits', { name: draft.kept_by.value })}<//>`}
		${draft.conflict.value && html`<${Conflict} draft=${draft} />`}
		<${Description} draft=${draft} />
		<${Senders} draft=${draft} />
		<${Authentication} draft=${draft} />
		<${Encryption} draft=${draft} />
		<${Foot} draft=${draft} /><//>`;
}

function Description({ draft }) {
	const problem = draft.problems.value.find((p) => p.field === 'description');
	return html`<${Card}><${TextField} id="setting-description" label=${t('setting.description')} required
		hint=${t('setting.description_hint')} value=${draft.value.value.description} maxlength="200"
		error=${problem && { ...problem, message: problem_text({ ...problem, code: `description_${problem.code}` }) }}
		onValue=${(description) => draft.set({ description })} onBlur=${() => draft.left('description')} /><//>`;
}

function Senders({ draft }) {
	const { allowed_senders } = draft.value.value;
	const n = draft.context.value?.users;
	const pick = (value) => { draft.set({ allowed_senders: value }); draft.left('allowed_senders'); };
	return html`<${Card} title=${t('setting.allowed_senders')}><div role="radiogroup" aria-label=${t('setting.allowed_senders')}>
		${['registered-users', 'own-domains', 'any'].map((s) => html`<${Choice} key=${s} id=${`senders-${s}`} name="senders" value=${s}
			checked=${allowed_senders === s} onPick=${pick} label=${t(`setting.senders.${s}`)}
			hint=${s === 'registered-users' && n !== undefined ? t('setting.senders_hint.registered_n', { n }) : t(`setting.senders_hint.${s}`)} />`)}</div>
		${allowed_senders === 'any' && html`<${Note} kind="warn" title=${t('setting.any_not_recommended')}>
			${t('setting.any_why', { domain: primary_domain(draft) })}<//>`}<//>`;
}

function primary_domain(draft) {
	return draft.context.value?.primary_domain ?? '…';
}

function Authentication({ draft }) {
	const { ip_only, require_auth, ip_entries } = draft.value.value;
	const problem = draft.problems.value.find((p) => p.code === 'open_relay');
	const set = (changes) => { draft.set(changes); draft.left('authentication'); };
	const nothing_on = ip_only && !ip_entries.some((e) => e.enabled);
	return html`<${Card} title=${t('setting.authentication')}>
		<p class="hint" id="auth-hint">${t('setting.auth_hint')}</p>
		<div role="group" aria-label=${t('setting.authentication')} aria-describedby="auth-hint auth-error">
		<${Choice} id="auth-ip" type="checkbox" checked=${ip_only} label=${t('setting.auth_ip')} hint=${t('setting.auth_ip_hint')}
			onPick=${(on) => set({ ip_only: on })} />
		<${Choice} type="checkbox" checked=${require_auth} label=${t('setting.auth_smtp')} hint=${t('setting.auth_smtp_hint')}
			onPick=${(on) => set({ require_auth: on })} /></div>
		<${FieldError} id="auth-error" error=${problem && { ...problem, message: problem_text(problem) }} />
		${nothing_on && html`<${Note} kind="warn">${t('setting.no_entry_on')}<//>`}
		${ip_only && html`<${Entries} draft=${draft} />`}<//>`;
}

function Encryption({ draft }) {
	const { require_tls } = draft.value.value;
	return html`<${Card} title=${t('setting.encryption')}>
		<${Choice} type="checkbox" checked=${require_tls} label=${t('setting.require_tls')} hint=${t('setting.require_tls_hint')}
			onPick=${(on) => draft.set({ require_tls: on })} />
		${require_tls && !draft.live.value?.require_tls && html`<${Note} kind="warn" title=${t('setting.tls_warning')}>
			${t('setting.tls_warning_why')}<//>`}<//>`;
}

function focus_problem(problem) {
	document.getElementById(problem_place(problem).id)?.focus();
}

function Foot({ draft }) {
	const errors = draft.errors;
	const save = async () => {
		try {
			const { outcome, text } = await draft.save();
			if (outcome === 'wrong')
				focus_problem(draft.errors[0]);
			if (outcome !== 'saved')
				return;
			go(at(draft.customer, 'settings'));
			tell(t('setting.saved', { name: draft.value.value.description, text: text ?? '' }));
		} catch (problem) {
			tell_problem(problem.status >= 500 || problem.status === 0 ? { detail: t('setting.not_saved') } : problem);
		}
	};
	const discard = () => {
		const kept = draft.value.value;
		const put_back = () => attempt(() => api.put(of(draft.customer, 'drafts', draft.id), { setting: kept }),
			{ then: () => go(at(draft.customer, 'settings', draft.id)) });
		return attempt(() => draft.discard(), { said: t('setting.discarded', { name: kept.description || t('settings.new') }),
			then: () => go(at(draft.customer, 'settings')), undo: put_back });
	};
	return html`<div class="card editor-foot"><div class="actions">
		<button class="button primary" onClick=${save} aria-disabled=${draft.saving.value}>
			${draft.saving.value ? t('setting.saving') : t('setting.save')}</button>
		<button class="button" onClick=${discard}>${t('setting.discard')}</button>
		${errors.length > 0 && html`<span class="tone-bad mark"><${Icon} name="octagon" /> ${t('setting.to_correct', { n: errors.length })}</span>`}
		<span class="hint editor-kept" role="status">${draft.kept_at.value && t('setting.kept_at', { time: clock(draft.kept_at.value) })}</span>
		</div></div>`;
}
