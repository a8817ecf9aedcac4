// The table of what was seen; the row at fault is tinted.
import { html } from '../html.js';
import { t } from '../words.js';
import { Icon } from './icon.js';
import { Table } from './table.js';

const icons = { bad: ['octagon', 'bad'], ok: ['check', 'ok'], none: ['dash', 'off'] };

export function FactsTable({ name, rows }) {
	const columns = [
		{ key: 'title', title: t('seen.what'), head: true },
		{ key: 'value', title: t('seen.value'), class: 'plain-card', cell: (r) => html`<code>${r.value}</code>` },
		{ key: 'word', title: t('seen.judged'), class: 'plain-card', grow: true, cell: (r) => html`<span
			class=${`mark ${r.state === 'bad' ? 'tone-bad' : 'plain'}`}><${Icon} name=${icons[r.state][0]}
			class=${`tone-${icons[r.state][1]}`} /><span>${r.word}</span></span>` },
	];
	return html`<${Table} name=${name} cards columns=${columns} rows=${rows} row_key=${(r) => r.key}
		row_class=${(r) => r.state === 'bad' ? 'bad' : ''} />`;
}
