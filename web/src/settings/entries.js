// The IP entries of the editor: a row each with tick box, description and
// range; fixes fill the field; pasted lines become rows.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { t, num } from '../words.js';
import { Icon } from '../parts/icon.js';
import { FieldError } from '../parts/field.js';
import { of_entry, problem_text } from './problem_words.js';

// "203.0.113.24, name", "203.0.113.24 name": address, then description.
function pasted_rows(text) {
	const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
	return lines.map((line) => {
		const m = /^(\S+?)(?:\s*[,;\t]\s*|\s+)(.*)$/.exec(line);
		return m ? { range: m[1], description: m[2].trim() } : { range: line, description: '' };
	});
}

function Entry({ draft, entry, i, fresh }) {
	const problems = draft.problems.value;
	const entries = draft.value.value.ip_entries;
	const range_problem = of_entry(problems, i, 'range');
	const name_problem = of_entry(problems, i, 'description');
	const set = (changes) => draft.set_entry(i, changes);
	const paste = (event) => {
		const text = event.clipboardData.getData('text');
		if (!/\n./.test(text.trim()))
			return;
		event.preventDefault();
		const rows = pasted_rows(text);
		set(rows[0]);
		draft.add_entries(rows.slice(1));
		draft.left(`ip_entries.${i}.range`);
	};
	const name = t('setting.entry_row', { n: i + 1 });
	return html`<tr class=${fresh ? 'changed' : ''}>
		<td><input type="checkbox" checked=${entry.enabled} aria-label=${`${name} ${t('setting.enabled')}`}
			onChange=${(e) => set({ enabled: e.currentTarget.checked })} /></td>
		<td><input id=${`entry-${i}-description`} value=${entry.description} aria-label=${`${name} ${t('setting.description')}`}
			aria-invalid=${name_problem ? 'true' : undefined} aria-describedby=${name_problem ? `entry-${i}-name-error` : undefined}
			onInput=${(e) => set({ description: e.currentTarget.value })} onBlur=${() => draft.left(`ip_entries.${i}.description`)} />
			<${FieldError} id=${`entry-${i}-name-error`} error=${worded(name_problem, entries)} /></td>
		<td><input id=${`entry-${i}-range`} class="mono" value=${entry.range} aria-label=${`${name} ${t('setting.range')}`}
			spellcheck="false" autocapitalize="off" onPaste=${paste}
			aria-invalid=${range_problem && range_problem.severity !== 'warning' ? 'true' : undefined}
			aria-describedby=${range_problem ? `entry-${i}-range-error` : undefined}
			onInput=${(e) => set({ range: e.currentTarget.value })} onBlur=${() => draft.left(`ip_entries.${i}.range`)} />
			<${FieldError} id=${`entry-${i}-range-error`} error=${worded(range_problem, entries)}
				onFix=${(fix) => { set({ range: fix.value }); draft.left(`ip_entries.${i}.range`); }} /></td>
		<td><button type="button" class="icon-button" aria-label=${t('setting.remove_entry', { name: entry.description || entry.range || name })}
			onClick=${() => draft.remove_entry(i)}><${Icon} name="trash" /></button></td></tr>`;
}

function worded(problem, entries) {
	return problem && { ...problem, message: problem_text(problem, entries) };
}

export function Entries({ draft }) {
	const entries = draft.value.value.ip_entries;
	const known = new Set((draft.live.value?.ip_entries ?? []).map((e) => `${e.range} ${e.description} ${e.enabled}`));
	const is_fresh = (e) => draft.live.value && !known.has(`${e.range} ${e.description} ${e.enabled}`);
	const add = () => {
		draft.add_entries([{ range: '' }]);
		requestAnimationFrame(() => document.getElementById(`entry-${entries.length}-description`)?.focus());
	};
	return html`<div class="entries">
		<div class="card-head"><h3>${t('setting.ip_addresses')}</h3>
			<p class="hint">${t('setting.ip_hint', { n: entries.length })}</p></div>
		${entries.length > 0 && html`<div class="table-box" role="group" tabindex="0" aria-label=${t('setting.ip_addresses')}>
		<table class="editing"><thead><tr>
			<th scope="col">${t('setting.enabled')}</th><th scope="col">${t('setting.description')}</th>
			<th scope="col">${t('setting.range_cidr')}</th><th scope="col"><span class="unseen">${t('setting.remove')}</span></th></tr></thead>
		<tbody>${entries.map((e, i) => html`<${Entry} key=${i} draft=${draft} entry=${e} i=${i} fresh=${is_fresh(e)} />`)}</tbody></table></div>`}
		<div class="actions entries-foot"><button type="button" class="button" onClick=${add}>
			<${Icon} name="plus" /> ${t('setting.add_range')}</button>
			<${PickRefused} draft=${draft} /></div></div>`;
}

// Addresses that were refused lately with the customer's domains.
function PickRefused({ draft }) {
	const [open, set_open] = useState(false);
	const seen = draft.refused?.value ?? [];
	if (!seen.length)
		return null;
	return html`<div class="menu"><button type="button" class="button quiet" aria-expanded=${open} onClick=${() => set_open(!open)}>
		${t('setting.pick_refused', { n: num(seen.length) })}</button>
		${open && html`<ul class="menu-list pick">${seen.map((r) => html`<li key=${r.client}><button type="button"
			onClick=${() => { draft.add_entries([{ range: r.client, description: r.helo ?? '' }]); set_open(false); draft.check(); }}>
			<code>${r.client}</code> <span>${r.helo}</span> <span class="hint">${r.from} ×${num(r.count)}</span></button></li>`)}</ul>`}</div>`;
}
