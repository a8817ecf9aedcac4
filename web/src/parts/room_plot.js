// What is used of a limit if nothing more is sent (steps), at the present pace
// (dashed), and the limit; beside it when room opens.
import { useMemo } from 'preact/hooks';
import { html } from '../html.js';
import { t, num, clock, language } from '../words.js';
import { Card } from './card.js';
import { Plot } from './plot.js';
import { Table } from './table.js';

const shown_max = 5;

function series_of(row, now) {
	const times = [now, ...row.opens.map((s) => Date.parse(s.at))];
	let left = row.used;
	const used = [left, ...row.opens.map((s) => (left = Math.max(0, left - s.n)))];
	const pace = times.map((at) => {
		const value = row.used + (row.pace_per_min ?? 0) * (at - now) / 60000;
		return value <= row.limit ? Math.round(value) : null;
	});
	return { times, used, pace, limit: times.map(() => row.limit) };
}

export function RoomPlot({ row }) {
	const { times, used, pace, limit } = useMemo(() => series_of(row, Date.now()), [row.opens, row.used]);
	const series = useMemo(() => [
		{ key: 'used', label: t('limits.nothing_sent'), values: used, tone: 'accepted', dash: 'accepted', steps: true, fill: true },
		...(row.pace_per_min > 0 ? [{ key: 'pace', label: t('limits.pace'), values: pace, tone: 'deferred', dash: 'deferred' }] : []),
		{ key: 'limit', label: t('limits.limit'), values: limit, tone: 'refused', dash: 'limit' },
	], [used, language.value]);
	const columns = [
		{ key: 'at', title: t('plot.time'), head: true, cell: (s) => clock(s.at) },
		{ key: 'n', title: t('limits.opens_head'), num: true, cell: (s) => `+${num(s.n)}` },
		{ key: 'left', title: t('limits.left_head'), num: true, cell: (s) => num(s.left) },
	];
	const rows = row.opens.map((s, i) => ({ ...s, left: used[i + 1] })).slice(0, shown_max);
	const title = t('limits.room_title', { window: t(`limits.window_${row.name}`) });
	return html`<${Card} title=${title}><${Plot} name=${title} times=${times} series=${series} totals=${false} />
		<${Table} name=${title} dense columns=${columns} rows=${rows} row_key=${(s) => s.at} /><//>`;
}
