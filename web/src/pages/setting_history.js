// What was changed of one relay setting: its rows of the audit log.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { Time } from '../parts/time.js';
import { value_of } from '../settings/facts.js';

const flat = (o) => o && Object.entries(o).reduce((all, [k, v]) =>
	v && typeof v === 'object' && !Array.isArray(v) ? { ...all, ...v } : { ...all, [k]: v }, {});

// "require_tls: off → on", one a line.
function what_changed(row) {
	const before = flat(row.before);
	const after = flat(row.after);
	if (!before || !after)
		return t(after ? 'history.made' : 'history.removed');
	return Object.keys(after).filter((m) => JSON.stringify(before[m]) !== JSON.stringify(after[m])).map((m) => html`
		<div key=${m}>${t(`setting.member.${m}`)}: <del>${value_of(m, before[m])}</del> → <b>${value_of(m, after[m])}</b></div>`);
}

export default function SettingHistory({ customer, id }) {
	const look = use_look(`${customer} ${id}`, (signal) => api.get(of(customer, 'settings', id, 'history'), { signal }));
	const columns = [
		{ key: 'at', title: t('history.time'), cell: (r) => html`<${Time} at=${r.at} />`, class: 'nowrap' },
		{ key: 'who', title: t('history.who'), head: true },
		{ key: 'what', title: t('history.what'), grow: true, cell: what_changed },
	];
	return html`<${Page} title=${t('history.title')} up=${{ href: at(customer, 'settings', id), title: id }}>
		<${Card} flush><${Look} of=${look}>${(data) => html`<${Table} name=${t('history.title')} cards columns=${columns}
			rows=${data.items} row_key=${(r) => r.id} empty=${t('history.none')} />`}<//><//><//>`;
}
