// Beside the editor: to correct, what Save will change, a trial, in force.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t, num, moment } from '../words.js';
import { attempt } from '../status.js';
import { Card } from '../parts/card.js';
import { Badge } from '../parts/badge.js';
import { Icon } from '../parts/icon.js';
import { differences, entry_differences } from './draft.js';
import { problem_text, problem_place } from './problem_words.js';
import { value_of } from './facts.js';
import { Replay } from './replay.js';

export function Correct({ draft }) {
	const errors = draft.errors;
	if (errors.length === 0)
		return null;
	return html`<${Card} title=${t('setting.correct_title')}><ul class="correct">${errors.map((p, i) => {
		const place = problem_place(p);
		return html`<li key=${i}><${Icon} name="octagon" class="tone-bad" />
			<a href=${`#${place.id}`} onClick=${(e) => { e.preventDefault(); document.getElementById(place.id)?.focus(); }}>
			${t('setting.correct_item', { place: place.name, what: problem_text(p, draft.value.value.ip_entries) })}</a></li>`;
	})}</ul><//>`;
}

export function WillChange({ draft }) {
	const fields = differences(draft.live.value, draft.value.value);
	const entries = entry_differences(draft.live.value, draft.value.value);
	if (!fields.length && !entries.length)
		return null;
	return html`<${Card} title=${t('setting.will_change')}><ul class="changes">
		${fields.map(([member, was, is]) => html`<li key=${member}><span class="hint">${t(`setting.member.${member}`)}</span>
			<p>${draft.live.value && html`<del>${value_of(member, was)}</del> → `}<b>${value_of(member, is)}</b></p></li>`)}
		${entries.length > 0 && html`<li><span class="hint">${t('setting.ip_addresses')}</span>
			${entries.map(({ sign, entry }) => html`<p key=${sign + entry.range}><b>${sign} ${entry.description || entry.range}</b></p>`)}</li>`}
		</ul><//>`;
}

export function TryDraft({ draft }) {
	const [result, set_result] = useState(null);
	const [busy, set_busy] = useState(false);
	const replay = async () => {
		set_busy(true);
		await attempt(async () => {
			await draft.keep();
			return api.post(of(draft.customer, 'replay'), { draft: draft.id, hours: 24 });
		}, { then: set_result });
		set_busy(false);
	};
	return html`<${Card} title=${t('setting.try_title')}><p class="hint">${t('setting.try_why')}</p>
		<div class="actions"><button class="button" onClick=${replay} aria-disabled=${busy}>${t('setting.try_replay')}</button>
		<a href=${`${at(draft.customer, 'explain')}?draft=${encodeURIComponent(draft.id)}`}>${t('setting.try_one')}</a></div>
		${result && html`<${Replay} result=${result} />`}<//>`;
}

export function InForce({ draft }) {
	const live = draft.live.value;
	if (!live)
		return html`<${Card}><p><${Badge} kind="draft">${t('setting.draft_unsaved')}<//></p><p class="hint">${t('setting.new_until_saved')}</p><//>`;
	return html`<${Card}>${draft.changed.value && html`<p><${Badge} kind="draft">${t('setting.draft_unsaved')}<//></p>`}
		<p class="hint">${live.changed_at ? t('setting.live_since', { time: moment(live.changed_at), name: live.changed_by })
			: t('setting.live')} ${t('setting.live_soon', { n: num(1) })}</p><//>`;
}
