// Before and after of one object side by side; what differs is marked.
import { html } from '../html.js';
import { t } from '../words.js';
import { Badge } from './badge.js';
import { Table } from './table.js';

function shown(value) {
	if (value === null || value === undefined || value === '')
		return '–';
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

// Members of both, nested ones by their path: {name, before, after, differs}.
export function differences(before, after, path = '', depth = 0) {
	const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
	return names.flatMap((name) => {
		const [a, b] = [before?.[name], after?.[name]];
		const nested = depth < 4 && [a, b].some((v) => v && typeof v === 'object' && !Array.isArray(v));
		if (nested)
			return differences(a, b, `${path}${name}.`, depth + 1);
		return [{ name: path + name, before: shown(a), after: shown(b), differs: shown(a) !== shown(b) }];
	});
}

export function Changed({ before, after }) {
	const rows = differences(before, after);
	const columns = [
		{ key: 'name', title: t('audit.field'), head: true, cell: (r) => html`<code>${r.name}</code>` },
		{ key: 'before', title: t('audit.before'), cell: (r) => html`<code>${r.before}</code>` },
		{ key: 'after', title: t('audit.after'), cell: (r) => html`<code>${r.after}</code>` },
		{ key: 'differs', title: t('audit.differs'), unseen: true, cell: (r) => r.differs
			? html`<${Badge} kind="draft">${t('audit.differs')}<//>` : ' ' },
	];
	if (rows.length === 0)
		return html`<p class="empty">${t('audit.no_fields')}</p>`;
	return html`<${Table} name=${t('audit.before_after')} dense cards columns=${columns} rows=${rows} row_key=${(r) => r.name}
		row_class=${(r) => r.differs ? 'differs' : ''} />`;
}
