// What is wrong, in the words of the page (CONSOLE.md section 6). The server
// names the problem and its values; one that has no words here is told in the
// server's own.
import { t, t_or, num } from '../words.js';
import { addresses_in, shown_range } from './facts.js';

function values_of(problem, entries) {
	const [a, b] = problem.values ?? [];
	const at = (range) => entries.findIndex((e) => e.range === range || e.range === shown_range(range ?? ''));
	const other = at(b ?? a);
	return { a: shown_range(a ?? ''), b: shown_range(b ?? ''), kind: b, n: num(addresses_in(a ?? '')),
		row: num(other + 1), name: entries[other]?.description ?? '' };
}

export function problem_text(problem, entries = []) {
	const v6 = (problem.values?.[0] ?? '').includes(':');
	const key = `problem.${problem.code}${problem.code === 'too_wide' && v6 ? '_v6' : ''}`;
	return t_or(key, problem.message, values_of(problem, entries));
}

// The place of a problem: field, id of the input that can be focused, a name.
export function problem_place(problem) {
	const m = /^ip_entries\.(\d+)(?:\.(\w+))?$/.exec(problem.field);
	if (m)
		return { id: `entry-${m[1]}-${m[2] === 'description' ? 'description' : 'range'}`,
			name: t('setting.entry_row', { n: Number(m[1]) + 1 }) };
	if (problem.code === 'open_relay' || problem.field === 'ip_only' || problem.field === 'require_auth')
		return { id: 'auth-ip', name: t('setting.authentication') };
	if (problem.field === 'allowed_senders')
		return { id: 'senders-own-domains', name: t('setting.allowed_senders') };
	return { id: 'setting-description', name: t('setting.description') };
}

export function of_entry(problems, i, part) {
	return problems.find((p) => p.field === `ip_entries.${i}.${part}` ||
		(part === 'range' && p.field === `ip_entries.${i}`));
}
